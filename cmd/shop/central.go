package shop

import "time"

// ServerStatus is how the till stands with its company's server.
type ServerStatus struct {
	// Joined: the till belongs to a server. Without one all else is empty.
	Joined        bool
	Company, Till string // as the server calls them
	URL           string
	// Down: out of reach since Since; nothing is lost and the till sells on.
	Down  bool
	Since time.Time
	// Ended: the server does not know this till any more. It sells on from what it has.
	Ended bool
	// Problem is the last trouble in words; empty when all is well.
	Problem string
	// Unsent counts entries of the books that the server has not heard.
	Unsent int64
	// PricesAt is when the server's prices were last complete here; zero before the first time.
	PricesAt time.Time
	// Hold is why the server lets this till issue nothing, in words; empty if it may.
	Hold string
	// Skew is how far this computer's clock is ahead of the server's.
	Skew time.Duration
}
