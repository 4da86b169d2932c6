package central_test

import (
	"errors"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/central/centraltest"
	"mostrador/dte"
)

// syncs reports in a till's name.
func (s *school) syncs(t *till, r api.Report) api.Answer {
	s.t.Helper()
	a, err := s.trySync(t, r)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *school) trySync(t *till, r api.Report) (a api.Answer, err error) {
	err = s.db.EnterTill(s.t.Context(), t.token, func(c *central.Call) (err error) {
		a, err = c.Sync(r)
		return err
	})
	return a, err
}

func (s *school) report1() api.Report {
	return api.Report{Protocol: api.Protocol, Version: "1.4.0", Now: s.clock.Now(), Folios: api.Folios{Wants: []dte.TipoDTE{dte.Boleta}}}
}

func (s *school) standing(t *till) (standing central.TillStanding) {
	s.t.Helper()
	s.call(func(c *central.Call) (err error) {
		standing, err = c.TillStanding(t.id)
		return err
	})
	return standing
}

// openAlarms are the kinds of those that are open.
func (s *school) openAlarms() string {
	s.t.Helper()
	var kinds []string
	s.call(func(c *central.Call) error {
		list, err := c.Alarms(false, central.Page{})
		for _, a := range list {
			kinds = append(kinds, string(a.Kind))
			if a.Text == "" {
				s.t.Errorf("%+v", a)
			}
		}
		return err
	})
	slices.Sort(kinds)
	return strings.Join(kinds, " ")
}

// What a till says of itself is what people see, the last word of it, whatever it says.
func TestHealthIsWhatWasSaidLast(t *testing.T) {
	s := newSchool(t)
	counter := s.join("Caja 1")
	if got := s.standing(counter); got.Health.Version != "" || !got.Health.At.IsZero() || got.State != central.TillPaired {
		t.Errorf("before a word: %+v", got)
	}
	days := 12
	r := s.report1()
	r.Health = api.Health{
		Waiting: 3, Oldest: s.clock.Now().Add(-time.Hour), Unsent: 7, Papers: 2, Printer: "sin papel", SII: "no hay conexión",
		Hold: "sin folios", Folios: []api.FolioDays{{Tipo: dte.Boleta, Left: 40, Days: &days}},
	}
	r.Now = r.Now.Add(90 * time.Second)
	s.syncs(counter, r)
	got := s.standing(counter).Health
	want := central.TillHealth{At: s.clock.Now(), Version: "1.4.0", Protocol: 1, Skew: 90 * time.Second, Health: r.Health}
	if got.Version != want.Version || got.Skew != want.Skew || !got.At.Equal(want.At) || got.Waiting != 3 || !got.Oldest.Equal(r.Health.Oldest) ||
		got.Unsent != 7 || got.Papers != 2 || got.Printer != "sin papel" || got.SII != "no hay conexión" || got.Health.Hold != "sin folios" ||
		len(got.Folios) != 1 || *got.Folios[0].Days != 12 || got.Hold != "" {
		t.Errorf("%+v", got)
	}
	if alarms := s.openAlarms(); alarms != "" {
		t.Errorf("alarms of a till that is well: %s", alarms)
	}
	// What is absurd is kept as far as it can be kept, and costs nobody anything.
	r.Version, r.Health.Printer, r.Cursor = strings.Repeat("v", 1000), "a\x00b\xff", strings.Repeat("c", 9999)
	r.Health.Waiting, r.Health.Unsent, r.Health.Papers = -5, -1, 1<<40
	s.syncs(counter, r)
	if got := s.standing(counter).Health; len(got.Version) != 60 || got.Printer != "ab" || got.Waiting != 0 || got.Unsent != 0 || got.Papers != math.MaxInt32 || len(got.Cursor) != 500 {
		t.Errorf("%+v", got)
	}
	// What is not said any more is over.
	r.Version, r.Cursor, r.Health = "1.4.1", "", api.Health{}
	s.syncs(counter, r)
	if got := s.standing(counter).Health; got.Version != "1.4.1" || got.Cursor != "" || got.Printer+got.SII+got.Health.Hold != "" || !got.Oldest.IsZero() || got.Papers != 0 || len(got.Folios) != 0 {
		t.Errorf("%+v", got)
	}
}

// A report that no till of ours makes is refused in words, and takes nothing in.
func TestAReportThatCannotBe(t *testing.T) {
	s := newSchool(t)
	counter := s.join("Caja 1")
	for name, change := range map[string]func(*api.Report){
		"an epoch below none":   func(r *api.Report) { r.Epoch = -1 },
		"an epoch without end":  func(r *api.Report) { r.Epoch = 1 << 40 },
		"places without end":    func(r *api.Report) { r.Locator = make([]api.Point, 1000) },
		"marks without end":     func(r *api.Report) { r.Folios.Used = make([]api.Mark, 5000) },
		"more given back":       func(r *api.Report) { r.Folios.Returned = make([]api.Mark, 5000) },
		"a type that is none":   func(r *api.Report) { r.Folios.Wants = []dte.TipoDTE{1 << 40} },
		"types without end":     func(r *api.Report) { r.Folios.Wants = make([]dte.TipoDTE, 100) },
		"less than no entries":  func(r *api.Report) { r.Head.N = -1 },
		"health without an end": func(r *api.Report) { r.Health.Folios = make([]api.FolioDays, 100) },
	} {
		r := s.report1()
		change(&r)
		_, err := s.trySync(counter, r)
		if s.wantRefusal(err, central.Invalid); t.Failed() {
			t.Fatal(name)
		}
	}
	if got := s.standing(counter); got.Epoch != 0 || !got.Health.At.IsZero() {
		t.Errorf("%+v", got)
	}
}

// What people must know becomes an alarm, once: a clock that is wrong, folios that are short, a till that fell silent.
func TestWhatPeopleMustKnowIsAnAlarm(t *testing.T) {
	s := newSchool(t)
	counter, idle := s.join("Caja 1"), s.join("Caja 2")
	r := s.report1()
	r.Now = r.Now.Add(-5 * time.Minute)
	s.syncs(counter, r)
	if got := s.openAlarms(); got != "" {
		t.Errorf("a clock five minutes off: %q", got)
	}
	r.Now = r.Now.Add(-time.Second)
	s.syncs(counter, r)
	s.syncs(counter, r)
	if got := s.openAlarms(); got != "reloj" {
		t.Errorf("a clock more than that off: %q", got)
	}
	r = s.report1()
	s.caf(110, 1, 2)
	r.Folios.Wants = append(r.Folios.Wants, 110)
	r.Health.Waiting = 2
	for _, want := range []string{"reloj", "folios reloj"} {
		a := s.syncs(counter, r)
		if got := s.openAlarms(); got != want {
			t.Errorf("short of %v: %q, want %q", a.Folios.Short, got, want)
		}
		for _, l := range a.Folios.Leases {
			if l.Tipo == 110 {
				r.Folios.Used = append(r.Folios.Used, api.Mark{Lease: l.ID, Used: l.Hasta})
			}
		}
	}
	s.syncs(idle, s.report1())
	s.clock.Advance(24 * time.Hour)
	s.logsInAgain()
	s.notices(s.db, 0)
	s.clock.Advance(time.Second)
	s.notices(s.db, 1)
	if got := s.openAlarms(); got != "folios reloj silencio" {
		t.Errorf("silent for more than a day: %q", got)
	}
	if got := s.standing(counter); got.Open != 3 {
		t.Errorf("%d alarms of Caja 1", got.Open)
	}
}

// logsInAgain is what a person does whose session is over.
func (s *school) logsInAgain() {
	s.t.Helper()
	session, err := s.db.Login(s.t.Context(), "a"+s.company.RUT.Number()+"@ejemplo.cl", centraltest.Password)
	if err != nil {
		s.t.Fatal(err)
	}
	s.session = session.ID
}

// notices has a server look for silent tills, and demands that it tells of so many.
func (s *school) notices(db *central.DB, want int) {
	s.t.Helper()
	if n, err := db.NoticeSilence(s.t.Context()); n != want || err != nil {
		s.t.Errorf("%d silences were told, want %d (%v)", n, want, err)
	}
}

// falls is a till at which something waits, and which is not heard from then on.
func (s *school) falls(name string) *till {
	s.t.Helper()
	counter := s.join(name)
	r := s.report1()
	r.Health.Waiting = 2
	s.syncs(counter, r)
	return counter
}

// A silence is told once: by two servers that look at the same time, in any zone of theirs, and not again when somebody has looked at
// it. The next one is told anew. Who has nothing to tell may be silent, and so may who is no till any more.
func TestASilenceIsToldOnce(t *testing.T) {
	s := newSchool(t)
	counter, gone := s.falls("Caja 1"), s.falls("Caja 2")
	s.syncs(s.join("Caja 3"), s.report1())
	s.call(func(c *central.Call) error { return c.RevokeTill(gone.id) })
	s.exec("alter database " + s.database + " set timezone to 'Pacific/Auckland'")
	abroad := s.server()
	s.clock.Advance(25 * time.Hour)
	told := make(chan int, 2)
	for _, db := range []*central.DB{s.db, abroad} {
		go func() {
			n, err := db.NoticeSilence(t.Context())
			if err != nil {
				t.Error(err)
			}
			told <- n
		}()
	}
	if n := <-told + <-told; n != 1 {
		t.Errorf("%d silences were told", n)
	}
	s.logsInAgain()
	s.call(func(c *central.Call) error {
		list, err := c.Alarms(false, central.Page{})
		if len(list) != 1 || *list[0].TillID != counter.id {
			t.Fatalf("%+v", list)
		}
		return errors.Join(err, c.AttendAlarm(list[0].ID))
	})
	s.clock.Advance(time.Hour)
	s.notices(s.db, 0)
	s.notices(abroad, 0)
	r := s.report1()
	r.Health.Unsent = 7
	s.syncs(counter, r)
	s.notices(s.db, 0)
	s.clock.Advance(25 * time.Hour)
	s.notices(abroad, 1)
}

// The tills of a company that does not work are heard by nobody, and those of the others all the same.
func TestTheTillsOfACompanyThatDoesNotWorkAreNotMissed(t *testing.T) {
	s := newSchool(t)
	s.falls("Caja 1")
	s.exec("update shared.company set is_active = false where id = $1", s.company.ID)
	s.login(s.newCompany(76086428))
	s.falls("Caja 1")
	s.clock.Advance(25 * time.Hour)
	s.notices(s.db, 1)
}

// Nobody has to ask: a server that does jobs looks by itself.
func TestAServerHearsSilenceByItself(t *testing.T) {
	s := newSchool(t)
	s.falls("Caja 1")
	s.clock.Advance(25 * time.Hour)
	s.db.ListenEvery(100 * time.Millisecond)
	stop, err := s.db.Work(t.Context(), slog.New(slog.DiscardHandler), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for giveUp := time.After(time.Minute); s.count("select count(*) from alarm where kind = 'silencio'") == 0; {
		select {
		case <-look.C:
		case <-giveUp:
			t.Fatal("nobody noticed")
		}
	}
}

// A till asks for all that it could issue. People hear of the types that the company has had, and of one type if it never had any.
func TestWhatACompanyNeverIssuedIsNotMissed(t *testing.T) {
	for name, c := range map[string]struct {
		had, wants []dte.TipoDTE
		missed     string
	}{
		"nothing yet":                {nil, []dte.TipoDTE{dte.Factura, dte.Boleta, dte.NotaCredito}, "39"},
		"nothing yet, and no boleta": {nil, []dte.TipoDTE{dte.Factura, dte.NotaCredito}, "33"},
		"boletas only":               {[]dte.TipoDTE{dte.Boleta}, []dte.TipoDTE{dte.Factura, dte.Boleta, dte.NotaCredito}, "39"},
		"facturas only":              {[]dte.TipoDTE{dte.Factura}, []dte.TipoDTE{dte.Boleta}, ""},
		"both":                       {[]dte.TipoDTE{dte.Boleta, dte.Factura}, []dte.TipoDTE{dte.Factura, dte.Boleta, dte.NotaCredito}, "33 39"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSchool(t)
			s.exec("truncate caf, folio_ready cascade")
			for _, tipo := range c.had {
				s.caf(tipo, 1, 10)
			}
			s.exec("update caf set next = hasta + 1") // somebody has them all
			r := s.report1()
			r.Folios.Wants = c.wants
			counter := s.join("Caja 1")
			for range 2 {
				if a := s.syncs(counter, r); !slices.Equal(a.Folios.Short, c.wants) {
					t.Errorf("the till is told that %v are short", a.Folios.Short)
				}
			}
			var missed []string
			s.call(func(call *central.Call) error {
				list, err := call.Alarms(false, central.Page{})
				for _, a := range list {
					tipo, _, _ := strings.Cut(a.Key, " ")
					missed = append(missed, tipo)
				}
				return err
			})
			slices.Sort(missed)
			if got := strings.Join(missed, " "); got != c.missed {
				t.Errorf("people hear of %q, want %q", got, c.missed)
			}
		})
	}
}

// A store that is not the one that spoke before gets no folios, is told why, and people are told too; its leases stay.
func TestAHeldTillGetsNoFolios(t *testing.T) {
	s := newSchool(t)
	counter := s.join("Caja 1")
	r := s.report1()
	r.Epoch = 1
	if a := s.syncs(counter, r); len(a.Folios.Leases) != 0 || !a.Again {
		t.Errorf("a restored one that has not told of it: %+v", a)
	}
	chain := story(api.Point{}, 20, "uno")
	s.told(counter, 1, chain)
	r.Head = chain[19]
	leases := s.syncs(counter, r).Folios.Leases
	if len(leases) != 2 {
		t.Fatal(leases)
	}
	r.Folios.Used = []api.Mark{{Lease: leases[0].ID, Used: leases[0].Desde + 4}}
	s.syncs(counter, r)
	for name, c := range map[string]struct {
		change func(*api.Report)
		hold   api.Hold
		alarm  string
	}{
		"a copy": {func(r *api.Report) { r.Epoch = 0 }, api.HoldCopy, "copia"},
		"behind": {func(r *api.Report) { r.Folios.Used = []api.Mark{{Lease: leases[0].ID, Used: leases[0].Desde}} }, api.HoldBehind, "atraso"},
	} {
		held := r
		c.change(&held)
		a := s.syncs(counter, held)
		if a.Hold != c.hold || len(a.Why) < 50 || len(a.Folios.Leases) != 0 || string(s.standing(counter).Health.Hold) != string(c.hold) || !strings.Contains(s.openAlarms(), c.alarm) {
			t.Errorf("%s: %+v, alarms %q", name, a, s.openAlarms())
		}
	}
	r.Head = story(api.Point{}, 20, "dos")[19]
	if a := s.syncs(counter, r); a.Hold != api.HoldFork || len(a.Folios.Leases) != 0 || a.After != chain[19] || !strings.Contains(s.openAlarms(), "bifurcación") {
		t.Errorf("other books: %+v", a)
	}
	r.Head = chain[19]
	if a := s.syncs(counter, r); a.Hold != "" || len(a.Folios.Leases) != 2 || a.Folios.Leases[0] != leases[0] {
		t.Errorf("the right one is held too: %+v", a)
	}
}

// A person says how far a lease in doubt was used: what lies beyond is annulled and given to nobody, what is below and has no
// document is listed.
func TestAPersonSettlesADoubt(t *testing.T) {
	s := newSchool(t)
	counter := s.join("Caja 1")
	r := s.report1()
	l := s.syncs(counter, r).Folios.Leases[0]
	settle := func(id, last int64) (settled central.Lease, err error) {
		err = s.db.EnterCompany(t.Context(), s.session, s.company.ID, func(c *central.Call) (err error) {
			settled, err = c.SettleLease(id, last)
			return err
		})
		return settled, err
	}
	_, err := settle(l.ID, l.Desde)
	s.wantRefusal(err, central.Conflict) // it is open
	r.Folios.Used = []api.Mark{{Lease: l.ID, Used: l.Desde + 2}}
	s.syncs(counter, r)
	r.Epoch, r.Folios.Used = 1, nil
	s.syncs(counter, r)
	for _, wrong := range []int64{l.Desde + 1, l.Hasta + 1} {
		_, err := settle(l.ID, wrong)
		s.wantRefusal(err, central.Conflict)
	}
	settled, err := settle(l.ID, l.Desde+5)
	if err != nil || settled.State != central.LeaseSettled || settled.Used != l.Desde+5 {
		t.Fatalf("%+v %v", settled, err)
	}
	_, err = settle(l.ID, l.Desde+5)
	s.wantRefusal(err, central.Conflict)
	_, err = settle(999, 1)
	s.wantRefusal(err, central.NotFound)
	s.call(func(c *central.Call) error {
		gaps, err := c.LeaseGaps(settled)
		if !slices.Equal(gaps, []central.FolioGap{{Tipo: dte.Boleta, Desde: l.Desde, Hasta: l.Desde + 5}}) {
			t.Errorf("%+v", gaps)
		}
		return err
	})
	s.call(func(c *central.Call) error {
		annulled, err := c.AnnulledFolios(nil, central.Page{}, dte.Date{}, dte.Date{})
		if len(annulled) != 1 || annulled[0].Desde != l.Desde+6 || annulled[0].Hasta != l.Hasta {
			t.Errorf("%+v", annulled)
		}
		return err
	})
	// All that is left is given out, and none of it is of that lease.
	for range 10 {
		a := s.syncs(counter, r)
		r.Folios.Used = nil
		for _, given := range a.Folios.Leases {
			if given.Desde <= l.Hasta && given.Hasta >= l.Desde {
				t.Fatalf("%+v was given out again as %+v", l, given)
			}
			r.Folios.Used = append(r.Folios.Used, api.Mark{Lease: given.ID, Used: given.Hasta})
		}
	}
}
