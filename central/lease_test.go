package central_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/central/centraltest"
	"mostrador/dte"
	"mostrador/dte/dtetest"
)

var leasedTypes = []dte.TipoDTE{dte.Boleta, dte.Factura}

// till is a counter as its own disk knows it.
type till struct {
	id, epoch int64
	token     string
	leases    []central.Lease // what it may issue from, with its own idea of how far it came
	ended     bool
}

func (s *school) join(name string) *till {
	s.t.Helper()
	var invitation central.Invitation
	s.call(func(c *central.Call) (err error) {
		invitation, err = c.InviteTill(name)
		return err
	})
	joined, err := s.db.Join(s.t.Context(), s.joining(invitation.Code, bytes.Repeat([]byte{byte(invitation.Till.ID)}, 32)))
	if err != nil {
		s.t.Fatal(err)
	}
	return &till{id: joined.Till.ID, token: joined.Token}
}

// joining is what a computer of the company says that has a code.
func (s *school) joining(code string, secret []byte) api.Join {
	return api.Join{Protocol: api.Protocol, Version: "1.0", Code: code, Secret: secret, Emisor: s.company.RUT, Ambiente: s.company.Ambiente}
}

// says is the till's report: of everything that it holds, and of what it gives back.
func (t *till) says(returned ...api.Mark) central.FolioReport {
	r := central.FolioReport{Epoch: int(t.epoch), Folios: api.Folios{Returned: returned, Wants: leasedTypes}}
	for _, l := range t.leases {
		r.Used = append(r.Used, api.Mark{Lease: l.ID, Used: l.Used, Tipo: l.Tipo, Desde: l.Desde, Hasta: l.Hasta})
	}
	return r
}

func (s *school) report(t *till, r central.FolioReport) (stock central.FolioStock, err error) {
	err = s.db.EnterTill(s.t.Context(), t.token, func(c *central.Call) (err error) {
		stock, err = c.ReportFolios(r)
		return err
	})
	return stock, err
}

// hears puts down what the server answered.
func (t *till) hears(stock central.FolioStock) {
	for _, l := range stock.Leases {
		if !slices.ContainsFunc(t.leases, func(mine central.Lease) bool { return mine.ID == l.ID }) {
			t.leases = append(t.leases, l)
		}
	}
	t.leases = slices.DeleteFunc(t.leases, func(mine central.Lease) bool {
		return !slices.ContainsFunc(stock.Leases, func(l central.Lease) bool { return mine.ID == l.ID })
	})
}

func (s *school) caf(tipo dte.TipoDTE, desde, hasta int64) {
	s.t.Helper()
	_, file := dtetest.CAF(s.company.RUT, tipo, dte.Folio(desde), dte.Folio(hasta), dte.DateOf(s.clock.Now()))
	s.call(func(c *central.Call) error {
		_, err := c.UploadCAF(file)
		return err
	})
}

type folio struct {
	tipo   dte.TipoDTE
	number int64
}

// ledgerWorld is a company with tills that come, sell, vanish and come back from a backup.
type ledgerWorld struct {
	*school
	rt    *rapid.T
	look  *pgx.Conn
	tills []*till
	last  map[dte.TipoDTE]int64 // of the ranges that were uploaded
	used  map[folio]string      // who wrote a document with that number
}

func (w *ledgerWorld) spend(f folio, who string) {
	if before, twice := w.used[f]; twice {
		w.rt.Fatalf("%v is %s's, and %s uses it", f, before, who)
	}
	w.used[f] = who
}

func (w *ledgerWorld) pick() *till {
	var at []*till
	for _, t := range w.tills {
		if !t.ended {
			at = append(at, t)
		}
	}
	if len(at) == 0 {
		w.rt.Skip("no till")
	}
	return rapid.SampledFrom(at).Draw(w.rt, "till")
}

func (w *ledgerWorld) Range(rt *rapid.T) {
	w.rt = rt
	tipo := rapid.SampledFrom(leasedTypes).Draw(rt, "tipo")
	desde := w.last[tipo] + 1
	hasta := desde + int64(rapid.IntRange(0, 200).Draw(rt, "more"))
	w.caf(tipo, desde, hasta)
	w.last[tipo] = hasta
}

func (w *ledgerWorld) Join(rt *rapid.T) {
	w.rt = rt
	if len(w.tills) > 6 {
		rt.Skip("enough")
	}
	w.tills = append(w.tills, w.join(fmt.Sprintf("Caja %d", len(w.tills)+1)))
}

func (w *ledgerWorld) Sell(rt *rapid.T) {
	w.rt = rt
	t := w.pick()
	tipo := rapid.SampledFrom(leasedTypes).Draw(rt, "tipo")
	for range rapid.IntRange(1, 60).Draw(rt, "sales") {
		i := slices.IndexFunc(t.leases, func(l central.Lease) bool {
			return l.Tipo == tipo && l.Left() > 0 && (l.Vence == nil || l.Vence.After(w.clock.Now()))
		})
		if i < 0 {
			return
		}
		t.leases[i].Used++
		w.spend(folio{tipo, t.leases[i].Used}, fmt.Sprintf("till %d", t.id))
	}
}

// Report may lose its answer: the till then knows nothing of it.
func (w *ledgerWorld) Report(rt *rapid.T) {
	w.rt = rt
	t := w.pick()
	stock, err := w.report(t, t.says())
	if err != nil || stock.Hold != "" {
		rt.Fatalf("%s %v", stock.Hold, err)
	}
	if rapid.Bool().Draw(rt, "answered") {
		t.hears(stock)
	}
}

func (w *ledgerWorld) Return(rt *rapid.T) {
	w.rt = rt
	t := w.pick()
	if len(t.leases) == 0 {
		rt.Skip("none")
	}
	i := rapid.IntRange(0, len(t.leases)-1).Draw(rt, "lease")
	gone := api.Mark{Lease: t.leases[i].ID, Used: t.leases[i].Used}
	t.leases = slices.Delete(t.leases, i, i+1)
	for range rapid.IntRange(1, 2).Draw(rt, "times") {
		if _, err := w.report(t, t.says(gone)); err != nil {
			rt.Fatal(err)
		}
	}
}

// Restore: the store is a backup, and what was sold since is known to nobody.
func (w *ledgerWorld) Restore(rt *rapid.T) {
	w.rt = rt
	t := w.pick()
	t.epoch++
	t.leases = nil // it issues from nothing until the server has answered
	stock, err := w.report(t, t.says())
	if err != nil || stock.Hold != "" {
		rt.Fatalf("%s %v", stock.Hold, err)
	}
	t.hears(stock)
}

func (w *ledgerWorld) Lose(rt *rapid.T) {
	w.rt = rt
	t := w.pick()
	w.call(func(c *central.Call) error { return c.LoseTill(t.id) })
	if _, err := w.report(t, t.says()); !errors.Is(err, central.ErrTill) {
		rt.Fatalf("a lost till comes in: %v", err)
	}
	t.ended = true // and goes on selling from what it had, as a thief may: nobody else has those numbers
}

func (w *ledgerWorld) ServerSells(rt *rapid.T) {
	w.rt = rt
	var sold central.Sale
	err := w.db.EnterCompany(w.t.Context(), w.session, w.company.ID, func(c *central.Call) (err error) {
		sold, err = c.Sell(newSale(dte.Boleta))
		return err
	})
	var refused *central.RefusalError
	if errors.As(err, &refused) {
		return // no folios
	}
	if err != nil {
		rt.Fatal(err)
	}
	w.spend(folio{dte.Boleta, sold.Folio}, "server")
}

func (w *ledgerWorld) Annul(rt *rapid.T) {
	w.rt = rt
	tipo := rapid.SampledFrom(leasedTypes).Draw(rt, "tipo")
	if w.last[tipo] == 0 {
		rt.Skip("no range")
	}
	desde := int64(rapid.IntRange(1, int(w.last[tipo])).Draw(rt, "desde"))
	hasta := min(w.last[tipo], desde+int64(rapid.IntRange(0, 20).Draw(rt, "more")))
	err := w.db.EnterCompany(w.t.Context(), w.session, w.company.ID, func(c *central.Call) error {
		_, err := c.AnnulFolios(tipo, desde, hasta, "talonario dañado")
		return err
	})
	var refused *central.RefusalError
	if errors.As(err, &refused) {
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	for n := desde; n <= hasta; n++ {
		w.spend(folio{tipo, n}, "annulled")
	}
}

func (w *ledgerWorld) Wait(rt *rapid.T) {
	w.rt = rt
	w.pass(time.Duration(rapid.IntRange(1, 60).Draw(rt, "days")) * 24 * time.Hour)
}

// pass lets time go by; sessions do not live that long.
func (w *ledgerWorld) pass(d time.Duration) {
	w.clock.Advance(d)
	session, err := w.db.Login(w.t.Context(), "a"+w.company.RUT.Number()+"@ejemplo.cl", centraltest.Password)
	if err != nil {
		w.rt.Fatal(err)
	}
	w.session = session.ID
}

// Check reads the whole ledger: every folio below a range's next is somebody's, and nobody else's.
func (w *ledgerWorld) Check(rt *rapid.T) {
	w.rt = rt
	rows, err := w.look.Query(w.t.Context(), `
		select 'ready' as whose, tipo, folio as desde, folio as hasta from folio_ready
		union all select 'server', tipo, folio, folio from sale
		union all select 'till ' || till_id, tipo, desde, hasta from lease where hasta >= desde
		union all select 'free', tipo, desde, hasta from folio_free
		union all select 'annulled', tipo, desde, hasta from folio_annulled a
			where not exists (select from lease l where l.tipo = a.tipo and a.desde between l.desde and l.hasta and l.state = 'LOST')
		union all select 'nobody', tipo, next, hasta from caf where next <= hasta`)
	if err != nil {
		rt.Fatal(err)
	}
	owners := map[folio][]string{}
	var whose string
	var tipo, desde, hasta int64
	if _, err := pgx.ForEachRow(rows, []any{&whose, &tipo, &desde, &hasta}, func() error {
		for n := desde; n <= hasta; n++ {
			owners[folio{dte.TipoDTE(tipo), n}] = append(owners[folio{dte.TipoDTE(tipo), n}], whose)
		}
		return nil
	}); err != nil {
		rt.Fatal(err)
	}
	for tipo, last := range w.last {
		for n := int64(1); n <= last; n++ {
			f := folio{tipo, n}
			who := owners[f]
			if slices.Contains(who, "annulled") { // while nobody has put it into use
				who = slices.DeleteFunc(who, func(s string) bool { return s == "nobody" })
			}
			if len(who) != 1 {
				rt.Fatalf("%v belongs to %q", f, who)
			}
			if used := w.used[f]; used != "" && used != who[0] {
				rt.Fatalf("%v is used by %s and belongs to %s", f, used, who[0])
			}
		}
	}
}

// Whatever tills, server and people do, and whatever answer is lost: every folio is one holder's, and no two documents get the
// same number.
func TestNobodySharesAFolio(t *testing.T) {
	s := newSchool(t)
	w := &ledgerWorld{school: s, look: centraltest.Superuser(t, s.db)}
	if _, err := w.look.Exec(t.Context(), "set search_path to "+s.company.Schema); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		w.rt, w.tills, w.last, w.used = rt, nil, map[dte.TipoDTE]int64{}, map[folio]string{}
		w.pass(centraltest.Start.Sub(w.clock.Now()))
		if _, err := w.look.Exec(t.Context(), "truncate lease, folio_free, folio_pace, folio_ready, folio_annulled, caf, sale, alarm, till_health cascade; delete from till"); err != nil {
			rt.Fatal(err)
		}
		w.Range(rt)
		w.Join(rt)
		rt.Repeat(rapid.StateMachineActions(w))
	})
}

// leased is a company with a range of boletas and one till that has its leases.
func leased(t *testing.T, folios int64) (*school, *till) {
	s := newSchool(t)
	s.exec("truncate caf cascade")
	s.caf(dte.Boleta, 1, folios)
	counter := s.join("Caja 1")
	stock, err := s.report(counter, counter.says())
	if err != nil || stock.Hold != "" || len(stock.Leases) != 2 {
		t.Fatalf("%+v %v", stock, err)
	}
	counter.hears(stock)
	return s, counter
}

func (s *school) wantRefusal(err error, kind central.Kind) {
	s.t.Helper()
	var refused *central.RefusalError
	if !errors.As(err, &refused) || refused.Kind != kind {
		s.t.Errorf("not refused so: %v", err)
	}
}

// A code lets one till in, once, for half an hour. Who did not hear the answer asks again with its own secret; another gets nothing.
func TestATillJoinsOnce(t *testing.T) {
	s := newSchool(t)
	invite := func(name string) (i central.Invitation) {
		s.call(func(c *central.Call) (err error) {
			i, err = c.InviteTill(name)
			return err
		})
		return i
	}
	mine, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	join := func(code string, secret []byte) (string, error) {
		joined, err := s.db.Join(t.Context(), s.joining(code, secret))
		return joined.Token, err
	}
	replaced, i := invite("Caja 1"), invite("Caja 1")
	token, err := join(" "+strings.ToLower(i.Code)+" ", mine)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := join(i.Code, mine); err != nil || again != token {
		t.Errorf("asked again: %q %v", again, err)
	}
	for name, code := range map[string]string{
		"by another": i.Code, "a code that was replaced": replaced.Code, "another company": "999-" + strings.SplitN(i.Code, "-", 2)[1], "nonsense": "x", "": "",
	} {
		_, err := join(code, other)
		if s.wantRefusal(err, central.Unauthorized); t.Failed() {
			t.Fatal(name)
		}
	}
	// A till of another company, of another authority or of another time does not use the code up.
	for i, wrong := range []func(*api.Join){
		func(j *api.Join) { j.Emisor++ },
		func(j *api.Join) { j.Ambiente = dte.Produccion },
		func(j *api.Join) { j.Protocol = api.Oldest - 1 },
	} {
		fresh := invite(fmt.Sprint("Caja de nadie ", i))
		j := s.joining(fresh.Code, mine)
		wrong(&j)
		_, err := s.db.Join(t.Context(), j)
		if s.wantRefusal(err, central.Conflict); t.Failed() {
			t.Fatalf("%+v", j)
		}
		if _, err := s.db.Join(t.Context(), s.joining(fresh.Code, mine)); err != nil {
			t.Error(err)
		}
		s.call(func(c *central.Call) error { return c.RevokeTill(fresh.Till.ID) })
	}
	_, err = join(i.Code, mine[:31])
	s.wantRefusal(err, central.Unauthorized)
	late := invite("Caja 2")
	s.clock.Advance(31 * time.Minute)
	_, err = join(late.Code, mine)
	s.wantRefusal(err, central.Unauthorized)
	err = s.db.EnterCompany(t.Context(), s.session, s.company.ID, func(c *central.Call) error {
		_, err := c.InviteTill("Caja 1")
		return err
	})
	s.wantRefusal(err, central.Conflict)

	in := &till{token: token}
	if _, err := s.report(in, in.says()); err != nil {
		t.Error(err)
	}
	if _, err := join(i.Code, mine); err == nil {
		t.Error("a code opens after the till came in")
	}
	for _, wrong := range []string{"", "1", "1.1.", "x.y.z", token + "A", token[:len(token)-2] + "AA", "9" + token} {
		if _, err := s.report(&till{token: wrong}, in.says()); !errors.Is(err, central.ErrTill) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	s.call(func(c *central.Call) error { return c.RevokeTill(1) })
	if _, err := s.report(in, in.says()); !errors.Is(err, central.ErrTill) {
		t.Errorf("revoked: %v", err)
	}
}

// A store that went back in time, or of which there are two, gets nothing to issue from, and nothing that it says counts.
func TestAStoreThatIsNotTheNewest(t *testing.T) {
	s, counter := leased(t, 1000)
	old := counter.leases[0]
	counter.leases[0].Used += 5
	if _, err := s.report(counter, counter.says()); err != nil {
		t.Fatal(err)
	}
	counter.leases[0] = old
	if stock, err := s.report(counter, counter.says()); err != nil || stock.Hold != central.HoldBehind || len(stock.Leases) != 0 {
		t.Errorf("behind: %+v %v", stock, err)
	}
	restored := &till{token: counter.token, epoch: 1}
	stock, err := s.report(restored, restored.says())
	if err != nil || stock.Hold != "" || len(stock.Leases) != 2 || stock.Leases[0].Desde <= counter.leases[1].Hasta {
		t.Fatalf("restored: %+v %v", stock, err)
	}
	if stock, err := s.report(counter, counter.says()); err != nil || stock.Hold != central.HoldCopy || len(stock.Leases) != 0 {
		t.Errorf("the lost copy comes back: %+v %v", stock, err)
	}
}

// What a till cannot have done is refused whole.
func TestFoliosThatATillCannotHaveUsed(t *testing.T) {
	s, counter := leased(t, 1000)
	counter.leases[0].Used = counter.leases[0].Hasta + 1
	_, err := s.report(counter, counter.says())
	s.wantRefusal(err, central.Conflict)
	counter.leases[0].Used = 5
	if _, err := s.report(counter, counter.says()); err != nil {
		t.Fatal(err)
	}
	gone := api.Mark{Lease: counter.leases[0].ID, Used: 4}
	counter.leases = counter.leases[1:]
	_, err = s.report(counter, counter.says(gone))
	s.wantRefusal(err, central.Conflict)
	stranger := s.join("Caja 2")
	if stock, err := s.report(stranger, stranger.says(api.Mark{Lease: gone.Lease, Used: 20})); err != nil || len(stock.Leases) != 2 {
		t.Errorf("another till gives back what is not its own: %+v %v", stock, err)
	}
	s.call(func(c *central.Call) error {
		leases, err := c.Leases(counter.id, central.Page{})
		if len(leases) != 2 || leases[1].State != central.LeaseOpen || leases[1].Used != 5 {
			t.Errorf("%+v", leases)
		}
		return err
	})
}

// A lease is for fifteen days of the till's own pace; where there is little, everybody gets a part.
func TestLeasesFollowThePace(t *testing.T) {
	s, counter := leased(t, 100_000)
	size := func(l central.Lease) int64 { return l.Hasta - l.Desde + 1 }
	if n := size(counter.leases[0]); n != 20 {
		t.Errorf("a till without a past gets %d", n)
	}
	for range 14 { // 40 a day
		for left := int64(40); left > 0; {
			l := &counter.leases[0]
			n := min(left, l.Left())
			l.Used, left = l.Used+n, left-n
			stock, err := s.report(counter, counter.says())
			if err != nil {
				t.Fatal(err)
			}
			counter.hears(stock)
		}
		s.clock.Advance(24 * time.Hour)
	}
	if n := size(counter.leases[len(counter.leases)-1]); n < 550 || n > 650 {
		t.Errorf("at forty a day it gets %d for fifteen days", n)
	}
	s2, only := leased(t, 60)
	if n := size(only.leases[0]); n != 20 {
		t.Errorf("of 60 folios the first gets %d", n)
	}
	second := s2.join("Caja 2")
	stock, err := s2.report(second, second.says())
	if err != nil || len(stock.Leases) != 2 || size(stock.Leases[0]) != 5 || len(stock.Short) != 1 {
		t.Errorf("the second gets %+v %v", stock, err)
	}
}

// The keys of a range are for those who issue from it.
func TestARangeIsForItsTills(t *testing.T) {
	s, counter := leased(t, 1000)
	caf := func(of *till) error {
		return s.db.EnterTill(t.Context(), of.token, func(c *central.Call) error {
			file, err := c.LeasedCAF(counter.leases[0].CAF)
			if err == nil {
				_, err = dte.ParseCAF(file)
			}
			return err
		})
	}
	if err := caf(counter); err != nil {
		t.Error(err)
	}
	s.wantRefusal(caf(s.join("Caja 2")), central.NotFound)
}
