// Package terminal charges card terminals and knows, after any fault, whether the card was charged.
//
// Owns: what a charge is and how it can end (State), the only path to a second try (Desk), the judgement over what a
// terminal remembers (Judge), what may be kept of a card (Redact), and the terminal that a person reads (Manual). The
// drivers are below: posintegrado speaks with Transbank's POS Integrado; possim is that terminal in a box.
//
// Invariants: an intent is stored before a byte leaves; one intent is charged once at most, and while one is unknown no
// other begins; "not charged" is never said of a card that was charged, "unknown" is said instead; nothing of a card
// beyond its last four digits leaves a driver, is kept or is put in an error. Nothing is logged here.
//
// Imports money only: it knows no store, no sale, no screen and no clock of its own.
package terminal
