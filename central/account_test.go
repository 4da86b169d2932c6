package central_test

import (
	"log/slog"
	"sync"
	"testing"

	"mostrador/central/centraltest"
)

// Of several servers that start together on an empty database one makes the first administrator.
func TestOneFirstAdministrator(t *testing.T) {
	database, clock := centraltest.NewDatabase(t), new(centraltest.Clock)
	var together sync.WaitGroup
	passwords := make([]string, 6)
	for i := range passwords {
		db := centraltest.Open(t, database, clock)
		together.Go(func() {
			var err error
			// Each has its own idea of who that is.
			if passwords[i], err = db.FirstAdministrator(t.Context(), string(rune('a'+i))+"@ejemplo.cl", slog.New(slog.DiscardHandler)); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	made := 0
	for i, password := range passwords {
		if password == "" {
			continue
		}
		made++
		if _, err := centraltest.Open(t, database, clock).Login(t.Context(), string(rune('a'+i))+"@ejemplo.cl", password); err != nil {
			t.Error(err)
		}
	}
	if made != 1 {
		t.Errorf("%d administrators", made)
	}
}
