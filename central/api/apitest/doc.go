// Package apitest is the conformance suite of the wire between tills and server, and the twin of the server that passes it
// without a database or a socket.
//
// Owns: what both sides of package api may rely on, said as tests (Run), and Memory.
//
// Invariants: Memory has no clock and no chance of its own, so that a simulation that uses it can be played again.
package apitest

import (
	"context"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
)

// Server is a server under test: what tills ask of it, and what those who run it do and see there. It serves one company,
// dtetest.Company, and trusts dtetest's authority.
type Server interface {
	Join(ctx context.Context, j api.Join) (api.Joined, error)
	// Till is the server as whoever has that token finds it.
	Till(token string) api.Server
	Office
}

// Office is where the people are who run the server.
type Office interface {
	// Now is the server's clock, and Pass moves it on.
	Now() time.Time
	Pass(d time.Duration)

	AddCAF(file []byte) error
	Invite(name string) (code string, err error)
	Revoke(till int64) error
	Lose(till int64) error
	// SettleDoubt says how far a lease in doubt was used, as somebody read it from the last paper.
	SettleDoubt(lease, last int64) error
	// PutProduct makes or changes a product; one that is Deleted is sold no more.
	PutProduct(p api.Product) error

	Leases() ([]Lease, error)
	// Documents are all that the tills told of, both of two that bear one key.
	Documents() ([]Document, error)
	// Alarms counts what people must look at.
	Alarms() (int, error)
	// Owed is what a customer owes over all tills.
	Owed(customer dte.RUT) (money.Pesos, error)
	// Customers are those that the company knows.
	Customers() ([]dte.RUT, error)
	// Health is what a till said last of how things stand around it.
	Health(till int64) (api.Health, error)
	// Shift is a shift of a till as the server knows it, by its number and when it began; ok is false if it does not. One that two
	// copies of a till closed with different sums is as it was closed last, and an alarm says so.
	Shift(till int64, number int, opened time.Time) (s api.Shift, ok bool, err error)
}

// Lease is a part of a range as the server remembers it.
type Lease struct {
	api.Lease
	Till  int64
	Used  int64
	State string
}

// What became of leases. All but LeaseOpen are for ever.
const (
	LeaseOpen     = "OPEN"
	LeaseSpent    = "SPENT"
	LeaseReturned = "RETURNED"
	LeaseExpired  = "EXPIRED"
	LeaseLost     = "LOST"
	LeaseDoubt    = "DOUBT"
	LeaseSettled  = "SETTLED" // somebody said how far one in doubt was used
)

// Document is one that a till told of.
type Document struct {
	Key    dte.Key
	SHA256 string
	Till   int64
	State  dte.State
}
