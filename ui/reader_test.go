package ui

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 3, 16, 12, 0, 0, 0, time.UTC)

// typed feeds text with the same pause before each character.
func typed(b *reader, text string, pause time.Duration) {
	at := start
	for _, r := range text {
		at = at.Add(pause)
		b.feed(r, at)
	}
}

func TestBurstsAreToldFromFingersByTheirPace(t *testing.T) {
	for _, c := range []struct {
		text  string
		pause time.Duration
		code  bool
	}{
		{"7801234567894", time.Millisecond, true},
		{"7801234567894", 20 * time.Millisecond, true}, // Bluetooth
		{"AB-1234", 5 * time.Millisecond, true},
		{"7801234567894", 33 * time.Millisecond, false}, // a held key
		{"7801234567894", 110 * time.Millisecond, false},
		{"20000", time.Millisecond, false}, // too short for a code
	} {
		var b reader
		typed(&b, c.text, c.pause)
		if code, ok := b.code(); ok != c.code || ok && code != c.text {
			t.Errorf("%q every %v: %q, %v", c.text, c.pause, code, ok)
		}
	}
}

// A busy machine hands on what a scanner typed in lumps.
func TestBurstsInLumps(t *testing.T) {
	var b reader
	at := start
	for i, r := range "7801234567894" {
		if i%4 == 3 {
			at = at.Add(150 * time.Millisecond)
		}
		b.feed(r, at)
	}
	if _, ok := b.code(); !ok {
		t.Error("lumps of four characters are not taken for a scanner's")
	}
}

func TestAnotherBurstBeginsWhenThisOneIsOver(t *testing.T) {
	var b reader
	b.feed('9', start)
	if first, quick := b.feed('9', start.Add(time.Minute)); first || quick {
		t.Error("a clock ended the burst: the machine may only have been busy")
	}
	b.end(true)
	if first, quick := b.feed('7', start.Add(time.Second)); !first || quick {
		t.Error("it is still the same burst")
	}
	if first, quick := b.feed('8', start.Add(time.Second+time.Millisecond)); first || !quick {
		t.Error("a millisecond later it is another burst")
	}
}

func TestReaderIsBounded(t *testing.T) {
	var b reader
	typed(&b, strings.Repeat("7", 100_000), 0)
	if code, _ := b.code(); len(code) != longestText {
		t.Errorf("it keeps %d characters", len(code))
	}
}

// GS1's own examples of check digits.
func TestGTIN(t *testing.T) {
	for code, want := range map[string]bool{
		"6291041500213": true, "6291041500214": false, "73513537": true, "73513538": false, "036000291452": true,
		"00012345600012": true, "629104150021": false, "": false, "62910415002A3": false, "１２３４５６７８": false,
	} {
		if gtin(code) != want {
			t.Errorf("gtin(%q) = %v", code, !want)
		}
	}
}

// ean13 completes twelve digits.
func ean13(n int64) string {
	twelve := strconv.FormatInt(1_000_000_000_000+n%1_000_000_000_000, 10)[1:]
	for d := range 10 {
		if code := twelve + strconv.Itoa(d); gtin(code) {
			return code
		}
	}
	panic("one of ten digits always fits")
}

func TestGluedCodesComeApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var codes []string
		for _, n := range rapid.SliceOfN(rapid.Int64Range(0, 999_999_999_999), 1, 9).Draw(t, "codes") {
			codes = append(codes, ean13(n))
		}
		got := separate(strings.Join(codes, ""))
		if strings.Join(got, " ") != strings.Join(codes, " ") {
			t.Fatalf("%v came apart as %v", codes, got)
		}
	})
	odd := "7801234567894" + "7801234567895"
	if got := separate(odd); len(got) != 1 || got[0] != odd {
		t.Errorf("a wrong check digit: %v", got)
	}
}

// Whatever text comes, separating loses no character of it.
func TestSeparateLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[0-9A-Z]{0,60}`).Draw(t, "text")
		if got := strings.Join(separate(s), ""); got != s {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
