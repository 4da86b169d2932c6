package central

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/jackc/pgx/v5"

	"mostrador/dte"
	"mostrador/dte/sii"
	possync "mostrador/sync"
)

// How the servers share the work. A turn is a few steps of one company, and then the next company's; what is left goes to
// the end of the queue.
const (
	turnTime   = 5 * time.Minute
	stepsATurn = 3
	// longestSale is how long a sale may take to be committed. One that saw the mark of another's job may come after that job
	// has looked, so a job that took the mark away sees to it that somebody looks once more.
	longestSale = time.Minute

	lookAgain    = 15 * time.Minute // after a trouble that a person must mend
	busyPause    = 5 * time.Second  // another job of the same company is at work
	retryPause   = 30 * time.Second // the database failed
	openRoads    = 512
	keepRoadOpen = time.Hour
)

// Turn is what a turn of a company came to.
type Turn struct {
	// Next is when there is more to do: now or before, if the turn was over first; zero, not before the next sale.
	Next   time.Time
	Status possync.Status
}

// Reasons for which a turn does not take place.
var (
	errBusy = errors.New("otro servidor está enviando los documentos de esta empresa")
	errOver = errors.New("el turno ya pasó")
)

// road is a company's way to the authority: the worker with what it learnt of the line, and the client with its session.
// Who is at work takes it away, so that two never share one.
type road struct {
	worker     *possync.Worker
	signer     *dte.Signer
	resolucion dte.Resolucion
}

func newRoads() *expirable.LRU[int64, *road] {
	return expirable.NewLRU[int64, *road](openRoads, nil, keepRoadOpen)
}

// Drain takes the documents of a company to the authority: one turn. A company that another server is at work for, or an
// expected turn that is over, is left alone.
func (db *DB) Drain(ctx context.Context, company int64) (Turn, error) {
	return db.drain(ctx, company, 0)
}

func (db *DB) drain(ctx context.Context, company, turn int64) (Turn, error) {
	o, marked, err := db.takeLease(ctx, company, turn)
	if err != nil {
		return Turn{}, err
	}
	done := db.work(ctx, o, company)
	if last := db.Now().Add(longestSale); marked && (done.Next.IsZero() || done.Next.After(last)) {
		done.Next = last
	}
	return done, db.endTurn(o, company, done)
}

// takeLease begins a turn: nobody else can write from now on, the next sale makes a job of its own, and what an earlier
// holder was sending is in doubt. Marked says that sales may be under way that saw the mark and made no job.
func (db *DB) takeLease(ctx context.Context, company, turn int64) (o *outbox, marked bool, err error) {
	// What was begun is written down even if the server is told to end meanwhile.
	o = &outbox{db: db, ctx: context.WithoutCancel(ctx), holder: uuid.New()}
	var me *int64
	if db.beat(ctx) == nil {
		me = &db.pulse.key
	}
	err = db.asCompany(ctx, company, func(c *Call) error {
		o.tenant, o.emisor = c.Tenant, c.RUT
		var held bool
		var now int64
		var server *int64
		if err := c.tx.QueryRow(ctx, "select due, coalesce(held_until > $1, false), turn, server from drain for update", c.now).
			Scan(&marked, &held, &now, &server); err != nil {
			return err
		}
		if held && server != nil {
			gone, err := died(ctx, c.tx, *server)
			if err != nil {
				return err
			}
			held = !gone
		}
		switch {
		case turn != 0 && turn != now:
			return errOver
		case held:
			return errBusy
		}
		if _, err := c.tx.Exec(ctx, "update drain set holder = $1, held_until = $2, server = $3, due = false", o.holder, c.now.Add(leaseTime), me); err != nil {
			return err
		}
		return o.interrupted(c.tx)
	})
	return o, marked, err
}

// asCompany runs fn inside a company on the server's own behalf. What was issued must arrive, so it does not matter whether
// the company is active.
func (db *DB) asCompany(ctx context.Context, company int64, fn func(*Call) error) error {
	return db.inShared(ctx, func(tx pgx.Tx) error {
		c := &Call{db: db, tx: tx, ctx: ctx, now: db.Now(), Tenant: Tenant{ID: company}}
		if err := c.identify(); err != nil {
			return err
		}
		if err := c.become(c.Tenant); err != nil {
			return err
		}
		return fn(c)
	})
}

// identify reads, with the rights to what is shared, which company the call works for.
func (c *Call) identify() error {
	err := c.tx.QueryRow(c.ctx, "select rut, schema_name, role_name, ambiente, key_id, sealed_key from company where id = $1", c.Tenant.ID).
		Scan(&c.RUT, &c.Tenant.Schema, &c.Tenant.Role, &c.Ambiente, &c.keyID, &c.sealedKey)
	if err != nil {
		return fmt.Errorf("empresa %d: %w", c.Tenant.ID, err)
	}
	return nil
}

// work does the steps of a turn. Whatever keeps it from working is told, and looked at again.
func (db *DB) work(ctx context.Context, o *outbox, company int64) (t Turn) {
	r, err := db.openRoad(ctx, o, company)
	if err != nil {
		t.Status.Problem, t.Status.Cause, t.Next = err.Error(), possync.CauseTill, db.Now().Add(lookAgain)
		return t
	}
	r.worker.Outbox = o
	for range stepsATurn {
		t.Next = r.worker.Step(ctx)
		if t.Next.IsZero() || t.Next.After(db.Now()) || ctx.Err() != nil {
			break
		}
	}
	t.Status = r.worker.Status()
	db.roads.Add(company, r)
	return t
}

// openRoad takes the road that an earlier turn left, if the certificate and the resolution are the same, or makes one.
func (db *DB) openRoad(ctx context.Context, o *outbox, company int64) (r *road, err error) {
	kept, found := db.roads.Get(company)
	db.roads.Remove(company)
	err = db.asCompany(ctx, company, func(c *Call) error {
		signer, err := c.signer()
		if err != nil {
			return err
		}
		res, err := c.resolucion()
		if err != nil {
			return err
		}
		if found && kept.resolucion == res && bytes.Equal(kept.signer.CertificatePEM(), signer.CertificatePEM()) {
			r = kept
			return nil
		}
		r, err = c.newRoad(o, signer, res)
		return err
	})
	return r, err
}

func (c *Call) newRoad(o *outbox, signer *dte.Signer, res dte.Resolucion) (*road, error) {
	at, err := c.endpoints()
	if err != nil {
		return nil, err
	}
	now := c.db.Now
	return &road{signer: signer, resolucion: res, worker: possync.New(possync.Config{
		Outbox: o, Signer: signer, Resolucion: res, Now: now, Pace: c.pace(), Jitter: rand.Int64N,
		Authority: sii.New(sii.Config{Endpoints: at, Signer: signer, Now: now, Proxy: c.db.Proxy}),
	})}, nil
}

// endpoints are where the company's environment is answered for. No other environment is ever tried.
func (c *Call) endpoints() (sii.Endpoints, error) {
	switch c.Ambiente {
	case dte.Produccion:
		return sii.Produccion(), nil
	case dte.Certificacion:
		return sii.Certificacion(), nil
	case dte.Capacitacion:
		if c.db.Practice != nil {
			return c.db.Practice.Endpoints(), nil
		}
		return sii.Endpoints{}, errors.New("este servidor no tiene simulador para las empresas en capacitación: inícielo con -simulator")
	}
	return sii.Endpoints{}, fmt.Errorf("la empresa está en el ambiente «%s», que este servidor no conoce", c.Ambiente)
}

// trainingPace shows within seconds what the real authority takes minutes for.
var trainingPace = possync.Pace{BoletaWait: 2 * time.Second, FirstPoll: 2 * time.Second}

func (c *Call) pace() possync.Pace {
	if c.Ambiente == dte.Capacitacion {
		return trainingPace
	}
	return possync.Pace{}
}

// resolucion lets the company issue. In training there is none, and one of the day on which the company began will do.
func (c *Call) resolucion() (r dte.Resolucion, err error) {
	var fch *time.Time
	var created time.Time
	if err := c.tx.QueryRow(c.ctx, "select resolucion_nro, resolucion_fch, created_at from issuer").Scan(&r.Nro, &fch, &created); err != nil {
		return r, err
	}
	switch {
	case fch != nil:
		r.Fch = dayOf(*fch)
	case c.Ambiente == dte.Capacitacion:
		r.Fch = dte.DateOf(created)
	default:
		return r, errors.New("falta la resolución del SII que autoriza a emitir (número y fecha). Los documentos están guardados y se enviarán cuando se anote en los datos del emisor")
	}
	return r, nil
}

// endTurn lets go of the lease and puts the next turn off until there is something to do, in one transaction. Who lost the
// lease meanwhile leaves that to the new holder.
func (db *DB) endTurn(o *outbox, company int64, t Turn) error {
	return db.asCompany(o.ctx, company, func(c *Call) error {
		var turn int64
		var down *time.Time
		if !t.Status.Since.IsZero() {
			down = &t.Status.Since
		}
		err := c.tx.QueryRow(c.ctx, `update drain set holder = null, held_until = null, server = null, turn = turn + 1, looked_at = $2, down_since = $3,
				problem = $4, problem_at = case when $4 = '' then null when problem = $4 then problem_at else $2 end
			where holder = $1 returning turn`, o.holder, c.now, down, t.Status.Problem).Scan(&turn)
		if errNoRow(err) || err == nil && t.Next.IsZero() {
			return nil
		}
		if err != nil {
			return err
		}
		return c.drainLater(turn, max(0, t.Next.Sub(c.now)))
	})
}
