package sale

import (
	"time"

	"mostrador/dte"
)

// DocumentInfo is an issued document as the list of documents shows it: the sale and the three separate facts of what
// became of it (the authority, the verdict, the paper).
type DocumentInfo struct {
	Record
	State     dte.State
	Veredicto dte.Veredicto // the zero value until the authority has decided
	Printed   int           // papers that came out, copies included
	// PrintProblem is why the last try to print failed, in Spanish; empty when all is well.
	PrintProblem string
	// Copies are the papers beyond the original that came out, oldest first.
	Copies []Copy
	// Mails are the letters with it, oldest first.
	Mails []Mail
}

// DocumentQuery chooses documents. The zero value is the newest ones of every kind.
type DocumentQuery struct {
	Tipo     dte.TipoDTE // 0: all types
	States   []dte.State // empty: all states
	Folio    dte.Folio   // 0: all; otherwise those with exactly this number, however old
	Vouchers bool        // also the sales whose card voucher is their boleta, under their own numbers; not with States or Before
	From, To time.Time   // issued at From or later, and before To; zero is no bound
	// Before continues a list: only documents older than this one. The zero Key starts at the newest.
	Before dte.Key
	// Limit is how many are returned at most; 0 means 50, and 500 is the most.
	Limit int
}
