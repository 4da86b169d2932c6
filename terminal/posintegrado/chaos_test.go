package posintegrado_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"mostrador/terminal"
	"mostrador/terminal/possim"
)

// turn is one sale of a bad day.
type turn struct {
	script   possim.Script
	patience time.Duration // how long the cashier listens
	asks     int           // how often the till asks before a person decides
	pause    time.Duration // between questions
	byHand   int           // sales that somebody makes on the terminal meanwhile
	cierre   bool
}

func turns() *rapid.Generator[turn] {
	return rapid.Custom(func(t *rapid.T) turn {
		x := turn{
			script: possim.Script{
				Code:      rapid.SampledFrom([]string{"", "", "", "01", "07", "67", "xx"}).Draw(t, "code"),
				Card:      time.Duration(rapid.IntRange(0, 40).Draw(t, "card")) * time.Second,
				NAKs:      rapid.SampledFrom([]int{0, 0, 0, 1, 2, 5}).Draw(t, "NAKs"),
				NAKSales:  rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "NAK sales"),
				BadCheck:  rapid.SampledFrom([]int{0, 0, 0, 1, 2, 5}).Draw(t, "bad check"),
				Repeats:   rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "repeats"),
				StrayNAK:  rapid.Bool().Draw(t, "stray NAK"),
				Mute:      rapid.Bool().Draw(t, "mute"),
				Buffers:   rapid.Bool().Draw(t, "buffers"),
				Noise:     rapid.SampledFrom([][]byte{nil, nil, {0x15}, {0x06}, []byte("\x02~"), []byte("~\x03")}).Draw(t, "noise"),
				PowerLoss: possim.PowerLoss(rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "power loss")),

				Concurrent: rapid.Bool().Draw(t, "concurrent"),
			},
			patience: time.Duration(rapid.SampledFrom([]int{1, 3, 30, 600}).Draw(t, "patience")) * time.Second,
			asks:     rapid.IntRange(0, 8).Draw(t, "asks"),
			pause:    time.Duration(rapid.SampledFrom([]int{0, 1, 11, 61}).Draw(t, "pause")) * time.Second,
			byHand:   rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "by hand"),
			cierre:   rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "cierre") == 1,
		}
		if rapid.Bool().Draw(t, "cut") {
			x.script.Cut = &possim.Cut{
				ToTill: rapid.Bool().Draw(t, "to till"), After: rapid.IntRange(0, 160).Draw(t, "after"),
				Kind: possim.CutKind(rapid.IntRange(0, 2).Draw(t, "kind")), Power: rapid.Bool().Draw(t, "power"),
			}
		}
		return x
	})
}

// TestBadDays: several sales, each with faults of its own that pile up on those before, while people meddle with the
// terminal. What the till believes is true, and nobody pays twice. Where it cannot know, a person decides rightly.
func TestBadDays(t *testing.T) {
	ends := map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		day := rapid.SliceOfN(turns(), 1, 5).Draw(r, "day")
		var faults []string
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, possim.Config{})
			w.quiet()
			w.charge("antes")
			faults = w.live(day, ends)
		})
		for _, f := range faults {
			r.Error(f)
		}
	})
	t.Logf("%v", ends)
	for _, end := range []string{"aprobada", "rechazada", "cancelada", "by a person"} {
		if ends[end] == 0 {
			t.Errorf("no sale ended %s", end)
		}
	}
}

// live lives a day and returns what was wrong with it.
func (w *world) live(day []turn, ends map[string]int) (faults []string) {
	believed := map[string][]terminal.State{}
	believe := func(ref string, r terminal.Result, err error) bool {
		if err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v", ref, err))
		}
		if r.State.Known() {
			believed[ref] = append(believed[ref], r.State)
		}
		return r.State.Known()
	}
	for i, x := range day {
		ref := fmt.Sprint("venta-", i)
		w.sim.Play(x.script)
		known := believe(w.listen(ref, x.patience))
		for range x.byHand {
			w.sim.SellByHand("MANO01", 1990)
		}
		if x.cierre {
			w.sim.CloseByHand()
		}
		for range x.asks {
			if known {
				break
			}
			<-time.After(x.pause)
			known = believe(w.listen(ref, x.patience))
		}
		if known {
			ends[string(believed[ref][0])]++
			continue
		}
		<-time.After(10 * time.Minute) // a person comes, looks, and decides when all is quiet
		ends["by a person"]++
		truth := terminal.Result{State: terminal.Cancelled, By: "Ana", Reason: "miré el terminal"}
		if w.sim.Charged(terminal.TicketFor(ref)) > 0 {
			truth.State = terminal.Approved
		}
		if _, err := w.desk.Declare(truth); err != nil {
			faults = append(faults, err.Error())
		}
	}
	<-time.After(10 * time.Minute)
	for i := range day {
		ref := fmt.Sprint("venta-", i)
		charged := w.sim.Charged(terminal.TicketFor(ref))
		if charged > 1 {
			faults = append(faults, fmt.Sprintf("%s was charged %d times", ref, charged))
		}
		for _, s := range believed[ref] {
			if (s == terminal.Approved) != (charged == 1) {
				faults = append(faults, fmt.Sprintf("%s was believed %s and charged %d times", ref, s, charged))
			}
		}
	}
	return faults
}

// listen charges a ref, as long as the cashier has patience.
func (w *world) listen(ref string, patience time.Duration) (string, terminal.Result, error) {
	ctx, stop := context.WithTimeout(w.Context(), patience)
	defer stop()
	r, err := w.desk.Charge(ctx, ref, 1990)
	return ref, r, err
}

// A terminal that keeps what it cannot do at once comes to old questions late, and its answers to them know nothing of
// the sale behind them. So a sale is not sent into such a queue. (TestBadDays found this.)
func TestNoSaleIntoAQueueOfOldQuestions(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		w.quiet()
		w.charge("antes")
		w.sim.Play(possim.Script{Card: 22 * time.Second, Buffers: true, Repeats: 2})
		_, r, err := w.listen("a", 30*time.Second)
		for range 10 {
			if err != nil || r.State.Known() {
				break
			}
			_, r, err = w.listen("a", 30*time.Second)
		}
		if err != nil || r.State != terminal.Approved {
			w.Fatalf("%+v, %v", r, err)
		}
		for range 10 {
			_, r, err = w.listen("b", 10*time.Minute)
			if err != nil || r.State == terminal.Cancelled {
				break
			}
			<-time.After(time.Minute)
		}
		<-time.After(20 * time.Minute)
		w.want(r, terminal.Cancelled, "b", 0)
		w.sim.Play(possim.Script{})
		w.want(w.charge("c"), terminal.Approved, "c", 1)
	})
}

// The sale may leave long after its intent was stored, because the terminal was busy: the time in which "not charged" is
// not believed begins when it left. (TestBadDays found this.)
func TestSettleBeginsWithTheSale(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		w.charge("antes")
		w.sim.Play(possim.Script{Card: time.Millisecond, Repeats: 2})
		ctx, stop := context.WithTimeout(w.Context(), time.Millisecond)
		defer stop()
		if r, err := w.desk.Charge(ctx, "a", 1990); err != nil || r.State != terminal.Unknown {
			w.Fatalf("%+v, %v", r, err)
		}
		<-time.After(11 * time.Second)
		if _, r, err := w.listen("a", time.Second); err != nil || r.State != terminal.Approved {
			w.Fatalf("%+v, %v", r, err)
		}
		w.sim.Play(possim.Script{Card: 38 * time.Second, Concurrent: true})
		r := w.charge("b")
		for range 10 {
			if r.State.Known() {
				break
			}
			r = w.charge("b")
			<-time.After(10 * time.Second)
		}
		<-time.After(5 * time.Minute)
		w.want(w.charge("b"), terminal.Approved, "b", 1)
	})
}
