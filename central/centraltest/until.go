package centraltest

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Until asks the database again and again until it says yes.
func Until(t testing.TB, db *pgx.Conn, what, question string, args ...any) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var yes bool
		if err := db.QueryRow(t.Context(), question, args...).Scan(&yes); err != nil {
			t.Fatal(err)
		}
		if yes {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("it never came to this: %s", what)
		case <-tick.C:
		}
	}
}
