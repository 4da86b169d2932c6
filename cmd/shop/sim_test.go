package shop

import (
	"runtime"
	"strings"
	"sync"
	"testing"

	"mostrador/central/api/apitest"
)

// The simulation of tills, server and SII. MOSTRADOR_WORLDS is how many worlds, MOSTRADOR_SEED the first one's seed; the same
// seed is the same world, whatever the machine does.

// playWorlds plays so many, on all processors, and hands each to fn, one at a time. fn stops it by returning false.
func playWorlds(first uint64, worlds int, plant simPlant, fn func(*simWorld) bool) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	next, end, stopped := first, first+uint64(worlds), false
	take := func() (seed uint64, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		seed = next
		next++
		return seed, seed < end && !stopped
	}
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed, ok := take(); ok; seed, ok = take() {
				w := playWorld(seed, plant, false)
				mu.Lock()
				stopped = stopped || !fn(w)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// TestSimulation plays worlds to their end: whatever happened on the way, the books are then the same on all sides. It also demands
// that the worlds were bad enough.
func TestSimulation(t *testing.T) {
	worlds := number(worldsVar, 8)
	var total simStats
	playWorlds(uint64(number(seedVar, 1)), worlds, simPlant{}, func(w *simWorld) bool {
		total.add(w.stats)
		if len(w.faults) > 0 {
			t.Errorf("world %d; again with: %s=%d %s=1\n%s", w.seed, seedVar, w.seed, worldsVar, strings.Join(w.faults, "\n"))
		}
		return true
	})
	t.Logf("%d worlds: %+v", worlds, total)
	if worlds == 1 && t.Failed() {
		t.Log(strings.Join(playWorld(uint64(number(seedVar, 1)), simPlant{}, true).script, "\n"))
	}
	for what, n := range map[string]int{
		"crashes": total.crashes, "lost answers": total.lost, "late messages": total.late, "doubled messages": total.doubled, "restores": total.restores,
		"clones": total.clones, "takeovers": total.takeovers, "notes": total.notes, "vouchers": total.vouchers, "remedies": total.remedies,
		"faults of disks": total.disks, "settled leases": total.settled,
	} {
		if n == 0 && worlds > 20 {
			t.Errorf("no %s: the worlds were not bad enough to show anything", what)
		}
	}
}

// Worlds that once ended with something wrong: 825 had one backup restored on two computers, which then shared a lease; in 3115 a till took
// the envelope of its copy for its own. More happens in worlds now than then, so the seeds are other worlds; what those showed is held
// by tests of its own (possync: TestTheEnvelopeOfACopyIsNotThisOne).
func TestWorldsThatOnceFailed(t *testing.T) {
	for _, seed := range []uint64{592, 640, 825, 3115} {
		if w := playWorld(seed, simPlant{}, false); len(w.faults) > 0 {
			t.Errorf("world %d: %s", seed, strings.Join(w.faults, "\n"))
		}
	}
}

// The same seed is the same world, to the last byte.
func TestAWorldCanBePlayedAgain(t *testing.T) {
	worlds := min(20, number(worldsVar, 3))
	first := map[uint64]string{}
	playWorlds(1, worlds, simPlant{}, func(w *simWorld) bool {
		first[w.seed] = w.sum()
		return true
	})
	playWorlds(1, worlds, simPlant{}, func(w *simWorld) bool {
		if first[w.seed] != w.sum() {
			t.Errorf("world %d was another one the second time", w.seed)
		}
		return true
	})
}

// planted are bugs that others have had, and how many seeds may pass until a world shows each. Two hundred is the promise.
var planted = []struct {
	name string
	simPlant
}{
	{"two tills on one lease", simPlant{server: apitest.Plant{SharedLease: true}}},
	{"blind resend", simPlant{blindResend: true}},
	{"lease without epoch", simPlant{noEpoch: true, server: apitest.Plant{NoEpoch: true}}},
	{"overwrite merge", simPlant{server: apitest.Plant{Overwrite: true}}},
	{"told before the answer", simPlant{toldFirst: true}},
	{"cursor before the news", simPlant{cursorFirst: true}},
	{"debts counted twice", simPlant{countsTwice: true}},
	{"push without chain check", simPlant{server: apitest.Plant{NoChainCheck: true}}},
}

func TestPlantedBugsAreFound(t *testing.T) {
	const within = 200
	begin := map[string]uint64{"cursor before the news": 20} // where to begin in the ordinary run: the worlds before show nothing
	for _, bug := range planted {
		t.Run(bug.name, func(t *testing.T) {
			played, found, first := 0, (*simWorld)(nil), max(1, begin[bug.name])
			if number(worldsVar, 0) > 0 {
				first = 1
			}
			playWorlds(first, within-int(first)+1, bug.simPlant, func(w *simWorld) bool {
				played++
				if len(w.faults) > 0 && (found == nil || w.seed < found.seed) {
					found = w
				}
				return found == nil
			})
			if found == nil {
				t.Fatalf("nobody noticed in %d worlds", played)
			}
			t.Logf("world %d shows it: %s", found.seed, found.faults[0])
		})
	}
}
