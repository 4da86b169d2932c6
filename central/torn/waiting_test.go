package torn_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"mostrador/central/centraltest"
)

// waiting returns when that many transactions wait for locks.
func waiting(t testing.TB, db *pgx.Conn, n int) {
	t.Helper()
	centraltest.Until(t, db, "transactions waiting for a lock", "select count(*) >= $1 from pg_locks where not granted", n)
}
