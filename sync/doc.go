// Package sync is the worker that takes issued documents to the SII and brings back its verdicts.
//
// Owns: grouping in envelopes, uploads, questions, back-off, and the resolution of Unknown by asking.
//
// Invariants: envelope bytes are stored before the first byte leaves; a resend is the same bytes and follows a question;
// delivery is at least once and its effect once; nothing here runs on, or blocks, the path of a sale. A line that is
// down counts no attempt.
//
// Import it as possync: inside, the standard sync keeps its name. It knows no store, no sale and no screen: it works on
// the Outbox and Authority that it declares.
package sync
