package central

import (
	"bytes"
	"encoding/hex"
	"strconv"

	"github.com/jackc/pgx/v5"

	"mostrador/central/api"
)

// This file knows where a till's audit chain stands. The server has a copy of all that the till ever told: the chain proves
// that its books of today are those of yesterday, with something added.

// chain is how far the server has the till's, and under which epoch it was sent.
type chain struct {
	epoch int
	n     int64
	hash  []byte // nil before the first entry
}

func (h chain) point() api.Point { return api.Point{N: h.n, Hash: hex.EncodeToString(h.hash)} }

// chainHead reads it. The till was held when it came in, so nobody moves it meanwhile.
func (c *Call) chainHead() (h chain, err error) {
	err = c.tx.QueryRow(c.ctx, "select chain_epoch, chain_n, chain_hash from till where id = $1", c.Till.ID).Scan(&h.epoch, &h.n, &h.hash)
	return h, err
}

func (c *Call) setChainHead(h chain) error {
	_, err := c.tx.Exec(c.ctx, "update till set chain_epoch = $2, chain_n = $3, chain_hash = $4 where id = $1", c.Till.ID, h.epoch, h.n, h.hash)
	return err
}

// followChain finds from where the till that calls is to push, or why it may not, by the epoch of its store, its newest entry
// and some before it. A store that was restored goes on where it left the books that the server knows; what the lost
// one told after that stays. What it may not is an alarm. A report that was overtaken is refused.
func (c *Call) followChain(r api.Report) (after api.Point, hold Hold, err error) {
	ours, err := c.chainHead()
	if err != nil {
		return after, "", err
	}
	points := append([]api.Point{r.Head}, r.Locator...)
	known, err := c.knownEntries(points)
	if err != nil {
		return after, "", err
	}
	switch {
	case r.Epoch < ours.epoch || r.Epoch < c.Till.Epoch:
		hold = HoldCopy
	case r.Epoch > ours.epoch:
		return c.rejoin(r.Epoch, ours, points, known)
	default:
		hold = ours.judge(r.Head, points, known)
	}
	if hold == "" || hold == HoldBehind { // other books are none that came late
		late, err := c.overtaken(r, hold)
		if err == nil && late {
			err = errOvertaken()
		}
		if err != nil {
			return after, "", err
		}
	}
	if hold != "" {
		err = c.raise(alarmOf(hold), strconv.Itoa(ours.epoch), hold.Words())
	}
	return ours.point(), hold, err
}

// judge looks whether the books are those that were told, as far as their points say.
func (h chain) judge(head api.Point, points []api.Point, known map[place]bool) Hold {
	for _, p := range points {
		if p.N > 0 && p.N <= h.n && !known[placeOf(p)] || p.N == h.n && p != h.point() {
			return HoldFork
		}
	}
	if head.N < h.n {
		return HoldBehind
	}
	return ""
}

// rejoin goes on at the newest point that both know.
func (c *Call) rejoin(epoch int, ours chain, points []api.Point, known map[place]bool) (after api.Point, hold Hold, err error) {
	next := chain{epoch: epoch}
	for _, p := range points {
		if at := placeOf(p); p.N > next.n && known[at] {
			next.n, next.hash = p.N, bytes.Clone(at.hash[:])
		}
	}
	if err := c.setChainHead(next); err != nil || ours.n == 0 {
		return next.point(), "", err
	}
	return next.point(), "", c.raise(AlarmRestored, ours.point().Hash, "La caja "+c.Till.Name+" volvió de un respaldo. Lo que ya había contado está guardado aquí, y sus folios anteriores quedan en duda: "+
		"compare con lo impreso y diga hasta dónde se usaron. Si contó ventas que el respaldo no tiene, haga que el servidor las envíe al SII (take-over)")
}

// place is an entry of a chain: a hash names all that went before it.
type place struct {
	n    int64
	hash [32]byte
}

// placeOf is no entry's if the hash makes no sense.
func placeOf(p api.Point) (at place) {
	if b, err := hex.DecodeString(p.Hash); err == nil && len(b) == len(at.hash) {
		at = place{n: p.N, hash: [32]byte(b)}
	}
	return at
}

// knownEntries are those of some points that the till told before, under whatever epoch.
func (c *Call) knownEntries(points []api.Point) (map[place]bool, error) {
	numbers, hashes := make([]int64, len(points)), make([][]byte, len(points))
	for i, p := range points {
		at := placeOf(p)
		numbers[i], hashes[i] = at.n, bytes.Clone(at.hash[:])
	}
	rows, err := c.tx.Query(c.ctx, `select e.n, e.hash from till_entry e join unnest($2::bigint[], $3::bytea[]) k (n, hash) on e.n = k.n and e.hash = k.hash
		where e.till_id = $1`, c.Till.ID, numbers, hashes)
	if err != nil {
		return nil, err
	}
	known := map[place]bool{}
	var n int64
	var hash []byte
	_, err = pgx.ForEachRow(rows, []any{&n, &hash}, func() error {
		known[place{n, [32]byte(hash)}] = true
		return nil
	})
	return known, err
}

// Words are a hold for people: what happened, what is safe, what to do. Empty if there is none.
func (h Hold) Words() string {
	switch h {
	case HoldCopy:
		return "Los datos de esta caja son una copia: otros más nuevos ya hablaron en su nombre. Lo que vendió está guardado en ella y nada se mezcló. " +
			"No venda aquí; apague la copia o una este equipo como otra caja"
	case HoldBehind:
		return "Los datos de esta caja saben menos de lo que ya contó: alguien devolvió el disco o el archivo a una fecha anterior. Lo contado está guardado en el servidor. " +
			"No venda aquí; restaure el respaldo con el programa, que avisa al servidor"
	case HoldFork:
		return "La bitácora de esta caja dice otra cosa que antes: hay dos copias de ella, o fue alterada. Lo contado está guardado en el servidor, y lo que venía queda aparte. " +
			"No venda aquí; llame a quien administra"
	}
	return ""
}
