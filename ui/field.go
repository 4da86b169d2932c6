package ui

import (
	"image/color"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// field is the only kind of entry in the window. Fyne's own swallows function keys and shortcuts while it has the focus;
// this one offers every key to the window first, and takes Tab, which many scanners send.
type field struct {
	widget.Entry
	w     *Window
	limit int
	// money: a burst of any characters is a code here, never an amount.
	money   bool
	onFocus func()
	before  string // the text when the last burst began
	frame   *panel
	hint    *text // the placeholder, drawn by us to keep it on one line
}

func newField(w *Window, placeholder string) *field {
	f := &field{w: w, limit: longestText, hint: newText(w.l, 16, muted, cut).say(placeholder)}
	f.ExtendBaseWidget(f)
	f.OnChanged = func(string) { f.changed() }
	return f
}

// framed is the field on its surface, with letters of n pixels.
func (f *field) framed(n float32, lead fyne.CanvasObject) fyne.CanvasObject {
	l := f.w.l
	entry := container.NewThemeOverride(f, l.sized(n))
	f.hint.size = n - 2
	parts := []item{grow(stack(pad(l.px(12), 0, f.hint), middle(entry)))}
	if lead != nil {
		parts = append([]item{as(lead)}, parts...)
	}
	f.frame = newPanel(l, card, pad(l.px(8), 0, row(0, parts...)))
	f.frame.onTap = func() { f.w.focus(f) }
	f.frame.edge(hairline, 2)
	return f.frame
}

// changed keeps the placeholder and the bound in step with the text, whatever changed it: keys, paste or we.
func (f *field) changed() {
	if utf8.RuneCountInString(f.Text) > f.limit {
		f.SetText(clip(f.Text, f.limit)) // comes back here
		return
	}
	f.hint.Hidden = f.Text != ""
	f.hint.Refresh()
	f.w.edited(f)
}

// write puts text into the field with the cursor behind it.
func (f *field) write(s string) {
	f.SetText(s)
	f.CursorColumn = utf8.RuneCountInString(f.Text)
	f.Refresh()
}

// prompt changes the placeholder.
func (f *field) prompt(words string) { f.hint.say(words) }

// FocusGained implements fyne.Focusable.
func (f *field) FocusGained() {
	f.Entry.FocusGained()
	if f.onFocus != nil {
		f.onFocus()
	}
	if f.frame != nil {
		f.frame.edge(accent, 2)
	}
}

// FocusLost implements fyne.Focusable.
func (f *field) FocusLost() {
	f.Entry.FocusLost()
	f.w.lostFocus()
	if f.frame != nil {
		f.frame.edge(hairline, 2)
	}
}

// AcceptsTab keeps Tab from moving the focus.
func (f *field) AcceptsTab() bool { return true }

// TypedRune implements fyne.Focusable.
func (f *field) TypedRune(r rune) { f.w.typedRune(f, r) }

// TypedKey implements fyne.Focusable.
func (f *field) TypedKey(k *fyne.KeyEvent) {
	if !f.w.typedKey(f, k.Name) {
		f.Entry.TypedKey(k)
	}
}

// KeyDown and KeyUp implement desktop.Keyable.
func (f *field) KeyDown(k *fyne.KeyEvent) {
	if isEnter(k.Name) {
		f.w.enterHeld, f.w.enterUsed = true, false
	}
	f.Entry.KeyDown(k)
}

// KeyUp is the end of KeyDown.
func (f *field) KeyUp(k *fyne.KeyEvent) {
	if isEnter(k.Name) {
		f.w.enterHeld = false
	}
	f.Entry.KeyUp(k)
}

func isEnter(key fyne.KeyName) bool { return key == fyne.KeyReturn || key == fyne.KeyEnter }

// TypedShortcut implements fyne.Shortcutable.
func (f *field) TypedShortcut(s fyne.Shortcut) {
	if custom, ok := s.(*desktop.CustomShortcut); ok && f.w.typedShortcut(f, custom) {
		return
	}
	f.Entry.TypedShortcut(s)
}

// middle gives an object its own height in the middle of the room.
func middle(o fyne.CanvasObject) fyne.CanvasObject {
	return &fyne.Container{Layout: midLayout{}, Objects: []fyne.CanvasObject{o}}
}

type midLayout struct{}

// Layout implements fyne.Layout.
func (midLayout) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	for _, o := range objects {
		h := o.MinSize().Height
		o.Move(fyne.NewPos(0, (s.Height-h)/2))
		o.Resize(fyne.NewSize(s.Width, h))
	}
}

// MinSize implements fyne.Layout.
func (midLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var m fyne.Size
	for _, o := range objects {
		m = m.Max(o.MinSize())
	}
	return m
}

// spacer takes room and draws nothing.
func spacer() fyne.CanvasObject { return canvas.NewRectangle(color.Transparent) }
