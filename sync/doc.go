// Package sync is the worker that takes issued documents to the SII and brings back its verdicts, and the courier that carries the
// till's books to the company's server and brings back news and folios.
//
// Owns: grouping in envelopes, uploads, questions, back-off, and the resolution of Unknown by asking; of the courier, what is told
// when, and what follows from each verdict of the server.
//
// Invariants: envelope bytes are stored before the first byte leaves; a resend is the same bytes and follows a question;
// delivery is at least once and its effect once; nothing here runs on, or blocks, the path of a sale. A line that is
// down counts no attempt. The courier keeps no queue: what follows the server's place in the till's chain is what it tells.
//
// Import it as possync: inside, the standard sync keeps its name. It knows no store, no sale and no screen: it works on
// the Outbox and Authority, the Books and api.Server, that it is given.
package sync
