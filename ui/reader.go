package ui

import (
	"strings"
	"time"
	"unicode/utf8"
)

// A scanner is a keyboard that types a code in one burst, and most end it with Enter or Tab. Two things go wrong: the
// burst lands in whatever field has the focus, and under load X11 loses the Enter. So bursts are told from fingers by
// their pace, and silence ends them too.
const (
	// pace is the mean time between characters up to which a burst is a scanner's. Held keys repeat at 33 ms and people
	// are slower; a Bluetooth scanner needs about 15.
	pace = 25 * time.Millisecond
	// shortestCode is the length from which a burst is taken for a code.
	shortestCode = 6
	// silence, and then a frame, shows what fingers typed and ends a code that its length and check digit show to be whole: in
	// the frame come the characters which the desktop had already queued behind a slow drawing. longSilence, and then a frame,
	// ends any other: it might be half of one until then. Eight right digits might, too, because one beginning in ten of an
	// EAN-13 has the check digit of an EAN-8.
	silence     = 40 * time.Millisecond
	frameTime   = 20 * time.Millisecond
	longSilence = 200 * time.Millisecond
	// lateEnter is how long after a burst ended by silence its Enter may still arrive. It is not the cashier's.
	lateEnter = 500 * time.Millisecond
	// longestText bounds what the fields take: Fyne measures the whole text at every key.
	longestText = 128
)

// reader watches the characters of one field for bursts. It holds no clock: every call says when it is.
type reader struct {
	runes       []rune
	start, last time.Time
	quick       int  // characters that came as quickly as a scanner's
	over        bool // the next character begins another burst
}

// feed takes a character. It reports the first one of a possible burst, and one that came as quickly as a scanner's.
func (b *reader) feed(r rune, at time.Time) (first, quick bool) {
	first = len(b.runes) == 0 || b.over
	quick = !first && at.Sub(b.last) <= pace
	if first {
		b.runes, b.start, b.quick, b.over = b.runes[:0], at, 0, false
	}
	if len(b.runes) < longestText {
		b.runes = append(b.runes, r)
	}
	if quick {
		b.quick++
	}
	b.last = at
	return first, quick
}

// code is what a scanner typed, if the burst is one: quick on the whole, or mostly quick with the pauses of a busy
// machine in it.
func (b *reader) code() (string, bool) {
	n := len(b.runes)
	onTheWhole := b.last.Sub(b.start) <= time.Duration(n-1)*pace
	if n < shortestCode || !onTheWhole && !b.mostlyQuick() {
		return "", false
	}
	return string(b.runes), true
}

// mostlyQuick reports two thirds of a scanner's characters.
func (b *reader) mostlyQuick() bool { return 3*b.quick >= 2*(len(b.runes)-1) }

// short is a code of a few characters, if none of them came as slowly as a finger's. Only its Enter makes it one.
func (b *reader) short() (string, bool) {
	n := len(b.runes)
	return string(b.runes), n > 1 && n < shortestCode && b.quick == n-1
}

// end says that nothing more belongs to the burst. It reports one that may be the beginning of a code: a scanner's, or the
// one character of which nobody knows.
func (b *reader) end(alone bool) (piece bool) {
	b.over = true
	if len(b.runes) == 1 {
		return alone
	}
	return len(b.runes) > 1 && b.mostlyQuick()
}

func (b *reader) forget() { b.runes = b.runes[:0] }

// digits reports a text of figures only.
func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// gtin reports a bar code of 8, 12, 13 or 14 digits with its check digit right (GS1 General Specifications, 7.9).
func gtin(s string) bool {
	switch len(s) {
	case 8, 12, 13, 14:
	default:
		return false
	}
	if !digits(s) {
		return false
	}
	sum := 0
	for i := range len(s) - 1 {
		weight := 1
		if (len(s)-1-i)%2 == 1 {
			weight = 3
		}
		sum += weight * int(s[i]-'0')
	}
	return (10-sum%10)%10 == int(s[len(s)-1]-'0')
}

// separate parts codes that reached us glued together because their Enters were lost: whole EAN-13s, each with its check
// digit right; a quantity before a star belongs to the first. Anything else stays one text.
func separate(s string) []string {
	const ean13 = 13
	if quantity, rest, ok := strings.Cut(s, "*"); ok {
		codes := separate(rest)
		codes[0] = quantity + "*" + codes[0]
		return codes
	}
	if len(s) < 2*ean13 || len(s)%ean13 != 0 {
		return []string{s}
	}
	var codes []string
	for ; s != ""; s = s[ean13:] {
		if !gtin(s[:ean13]) {
			return []string{strings.Join(codes, "") + s}
		}
		codes = append(codes, s[:ean13])
	}
	return codes
}

// longestAmount is the most figures that a person may hand over in cash: hundreds of millions. More are a bar code,
// however slowly they came.
const longestAmount = 9

// barCode reports a text in a field for money that cannot be an amount.
func barCode(s string) bool { return digits(s) && len(s) > longestAmount }

// clip is the first n characters of s.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}
