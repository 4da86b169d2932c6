package ui

import (
	"image"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"

	"mostrador/dte"
	"mostrador/sale"
)

// frameOf walks the window as Fyne's driver does for a frame: all objects for their least sizes, then all for painting,
// which takes some time.
func (x *world) frameOf(took time.Duration) {
	root := x.w.Fyne().Content()
	walk(root, true)
	x.now = x.now.Add(took)
	walk(root, false)
}

func walk(o fyne.CanvasObject, measuring bool) {
	if !o.Visible() {
		return
	}
	for _, c := range children(o) {
		walk(c, measuring)
	}
	if measuring {
		o.MinSize()
	}
}

func (x *world) probing() *queue {
	q := &queue{}
	x.w.probe.loop = q
	return q
}

// From the Enter to the frame, with what the driver does in between; the same for other keys, which are no scans.
func TestTheProbeMeasuresUntilTheFrameIsThere(t *testing.T) {
	x := newWorld(t)
	q, p := x.probing(), x.w.probe
	x.scan(leche)
	x.pass(9 * time.Millisecond)
	if x.frameOf(12 * time.Millisecond); p.scans.count != 0 {
		t.Error("a frame that is being painted was taken for painted")
	}
	x.now = x.now.Add(3 * time.Millisecond) // the buffers are swapped
	q.run()
	if want := []time.Duration{24 * time.Millisecond}; !slices.Equal(p.scans.ring, want) || !slices.Equal(p.all.ring, want) {
		t.Errorf("scans %v, all %v; want %v", p.scans.ring, p.all.ring, want)
	}
	if want := []time.Duration{15 * time.Millisecond}; !slices.Equal(p.paint.ring, want) {
		t.Errorf("painting %v; want %v", p.paint.ring, want)
	}
	x.press(fyne.KeyF2)
	x.frameOf(5 * time.Millisecond)
	q.run()
	if p.scans.count != 1 || p.all.count != 2 {
		t.Errorf("%d scans of %d gestures", p.scans.count, p.all.count)
	}
}

// A walk that looks for what is under the pointer paints nothing.
func TestTheProbeTakesNoOtherWalkForAFrame(t *testing.T) {
	x := newWorld(t)
	q, p := x.probing(), x.w.probe
	x.scan(leche)
	x.w.frame.root.MinSize()
	for range 3 {
		walk(x.w.Fyne().Content(), false)
		q.run()
	}
	if p.paint.count != 0 || p.scans.count != 0 {
		t.Errorf("%d frames, %d scans", p.paint.count, p.scans.count)
	}
}

// What the goroutine takes up before the message of the last frame ends that frame; it is not counted twice.
func TestAFrameEndsOnce(t *testing.T) {
	x := newWorld(t)
	q, p := x.probing(), x.w.probe
	x.scan(leche)
	x.frameOf(10 * time.Millisecond)
	x.pass(4 * time.Millisecond)
	x.scan(products[1].Codigo)
	x.frameOf(20 * time.Millisecond)
	q.run()
	if want := []time.Duration{15 * time.Millisecond, 20 * time.Millisecond}; !slices.Equal(p.scans.ring, want) { // the next scan's first character came a millisecond later
		t.Errorf("scans %v; want %v", p.scans.ring, want)
	}
	if p.paint.count != 2 {
		t.Errorf("%d frames", p.paint.count)
	}
}

// A key that changed nothing is not still waiting when something else draws, an hour later.
func TestAGestureWithoutEffectIsForgotten(t *testing.T) {
	x := newWorld(t)
	q, p := x.probing(), x.w.probe
	x.stroke('7')
	x.now = x.now.Add(time.Hour)
	x.w.SetStatus(Status{Line: LineDown})
	x.frameOf(time.Millisecond)
	q.run()
	if p.all.count != 0 || p.paint.count != 1 {
		t.Errorf("%d gestures, %d frames: %v", p.all.count, p.paint.count, p.all.ring)
	}
}

func TestSlowFramesAreListedWithTheirKey(t *testing.T) {
	x := newWorld(t)
	q, p := x.probing(), x.w.probe
	x.now = x.now.UTC() // a computer whose clock is anybody's
	at := x.now
	for range mostSlow + 5 {
		x.press(fyne.KeyF2)
		x.frameOf(101 * time.Millisecond)
		q.run()
		x.press(fyne.KeyEscape)
		x.frameOf(100 * time.Millisecond)
		q.run()
	}
	if p.all.slow != mostSlow+5 || len(p.slow) != mostSlow {
		t.Errorf("%d slow, %d listed", p.all.slow, len(p.slow))
	}
	if first := p.slow[0]; first.what != "F2" || first.took != 101*time.Millisecond || !first.at.Equal(at.Add(5*201*time.Millisecond)) {
		t.Errorf("%+v", first)
	}
	if told, want := p.facts()[3].Name, "Lento: "+at.In(dte.Santiago).Format("02-01 15:04:"); !strings.HasPrefix(told, want) {
		t.Errorf("it says %q, and not the time of Chile, %s", told, want)
	}
}

// What waits for the first frame is called inside of it, once, and gets to the window's goroutine.
func TestTheFirstFrameIsToldOnce(t *testing.T) {
	for name, paint := range map[string]func(told func(do func(f func()))){
		"the till": func(told func(do func(f func()))) {
			x := newWorld(t)
			x.w.probe.framed = func() { told(x.w.loop.Do) }
			x.frameOf(time.Millisecond)
			x.frameOf(time.Millisecond)
		},
		"the assistant": func(told func(do func(f func()))) {
			s := NewSetup(test.NewTempApp(t), SetupDeps{Comunas: sale.NewNames(nil), Framed: told, Loop: inline{}})
			for range 2 {
				walk(s.win.Content(), true)
				walk(s.win.Content(), false)
			}
			s.show(s.company())
			walk(s.win.Content(), true)
			walk(s.win.Content(), false)
		},
	} {
		told, done := 0, 0
		paint(func(do func(f func())) {
			told++
			do(func() { done++ })
		})
		if told != 1 || done != 1 {
			t.Errorf("%s told %d times, %d done", name, told, done)
		}
	}
}

func TestSamplesKeepTheNewest(t *testing.T) {
	var s samples
	if s.String() != "todavía ninguno" {
		t.Errorf("%q", s.String())
	}
	for range 600 {
		s.add(5 * time.Second)
	}
	for i := range mostSamples {
		s.add(time.Duration(i+1) * 100 * time.Microsecond)
	}
	if got, want := s.String(), "p50 50,0, p95 95,0, p99 99,0, máximo 5000,0 ms; 1600 en total, 600 de más de 100 ms"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// F11, Diagnóstico: what was measured, what the machine says, and a copy for whoever helps.
func TestTheDiagnosisIsShownAndCopied(t *testing.T) {
	x := newWorld(t)
	x.w.machine = func() []Fact { return []Fact{{"Memoria ocupada", "212 MiB"}} }
	q := x.probing()
	x.scan(leche)
	x.frameOf(32 * time.Millisecond)
	q.run()
	x.press(f11)
	x.choose("Diagnóstico")
	x.sees("Diagnóstico", "Del escaneo a la pantalla", "p50 32,0", "Memoria ocupada", "212 MiB")
	x.press(fyne.KeyReturn)
	x.sees("Copiado")
	copied := fyne.CurrentApp().Clipboard().Content()
	for _, part := range []string{"Del escaneo a la pantalla: p50 32,0", "Memoria ocupada: 212 MiB\n"} {
		if !strings.Contains(copied, part) {
			t.Errorf("the copy lacks %q:\n%s", part, copied)
		}
	}
	x.press(esc)
	x.typingIsAt(x.w.sink)
}

// The first figure of a code is not drawn by itself; a finger's is, as soon as no scanner can be going on.
func TestTheFirstFigureWaitsForAMoment(t *testing.T) {
	x := newWorld(t)
	x.stroke('3')
	if x.w.sink.Text != "" {
		t.Error("it is drawn at once")
	}
	x.pass(pace)
	if x.w.sink.Text != "3" {
		t.Errorf("after a moment the field says %q", x.w.sink.Text)
	}
	x.pass(time.Second)
	x.stroke('5')
	x.press(fyne.KeyReturn) // before the moment is over
	if x.w.sink.Text != "" || len(x.w.held) != 0 {
		t.Errorf("Enter left %q and %q", x.w.sink.Text, string(x.w.held))
	}
	x.sees("35")
	n := len(x.lines())
	x.scan(leche)
	x.stroke('2')
	x.pass(time.Millisecond)
	x.stroke('+')
	x.pass(time.Second)
	if got := x.lines(); len(got) != n+1 || got[n].Qty.String() != "1" || x.w.sink.Text != "2+" {
		t.Errorf("2+ changed the cart: %v, %q", got, x.w.sink.Text)
	}
}

// A large surface looks as if it were drawn in one piece, and is not.
func TestALargeSurfaceLooksWhole(t *testing.T) {
	x := newWorld(t)
	l := x.w.l
	shown := func(height float32, edge fyne.ThemeColorName, inOnePiece bool) (image.Image, *surface) {
		s := newSurface()
		box := container.NewWithoutLayout(s.objects()...)
		s.paint(l.paint(card), l.paint(edge), 2, 10)
		s.resize(fyne.NewSize(200, height))
		if inOnePiece {
			for _, o := range s.objects() {
				o.(*canvas.Rectangle).Hidden = o != s.whole
			}
		}
		w := test.NewTempWindow(t, box)
		w.SetPadded(false)
		w.Resize(fyne.NewSize(220, height+20))
		return w.Canvas().Capture(), s
	}
	for _, edge := range []fyne.ThemeColorName{accent, hairline} {
		parts, s := shown(300, edge, false)
		whole, _ := shown(300, edge, true)
		if s.whole.Visible() || !s.body.Visible() {
			t.Fatal("it is in one piece")
		}
		different := 0
		for y := range parts.Bounds().Dy() {
			for x := 3; x < 197; x++ { // in memory, unlike on a screen, an edge is drawn half outside
				if parts.At(x, y) != whole.At(x, y) {
					different++
				}
			}
		}
		if different > 0 {
			t.Errorf("%d points differ", different)
		}
	}
	if _, s := shown(79, accent, false); !s.whole.Visible() || s.body.Visible() {
		t.Error("a small one is in pieces")
	}
	if _, s := shown(300, clear, false); !s.whole.Visible() || s.body.Visible() {
		t.Error("one with a translucent edge is in pieces")
	}
}
