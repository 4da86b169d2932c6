package sale

import "mostrador/dte"

// PrintJob is an entry of the till's print queue: a committed document, or a slip of the drawer, that waits for its paper.
type PrintJob struct {
	ID  uint64  `json:"id"` // unique and increasing within the till
	Key dte.Key `json:"key"`
	// Cash is the number of the CashMove whose slip this is; it has no Key then.
	Cash int `json:"cash,omitempty"`
	// Copy is 0 for the original that every sale queues, and n for the n-th reprint.
	Copy int `json:"copy,omitempty"`
	// Attempts counts how often printing failed.
	Attempts int `json:"attempts,omitempty"`
}
