package sync_test

import (
	"testing"

	possync "mostrador/sync"
	"mostrador/sync/synctest"
)

func TestMemoryIsAnOutbox(t *testing.T) {
	synctest.RunOutbox(t, func(*testing.T) synctest.Till {
		m := possync.NewMemory()
		return synctest.Till{
			Outbox:  m,
			Add:     m.Add,
			Restart: func() synctest.Outbox { m.Interrupt(); return m },
		}
	})
}
