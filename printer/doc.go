// Package printer puts committed documents on paper: tickets of 80 and 58 mm, letter pages, the timbre as PDF417.
//
// Owns: the layout of tickets and pages, the PDF417 encoder, the ESC/POS and PDF writers, the devices and the print loop.
//
// Invariants: everything on paper comes from a dte.Document read from its stored bytes and from its sale.Record; no
// amount is computed here. The timbre carries Document.TED byte for byte. A ticket is made as a whole before its first
// byte leaves, and the same job makes the same bytes. A printer that fails never loses a job and never stops a sale.
//
// Imports sale, dte (with its customs tables) and money; never store, ui or sync.
package printer
