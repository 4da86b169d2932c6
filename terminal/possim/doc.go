// Package possim is a card terminal in a box: it speaks the wire of Transbank's POS Integrado over any pair of bytes in
// and out, remembers its sales as a terminal does, and misbehaves on request. Tests and practice use it.
//
// Owns: what a terminal does with each command, its memory, its power, the cable to it, and the truth of how often each
// ticket was charged.
//
// Invariants: what it answers and what it charged are kept apart, so that a till's belief can be held against the truth;
// it shares no code with the driver, so that the two agree on the wire only if both read the reference alike. Where the
// reference is silent the code says "supposed".
//
// Imports money only.
package possim
