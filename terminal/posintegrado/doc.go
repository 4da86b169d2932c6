// Package posintegrado drives a card terminal of Transbank in its mode "POS Integrado", over a serial line: frames with
// a check byte, ACK and NAK, one command at a time.
//
// Owns: the frames, the fields of each message, the words for each answer code, the serial port.
//
// Invariants: the command that charges leaves once, whatever comes back; before it leaves the terminal has answered a
// poll; silence after it, or a NAK, is Unknown, never "not charged"; a terminal that could still
// be busy is not believed when it says that it charged nothing. Fields that could hold a card number are emptied or
// redacted while a message is parsed, and no error carries a byte of one.
//
// The facts come from Transbank's public reference of POS Integrado. Where that is silent the code says "supposed".
package posintegrado
