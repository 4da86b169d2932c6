package posintegrado_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"mostrador/terminal"
	"mostrador/terminal/posintegrado"
	"mostrador/terminal/possim"
)

// kinds of cut, as words.
var kinds = map[possim.CutKind]string{possim.Unplugged: "unplugged", possim.Silent: "silent", possim.OneWay: "one way"}

// TestCutAtEveryByte cuts the cable at each byte of a sale, in each direction, in each way a cable can be cut, with and
// without the power going too; then the cable is there again and the till asks. What it believes is the truth or
// unknown, at every moment; nobody is charged twice; and where nobody meddled with the terminal the till knows in the
// end.
func TestCutAtEveryByte(t *testing.T) {
	terminals := map[string]possim.Script{
		"well behaved": {}, "declined": {Code: "01"}, "buffers": {Buffers: true}, "concurrent": {Concurrent: true, Card: 9 * time.Second},
	}
	for name, script := range terminals {
		for kind, word := range kinds {
			for _, toTill := range []bool{false, true} {
				for _, power := range []bool{false, true} {
					if power && name != "well behaved" {
						continue // without power all terminals are alike
					}
					t.Run(fmt.Sprintf("%s/%s/to till %t/power %t", name, word, toTill, power), func(t *testing.T) {
						t.Parallel()
						sweep(t, possim.Cut{ToTill: toTill, Kind: kind, Power: power}, 30, func(w *world, cut possim.Cut) (was, doubt bool, end terminal.State) {
							return w.cutOnce(script, cut)
						})
					})
				}
			}
		}
	}
}

// TestCutAtEveryByteOfARefund does the same to an annulment. Two cuts at least leave a doubt in each direction.
func TestCutAtEveryByteOfARefund(t *testing.T) {
	for kind, word := range kinds {
		for _, toTill := range []bool{false, true} {
			for _, power := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/to till %t/power %t", word, toTill, power), func(t *testing.T) {
					t.Parallel()
					sweep(t, possim.Cut{ToTill: toTill, Kind: kind, Power: power}, 10, (*world).cutRefund)
				})
			}
		}
	}
}

// sweep cuts one byte later each time, until what is done is over before the cut; that is after some bytes.
func sweep(t *testing.T, cut possim.Cut, some int, cutOnce func(*world, possim.Cut) (was, doubt bool, end terminal.State)) {
	ends := map[terminal.State]int{}
	doubts := 0
	for ; ; cut.After++ {
		was, end, doubt := false, terminal.Unknown, false
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, possim.Config{})
			w.quiet()
			was, doubt, end = cutOnce(w, cut)
		})
		if t.Failed() {
			t.Fatalf("cut after byte %d", cut.After)
		}
		if !was {
			break
		}
		ends[end]++
		if doubt {
			doubts++
		}
	}
	if cut.After < some || ends[terminal.Unknown] > 0 || doubts == 0 {
		t.Errorf("%d cuts: ends %v, %d of them in doubt first", cut.After, ends, doubts)
	}
	t.Logf("%d cuts: ends %v, %d of them in doubt first", cut.After, ends, doubts)
}

// quiet leaves the voucher out: it would only lengthen the sweep.
func (w *world) quiet() {
	w.driver = posintegrado.New(posintegrado.Config{Open: w.sim.Dial, Now: time.Now, After: time.After, Zone: time.UTC})
	w.desk.Terminal = w.driver
}

// cutOnce sells with a cut cable, and asks until it knows.
func (w *world) cutOnce(script possim.Script, cut possim.Cut) (was, doubt bool, end terminal.State) {
	w.charge("antes")
	script.Cut = &cut
	w.sim.Play(script)
	first := w.charge("a")
	was = w.sim.WasCut()
	beliefs := []terminal.Result{first}
	if doubt = !first.State.Known(); doubt {
		if _, err := w.desk.Charge(w.Context(), "b", 1990); !errors.Is(err, terminal.ErrPending) {
			w.Errorf("a second charge beside an unknown one: %v", err)
		}
	}
	// The same ref again and again is what an impatient cashier does: it never charges anew.
	for range 8 {
		beliefs = append(beliefs, w.charge("a"))
		<-time.After(40 * time.Second)
	}
	charged := w.sim.Charged(terminal.TicketFor("a"))
	for i, b := range beliefs {
		if b.State.Known() && (b.State == terminal.Approved) != (charged == 1) || charged > 1 {
			w.Errorf("belief %d is %s, and it was charged %d times: %s", i, b.State, charged, b.Message)
		}
	}
	return was, doubt, beliefs[len(beliefs)-1].State
}

// cutRefund gives a charge back with a cut cable, and asks until it knows.
func (w *world) cutRefund(cut possim.Cut) (was, doubt bool, end terminal.State) {
	w.charge("a")
	w.sim.Play(possim.Script{Cut: &cut})
	first := w.refund("r-1", "a")
	was = w.sim.WasCut()
	beliefs := []terminal.Result{first}
	if doubt = !first.State.Known(); doubt {
		if _, err := w.desk.Charge(w.Context(), "b", 1990); !errors.Is(err, terminal.ErrPending) {
			w.Errorf("a charge beside an unknown refund: %v", err)
		}
	}
	n := w.sim.Refunded(terminal.TicketFor("a"))
	if first.State.Known() && (first.State == terminal.Approved) != (n == 1) {
		w.Errorf("at first it is %s, and it was given back %d times: %s", first.State, n, first.Message)
	}
	for range 4 {
		beliefs = append(beliefs, w.refund("r-1", "a"))
		<-time.After(40 * time.Second)
	}
	n = w.sim.Refunded(terminal.TicketFor("a"))
	for i, b := range beliefs {
		if b.State.Known() && (b.State == terminal.Approved) != (n == 1) || n > 1 {
			w.Errorf("belief %d is %s, and it was given back %d times: %s", i, b.State, n, b.Message)
		}
	}
	return was, doubt, beliefs[len(beliefs)-1].State
}
