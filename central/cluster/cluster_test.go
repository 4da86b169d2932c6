package cluster_test

import (
	"errors"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"mostrador/central/cluster"
)

func TestStartKillStart(t *testing.T) {
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	// The parents of a test's own folder may be closed to the server's user.
	connect := func(c *cluster.Cluster) *pgx.Conn {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), c.URL(cluster.Superuser, "postgres"))
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	query := func(c *cluster.Cluster, sql string) (n int) {
		t.Helper()
		if err := connect(c).QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	start := func() *cluster.Cluster {
		t.Helper()
		c, err := cluster.Start(t.Context(), dir, cluster.Options{})
		if errors.Is(err, cluster.ErrMissing) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}

	first := start()
	if _, err := connect(first).Exec(t.Context(), "create table kept (n int); insert into kept values (7)"); err != nil {
		t.Fatal(err)
	}
	if got := query(first, "select count(*) from pg_settings where name = 'listen_addresses' and setting = ''"); got != 1 {
		t.Error("the server listens on the network")
	}
	first.Kill()
	if got := query(start(), "select n from kept"); got != 7 {
		t.Errorf("after a kill: %d", got)
	}
}
