package sale

import (
	"slices"
	"time"

	"mostrador/dte"
)

// PrintJob is an entry of the till's print queue: a committed document, or a slip of the drawer or of a payment of account,
// that waits for its paper.
type PrintJob struct {
	ID  uint64  `json:"id"` // unique and increasing within the till
	Key dte.Key `json:"key"`
	// Cash is the number of the CashMove whose slip this is; it has no Key then.
	Cash int `json:"cash,omitempty"`
	// Copy is 0 for the original that every sale queues, and n for the n-th reprint.
	Copy int `json:"copy,omitempty"`
	// Cedible is the copy that can be ceded (law 19.983). The first one is no reprint: its Copy is 0, too.
	Cedible bool `json:"cedible,omitempty"`
	// At and Who ordered it; zero for the original, which nobody orders.
	At  time.Time `json:"at,omitzero"`
	Who string    `json:"who,omitempty"`
	// Abono is the payment of account whose slip it is; Key is zero then.
	Abono *Movement `json:"abono,omitempty"`
	// Kept is what happened without a document, whose slip it is; Key is zero then, save for a copy of a sale by voucher.
	Kept *Record `json:"kept,omitempty"`
	// Attempts counts how often printing failed.
	Attempts int `json:"attempts,omitempty"`
}

// Slip reports a paper that is no document's.
func (j PrintJob) Slip() bool { return j.Cash != 0 || j.Abono != nil || j.Kept != nil }

// Counts reports a paper that counts as one of its document's, or of its sale by voucher.
func (j PrintJob) Counts() bool { return j.Key != dte.Key{} }

// PaperOrder asks for one more paper of a document.
type PaperOrder struct {
	Key     dte.Key
	Cedible bool
	At      time.Time
	Who     string // if it is known
}

// Copy is a paper beyond the original that came out of the printer: a reprint, or one that can be ceded.
type Copy struct {
	N       int       `json:"n,omitempty"` // as it is marked: COPIA 1; 0 is the first CEDIBLE
	Cedible bool      `json:"cedible,omitempty"`
	At      time.Time `json:"at,omitzero"` // when it was ordered; zero: it is not known
	Who     string    `json:"who,omitempty"`
}

// Papers is what the printer did for a document. Only a paper that came out counts: one that was given up leaves its
// number to the next.
type Papers struct {
	Last     int    `json:"copies,omitempty"` // number of the last reprint
	Original bool   `json:"original,omitempty"`
	Ceded    bool   `json:"ceded,omitempty"` // the first CEDIBLE came out
	Printed  int    `json:"printed,omitempty"`
	Problem  string `json:"problem,omitempty"`
	Copies   []Copy `json:"papers,omitempty"`
}

// Order is the job that an order becomes, given those of the same document that wait. A first paper that never came out is
// no copy, however often it failed: while it waits it is the answer itself, and queued is true.
func (p Papers) Order(o PaperOrder, waiting []PrintJob) (job PrintJob, queued bool) {
	if o.Cedible && !p.Ceded || !o.Cedible && !p.Original {
		i := slices.IndexFunc(waiting, func(w PrintJob) bool { return w.Copy == 0 && w.Cedible == o.Cedible })
		if i >= 0 {
			return waiting[i], true
		}
		return PrintJob{Key: o.Key, Cedible: o.Cedible, At: o.At, Who: o.Who}, false
	}
	last := p.Last
	for _, w := range waiting {
		last = max(last, w.Copy)
	}
	return PrintJob{Key: o.Key, Copy: last + 1, Cedible: o.Cedible, At: o.At, Who: o.Who}, false
}

// Out counts a paper that came out.
func (p *Papers) Out(job PrintJob) {
	p.Printed++
	p.Problem = ""
	p.Last = max(p.Last, job.Copy)
	switch {
	case job.Copy > 0:
	case job.Cedible:
		p.Ceded = true
	default:
		p.Original = true
		return
	}
	p.Copies = append(p.Copies, Copy{N: job.Copy, Cedible: job.Cedible, At: job.At, Who: job.Who})
}
