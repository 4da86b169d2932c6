package central_test

import (
	"path/filepath"
	"slices"
	"testing"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/central/centraltest"
	"mostrador/dte"
)

// forgets brings the company back as it was when do began, from a dump.
func (s *school) forgets(do func()) {
	s.t.Helper()
	dump := filepath.Join(s.t.TempDir(), "empresa.dump")
	centraltest.Superuser(s.t, s.db)
	pg(s.t, "pg_dump", "--format=custom", "--schema="+s.company.Schema, "--file="+dump, s.db.AdminURL)
	do()
	s.exec("drop schema " + s.company.Schema + " cascade")
	pg(s.t, "pg_restore", "--exit-on-error", "--single-transaction", "--dbname="+s.db.AdminURL, dump)
}

// hasFolios is what a till may issue from after it has spoken with the server.
func (s *school) hasFolios(t *till, want int) {
	s.t.Helper()
	stock, err := s.report(t, t.says())
	if err != nil || stock.Hold != "" {
		s.t.Fatalf("%+v %v", stock, err)
	}
	if t.hears(stock); len(t.leases) != want {
		s.t.Errorf("till %d has %d leases, want %d: %+v", t.id, len(t.leases), want, t.leases)
	}
}

// A server that came back from a dump does not remember what it gave since. It gives nothing, learns from the tills what they have,
// and goes on behind it once somebody has said so: no folio is at two tills.
func TestAServerThatForgotGivesNoFolioTwice(t *testing.T) {
	needDump(t)
	s, a := leased(t, 400)
	b := s.join("Caja 2")
	var spent central.Lease
	s.forgets(func() {
		a.leases[0].Used = a.leases[0].Hasta
		spent = a.leases[0]
		s.hasFolios(a, 2)
		s.hasFolios(b, 2)
		b.leases[0].Used += 3
	})
	newcomer := s.join("Caja 3")
	s.hasFolios(newcomer, 0)
	before := slices.Clone(a.leases)
	if stock, err := s.report(a, a.says(api.Mark{Lease: spent.ID, Used: spent.Used})); err != nil || len(stock.Leases) != 2 { // as store.FollowLeases says of what is over
		t.Fatalf("%+v %v", stock, err)
	}
	s.hasFolios(a, 2)
	if !slices.EqualFunc(before, a.leases, func(x, y central.Lease) bool { return x.ID == y.ID }) {
		t.Errorf("%+v became %+v", before, a.leases)
	}
	s.hasFolios(b, 2)
	s.hasFolios(newcomer, 0)

	s.attend(central.AlarmBackup)
	s.hasFolios(newcomer, 2)
	s.apart(a, b, newcomer)
	b.leases[0].Used = b.leases[0].Hasta
	s.hasFolios(b, 2)
	s.apart(a, b, newcomer)
	if n := s.count("select count(*) from alarm where kind = 'respaldo'"); n != 1 {
		t.Errorf("%d alarms", n)
	}
}

// Who speaks when somebody has already said that all is well, and has folios that another till was given meanwhile, is told not to
// use them, and people hear of it.
func TestFoliosThatTurnUpTooLate(t *testing.T) {
	needDump(t)
	s, a := leased(t, 400)
	b := s.join("Caja 2")
	s.forgets(func() { s.hasFolios(b, 2) })
	s.hasFolios(a, 2)
	late := s.join("Caja 3")
	s.hasFolios(late, 0)
	s.attend(central.AlarmBackup)
	s.hasFolios(late, 2)
	old := slices.Clone(b.leases)
	s.hasFolios(b, 2)
	for _, l := range b.leases {
		if slices.ContainsFunc(old, func(was central.Lease) bool { return was.ID == l.ID }) {
			t.Errorf("it goes on with %+v", l)
		}
	}
	s.apart(a, b, late)
	if n := s.count("select count(*) from alarm where kind = 'conflicto'"); n != 2 {
		t.Errorf("%d alarms", n)
	}
}

// What was given back and is in use again is not given to another; what is left of it is.
func TestFoliosThatCameBackAndWentAgain(t *testing.T) {
	needDump(t)
	s, a := leased(t, 1000)
	a.leases[0].Used = a.leases[0].Hasta
	s.hasFolios(a, 2) // the second one is for the pace of a day on which it sold much
	b, c := s.join("Caja 2"), s.join("Caja 3")
	s.hasFolios(b, 2)
	back := a.leases[1]
	a.leases = a.leases[:1]
	stock, err := s.report(a, a.says(api.Mark{Lease: back.ID, Used: back.Used}))
	if err != nil {
		t.Fatal(err)
	}
	a.hears(stock)
	free := func() int64 { return s.count("select coalesce(sum(hasta - desde + 1), 0) from folio_free") }
	there := free()
	s.forgets(func() {
		s.hasFolios(c, 2)
		there = free()
	})
	for _, counter := range []*till{a, b, c} {
		s.hasFolios(counter, 2)
	}
	if left := free(); left != there || left == 0 {
		t.Errorf("%d are free, want %d", left, there)
	}
	s.attend(central.AlarmBackup)
	fourth := s.join("Caja 4")
	s.hasFolios(fourth, 2)
	s.apart(a, b, c, fourth)
}

// What a till got and spent after the dump is not given to another: the till tells of leases that are over, too.
func TestALeaseThatWasSpentMeanwhile(t *testing.T) {
	needDump(t)
	s, a := leased(t, 400)
	var spent central.Lease
	s.forgets(func() {
		a.leases[0].Used = a.leases[0].Hasta
		s.hasFolios(a, 2)
		spent = a.leases[1]
		a.leases[1].Used = spent.Hasta
		s.hasFolios(a, 2)
	})
	over := api.Mark{Lease: spent.ID, Used: spent.Hasta, Tipo: spent.Tipo, Desde: spent.Desde, Hasta: spent.Hasta}
	r := a.says()
	r.Used = append(r.Used, over, api.Mark{Lease: 1, Used: 20, Tipo: dte.Boleta, Desde: 1, Hasta: 20})
	if stock, err := s.report(a, r); err != nil || len(stock.Leases) != 2 {
		t.Fatalf("%+v %v", stock, err)
	}
	s.attend(central.AlarmBackup)
	b := s.join("Caja 2")
	s.hasFolios(b, 2)
	a.leases = append(a.leases, spent)
	s.apart(a, b)
	if n := s.count("select count(*) from lease where id = $1 and state = 'SPENT'", spent.ID); n != 1 {
		t.Error("the lease that is over is not in the books")
	}
}

// A CAF that was loaded after the dump has to be loaded again. Until it is, the till goes on with what it has of it, and the server
// takes none of it for its own.
func TestACAFThatIsNotThereAnyMore(t *testing.T) {
	needDump(t)
	s, a := leased(t, 40)
	b := s.join("Caja 2")
	s.forgets(func() {
		s.caf(dte.Boleta, 1001, 1400)
		s.hasFolios(b, 2)
	})
	s.hasFolios(a, 2)
	s.hasFolios(b, 2)
	s.alarms(b, "folios")
	s.caf(dte.Boleta, 1001, 1400)
	s.hasFolios(b, 2)
	s.attend(central.AlarmBackup)
	c := s.join("Caja 3")
	s.hasFolios(c, 2)
	s.apart(a, b, c)
}

// A disk that was put back has its very name. The numbers of the leases that tills have tell it.
func TestADiskThatWasPutBack(t *testing.T) {
	s, a := leased(t, 400)
	b, c := s.join("Caja 2"), s.join("Caja 3")
	s.hasFolios(b, 2)
	s.exec("delete from lease where till_id = $1", b.id)
	s.exec("update caf set next = (select max(hasta) + 1 from lease)")
	s.exec("select setval('lease_id_seq', (select max(id) from lease))")
	s.hasFolios(b, 2)
	s.hasFolios(c, 0)
	s.attend(central.AlarmBackup)
	s.hasFolios(c, 2)
	s.apart(a, b, c)
}

func (s *school) attend(kind central.AlarmKind) {
	s.t.Helper()
	s.call(func(c *central.Call) error {
		list, err := c.Alarms(false, central.Page{Limit: 50})
		for _, a := range list {
			if a.Kind == kind {
				return c.AttendAlarm(a.ID)
			}
		}
		s.t.Errorf("no alarm of %s: %+v", kind, list)
		return err
	})
}

// apart demands that no folio is at two tills.
func (s *school) apart(tills ...*till) {
	s.t.Helper()
	at := map[dte.Key]int64{}
	for _, t := range tills {
		for _, l := range t.leases {
			for folio := l.Desde; folio <= l.Hasta; folio++ {
				key := dte.Key{Tipo: l.Tipo, Folio: dte.Folio(folio)}
				if other, taken := at[key]; taken {
					s.t.Fatalf("%s is at till %d and at %d", key.ID(), other, t.id)
				}
				at[key] = t.id
			}
		}
	}
}
