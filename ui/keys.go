package ui

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"mostrador/sale"
)

// binding is a key, how it is written on the keyboard, what it does, and where that is explained. The action bar and the
// help are drawn from the same list that the keyboard obeys.
type binding struct {
	key    fyne.KeyName
	keycap string
	words  string // on the button; empty: only in the help
	help   string
	do     func()
	off    bool
}

// typedRune takes a character for a field, from a finger or a scanner. What comes as quickly as a scanner's is held back
// until it is clear what it is: a code is then drawn once and not thirteen times, and never flickers in a field for money.
func (w *Window) typedRune(f *field, r rune) {
	defer w.probe.gesture("letra")()
	w.touched = w.now()
	if w.burstIn != f {
		w.endBurst()
		w.burstIn = f
	}
	w.late = false
	if w.begins(r) {
		w.takeBurst(endPrefix)
	}
	w.feed(f, r)
	switch codes := separate(f.Text + string(w.held)); {
	case w.ends() && w.takeBurst(endSuffix):
		w.expectEnter()
	case w.forSale() && len(codes) > 1:
		w.take(f, codes, "") // a busy machine did not see the pause between two codes, and might not see the next
		w.expectEnter()
	case r == '*' && w.forSale():
		w.release() // what follows a quantity is a code of its own, however soon it comes
		w.endBurst()
	default:
		w.awaitSilence(w.burstNo, 0)
	}
}

// feed adds a character to the burst, and shows what is not held back.
func (w *Window) feed(f *field, r rune) {
	first, quick := w.burst.feed(r, w.now())
	if !quick && !w.signed {
		w.release()
	}
	if first {
		w.release()
		f.before, f.piece, w.piece = f.Text, w.piece, false
		w.burstOver = w.dialog
		w.signed = f == w.sink && f.Text == "" && sign(r) && w.dialog == nil && w.place() == selling
	}
	w.held = append(w.held, r)
	w.burstNo++
	switch {
	case w.signed && (first || quick || !sign(r)): // until silence tells a key from the beginning of a code
	case first: // what a frame costs is spared if a code follows
		w.releaseUnless(w.burstNo)
	case !quick:
		w.release()
	}
}

// sign reports a key that moves a quantity, and may begin a code.
func sign(r rune) bool { return r == '+' || r == '-' }

// expectEnter takes the next Enter for the scanner's own. A busy machine reads it late, so it is no clock that says when
// that is over, but the window's goroutine when it had nothing else to do.
func (w *Window) expectEnter() {
	w.late = true
	w.lateNo++
	n := w.lateNo
	w.after(lateEnter, func() {
		w.after(frameTime, func() { w.late = w.late && n != w.lateNo })
	})
}

// begins and ends report what this till's scanners put around a code, in a burst that is one. A prefix of several
// characters is found when the whole burst is read.
func (w *Window) begins(r rune) bool {
	_, isCode := w.burst.code()
	return isCode && string(r) == w.settings.Scanner.Prefix
}

func (w *Window) ends() bool {
	code, isCode := w.burst.code()
	return isCode && w.settings.Scanner.Suffix != "" && strings.HasSuffix(code, w.settings.Scanner.Suffix)
}

// release puts what was held into the field.
func (w *Window) release() {
	held, signed := w.held, w.signed
	w.held, w.signed = nil, false
	if signed {
		w.burst.forget() // each sign is for itself
	}
	for _, r := range held {
		if signed = signed && sign(r); signed {
			w.command(r)
			continue
		}
		// behind a dialogue without fields there is nowhere to type
		if f := w.burstIn; (w.dialog == nil || f != w.sink) && utf8.RuneCountInString(f.Text) < f.limit {
			f.Entry.TypedRune(r)
		}
	}
}

// drop forgets what was held: it was taken for something else.
func (w *Window) drop() {
	w.held, w.signed, w.piece = nil, false, false
	w.burst.forget()
	w.burstNo++
}

// releaseUnless shows the first character of burst number n as soon as it is clear that no scanner goes on typing.
func (w *Window) releaseUnless(n int) {
	w.after(pace, func() {
		if n == w.burstNo {
			defer w.probe.gesture("cifra")()
			w.release()
		}
	})
}

// endBurst leaves what was typed to the field: it was a finger.
func (w *Window) endBurst() {
	w.release()
	w.drop()
}

// command is a sign that a finger typed on an empty field while selling.
func (w *Window) command(r rune) {
	s, ok := w.screen().(*sellScreen)
	if !ok || w.dialog != nil {
		return
	}
	if r == '+' {
		s.bump(1)
		return
	}
	s.bump(-1)
}

// awaitSilence ends burst number n when nothing follows it. It looks again a frame after each moment: the window may have
// been drawing until just then, and what was typed meanwhile is read only after that. For the same reason no clock says that
// a burst is over: a code would come in two pieces.
func (w *Window) awaitSilence(n int, waited time.Duration) {
	wait := func(until time.Duration) {
		w.after(until-waited, func() { w.awaitSilence(n, until) })
	}
	_, isCode := w.burst.code()
	switch {
	case n != w.burstNo:
	case waited < silence:
		wait(silence)
	case waited < silence+frameTime:
		wait(silence + frameTime)
	case w.complete():
		w.takeSilent()
	case waited < longSilence:
		wait(longSilence)
		if !isCode {
			w.release()
			w.giveRunes()
		}
	case waited < longSilence+frameTime:
		wait(longSilence + frameTime)
	case isCode:
		w.takeSilent()
	default:
		w.piece = w.burst.end(w.burstIn.before == "")
	}
}

// complete reports a burst that cannot be the beginning of a longer code, by its length and its check digit: what follows the
// shorter ones is waited for.
func (w *Window) complete() bool {
	const longestBeginning = 12 // of an EAN-13; only in cases of GTIN-14 are thirteen digits a beginning, hardly ever a right one
	burst, isCode := w.burst.code()
	if !isCode {
		return false
	}
	codes := w.settings.Scanner.codes(burst)
	_, code := split(w.burstIn.completed(codes[len(codes)-1]))
	return len(code) > longestBeginning && gtin(code)
}

// typedBefore ends what was typed before a key or a tap. A busy machine saw no pause between them: a code is still scanned,
// and a dialogue gets both, in their order.
func (w *Window) typedBefore() {
	if _, isCode := w.burst.code(); !isCode {
		w.giveRunes()
	} else if w.takeBurst(endSilence) {
		return
	}
	w.endBurst()
}

// takeSilent takes what was ended by silence.
func (w *Window) takeSilent() {
	defer w.probe.gesture(endSilence)()
	if !w.takeBurst(endSilence) {
		w.endBurst()
	}
	w.expectEnter()
}

// typist is a dialogue without a field that characters do something in.
type typist interface{ typed(runes []rune) }

// giveRunes gives a dialogue what a finger typed: it is clear now that it was not the beginning of a code.
func (w *Window) giveRunes() {
	if d, ok := w.dialog.(typist); ok && w.dialog.field() == nil && w.burstOver == w.dialog && len(w.burst.runes) > 0 {
		runes := slices.Clone(w.burst.runes)
		w.burst.forget()
		d.typed(runes)
	}
}

// forSale reports that a code goes straight into a cart: the open one, or after a finished sale the next.
func (w *Window) forSale() bool {
	at := w.place()
	return w.dialog == nil && (at == selling || at == done)
}

// scanTaker is a dialogue that wants the codes which are scanned while it is open.
type scanTaker interface{ scanned(code string) }

// takeBurst takes what a scanner typed: into the cart, or to wait until the sale can have it. It reports false for a
// burst that a text field may keep.
func (w *Window) takeBurst(end string) bool {
	f, r := w.burstIn, w.report(end)
	if d, ok := w.dialog.(*scanTestDialog); ok {
		d.tell(r)
		w.endBurst()
		return true
	}
	if d, ok := w.dialog.(scanTaker); ok && f != w.sink {
		w.drop()
		d.scanned(f.before + r.codes[0])
		return true
	}
	code := r.codes[0]
	if len(r.codes) > 1 {
		r.codes[0] = f.completed(code)
		w.take(f, separateAll(r.codes), "")
		return true
	}
	typable := w.dialog != nil && f != w.sink
	switch whole := f.before + code; {
	case w.forSale():
		w.take(f, separate(f.completed(code)), "")
	case typable && !digits(code):
		return false
	case len(whole) > len(code) && gtin(whole): // begun before a pause of the machine
		w.take(f, []string{whole}, "")
	default:
		w.take(f, separate(code), f.before)
	}
	return true
}

// take lets codes wait for the sale, which may be now, and leaves the rest in the field they were typed in.
func (w *Window) take(f *field, codes []string, rest string) {
	w.drop()
	if strings.Contains(f.before, "*") && strings.Contains(codes[0], "*") {
		w.byHand = append(w.byHand, codes[0])
	}
	f.write(rest)
	w.queue(codes)
}

// queue lets codes wait for the sale, wherever they came from.
func (w *Window) queue(codes []string) {
	w.waiting = append(w.waiting, codes...)
	if !w.forSale() {
		w.beep(BeepWaiting)
	}
	if w.dialog == nil && w.place() == done {
		w.counter.Next()
	}
	w.settle(nil)
}

// completed is a code with what stood in the field before it: a quantity by hand, or the code's own beginning, when the
// machine or the scanner paused in the middle of it. The beginning of a search, which fingers typed, is dropped. In doubt the
// two are one: what then does not exist is seen in red, and a piece of a code might be another product's.
func (f *field) completed(code string) string {
	quantity, rest, hasQuantity := strings.Cut(f.before, "*")
	switch {
	case hasQuantity && (rest == "" || digits(rest)):
		return quantity + "*" + rest + code
	case digits(f.before):
		return f.before + code
	case f.piece && (utf8.RuneCountInString(f.before) != 1 || !gtin(code)):
		return f.before + code
	}
	return code
}

// takeWaiting scans the codes that waited, once the sale is before the cashier. The first that fails stays visible and
// the others go on waiting. It reports whether there were any.
func (w *Window) takeWaiting() (taken bool) {
	for ; len(w.waiting) > 0 && w.dialog == nil && w.place() == selling; taken = true {
		code := w.waiting[0]
		w.waiting = w.waiting[1:]
		if w.takeTyped(code) {
			continue
		}
		line, err := w.counter.Scan(code)
		w.tellScan(code, line, err)
		if err != nil {
			return true
		}
	}
	return taken
}

// tellScan says how a code or a product ended, to eyes and ears. One whose price is typed asks for it.
func (w *Window) tellScan(code string, line sale.Line, err error) {
	if open := (sale.OpenPriceError{}); errors.As(err, &open) {
		w.askPrice(open)
		return
	}
	w.frame.result.scanned(code, line, err)
	if err != nil {
		w.beep(BeepFailed)
		if errors.Is(err, sale.ErrNotFound) {
			_, code = split(code)
			w.unknown.add(code, w.counter.Snapshot().Cart.ID)
		}
		return
	}
	w.unknown.marked = false
	w.probe.line()
	w.beep(BeepAdded)
}

// typedKey takes a key; false leaves it to the field, for editing.
func (w *Window) typedKey(f *field, key fyne.KeyName) bool {
	defer w.probe.gesture(gestureName(key))()
	w.touched = w.now()
	if isEnter(key) || key == fyne.KeyTab {
		if !w.enterHeld || !w.enterUsed {
			w.enterUsed = true
			w.ended(f, key)
		}
		return true
	}
	if !acts(key) {
		return false
	}
	w.late = false
	w.typedBefore()
	if d, ok := w.dialog.(*keysDialog); ok && d.catches(key) {
		d.caught(key)
		return true
	}
	if key == fyne.KeyEscape {
		w.escape(f)
		return true
	}
	if w.obey(w.bound(everywhere, w.everyKeys()), key) {
		return true
	}
	if w.dialog != nil {
		return w.press(w.dialogKeys(), key) || w.dialog.move(key) || f == w.sink || key == fyne.KeyUp || key == fyne.KeyDown
	}
	if key == fyne.KeyDelete && f.Text != "" {
		return false
	}
	return w.press(w.screenKeys(), key) || w.screen().move(key)
}

// gestureName is a key as the diagnosis tells it. Those that only announce a character have none: it may be of a PIN.
func gestureName(key fyne.KeyName) string {
	if acts(key) || isEnter(key) {
		return string(key)
	}
	return "tecla"
}

// acts reports keys that do something by themselves. All others only announce a character, which comes by itself, or are
// Shift and its like: they must not end a scanner's burst.
func acts(key fyne.KeyName) bool {
	switch key {
	case fyne.KeyEscape, fyne.KeyBackspace, fyne.KeyDelete, fyne.KeyInsert, fyne.KeyLeft, fyne.KeyRight, fyne.KeyUp, fyne.KeyDown,
		fyne.KeyHome, fyne.KeyEnd, fyne.KeyPageUp, fyne.KeyPageDown:
		return true
	}
	return function(key) || strings.HasPrefix(string(key), ctrl)
}

// function reports F1 to F12.
func function(key fyne.KeyName) bool { return len(key) > 1 && key[0] == 'F' && digits(string(key[1:])) }

// press does what a key is bound to; a function key without duty does nothing.
func (w *Window) press(bindings []binding, key fyne.KeyName) bool {
	return w.obey(bindings, key) || function(key)
}

// obey does what a key is bound to; false if it is not.
func (w *Window) obey(bindings []binding, key fyne.KeyName) bool {
	for _, b := range bindings {
		if b.key == key && b.key != "" {
			if !b.off {
				b.do()
			}
			return true
		}
	}
	return false
}

// everyKeys are those of every screen and dialogue.
func (w *Window) everyKeys() []binding {
	return []binding{{key: padUsual, keycap: padUsual, help: "muestra o guarda el teclado en pantalla", do: w.turnPad}}
}

// ended is Enter or Tab: the end of a scan, or the cashier's word.
func (w *Window) ended(f *field, key fyne.KeyName) {
	if d, ok := w.dialog.(*scanTestDialog); ok && len(w.burst.runes) > 0 {
		d.tell(w.report(endKey(key)))
		w.endBurst()
		return
	}
	if _, ok := w.burst.code(); ok && w.burstIn == f {
		if !w.takeBurst(endKey(key)) {
			w.endBurst() // what a scanner wrote in a text is read by somebody before it is confirmed
		}
		return
	}
	if w.late {
		w.late = false // the scanner's own Enter, late
		return
	}
	if code, ok := w.burst.short(); ok && w.burstIn == f && w.dialog == nil && w.place() == selling {
		w.take(f, []string{f.completed(code)}, "")
		return
	}
	w.typedBefore()
	switch {
	case w.dialog != nil && key == fyne.KeyTab:
		if d, ok := w.dialog.(tabbed); ok {
			d.tab()
			return
		}
		w.dialog.move(fyne.KeyDown)
	case w.dialog != nil:
		w.dialog.enter()
	case key == fyne.KeyTab && f.Text == "":
	default:
		w.screen().enter(f.Text)
	}
}

// escape goes one step back. It never destroys a cart.
func (w *Window) escape(f *field) {
	switch {
	case w.dialog != nil:
		if d, ok := w.dialog.(nested); ok {
			d.leave()
			return
		}
		w.closeDialog()
	case w.frame.banner.visible():
		w.settle(nil)
	case f.Text != "":
		f.write("")
	default:
		w.screen().back()
	}
}

// typedShortcut gives keyboards without function keys a way: Alt+1 is F1, Alt+0 is F10.
func (w *Window) typedShortcut(f *field, s *desktop.CustomShortcut) bool {
	if key := fyne.KeyName(ctrl + string(s.KeyName)); s.Modifier == fyne.KeyModifierControl && assignable(key) {
		return w.typedKey(f, key)
	}
	if s.Modifier != fyne.KeyModifierAlt || !digits(string(s.KeyName)) {
		return false
	}
	key := "F" + string(s.KeyName)
	if s.KeyName == fyne.Key0 {
		key = "F10"
	}
	return w.typedKey(f, fyne.KeyName(key))
}

// edited follows a change of a field's text.
func (w *Window) edited(f *field) {
	switch {
	case w.frame == nil: // while the window is being made
	case w.dialog != nil && f != w.sink:
		w.dialog.edited()
	case w.dialog == nil:
		w.screen().edited(f.Text)
	}
}

// always are the keys that every screen has.
func (w *Window) help(key fyne.KeyName, keycap string) binding {
	return binding{key: key, keycap: keycap, words: "Ayuda", help: "muestra las teclas de esta pantalla", do: func() {
		w.openDialog(newHelpDialog(w, w.screen().keys()))
	}}
}

var _ Counter = (*sale.Register)(nil)
