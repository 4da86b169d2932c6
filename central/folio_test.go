package central_test

import (
	"sync"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/dte"
)

// Who sells first puts a hundred folios into use; those who waited for that meanwhile take theirs from them, and put no more
// into use themselves.
func TestWhoWaitedForFoliosFindsThem(t *testing.T) {
	s := newSchool(t)
	watch := centraltest.Superuser(t, s.db)
	count := func(sql string) (n int) {
		if err := watch.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	const others = 5
	var wg sync.WaitGroup
	s.call(func(c *central.Call) error {
		_, err := c.Sell(newSale(dte.Boleta))
		for range others {
			wg.Go(func() {
				if err := s.db.EnterCompany(t.Context(), s.session, s.company.ID, func(c *central.Call) error {
					_, err := c.Sell(newSale(dte.Boleta))
					return err
				}); err != nil {
					t.Error(err)
				}
			})
		}
		look := time.NewTicker(5 * time.Millisecond)
		defer look.Stop()
		for count("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") < others && !t.Failed() {
			<-look.C
		}
		return err
	})
	wg.Wait()
	if free := count("select count(*) from " + s.company.Schema + ".folio_ready"); free != 100-1-others {
		t.Errorf("%d folios are in use and free", free)
	}
}
