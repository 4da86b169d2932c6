package central_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"mostrador/central"
	"mostrador/central/api"
)

// story is a chain of so many entries that say something, each with the one before it in its hash.
func story(from api.Point, entries int, says string) []api.Point {
	list := []api.Point{}
	for range entries {
		prev, _ := hex.DecodeString(from.Hash)
		if from.N == 0 {
			prev = make([]byte, sha256.Size)
		}
		sum := sha256.Sum256(fmt.Appendf(prev, "%s %d", says, from.N+1))
		from = api.Point{N: from.N + 1, Hash: hex.EncodeToString(sum[:])}
		list = append(list, from)
	}
	return list
}

// locator are the places that a till names besides its head.
func locator(chain []api.Point) (head api.Point, list []api.Point) {
	for i, n := range api.Locate(int64(len(chain))) {
		if i > 0 {
			list = append(list, chain[n-1])
		}
	}
	if len(chain) > 0 {
		head = chain[len(chain)-1]
	}
	return head, list
}

// A store that goes on is followed, one that was restored goes on where both know the books, and a copy, one that went back in
// time and one that says something else are told apart, each with an alarm that is told once.
func TestAChainIsFollowedOrHeld(t *testing.T) {
	s := newSchool(t)
	first := story(api.Point{}, 100, "uno")
	after := func(n int, more int, says string) []api.Point {
		return append(append([]api.Point{}, first[:n]...), story(first[n-1], more, says)...)
	}
	for name, c := range map[string]struct {
		epoch int
		chain []api.Point
		after api.Point
		hold  central.Hold
		alarm string
	}{
		"as it was":                            {1, first, first[99], "", ""},
		"longer":                               {1, after(100, 900, "uno"), first[99], "", ""},
		"a copy of before the restore":         {0, first, first[99], central.HoldCopy, "copia"},
		"it went back in time":                 {1, first[:99], first[99], central.HoldBehind, "atraso"},
		"it went back to nothing":              {1, nil, first[99], central.HoldBehind, "atraso"},
		"another last entry":                   {1, after(99, 1, "otro"), first[99], central.HoldFork, "bifurcación"},
		"it parted before and is longer":       {1, after(60, 60, "otro"), first[99], central.HoldFork, "bifurcación"},
		"it parted before and is shorter":      {1, after(60, 20, "otro"), first[99], central.HoldFork, "bifurcación"},
		"another one from the first":           {1, story(api.Point{}, 500, "otro"), first[99], central.HoldFork, "bifurcación"},
		"restored, with all":                   {2, after(100, 1, "volvió"), first[99], "", "restauración"},
		"restored from a backup of yesterday":  {2, after(97, 4, "volvió"), first[96], "", "restauración"},
		"restored from one of another company": {2, story(api.Point{}, 30, "otro"), api.Point{}, "", "restauración"},
	} {
		t.Run(name, func(t *testing.T) {
			till := s.join(name)
			s.told(till, 1, first)
			head, places := locator(c.chain)
			for range 2 {
				err := s.db.EnterTill(t.Context(), till.token, func(call *central.Call) error {
					after, hold, err := call.FollowChain(c.epoch, head, places)
					if after != c.after || hold != c.hold || (hold == "") != (hold.Words() == "") {
						t.Errorf("after %+v, hold %q", after, hold)
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			s.alarms(till, c.alarm)
		})
	}
}

// told has the server know a chain, as if the till had pushed it.
func (s *school) told(t *till, epoch int, chain []api.Point) {
	s.t.Helper()
	hashes := make([]string, len(chain))
	for i, p := range chain {
		hashes[i] = p.Hash
	}
	s.exec(`insert into till_entry (till_id, n, hash, epoch, kind, at, fact) select $1::bigint, n, decode(hash, 'hex'), $2::integer, 'reloj', now(), ''
		from unnest($3::text[]) with ordinality h (hash, n)`, t.id, epoch, hashes)
	head := chain[len(chain)-1]
	s.exec("update till set epoch = $2, chain_epoch = $2, chain_n = $3, chain_hash = decode($4, 'hex') where id = $1", t.id, epoch, head.N, head.Hash)
}

// alarms checks of which kinds a till's alarms are, one of each.
func (s *school) alarms(t *till, kinds ...string) {
	s.t.Helper()
	var got []string
	s.call(func(c *central.Call) error {
		list, err := c.Alarms(false, central.Page{})
		for _, a := range list {
			if a.TillID != nil && *a.TillID == t.id {
				got = append(got, string(a.Kind))
			}
		}
		return err
	})
	want := map[string]int{}
	for _, k := range kinds {
		if k != "" {
			want[k]++
		}
	}
	for _, k := range got {
		want[k]--
	}
	for k, n := range want {
		if n != 0 {
			s.t.Errorf("alarms %q, want %q: %s", got, kinds, k)
		}
	}
}
