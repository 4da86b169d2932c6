package ui

import (
	"fmt"
	"image/color"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"mostrador/dte"
)

// probe measures what the cashier waits for: from a gesture, as the window's goroutine takes it up, until the frame that
// shows its effect has been given to the screen.
//
// Fyne tells nobody that a frame is ready, but it walks the tree of what is visible twice for each: once to ask every object
// for its least size, and once to paint. Nothing else asks a spy for its least size, because its layout does not; so a walk
// that comes by after that question is the one that paints. What the last spy then leaves with the Dispatcher runs when the
// buffers were swapped and the goroutine is free again.
//
// What is measured begins when the goroutine sees the key, which the driver fetches sixty times a second: on a screen, up to
// 17 ms have gone by before. The end is never too early; it is late by what else the goroutine takes up first.
type probe struct {
	now   func() time.Time
	loop  Dispatcher
	doing moment   // the gesture at hand; zero: none, or it is drawn
	drawn []moment // in the widgets, not yet on the screen
	scans samples
	all   samples // of all keys that change something
	paint samples
	slow  []slowFrame

	first, last *spy
	mark        *canvas.Rectangle // of no size; drawing it anew asks for a frame
	began       time.Time         // the frame at hand
	frame       int               // its number; 0: none is being painted
	frames      int

	framed func() // nil: nobody waits for the first frame, or it was
}

// moment is a gesture.
type moment struct {
	what string
	at   time.Time
	scan bool // it put a line into the cart
}

// slowFrame is one that a person notices.
type slowFrame struct {
	at   time.Time
	what string
	took time.Duration
}

const (
	tooSlow     = 100 * time.Millisecond
	mostSlow    = 20
	mostSamples = 1000
)

func newProbe(now func() time.Time, loop Dispatcher) *probe {
	p := &probe{now: now, loop: loop, mark: canvas.NewRectangle(color.Transparent)}
	p.first, p.last = newSpy(), newSpy()
	p.first.walked = func(painting bool) {
		if !painting {
			p.settle()
			p.began = p.now()
		}
	}
	p.last.walked = func(painting bool) {
		if painting {
			p.painted()
		}
	}
	return p
}

// around puts the spies before and behind all that is drawn.
func (p *probe) around(o fyne.CanvasObject) fyne.CanvasObject {
	return &fyne.Container{Layout: spied{}, Objects: []fyne.CanvasObject{p.first, o, p.mark, p.last}}
}

// gesture begins one; what it returns ends it, whether or not it changed anything.
func (p *probe) gesture(what string) (end func()) {
	p.settle()
	p.doing = moment{what: what, at: p.now()}
	return p.forget
}

func (p *probe) forget() { p.doing = moment{} }

// line says that the gesture put a line into the cart.
func (p *probe) line() { p.doing.scan = true }

// rendered says that the gesture is in the widgets. It asks for a frame, even if nothing looks different.
func (p *probe) rendered() {
	if p.doing.what == "" {
		return
	}
	p.drawn, p.doing = append(p.drawn, p.doing), moment{}
	canvas.Refresh(p.mark)
}

// painted is called inside a frame: it is over when the goroutine comes to what is left with the Dispatcher.
func (p *probe) painted() {
	if first := p.framed; first != nil {
		p.framed = nil
		first()
	}
	p.frames++
	p.frame = p.frames
	number := p.frame
	p.loop.Do(func() {
		if p.frame == number {
			p.settle()
		}
	})
}

// settle notes the frame that has been painted, if there is one.
func (p *probe) settle() {
	if p.frame == 0 {
		return
	}
	p.frame = 0
	now := p.now()
	p.paint.add(now.Sub(p.began))
	longest := slowFrame{at: p.began, what: "pintar", took: now.Sub(p.began)}
	for _, m := range p.drawn {
		took := now.Sub(m.at)
		p.all.add(took)
		if m.scan {
			p.scans.add(took)
		}
		if took >= longest.took {
			longest = slowFrame{at: m.at, what: m.what, took: took}
		}
	}
	p.drawn = p.drawn[:0]
	if longest.took > tooSlow {
		p.slow = append(p.slow, longest)
		p.slow = p.slow[max(0, len(p.slow)-mostSlow):]
	}
}

// samples are the newest of many, in a ring.
type samples struct {
	ring  []time.Duration
	count int
	slow  int // of all, those over tooSlow
	worst time.Duration
}

func (s *samples) add(d time.Duration) {
	if len(s.ring) < mostSamples {
		s.ring = append(s.ring, d)
	} else {
		s.ring[s.count%mostSamples] = d
	}
	s.count++
	if d > tooSlow {
		s.slow++
	}
	s.worst = max(s.worst, d)
}

// String tells them in a line.
func (s *samples) String() string {
	if s.count == 0 {
		return "todavía ninguno"
	}
	sorted := slices.Sorted(slices.Values(s.ring))
	part := func(percent int) string { return milliseconds(sorted[(len(sorted)-1)*percent/100]) }
	return fmt.Sprintf("p50 %s, p95 %s, p99 %s, máximo %s ms; %d en total, %d de más de %d ms",
		part(50), part(95), part(99), milliseconds(s.worst), s.count, s.slow, tooSlow.Milliseconds())
}

// facts are what the probe has seen, for the diagnosis.
func (p *probe) facts() []Fact {
	facts := []Fact{
		{"Del escaneo a la pantalla", p.scans.String()},
		{"De cada tecla a la pantalla", p.all.String()},
		{"Pintar la ventana", p.paint.String()},
	}
	for _, f := range slices.Backward(p.slow) {
		facts = append(facts, Fact{"Lento: " + f.at.In(dte.Santiago).Format("02-01 15:04:05"), fmt.Sprintf("%s, %s ms", f.what, milliseconds(f.took))})
	}
	return facts
}

// Fact is a line of the diagnosis.
type Fact struct{ Name, Value string }

// Text is a diagnosis as it is copied and kept.
func Text(facts []Fact) string {
	var b strings.Builder
	for _, f := range facts {
		fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
	}
	return b.String()
}

// spy is a widget that draws nothing and notices the driver's walks.
type spy struct {
	widget.BaseWidget
	asked  bool // for its least size, since the last walk
	walked func(painting bool)
}

func newSpy() *spy {
	s := &spy{}
	s.ExtendBaseWidget(s)
	return s
}

// withFirstFrame does something once, while o is painted for the first time.
func withFirstFrame(o fyne.CanvasObject, do func()) fyne.CanvasObject {
	s := newSpy()
	s.walked = func(painting bool) {
		if painting && do != nil {
			first := do
			do = nil
			first()
		}
	}
	return &fyne.Container{Layout: spied{}, Objects: []fyne.CanvasObject{s, o}}
}

// CreateRenderer implements fyne.Widget.
func (s *spy) CreateRenderer() fyne.WidgetRenderer { return spyRenderer{s} }

type spyRenderer struct{ s *spy }

func (r spyRenderer) Layout(fyne.Size) {}
func (r spyRenderer) Refresh()         {}
func (r spyRenderer) Destroy()         {}

// MinSize is asked for in the first walk of a frame.
func (r spyRenderer) MinSize() fyne.Size {
	r.s.asked = true
	return fyne.Size{}
}

// Objects is asked for in every walk.
func (r spyRenderer) Objects() []fyne.CanvasObject {
	painting := r.s.asked
	r.s.asked = false
	r.s.walked(painting)
	return nil
}

// spied gives all the room to the object between the spies, and asks no spy for anything.
type spied struct{}

// Layout implements fyne.Layout.
func (spied) Layout(objects []fyne.CanvasObject, s fyne.Size) { objects[1].Resize(s) }

// MinSize implements fyne.Layout.
func (spied) MinSize(objects []fyne.CanvasObject) fyne.Size { return objects[1].MinSize() }
