package ui

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
)

// choice is a row of a chooseDialog.
type choice struct {
	words, detail, amount string
	do                    func() error // nil: it only tells
	// opens: do opens a screen or another dialogue by itself.
	opens bool
}

// chooseDialog is a short list of which one is taken: with the arrows and Enter, by its number, or with a finger.
type chooseDialog struct {
	w       *Window
	card    fyne.CanvasObject
	list    *table
	choices []choice
	at      int
}

// mostRows are seen at once on the smallest window.
const mostRows = 13

func newChooseDialog(w *Window, question, advice string, choices []choice) *chooseDialog {
	l := w.l
	d := &chooseDialog{w: w, choices: choices}
	detail := float32(1)
	if slices.ContainsFunc(choices, func(c choice) bool { return c.detail != "" }) {
		detail = 250
	}
	d.list = newTable(l, []column{{"", 36, fyne.TextAlignTrailing}, {"", 0, fyne.TextAlignLeading}, {"", detail, fyne.TextAlignLeading}, {"", 100, fyne.TextAlignTrailing}}, func(i int) {
		d.at = i
		d.enter()
	})
	d.list.bare = true
	rows := float32(min(max(len(choices), 1), mostRows))
	switch { // closer together, to show them all
	case rows > 12:
		d.list.rowSize = 37
	case rows > 9:
		d.list.rowSize = 40
	}
	d.card = dialogCard(l, 760, col(l.px(12),
		as(newText(l, 24, ink, cut).strong().say(question)),
		as(newText(l, 16, muted, wrap).upTo(2).say(advice)),
		fixed(l.px(d.list.rowSize*rows), d.list),
		fixed(l.px(64), row(l.px(12), d.buttons()...))))
	d.render()
	return d
}

// buttons: where there is nothing to choose, one is enough.
func (d *chooseDialog) buttons() []item {
	button := func(weight weight, words, keycap string, do func()) item {
		return grow(newButton(d.w.l, weight, words, keycap, do).bigger(18, fyne.NewSize(120, 64)))
	}
	if !slices.ContainsFunc(d.choices, func(c choice) bool { return c.do != nil }) {
		return []item{button(primary, "Entendido", "Enter", d.w.closeDialog)}
	}
	return []item{button(plain, "Volver", "Esc", d.w.closeDialog), button(primary, "Elegir", "Enter", d.enter)}
}

func (d *chooseDialog) object() fyne.CanvasObject { return d.card }
func (d *chooseDialog) field() *field             { return nil }
func (d *chooseDialog) edited()                   {}

func (d *chooseDialog) render() {
	d.list.fill(len(d.choices), d.at, func(i int) []cell {
		c := d.choices[i]
		number := ""
		if i < 10 && c.do != nil {
			number = strconv.Itoa((i + 1) % 10)
		}
		return []cell{{words: number, colour: muted}, {words: c.words, bold: true}, {words: c.detail, colour: muted}, {words: c.amount, bold: true}}
	})
}

func (d *chooseDialog) keys() []binding { return nil }

// typed takes a row by its number, if that stands alone; the tenth is 0, as on the keyboard.
func (d *chooseDialog) typed(runes []rune) {
	if n := strings.IndexRune("1234567890", runes[0]); len(runes) == 1 && n >= 0 && n < len(d.choices) {
		d.at = n
		d.enter()
	}
}

func (d *chooseDialog) move(key fyne.KeyName) bool {
	step, ok := d.list.step(key)
	if !ok || len(d.choices) == 0 {
		return false
	}
	switch n := len(d.choices); {
	case step == -1 && d.at == 0: // the last rows of a long list have no number
		d.at = n - 1
	default:
		d.at = max(0, min(d.at+step, n-1))
	}
	d.render()
	return true
}

func (d *chooseDialog) enter() {
	if d.at >= len(d.choices) {
		d.w.closeDialog()
		return
	}
	c := d.choices[d.at]
	if c.do == nil {
		d.w.closeDialog()
		return
	}
	d.w.dropDialog()
	err := c.do()
	if d.w.asks(err, c.do, func() { d.done(c) }) {
		return
	}
	if !c.opens || err != nil {
		d.w.settle(err)
	}
}

// done ends a choice that somebody approved.
func (d *chooseDialog) done(c choice) {
	if !c.opens {
		d.w.settle(nil)
	}
}

// errElsewhere: the answer was taken, and another dialogue asks for more.
var errElsewhere = errors.New("sigue en otra pregunta")

// askDialog asks for a few words.
type askDialog struct {
	w       *Window
	card    fyne.CanvasObject
	answer  *field
	problem *text
	do      func(words string) error
	amount  bool // the answer is money: a bar code is none
}

func newAskDialog(w *Window, question, advice, yes string, do func(words string) error) *askDialog {
	l := w.l
	d := &askDialog{w: w, answer: newField(w, ""), problem: newText(l, 16, bad, wrap).upTo(2).strong(), do: do}
	d.answer.limit = 80
	d.card = dialogCard(l, 620, col(l.px(12),
		as(newText(l, 24, ink, cut).strong().say(question)),
		as(newText(l, 16, muted, wrap).upTo(2).say(advice)),
		fixed(l.px(56), d.answer.framed(20, nil)),
		fixed(l.px(44), d.problem),
		fixed(l.px(64), row(l.px(12),
			grow(newButton(l, plain, "Volver", "Esc", w.closeDialog).bigger(18, fyne.NewSize(120, 64))),
			grow(newButton(l, primary, yes, "Enter", d.enter).bigger(18, fyne.NewSize(120, 64)))))))
	return d
}

// forMoney is the dialogue when it asks for an amount.
func (d *askDialog) forMoney() *askDialog {
	d.amount = true
	return d
}

func (d *askDialog) object() fyne.CanvasObject { return d.card }
func (d *askDialog) render()                   {}
func (d *askDialog) field() *field             { return d.answer }
func (d *askDialog) keys() []binding           { return nil }
func (d *askDialog) edited()                   { d.problem.say("") }
func (d *askDialog) move(fyne.KeyName) bool    { return false }

// enter closes the dialogue if the answer is taken; a refusal is read where it can be mended.
func (d *askDialog) enter() {
	if text := d.answer.Text; d.amount && barCode(text) {
		d.w.take(d.answer, separate(text), "")
		return
	}
	words := d.answer.Text
	err := d.do(words)
	if errors.Is(err, errElsewhere) || d.w.asks(err, func() error { return d.do(words) }, nil) {
		return
	}
	if err != nil {
		d.problem.say(stopped(sentence(err.Error())))
		return
	}
	d.w.closeDialog()
}
