package ui

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// Seen is what the window shows, in words: for programs that look at it, and for hands that test it with real keys.
type Seen struct {
	Place  string `json:"lugar"`
	Dialog bool   `json:"dialogo"` // one stands over the place
	Typed  string `json:"escrito"` // in the field that has the typing; of a secret only how long it is
	Size   string `json:"medida"`  // of what is drawn, in points: "1280x800"
	// Words are those of the dialogue, or else of the whole window, from top left to bottom right as they were laid out.
	Words []string `json:"palabras"`
}

// Watch tells of everything that changes in sight, looking every so often. It is called on the window's goroutine, before
// ShowAndRun or after, and so is tell, which must be quick.
func (w *Window) Watch(every time.Duration, tell func(Seen)) { watch(w.after, every, w.Seen, tell) }

// watch tells what is seen, whenever it is another than before.
func watch(after Timer, every time.Duration, see func() Seen, tell func(Seen)) {
	last := ""
	var look func()
	look = func() {
		s := see()
		if now := s.Place + s.Size + "\x00" + s.Typed + "\x00" + strings.Join(s.Words, "\x00"); now != last {
			last = now
			tell(s)
		}
		after(every, look)
	}
	look()
}

// Seen is what the window shows now.
func (w *Window) Seen() Seen {
	shown := w.win.Content()
	size := shown.Size()
	s := Seen{
		Place: string(w.place()), Dialog: w.dialog != nil, Typed: w.focused().told(), Size: fmt.Sprintf("%.0fx%.0f", size.Width, size.Height),
	}
	if w.dialog != nil {
		shown = w.dialog.object()
	}
	said(shown, func(words string) {
		if words != "" {
			s.Words = append(s.Words, words)
		}
	})
	return s
}

// told is what may be said of what stands in a field: a PIN stays where it was typed.
func (f *field) told() string      { return unlessSecret(f.Text, f.Password) }
func (e *setupEntry) told() string { return unlessSecret(e.Text, e.Password) }

func unlessSecret(text string, secret bool) string {
	if secret {
		return strings.Repeat("•", utf8.RuneCountInString(text))
	}
	return text
}

// said visits the words in sight, each of our widgets saying its own.
func said(o fyne.CanvasObject, tell func(words string)) {
	if o == nil || !o.Visible() {
		return
	}
	switch o := o.(type) {
	case *text:
		tell(o.words)
	case *button:
		tell(o.words)
		tell(o.cap)
	case *field:
		tell(o.told())
	case *setupEntry:
		tell(o.told())
	case *table:
		o.said(tell)
	case *tiles:
		for _, p := range o.shown {
			name, below := o.words(p)
			tell(name)
			tell(below)
		}
	case *panel:
		said(o.content, tell)
	case *container.ThemeOverride:
		said(o.Content, tell)
	case *fyne.Container:
		for _, c := range o.Objects {
			said(c, tell)
		}
	}
}

// said are the titles and the rows in view.
func (t *table) said(tell func(words string)) {
	for _, c := range t.columns {
		if !t.bare {
			tell(c.title)
		}
	}
	for i := t.top; i < min(t.top+t.room(), t.count); i++ {
		for _, c := range t.cells(i) {
			tell(c.words)
		}
	}
}

// Watch tells of everything that changes in sight, as that of a till's window does.
func (s *Setup) Watch(every time.Duration, tell func(Seen)) {
	watch(timerOn(s.Loop), every, s.Seen, tell)
}

// Seen is what the assistant shows now.
func (s *Setup) Seen() Seen {
	size := s.win.Content().Size()
	now := Seen{Place: string(founding), Size: fmt.Sprintf("%.0fx%.0f", size.Width, size.Height), Words: s.Words()}
	if p := s.page; p.at < len(p.lines) {
		now.Typed = p.lines[p.at].entry.told()
	}
	return now
}
