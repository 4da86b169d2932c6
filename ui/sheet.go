package ui

import (
	"errors"
	"slices"
	"strings"

	"fyne.io/fyne/v2"

	"mostrador/sale"
)

// sheet is some lines to fill in, with a list beside them of what the line at hand may become: known customers, communes,
// what was written before. All of it by keyboard: Tab and Enter go on, the arrows mark what is found, and Enter takes it.
type sheet struct {
	w       *Window
	lines   []*sheetLine
	at      int
	heading *text
	list    *table
	detail  *text // of what is marked
	problem *text
	found   []suggestion
	chosen  int              // in found; -1: none
	changed func(sale.Field) // after a line was edited
	done    func()           // Enter on the last line
	filling bool             // we write into the lines, and nobody types
}

// sheetLine is a line of a sheet.
type sheetLine struct {
	*field
	name    sale.Field
	label   string
	find    func(text string) []suggestion // nil: nothing is looked for
	heading string                         // over what is found
	eager   bool                           // Enter takes the first that is found, even if it is not marked
}

// suggestion is what a line may become. Without take it is written into the line.
type suggestion struct {
	words, detail string
	take          func()
}

const mostSuggestions = 20

func newSheet(w *Window, lines []*sheetLine, changed func(sale.Field), done func()) *sheet {
	l := w.l
	s := &sheet{w: w, lines: lines, chosen: -1, changed: changed, done: done}
	s.heading, s.detail, s.problem = label(l, ""), newText(l, 14, muted, cut), newText(l, 16, bad, wrap).upTo(2).strong()
	s.list = newTable(l, []column{{"", 0, fyne.TextAlignLeading}}, func(i int) {
		s.chosen = i
		s.take()
	})
	s.list.bare, s.list.rowSize, s.list.textSize = true, 36, 14
	for i, line := range lines {
		line.onFocus = func() { s.stand(i) } // a finger may choose it too
	}
	return s
}

// newLine is a line with what stood in it before.
func newLine(w *Window, name sale.Field, label, hint, text string, limit int) *sheetLine {
	f := newField(w, hint)
	f.limit = limit
	f.write(text)
	return &sheetLine{field: f, name: name, label: label}
}

// finding has the line look for something while it is typed.
func (l *sheetLine) finding(heading string, eager bool, find func(string) []suggestion) *sheetLine {
	l.heading, l.eager, l.find = heading, eager, find
	return l
}

func (l *sheetLine) said() string { return strings.TrimSpace(l.Text) }

// box is a line under its label.
func (s *sheet) box(name sale.Field) fyne.CanvasObject {
	line := s.line(name)
	return col(s.w.l.px(2), as(label(s.w.l, line.label)), fixed(s.w.l.px(42), line.framed(16, nil)))
}

// side is the list with its heading.
func (s *sheet) side() fyne.CanvasObject {
	l := s.w.l
	return newPanel(l, sunk, pad(0, l.px(8), col(l.px(4), fixed(l.px(20), pad(l.px(16), 0, s.heading)), grow(s.list), fixed(l.px(22), pad(l.px(16), 0, s.detail))))).edge(hairline, 1)
}

func (s *sheet) line(name sale.Field) *sheetLine { return s.lines[s.index(name)] }

// index of a line; the first, if the sheet has no such line.
func (s *sheet) index(name sale.Field) int {
	for i, line := range s.lines {
		if line.name == name {
			return i
		}
	}
	return 0
}

func (s *sheet) has(name sale.Field) bool { return s.lines[s.index(name)].name == name }

// write puts text into a line, if the sheet has it.
func (s *sheet) write(name sale.Field, text string) {
	if s.has(name) {
		before := s.filling
		s.filling = true
		s.line(name).write(text)
		s.filling = before
	}
}

func (s *sheet) said(name sale.Field) string { return s.line(name).said() }

func (s *sheet) field() *field { return s.lines[s.at].field }

// stand is at a line, and looks for what it may become.
func (s *sheet) stand(i int) {
	s.at = i
	s.look()
}

// goTo brings the typing to a line.
func (s *sheet) goTo(i int) {
	s.stand(i)
	s.w.refocus()
}

func (s *sheet) look() {
	line := s.lines[s.at]
	s.found, s.chosen = nil, -1
	s.heading.say(line.heading)
	if line.find != nil {
		s.found = line.find(line.said())
	}
	if line.eager && len(s.found) > 0 && line.said() != "" {
		s.chosen = max(0, slices.IndexFunc(s.found, func(f suggestion) bool { return f.words == line.said() }))
	}
	s.renderList()
}

func (s *sheet) renderList() {
	found := s.found
	s.list.fill(len(found), s.chosen, func(i int) []cell {
		return []cell{{words: found[i].words}}
	})
	detail := ""
	if s.chosen >= 0 {
		detail = found[s.chosen].detail
	}
	s.detail.say(detail)
}

func (s *sheet) edited() {
	if s.filling {
		return
	}
	s.problem.say("")
	s.look()
	s.changed(s.lines[s.at].name)
}

// move marks what is found, or goes to the next or the previous line.
func (s *sheet) move(key fyne.KeyName) bool {
	switch {
	case key == fyne.KeyDown && s.chosen < len(s.found)-1:
		s.chosen++
	case key == fyne.KeyUp && s.chosen > 0:
		s.chosen--
	case key == fyne.KeyDown && len(s.found) == 0:
		s.next(1)
		return true
	case key == fyne.KeyUp:
		s.next(-1)
		return true
	case key != fyne.KeyDown:
		return false
	}
	s.renderList()
	return true
}

func (s *sheet) next(step int) { s.goTo((s.at + step + len(s.lines)) % len(s.lines)) }

// tab goes on whatever is found.
func (s *sheet) tab() { s.next(1) }

// enter takes what is marked and goes on to the next line; from the last one it is done.
func (s *sheet) enter() {
	if s.chosen >= 0 {
		s.take()
		return
	}
	s.onward()
}

func (s *sheet) onward() {
	if s.at == len(s.lines)-1 {
		s.done()
		return
	}
	s.next(1)
}

func (s *sheet) take() {
	chosen := s.found[s.chosen]
	if chosen.take != nil {
		chosen.take()
		return
	}
	line := s.lines[s.at]
	s.write(line.name, chosen.words)
	s.changed(line.name)
	s.onward()
}

// refuse says what is wrong at the line where it can be mended.
func (s *sheet) refuse(err error) {
	var at sale.FieldError
	if errors.As(err, &at) && s.has(at.Field) {
		s.goTo(s.index(at.Field))
	}
	s.problem.say(sentence(err.Error()) + ".")
}

// words are suggestions of plain words.
func words(list []string) []suggestion {
	all := make([]suggestion, len(list))
	for i, s := range list {
		all[i].words = s
	}
	return all
}
