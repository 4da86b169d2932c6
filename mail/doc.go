// Package mail sends documents to buyers by SMTP: the account, the letter, the conversation with the server, and the loop
// that empties the till's queue.
//
// Owns: what an answer of a mail server means, and when a letter is tried again.
//
// Invariants: nothing of it ever blocks a sale. Every try ends in one of the kinds of SendError, or succeeds. A line that is down
// counts no attempt. A letter has the same Message-ID and the same bytes at every try. User and password leave only
// through TLS whose certificate was checked.
//
// Imports sale, dte and a library for SMTP; never store or ui. No clock: times are arguments.
package mail
