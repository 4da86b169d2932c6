package torn_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// until asks the database again and again until it says yes.
func until(t testing.TB, db *pgx.Conn, what, question string, args ...any) {
	t.Helper()
	deadline := time.After(20 * time.Second)
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

// waiting returns when that many transactions wait for locks.
func waiting(t testing.TB, db *pgx.Conn, n int) {
	t.Helper()
	until(t, db, "transactions waiting for a lock", "select count(*) >= $1 from pg_locks where not granted", n)
}
