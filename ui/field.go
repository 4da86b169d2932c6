package ui

import (
	"image/color"
	"unicode"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// field is the only kind of entry in the window. Fyne's own swallows function keys and shortcuts while it has the focus;
// this one offers every key to the window first, and takes Tab, which many scanners send. It never tells Fyne's entry
// that it has the focus: a fading cursor would draw the whole window sixty times a second, all day. Frame and caret are
// ours and stand still.
type field struct {
	widget.Entry
	w       *Window
	limit   int
	onFocus func()
	before  string // the text when the last burst began
	piece   bool   // it may be the beginning of the same code
	focused bool
	frame   *panel
	hint    *text // the placeholder, drawn by us to keep it on one line
	size    float32
	caret   *canvas.Rectangle
}

func newField(w *Window, placeholder string) *field {
	f := &field{w: w, limit: longestText, hint: newText(w.l, 16, muted, cut).say(placeholder), caret: canvas.NewRectangle(color.Transparent)}
	f.ExtendBaseWidget(f)
	f.OnChanged = func(string) { f.changed() }
	f.OnCursorChanged = f.placeCaret
	return f
}

// secret is the field when nobody may read what is in it: not even with the eye that Fyne would draw at its end.
func (f *field) secret() {
	f.Password, f.ActionItem = true, &fyne.Container{}
	f.Refresh()
}

// framed is the field on its surface, with letters of n pixels.
func (f *field) framed(n float32, lead fyne.CanvasObject) fyne.CanvasObject {
	l := f.w.l
	entry := container.NewThemeOverride(f, l.sized(n))
	f.hint.size, f.size = n-2, n
	parts := []item{grow(stack(pad(l.px(11), 0, f.hint), middle(entry), caretBox(f)))}
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
	if f.onFocus != nil {
		f.onFocus()
	}
	f.setFocused(true)
}

// FocusLost implements fyne.Focusable.
func (f *field) FocusLost() {
	f.w.lostFocus()
	f.setFocused(false)
}

func (f *field) setFocused(focused bool) {
	f.focused = focused
	edge := hairline
	if focused {
		edge = accent
	}
	if f.frame != nil {
		f.frame.edge(edge, 2)
	}
	f.placeCaret()
}

// caretLayout places the caret again when the field changes its size.
type caretLayout struct{ f *field }

func caretBox(f *field) fyne.CanvasObject {
	return &fyne.Container{Layout: caretLayout{f}, Objects: []fyne.CanvasObject{f.caret}}
}

// Layout implements fyne.Layout.
func (c caretLayout) Layout(_ []fyne.CanvasObject, room fyne.Size) {
	f, l := c.f, c.f.w.l
	height := fyne.MeasureText("Ág", l.px(f.size), fyne.TextStyle{}).Height
	f.caret.Resize(fyne.NewSize(l.px(2), height))
	f.caret.Move(fyne.NewPos(min(f.CursorPosition().X, room.Width-l.px(4)), (room.Height-height)/2))
}

// MinSize implements fyne.Layout.
func (c caretLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }

func (f *field) placeCaret() {
	f.caret.FillColor, f.caret.Hidden = f.w.l.paint(accent), !f.focused
	x := f.CursorPosition().X
	if f.frame != nil {
		x = min(x, f.Size().Width-f.w.l.px(4))
	}
	f.caret.Move(fyne.NewPos(x, f.caret.Position().Y))
	f.caret.Refresh()
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

// KeyDown and KeyUp implement desktop.Keyable. The entry does not hear of Shift: there is no selecting by keys.
func (f *field) KeyDown(k *fyne.KeyEvent) {
	if isEnter(k.Name) {
		f.w.enterHeld, f.w.enterUsed = true, false
	}
}

// KeyUp is the end of KeyDown.
func (f *field) KeyUp(k *fyne.KeyEvent) {
	if isEnter(k.Name) {
		f.w.enterHeld = false
	}
}

func isEnter(key fyne.KeyName) bool { return key == fyne.KeyReturn || key == fyne.KeyEnter }

// TypedShortcut implements fyne.Shortcutable.
func (f *field) TypedShortcut(s fyne.Shortcut) {
	if custom, ok := s.(*desktop.CustomShortcut); ok && f.w.typedShortcut(f, custom) {
		return
	}
	if paste, ok := s.(*fyne.ShortcutPaste); ok {
		s = &fyne.ShortcutPaste{Clipboard: bounded{paste.Clipboard, f.limit}}
	}
	f.Entry.TypedShortcut(s)
}

// bounded is a clipboard of which no more is seen than a field may have: Fyne measures all that it is given.
type bounded struct {
	fyne.Clipboard
	limit int
}

// Content is the beginning, without what nobody can see or type.
func (b bounded) Content() string {
	var text []rune
	for _, r := range b.Clipboard.Content() {
		if len(text) == b.limit {
			break
		}
		if r == '\n' || r == '\t' {
			r = ' '
		}
		if r != utf8.RuneError && unicode.IsPrint(r) {
			text = append(text, r)
		}
	}
	return string(text)
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
