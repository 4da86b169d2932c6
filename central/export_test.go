package central

import (
	"context"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
	possync "mostrador/sync"
)

// Outbox is an outbox as the suite drives it.
type Outbox interface {
	possync.Outbox
	DocumentState(dte.Key) (dte.State, dte.Veredicto, error)
}

// TakeOutbox takes a company's lease, as a turn does.
func (db *DB) TakeOutbox(ctx context.Context, company int64) (Outbox, error) {
	o, _, err := db.takeLease(ctx, company, 0)
	return o, err
}

// DrainTurn is Drain for a turn that was put off.
func (db *DB) DrainTurn(ctx context.Context, company, turn int64) (Turn, error) {
	return db.drain(ctx, company, turn)
}

// Reasons for which a turn does not take place, or a write does not happen.
var (
	ErrBusy  = errBusy
	ErrOver  = errOver
	ErrLease = errLease
)

// How the tests count.
const (
	LeaseTime   = leaseTime
	LongestSale = longestSale
	StepsATurn  = stepsATurn
)

// ListenEvery is how often the server's jobs will look for silent tills.
func (db *DB) ListenEvery(pause time.Duration) { db.listenEvery = pause }

// FollowChain is what a till's report asks of its chain.
func (c *Call) FollowChain(epoch int, head api.Point, locator []api.Point) (api.Point, Hold, error) {
	return c.followChain(api.Report{Epoch: epoch, Head: head, Locator: locator})
}
