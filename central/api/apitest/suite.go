package apitest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
)

// Run runs the suite. Each part has a server of its own, without tills or folios.
func Run(t *testing.T, open func(t *testing.T) Server) {
	for _, p := range []struct {
		name string
		run  func(*part)
	}{
		{"a code lets one till in, once", joinsOnce},
		{"who has no token gets nothing", strangers},
		{"a till that was revoked is out at once", revokedIsOut},
		{"an old program is told so", oldProgram},
		{"a report said twice changes nothing", saidTwice},
		{"two leases never overlap", noOverlap},
		{"a lease is used up and followed by another", usedUp},
		{"a company short of folios is told", short},
		{"a CAF is only for those who lease of it", onlyLessees},
		{"what was given back is leased again", givenBack},
		{"an expired CAF ends its leases", expires},
		{"what a lost till had is nobody's", lostIsNobodys},
		{"a doubt is settled by a person", settles},
		{"what was told is told for good", toldOnce},
		{"a lost answer is asked for again", lostAnswer},
		{"books may come in any pieces", pieces},
		{"entries behind a gap are not taken", gaps},
		{"an entry that does not follow spoils its push", spoilt},
		{"too much at once is refused whole", tooMuch},
		{"a folio outside the till's leases is an alarm", foreignFolio},
		{"a document that is not what it says is an alarm", notWhatItSays},
		{"folios of before a till joined stay its own", broughtAlong},
		{"two documents under one key are both kept", twoUnderOneKey},
		{"a state goes forward", forward},
		{"a store that went back is held", wentBack},
		{"a report that was overtaken says nothing", overtaken},
		{"what was put back is held, whatever its clock says", putBack},
		{"books that say something else are held", forks},
		{"a restored store goes on from where it is known", restoredGoesOn},
		{"of two from one backup only one gets folios", oneOfTwoBackups},
		{"the copy that it replaced is held, its documents are kept", copyIsHeld},
		{"a debt is what moved at all tills", debts},
		{"a customer made at two tills is one", oneCustomer},
		{"a shift is known as it stands", shiftsStand},
		{"news come page by page, from the cursor on", newsResume},
	} {
		t.Run(p.name, func(t *testing.T) { p.run(&part{T: t, office: open(t)}) })
	}
}

func joinsOnce(p *part) {
	code, err := p.office.Invite("Caja 1")
	p.must(err)
	ask := p.asks(code, 1)
	for what, wrong := range map[string]struct {
		code   string
		change func(*api.Join)
	}{
		"another code":      {"401", func(j *api.Join) { j.Code += "X" }},
		"a short secret":    {"401", func(j *api.Join) { j.Secret = j.Secret[:31] }},
		"another company":   {"409", func(j *api.Join) { j.Emisor = dtetest.Buyer }},
		"real books":        {"409", func(j *api.Join) { j.Ambiente = dte.Produccion }},
		"an old programme":  {"protocolo", func(j *api.Join) { j.Protocol = api.Oldest - 1 }},
		"no code, no words": {"401", func(j *api.Join) { j.Code = "" }},
	} {
		j := ask
		wrong.change(&j)
		_, err := p.office.Join(p.Context(), j)
		p.refused(what, err, api.Stuck, wrong.code)
	}
	first, err := p.office.Join(p.Context(), ask)
	p.must(err)
	again, err := p.office.Join(p.Context(), ask)
	p.must(err)
	p.want("the answer that was lost", again, first)
	p.want("whose", first.Company.RUT, dtetest.Company)
	_, err = p.office.Join(p.Context(), p.asks(code, 2))
	p.refused("somebody else's secret", err, api.Stuck, "401")
	_, err = p.office.Till(first.Token).Pull(p.Context(), "")
	p.must(err)
	_, err = p.office.Join(p.Context(), ask)
	p.refused("a code that was used", err, api.Stuck, "401")

	late, err := p.office.Invite("Caja 2")
	p.must(err)
	p.office.Pass(31 * time.Minute)
	_, err = p.office.Join(p.Context(), p.asks(late, 3))
	p.refused("a code that is too old", err, api.Stuck, "401")
}

// everyVerb asks all that a till can.
func (p *part) everyVerb(s api.Server, fn func(verb string, err error)) {
	_, err := s.Sync(p.Context(), api.Report{Protocol: api.Protocol, Now: p.office.Now()})
	fn("Sync", err)
	_, err = s.Push(p.Context(), api.Push{})
	fn("Push", err)
	_, err = s.Pull(p.Context(), "")
	fn("Pull", err)
	_, err = s.CAF(p.Context(), 1)
	fn("CAF", err)
}

func strangers(p *part) {
	p.folios(1, 100)
	token := p.joins().token
	for what, guess := range map[string]string{"nothing": "", "words": "hola", "another till": "9" + token, "a cut one": token[:len(token)-2]} {
		p.everyVerb(p.office.Till(guess), func(verb string, err error) { p.refused(what+" "+verb, err, api.Ended, "401") })
	}
}

func revokedIsOut(p *part) {
	p.folios(1, 100)
	c, other := p.joins(), p.joins()
	c.syncs()
	p.must(p.office.Revoke(c.id))
	p.everyVerb(c.server, func(verb string, err error) { p.refused(verb, err, api.Ended, "401") })
	p.must(p.office.Lose(other.id))
	p.everyVerb(other.server, func(verb string, err error) { p.refused(verb+" of a lost one", err, api.Ended, "401") })
	p.want("its lease", p.lease(c.leases[0].ID).State, LeaseOpen)
	p.want("lost again", p.office.Lose(other.id) != nil, true)
}

func oldProgram(p *part) {
	c := p.joins()
	r := c.says()
	r.Protocol = api.Oldest - 1
	_, err := c.server.Sync(p.Context(), r)
	p.refused("an old one", err, api.Stuck, "protocolo")
	r.Protocol = api.Protocol + 5
	a, err := c.server.Sync(p.Context(), r)
	p.must(err)
	p.want("what both speak", a.Protocol, api.Protocol)
}

func saidTwice(p *part) {
	p.folios(1, 500)
	c := p.joins()
	first := c.syncs()
	p.want("leases", len(first.Folios.Leases), 2)
	p.want("who", first.Till, api.Till{ID: c.id, Name: c.name})
	c.sells()
	said := c.says()
	var answers []api.Answer
	for range 3 {
		a, err := c.server.Sync(p.Context(), said)
		p.must(err)
		answers = append(answers, a)
	}
	for _, a := range answers {
		p.want("the same leases", a.Folios, answers[0].Folios)
		p.want("the same place", a.After, api.Point{})
	}
	leases, err := p.office.Leases()
	p.must(err)
	p.want("leases in the ledger", len(leases), 2)
	p.want("alarms", p.alarms(), 0)
}

// disjoint demands that no folio is in two leases, but for what was given back.
func (p *part) disjoint() {
	p.Helper()
	leases, err := p.office.Leases()
	p.must(err)
	for i, a := range leases {
		for _, b := range leases[:i] {
			if a.Tipo == b.Tipo && a.Desde <= b.Hasta && b.Desde <= a.Hasta {
				p.Errorf("%+v and %+v overlap", b, a)
			}
		}
	}
}

func noOverlap(p *part) {
	p.folios(1, 60)
	p.folios(100, 170)
	var tills []*counter
	for range 4 {
		tills = append(tills, p.joins())
	}
	for range 12 {
		for _, c := range tills {
			if c.syncs(); len(c.leases) > 0 {
				c.used[c.leases[0].ID] = c.leases[0].Hasta
			}
		}
		p.disjoint()
	}
	for _, c := range tills {
		p.want("left", len(c.leases), 0)
	}
}

func usedUp(p *part) {
	p.folios(1, 500)
	c := p.joins()
	first := c.syncs().Folios.Leases
	c.used[first[0].ID] = first[0].Hasta
	next := c.syncs().Folios.Leases
	p.want("leases", len(next), 2)
	p.want("the waiting one comes first", next[0], first[1])
	p.want("the spent one", p.lease(first[0].ID).State, LeaseSpent)
	p.disjoint()
	c.used[next[0].ID] = next[0].Hasta + 1
	_, err := c.server.Sync(p.Context(), c.says())
	p.refused("a folio that is not its own", err, api.Stuck, "409")
	p.want("the lease as it was", p.lease(next[0].ID).State, LeaseOpen)
}

func short(p *part) {
	c := p.joins()
	c.wants = []dte.TipoDTE{dte.Boleta, dte.Factura}
	p.want("short without a CAF", c.syncs().Folios.Short, c.wants)
	p.folios(1, 200)
	a := c.syncs()
	p.want("short of facturas", a.Folios.Short, []dte.TipoDTE{dte.Factura})
	p.want("boletas", len(a.Folios.Leases), 2)
}

func onlyLessees(p *part) {
	p.folios(1, 100)
	c, other := p.joins(), p.joins()
	id := c.syncs().Folios.Leases[0].CAF
	file, err := c.server.CAF(p.Context(), id)
	p.must(err)
	caf, err := dte.ParseCAF(file)
	p.must(err)
	p.must(caf.Verify(dtetest.Trust()))
	p.want("its folios", []dte.Folio{caf.Desde, caf.Hasta}, []dte.Folio{1, 100})
	_, err = other.server.CAF(p.Context(), id)
	p.refused("who leases nothing of it", err, api.Stuck, "404")
	_, err = c.server.CAF(p.Context(), id+77)
	p.refused("one that is not there", err, api.Stuck, "404")
}

func givenBack(p *part) {
	p.folios(1, 40)
	c, other := p.joins(), p.joins()
	l := c.syncs().Folios.Leases[0]
	c.used[l.ID] = l.Desde + 1
	r := c.says()
	r.Folios.Wants, r.Folios.Used = nil, nil
	for _, lease := range c.leases {
		r.Folios.Returned = append(r.Folios.Returned, api.Mark{Lease: lease.ID, Used: c.used[lease.ID]})
	}
	for range 2 {
		a, err := c.server.Sync(p.Context(), r)
		p.must(err)
		p.want("nothing is left", len(a.Folios.Leases), 0)
	}
	p.want("the used part", []any{p.lease(l.ID).State, p.lease(l.ID).Hasta}, []any{LeaseReturned, l.Desde + 1})
	got := map[int64]bool{}
	for range 40 {
		if other.syncs(); len(other.leases) == 0 {
			break
		}
		first := other.leases[0]
		for f := first.Desde; f <= first.Hasta; f++ {
			got[f] = true
		}
		other.used[first.ID] = first.Hasta
	}
	for folio := l.Desde; folio <= l.Desde+1; folio++ {
		p.want(fmt.Sprint("the used folio ", folio, " is given again"), got[folio], false)
	}
	p.want("folios that came back and were given", len(got), 38)
}

func expires(p *part) {
	p.must(p.office.AddCAF(p.file(dte.Factura, 1, 100)))
	c := p.joins()
	c.wants = []dte.TipoDTE{dte.Factura}
	id := c.syncs().Folios.Leases[0].ID
	p.office.Pass(400 * 24 * time.Hour)
	a := c.syncs()
	p.want("leases", len(a.Folios.Leases), 0)
	p.want("short", a.Folios.Short, c.wants)
	p.want("the lease", p.lease(id).State, LeaseExpired)
}

func lostIsNobodys(p *part) {
	p.folios(1, 30)
	c, other := p.joins(), p.joins()
	had := c.syncs().Folios.Leases
	p.must(p.office.Lose(c.id))
	for _, l := range had {
		p.want("its lease", p.lease(l.ID).State, LeaseLost)
	}
	other.spendsAll(40)
	p.disjoint()
}

func settles(p *part) {
	p.folios(1, 60)
	c := p.joins()
	l := c.syncs().Folios.Leases[0]
	p.want("an open lease is no doubt", p.office.SettleDoubt(l.ID, l.Desde) != nil, true)
	c.sells()
	c.tells()
	c.restored()
	c.tells()
	p.want("the old lease", p.lease(l.ID).State, LeaseDoubt)
	p.want("beyond its end", p.office.SettleDoubt(l.ID, l.Hasta+1) != nil, true)
	p.want("before what was told", p.office.SettleDoubt(l.ID, l.Desde-1) != nil, true)
	p.must(p.office.SettleDoubt(l.ID, l.Desde+3))
	p.want("settled", p.lease(l.ID).State == LeaseDoubt, false)
	c.spendsAll(20)
	p.disjoint()
}

func toldOnce(p *part) {
	p.folios(1, 200)
	c := p.joins()
	c.syncs()
	s := c.sells()
	c.sells()
	answer := c.tells()
	p.want("how far", answer.After, c.head())
	for range 2 {
		again := c.pushes(c.chunk(0, 2))
		p.want("again", again, api.Pushed{After: c.head()})
	}
	p.want("the document", p.held(s.Key), []Document{{Key: s.Key, SHA256: s.SHA256, Till: c.id, State: dte.Issued}})
	p.want("the server's place", c.syncs().After, c.head())
	p.want("alarms", p.alarms(), 0)
}

func lostAnswer(p *part) {
	p.folios(1, 200)
	c := p.joins()
	c.syncs()
	c.sells()
	_ = c.pushes(c.chunk(0, 1)) // nobody hears this
	c.sells()
	p.want("the whole again, and more", c.pushes(c.chunk(0, 2)).After, c.head())
	docs, err := p.office.Documents()
	p.must(err)
	p.want("documents", len(docs), 2)
}

func pieces(p *part) {
	p.folios(1, 200)
	c := p.joins()
	c.syncs()
	for range 7 {
		c.sells()
	}
	for _, cut := range [][2]int64{{0, 2}, {1, 3}, {0, 1}, {3, 3}, {3, 6}, {2, 5}, {6, 7}} {
		if answer := c.pushes(c.chunk(cut[0], cut[1])); answer.Hold != "" {
			p.Fatalf("%v: %+v", cut, answer)
		}
	}
	docs, err := p.office.Documents()
	p.must(err)
	p.want("documents", len(docs), 7)
	p.want("the place", c.syncs().After, c.head())
}

func gaps(p *part) {
	p.folios(1, 200)
	c := p.joins()
	c.syncs()
	for range 4 {
		c.sells()
	}
	c.pushes(c.chunk(0, 1))
	answer, err := c.server.Push(p.Context(), c.chunk(2, 4))
	if err == nil {
		p.want("where to go on", []any{answer.After, answer.Hold}, []any{c.point(1), ""})
	}
	docs, docsErr := p.office.Documents()
	p.must(docsErr)
	p.want("documents", len(docs), 1)
	p.want("the rest", c.tells().After, c.head())
}

func spoilt(p *part) {
	p.folios(1, 200)
	c := p.joins()
	c.syncs()
	for range 3 {
		c.sells()
	}
	for what, spoil := range map[string]func(e *api.Entry){
		"another hash":   func(e *api.Entry) { e.Hash = sumOf([]byte("x")) },
		"another fact":   func(e *api.Entry) { e.Fact = []byte(`{"kind":"venta"}`) },
		"another number": func(e *api.Entry) { e.N++ },
	} {
		push := c.chunk(0, 3)
		push.Entries = slices.Clone(push.Entries)
		spoil(&push.Entries[1])
		_, err := c.server.Push(p.Context(), push)
		p.refused(what, err, api.Stuck, "422")
	}
	docs, err := p.office.Documents()
	p.must(err)
	p.want("nothing of it was taken in", len(docs), 0)
	p.want("unspoilt", c.tells().After, c.head())
}

func tooMuch(p *part) {
	c := p.joins()
	c.syncs()
	for i := range api.MostEntries + 1 {
		c.notes(fact{Kind: "mostrador", Text: fmt.Sprint(i)}, api.Entry{})
	}
	for what, push := range map[string]api.Push{
		"an entry":   c.chunk(0, api.MostEntries+1),
		"a state":    {States: make([]api.DocumentState, api.MostStates+1)},
		"a customer": {Products: make([]api.Product, api.MostNews), Customers: make([]api.Customer, 1)},
		"a refusal":  {Products: make([]api.Product, api.MostNews), Refused: make([]api.Refusal, 1)},
	} {
		_, err := c.server.Push(p.Context(), push)
		p.refused(what+" too many", err, api.Stuck, "tamaño")
	}
	p.want("nothing was taken in", c.syncs().After, api.Point{})
	p.want("as many as may be", c.pushes(c.chunk(0, api.MostEntries)).After, c.point(api.MostEntries))
}

func foreignFolio(p *part) {
	p.folios(1, 200)
	c, other := p.joins(), p.joins()
	c.syncs()
	l := other.syncs().Folios.Leases[0]
	caf := other.caf(l.CAF)
	s := c.sold(caf, l.Desde, 500)
	c.sells()
	p.want("the chain goes on", c.tells().After, c.head())
	p.want("alarm", p.alarms() > 0, true)
	other.sold(caf, l.Desde, 700)
	other.used[l.ID] = l.Desde
	other.tells()
	held := p.held(s.Key)
	p.want("the lessee's is kept", len(held) > 0 && slices.ContainsFunc(held, func(d Document) bool { return d.Till == other.id }), true)
}

func notWhatItSays(p *part) {
	p.folios(1, 200)
	c := p.joins()
	c.syncs()
	for what, spoil := range map[string]func(*api.Sale){
		"another total": func(s *api.Sale) { s.Total++ },
		"other bytes":   func(s *api.Sale) { s.XML = append(slices.Clone(s.XML), ' ') },
		"altered": func(s *api.Sale) {
			s.XML = slices.Clone(s.XML)
			i := slices.Index(s.XML, 'P') // of "Pan", or of whatever comes first
			s.XML[i] = 'Q'
			s.SHA256 = sumOf(s.XML)
		},
		"another company": func(s *api.Sale) { s.Key.Emisor = dtetest.Buyer },
	} {
		before := p.alarms()
		s := c.sells(spoil)
		p.want(what+": the chain goes on", c.tells().After, c.head())
		p.want(what+": alarm", p.alarms() > before, true)
		p.want(what+": no document", len(p.held(s.Key)), 0)
	}
	s := c.sells()
	c.tells()
	p.want("a sound one", len(p.held(s.Key)), 1)
}

func broughtAlong(p *part) {
	p.folios(1, 100)
	caf, err := dte.ParseCAF(p.file(dte.Boleta, 5001, 5010))
	p.must(err)
	c, other := p.joins(), p.joins()
	mine := c.sold(caf, 5001, 900)
	c.tells()
	p.want("what it sold before it joined", len(p.held(mine.Key)), 1)
	p.want("alarms", p.alarms(), 0)
	theirs := other.sold(caf, 5001, 1900)
	other.tells()
	p.want("another till with that folio is an alarm", p.alarms() > 0, true)
	for _, d := range p.held(theirs.Key) {
		p.want("the first one's stays", d.SHA256 == mine.SHA256 || d.SHA256 == theirs.SHA256, true)
	}
}

func twoUnderOneKey(p *part) {
	p.folios(1, 200)
	c := p.joins()
	c.syncs()
	old := c.copied()
	first := c.sells()
	c.tells()
	old.restored()
	old.syncs()
	caf := c.caf(c.leases[0].CAF)
	second := old.sold(caf, int64(first.Key.Folio), 7770)
	answer := old.tells()
	p.want("the chain goes on", answer.After, old.head())
	p.want("alarm", p.alarms() > 0, true)
	var sums []string
	for _, d := range p.held(first.Key) {
		sums = append(sums, d.SHA256)
	}
	want := []string{first.SHA256, second.SHA256}
	slices.Sort(sums)
	slices.Sort(want)
	p.want("both are kept", sums, want)
}

func forward(p *part) {
	p.folios(1, 200)
	c := p.joins()
	c.syncs()
	s := c.sells()
	c.tells()
	state := func(st dte.State) api.DocumentState {
		d := api.DocumentState{Key: s.Key, State: st, Sobre: "S000000001", TrackID: "7"}
		if st.Final() {
			d.Veredicto = &dte.Veredicto{Key: s.Key, State: st, At: p.office.Now()}
		}
		return d
	}
	for _, step := range []struct{ told, stands dte.State }{
		{dte.Sent, dte.Sent}, {dte.Sent, dte.Sent}, {dte.Enveloped, dte.Sent}, {dte.Accepted, dte.Accepted}, {dte.Sent, dte.Accepted}, {dte.Accepted, dte.Accepted},
	} {
		c.pushes(api.Push{Epoch: c.epoch, After: c.head(), States: []api.DocumentState{state(step.told)}})
		p.want(fmt.Sprint("told ", step.told), p.held(s.Key)[0].State, step.stands)
	}
}

func wentBack(p *part) {
	p.folios(1, 200)
	c := p.joins()
	c.syncs()
	c.sells()
	old := c.copied()
	c.sells()
	c.tells()
	a := old.syncs()
	p.want("hold", a.Hold, api.HoldBehind)
	p.want("its folios say nothing", len(a.Folios.Leases)+len(a.Folios.Short), 0)
	p.want("in words", a.Why != "", true)
	p.want("where the server is", a.After, c.head())
	p.want("alarm", p.alarms() > 0, true)
	alarms := p.alarms()
	old.syncs()
	p.want("the alarm is told once", p.alarms(), alarms)
	p.want("the one that did not go back sells on", c.syncs().Hold, api.Hold(""))
}

// hears has the server hear a report of the counter's that says this of the printer.
func (c *counter) hears(r api.Report, printer string) (api.Answer, error) {
	r.Health.Printer = printer
	return c.server.Sync(c.Context(), r)
}

func overtaken(p *part) {
	p.folios(1, 200)
	c := p.joins()
	c.syncs()
	c.sells()
	first, push := c.says(), c.chunk(0, 1)
	c.sells()
	c.tells()
	second := c.says()
	p.office.Pass(30 * time.Second)
	_, err := c.hears(c.says(), "sin papel")
	p.must(err)
	leases, err := p.office.Leases()
	p.must(err)
	p.office.Pass(3 * time.Minute)
	for what, late := range map[string]api.Report{"from before a sale": first, "with the same books": second} {
		_, err := c.hears(late, "")
		p.refused(what, err, api.Later, "503")
	}
	p.want("a push that is as late", c.pushes(push), api.Pushed{After: c.head()})
	p.want("alarms", p.alarms(), 0)
	health, err := p.office.Health(c.id)
	p.must(err)
	p.want("what people see", health.Printer, "sin papel")
	after, err := p.office.Leases()
	p.must(err)
	p.want("leases", after, leases)
	p.want("the till goes on", c.syncs().Hold, api.Hold(""))
}

// Nothing that a store brings along says when it was put back: not its clock, nor, of a machine that was put back with its memory, the
// number of its report.
func putBack(p *part) {
	p.folios(1, 200)
	c := p.joins()
	c.syncs()
	c.sells()
	then := p.office.Now()
	file, machine := c.copied(), c.snapshot()
	c.says() // on its way for ever
	p.office.Pass(time.Minute)
	c.sells()
	c.tells()
	heard := func(what string, back *counter, now time.Time, want api.Hold) {
		p.Helper()
		r := back.says()
		r.Now = now
		a, err := c.server.Sync(p.Context(), r)
		p.must(err)
		p.want(what, []any{a.Hold, len(a.Folios.Leases)}, []any{want, 0})
		p.want(what+": alarm", p.alarms() > 0, true)
		_, err = c.server.Sync(p.Context(), c.says())
		p.must(err)
	}
	heard("a file, and the clock with it", file.copied(), then, api.HoldBehind)
	heard("a machine with its memory", machine.snapshot(), p.office.Now().Add(2*time.Second), api.HoldBehind)
	fork := machine.snapshot()
	fork.sells(func(s *api.Sale) { s.ID += " again" })
	heard("one that went on by itself", fork, then, api.HoldFork)
	young := machine.says()
	young.Now = then
	_, err := c.server.Sync(p.Context(), young)
	p.refused("one whose clock was put back by a minute", err, api.Later, "503")
	p.office.Pass(time.Hour)
	heard("and when it has run on", machine.snapshot(), then.Add(time.Hour), api.HoldBehind)
	heard("one whose clock stands still", machine, then, api.HoldBehind)
	p.want("the one that was not put back goes on", c.syncs().Hold, api.Hold(""))
}

func forks(p *part) {
	p.folios(1, 200)
	c := p.joins()
	c.syncs()
	c.sells()
	other := c.copied()
	c.sells()
	c.tells()
	stray := other.sells(func(s *api.Sale) { s.ID += " copy" })
	other.sells()
	a := other.syncs()
	p.want("hold", a.Hold, api.HoldFork)
	p.want("leases", len(a.Folios.Leases), 0)
	pushed := other.pushes(other.chunk(1, 3))
	p.want("a push from it", []any{pushed.Hold, pushed.After}, []any{api.HoldFork, c.head()})
	p.want("alarm", p.alarms() > 0, true)
	p.want("its document is kept", slices.ContainsFunc(p.held(stray.Key), func(d Document) bool { return d.SHA256 == stray.SHA256 }), true)
	p.want("the other goes on", c.syncs().Hold, api.Hold(""))
}

func restoredGoesOn(p *part) {
	p.folios(1, 300)
	c := p.joins()
	c.syncs()
	for range 12 {
		c.sells()
	}
	old := c.copied()
	c.tells()
	lost := c.sells()
	c.tells()
	had := c.leases
	old.restored()
	a := old.syncs()
	p.want("hold", a.Hold, api.Hold(""))
	p.want("from the newest point that is known", a.After, c.point(12))
	for _, l := range had {
		p.want("its old leases", p.lease(l.ID).State, LeaseDoubt)
		p.want("are over", slices.Contains(a.Folios.Leases, l), false)
	}
	old.tells()
	p.want("it has new ones", len(old.syncs().Folios.Leases), 2)
	old.sells()
	p.want("the chain goes on", old.tells().After, old.head())
	p.want("what only the lost one had told is kept", len(p.held(lost.Key)), 1)
	p.disjoint()
	again := old.copied()
	again.restored()
	p.want("restored once more", again.syncs().After, old.head())
	for again.epoch > c.epoch {
		c.restored() // the file that was thought lost is found
	}
	c.restored()
	p.want("what it had told is known", c.syncs().After, c.point(13))
}

// Two stores that were restored from one backup have the same epoch, and all that the server knows. The first one whose restoration
// the server has heard goes on.
func oneOfTwoBackups(p *part) {
	p.folios(1, 300)
	c := p.joins()
	c.syncs()
	c.sells()
	c.tells()
	one, two := c.copied(), c.copied()
	one.restored()
	p.want("folios before it told of its restoration", len(one.syncs().Folios.Leases), 0)
	one.tells()
	p.want("and after", len(one.syncs().Folios.Leases), 2)
	p.office.Pass(time.Hour)
	two.restored()
	a := two.syncs()
	p.want("the other", []any{a.Hold != "", len(a.Folios.Leases)}, []any{true, 0})
	p.want("the first", len(one.syncs().Folios.Leases), 2)
}

func copyIsHeld(p *part) {
	p.folios(1, 300)
	c := p.joins()
	c.syncs()
	old := c.copied()
	old.restored()
	old.tells()
	old.syncs()
	s := c.sells()
	a := c.syncs()
	p.want("hold", a.Hold, api.HoldCopy)
	p.want("leases", len(a.Folios.Leases), 0)
	p.want("alarm", p.alarms() > 0, true)
	pushed := c.pushes(c.chunk(0, 1))
	p.want("a push from it", []any{pushed.Hold, pushed.After}, []any{api.HoldCopy, old.syncs().After})
	p.want("its document is kept", len(p.held(s.Key)), 1)
	p.want("the newer one sells on", old.syncs().Hold, api.Hold(""))
	old.sells()
	p.want("and tells", old.tells().After, old.head())
}

const debtor dte.RUT = 12345678

func onAccount(s *api.Sale) {
	s.Tenders = []api.Tender{{Method: "fiado", Amount: s.Total, Received: s.Total, Reference: debtor.String()}}
}

func (c *counter) isPaid(id string, amount money.Pesos) {
	c.notes(fact{Kind: "cuenta", Text: "abono"}, api.Entry{Movement: &api.Movement{
		Customer: debtor, ID: id, At: c.office.Now(), Kind: "abono", Amount: -amount, Method: "efectivo", Received: amount,
	}})
}

func (p *part) owes(want money.Pesos) {
	p.Helper()
	owed, err := p.office.Owed(debtor)
	p.must(err)
	p.want("what is owed", owed, want)
}

func debts(p *part) {
	p.folios(1, 300)
	c, other := p.joins(), p.joins()
	c.syncs()
	other.syncs()
	total := c.sells(onAccount).Total
	c.tells()
	p.owes(total)
	total += other.sells(onAccount).Total
	other.tells()
	p.owes(total)
	c.isPaid("a1", 500)
	c.tells()
	c.pushes(c.chunk(0, 2))
	p.owes(total - 500)
	other.isPaid("a1", 300) // each till's own
	other.tells()
	p.owes(total - 800)
	news, err := c.server.Pull(p.Context(), "")
	p.must(err)
	i := slices.IndexFunc(news.Customers, func(k api.Customer) bool { return k.RUT == debtor })
	if i < 0 || news.Customers[i].Balance == nil {
		p.Fatalf("the tills are not told of the debt: %+v", news.Customers)
	}
	p.want("what the tills are told", *news.Customers[i].Balance, total-800)
}

func oneCustomer(p *part) {
	c, other := p.joins(), p.joins()
	c.syncs()
	other.syncs()
	for i, till := range []*counter{c, other} {
		till.pushes(api.Push{Customers: []api.Customer{{RUT: debtor, RznSoc: fmt.Sprint("Ana ", i), Giro: "ALMACÉN", Direccion: "UNO 1", Comuna: "Ñuñoa"}}})
	}
	known, err := p.office.Customers()
	p.must(err)
	p.want("customers", known, []dte.RUT{debtor})
	for _, till := range []*counter{c, other} {
		news, err := till.server.Pull(p.Context(), "")
		p.must(err)
		p.want("what a till is told", []any{len(news.Customers), news.Customers[0].RznSoc}, []any{1, "Ana 0"})
	}
}

func shiftsStand(p *part) {
	p.folios(1, 100)
	c, other := p.joins(), p.joins()
	s := api.Shift{Number: 1, OpenedAt: p.office.Now(), Float: 20_000, Expected: 20_000}
	c.notes(fact{Kind: "turno", Text: "abre"}, api.Entry{Shift: &s})
	c.tells()
	got, ok, err := p.office.Shift(c.id, 1, s.OpenedAt)
	p.must(err)
	p.want("an open one", []any{ok, got.Float, got.ClosedAt.IsZero()}, []any{true, s.Float, true})
	closed := s
	closed.ClosedAt, closed.Expected, closed.Counted, closed.Difference, closed.Sales = p.office.Now().Add(time.Hour), 25_000, 24_990, -10, 3
	closed.ByType, closed.Paid = map[string]money.Pesos{"39": 5000}, map[string]money.Pesos{"efectivo": 5000}
	c.notes(fact{Kind: "turno", Text: "cierra"}, api.Entry{Shift: &closed})
	c.tells()
	got, _, err = p.office.Shift(c.id, 1, s.OpenedAt)
	p.must(err)
	p.want("closed", []any{got.ClosedAt.Equal(closed.ClosedAt), got.Expected, got.Counted, got.Difference, got.Sales, got.ByType, got.Paid},
		[]any{true, closed.Expected, closed.Counted, closed.Difference, closed.Sales, closed.ByType, closed.Paid})
	_, ok, err = p.office.Shift(other.id, 1, s.OpenedAt)
	p.must(err)
	p.want("another till's first shift", ok, false)
	again := closed
	again.ClosedAt, again.Expected, again.Counted, again.Sales = p.office.Now(), 31_000, 31_000, 4
	c.notes(fact{Kind: "turno", Text: "abre"}, api.Entry{Shift: &s})
	c.notes(fact{Kind: "turno", Text: "cierra"}, api.Entry{Shift: &again})
	c.tells()
	got, _, err = p.office.Shift(c.id, 1, s.OpenedAt)
	p.must(err)
	p.want("as it was closed last", []any{got.ClosedAt.Equal(again.ClosedAt), got.Expected}, []any{true, again.Expected})
	alarms, err := p.office.Alarms()
	p.must(err)
	p.want("an alarm about it", alarms > 0, true)
	c.notes(fact{Kind: "turno", Text: "abre"}, api.Entry{Shift: &s})
	c.tells()
	got, _, err = p.office.Shift(c.id, 1, s.OpenedAt)
	p.must(err)
	p.want("opened again by what was told before", got.ClosedAt.IsZero(), false)
}

func newsResume(p *part) {
	c := p.joins()
	price := func(code string, prc int) api.Product {
		return api.Product{Codigo: code, Nombre: "Artículo " + code, Prc: money.PerUnit(money.Pesos(prc)), Exento: true}
	}
	for i := range 7 {
		p.must(p.office.PutProduct(price(fmt.Sprint("A", i), 1000)))
	}
	all := map[string]api.Product{}
	cursor := c.reads("", all)
	p.want("products", len(all), 7)
	p.want("nothing is new", c.saysAt(cursor).News, false)
	again := map[string]api.Product{}
	c.reads("", again)
	p.want("the empty cursor is before everything", again, all)
	p.must(p.office.PutProduct(price("A3", 1500)))
	gone := price("A4", 1000)
	gone.Deleted = true
	p.must(p.office.PutProduct(gone))
	p.want("something is new", c.saysAt(cursor).News, true)
	delta := map[string]api.Product{}
	next := c.reads(cursor, delta)
	p.want("what changed", []any{len(delta), delta["A3"].Prc, delta["A4"].Deleted}, []any{2, money.PerUnit(1500), true})
	repeat := map[string]api.Product{}
	c.reads(cursor, repeat)
	p.want("an answer that was lost is told again", repeat, delta)
	p.want("and nothing follows", c.saysAt(next).News, false)
	foreign := map[string]api.Product{}
	c.reads("una-cosa-ajena", foreign)
	p.want("a cursor of nobody begins anew", len(foreign) >= 6, true)
}

// saysAt is a report with a cursor.
func (c *counter) saysAt(cursor string) api.Answer {
	c.Helper()
	r := c.says()
	r.Cursor = cursor
	a, err := c.server.Sync(c.Context(), r)
	c.must(err)
	return a
}

// reads takes in all news behind a cursor, and returns where they end.
func (c *counter) reads(cursor string, into map[string]api.Product) string {
	c.Helper()
	for range 100 {
		n, err := c.server.Pull(c.Context(), cursor)
		c.must(err)
		for _, prod := range n.Products {
			into[prod.Codigo] = prod
		}
		if !n.More {
			return n.Cursor
		}
		if n.Cursor == cursor {
			c.Fatal(errors.New("the cursor stands still"))
		}
		cursor = n.Cursor
	}
	c.Fatal("the news do not end")
	return ""
}
