package ui

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"pgregory.net/rapid"
)

func codesOf(x *world) string {
	var all []string
	for _, l := range x.lines() {
		all = append(all, l.Codigo)
	}
	return strings.Join(all, " ")
}

func TestWhatAScannerPutsAroundACodeIsTakenOff(t *testing.T) {
	for _, c := range []struct {
		s          Scanner
		text, want string
	}{
		{Scanner{}, "~7801234567894", "~7801234567894"},
		{Scanner{Prefix: "~"}, "~7801234567894", "7801234567894"},
		{Scanner{Prefix: "~"}, "~7801234567894~7802900001018", "7801234567894 7802900001018"},
		{Scanner{Suffix: "#"}, "7801234567894#", "7801234567894"},
		{Scanner{Prefix: "~", Suffix: "#"}, "~ABC-12#~X#Y#", "ABC-12 X#Y"},
		{Scanner{AIM: true}, "]E07801234567894", "7801234567894"},
		{Scanner{}, "]E07801234567894", "]E07801234567894"},
		{Scanner{Prefix: "~", AIM: true}, "~]C1ABC", "ABC"},
		{Scanner{AIM: true}, "]E", "]E"},
		{Scanner{AIM: true}, "XA1234567", "XA1234567"},
		{Scanner{Prefix: "~"}, "~", "~"},
		{Scanner{Prefix: "]C1"}, "]C17801234567894]C1ABC-12", "7801234567894 ABC-12"},
		{Scanner{Prefix: "]E0", Suffix: "$$"}, "]E07801234567894$$", "7801234567894"},
		{Scanner{}, "\x027801234567894\x03", "7801234567894"}, // STX and ETX, by a serial line
	} {
		if got := strings.Join(c.s.codes(c.text), " "); got != c.want {
			t.Errorf("%+v makes %q of %q, want %q", c.s, got, c.text, c.want)
		}
	}
}

// Nothing that arrives becomes nothing.
func TestScannerNeverSwallowsACode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Scanner{
			Prefix: rapid.SampledFrom([]string{"", "~"}).Draw(t, "prefix"), Suffix: rapid.SampledFrom([]string{"", "#"}).Draw(t, "suffix"),
			AIM: rapid.Bool().Draw(t, "aim"),
		}
		text := rapid.StringMatching(`[\]~#E0-9A-Z]{1,20}`).Draw(t, "text")
		codes := s.codes(text)
		if len(codes) == 0 || slices.Contains(codes, "") {
			t.Fatalf("%+v makes %q of %q", s, codes, text)
		}
	})
}

func TestMarksThatCodesHaveAreRefused(t *testing.T) {
	for _, bad := range []Scanner{{Prefix: "A"}, {Prefix: "7"}, {Suffix: "+"}, {Suffix: "*"}, {Prefix: "~~~~~~~~~"}, {Prefix: "C1"}, {Prefix: "~ ~"}, {Suffix: "#3*"}, {Prefix: "\x02"}, {Prefix: " "}, {Suffix: "-"}, {Prefix: "]"}, {Port: "COM3"}} {
		if bad.Check() == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
	for _, good := range []Scanner{{}, {Prefix: "~", Suffix: "#", AIM: true}, {Prefix: "]C1", Suffix: "$$"}, {Port: "COM3", Baud: 9600}} {
		if err := good.Check(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
}

// With a suffix a scan needs neither Enter nor silence; with a prefix it needs nothing at all.
func TestPrefixAndSuffixEndAScan(t *testing.T) {
	x := newWorld(t)
	x.w.settings.Scanner = Scanner{Suffix: "#"}
	x.burst(leche + "#")
	if got := codesOf(x); got != leche {
		t.Errorf("the suffix took %q", got)
	}
	x.pass(time.Millisecond)
	x.press(enter) // the scanner's own, late
	x.press(f12)
	x.burst(leche + "#")
	x.pass(time.Millisecond)
	x.press(enter)
	if s := x.snap(); s.Due == 0 || len(x.w.waiting) != 1 {
		t.Fatalf("the scanner's late Enter paid: due %s", s.Due)
	}
	x.w.waiting = nil
	x.press(esc)
	x.w.settings.Scanner = Scanner{Prefix: "~"}
	x.burst("~ABC-1234~" + cafe + "~" + leche)
	x.pass(time.Second)
	if got := codesOf(x); got != leche+" "+cafe+" "+leche {
		t.Errorf("with prefixes the cart has %q", got)
	}
	x.sees("ABC-1234 no existe")
	x.finger("3*")
	x.burst("~" + cafe)
	x.press(enter)
	if q := x.lines()[3].Qty; q != 3_000_000 {
		t.Errorf("3* and a prefix make %s", q)
	}
}

func TestAIMIdentifiersAreStripped(t *testing.T) {
	x := newWorld(t)
	x.w.settings.Scanner = Scanner{AIM: true}
	x.scan("]E0" + leche)
	x.burst("]E0" + cafe)
	x.pass(longSilence + frameTime)
	if got := codesOf(x); got != leche+" "+cafe {
		t.Errorf("the cart has %q", got)
	}
}

func TestTheScannerIsTried(t *testing.T) {
	x := newWorld(t)
	x.scan(cafe)
	x.pass(time.Second)
	x.press(f11)
	x.choose("Ajustes", "Escáner", "Probar un escáner")
	x.scan(leche)
	x.sees(`"`+leche+`"`, "13 caracteres, uno cada 1,0 ms; terminó con: Enter", "GTIN-13, con el dígito verificador correcto.")
	x.burst("7801234567895")
	x.press(fyne.KeyTab)
	x.sees("terminó con: Tab", "El dígito verificador no corresponde")
	x.burst("ABC-1234")
	x.pass(time.Second)
	x.sees("terminó con: silencio", "Código propio, de 8 caracteres.")
	for _, r := range "7801234567894" { // a Bluetooth scanner in a bad moment
		x.pass(35 * time.Millisecond)
		x.stroke(r)
	}
	x.press(enter)
	x.sees("uno cada 35,0 ms", "Se tomaría por escrito a mano")
	x.w.Scanned(leche)
	x.sees("terminó con: puerto serial")
	x.press(esc)
	if got := codesOf(x); got != cafe {
		t.Errorf("what was tried was sold: %q", got)
	}
}

func TestTheScannerIsSet(t *testing.T) {
	x := newWorld(t)
	x.press(f11)
	x.choose("Ajustes", "Escáner", "Prefijo, sufijo y puerto")
	x.finger("A")
	x.press(f12)
	x.sees("«A» no sirve de prefijo")
	x.press(fyne.KeyBackspace)
	x.enter("~")
	x.enter("#")
	x.press(fyne.KeyBackspace, fyne.KeyBackspace)
	x.enter("sí")
	x.enter("COM3")
	x.press(f12)
	if s := x.lastKept().Scanner; s != (Scanner{Prefix: "~", Suffix: "#", AIM: true, Port: "COM3", Baud: 9600}) {
		t.Errorf("kept %+v", s)
	}
}

// A serial scanner's codes stand in the same row as those that are typed.
func TestSerialCodesWaitLikeAllOthers(t *testing.T) {
	x := newWorld(t)
	x.w.Scanned(leche)
	if got := codesOf(x); got != leche {
		t.Fatalf("the cart has %q", got)
	}
	x.press(f4)
	x.scan(cafe)
	x.w.Scanned("300")
	x.scan(cafe)
	x.sees("3 códigos en espera")
	x.press(esc)
	if got := codesOf(x); got != leche+" "+cafe+" 300 "+cafe {
		t.Errorf("the cart has %q", got)
	}
	x.w.Scanned(leche + cafe) // two in one message
	if got := codesOf(x); got != leche+" "+cafe+" 300 "+cafe+" "+leche+" "+cafe {
		t.Errorf("the cart has %q", got)
	}
	x.finger("lec")
	x.w.Scanned(leche)
	if x.w.sink.Text != "lec" {
		t.Errorf("a serial code changed what is being typed to %q", x.w.sink.Text)
	}
	x.press(esc)
	x.press(f12, enter, enter)
	x.w.Scanned(cafe) // begins the next sale
	if got := codesOf(x); got != cafe {
		t.Errorf("the next cart has %q", got)
	}
}

// 1,000 characters a second, five codes a second for a minute, into a cart that begins with 200 lines and has 500 in the
// end: none lost, none doubled, in order; whether each ends with Enter, Tab or nothing.
func TestFiveCodesASecondForAMinute(t *testing.T) {
	if testing.Short() {
		t.Skip("it draws 500 scans")
	}
	many := slices.Clone(products)
	for i := range 500 {
		many = append(many, products[0])
		many[len(many)-1].Codigo, many[len(many)-1].Nombre = ean13(int64(780_000_000_000+i*7)), fmt.Sprintf("Producto %03d", i)
	}
	x := newWorldWith(t, false, Look{}, many)
	codes := many[len(products):]
	for _, p := range codes[:200] {
		if _, err := x.till.Scan(p.Codigo); err != nil {
			t.Fatal(err)
		}
	}
	x.w.settle(nil)
	begun := x.now
	for i, p := range codes[200:] {
		x.burst(p.Codigo) // a character each millisecond
		x.pass(time.Millisecond)
		switch i % 3 {
		case 0:
			x.press(enter)
		case 1:
			x.press(fyne.KeyTab)
		}
		x.pass(begun.Add(time.Duration(i+1) * 200 * time.Millisecond).Sub(x.now))
	}
	if took := x.now.Sub(begun); took != time.Minute {
		t.Errorf("the minute took %v", took)
	}
	x.pass(100 * time.Millisecond) // the last code has no Enter: silence ends it
	got := x.lines()
	if len(got) != len(codes) {
		t.Fatalf("%d lines, want %d", len(got), len(codes))
	}
	for i, l := range got {
		if l.Codigo != codes[i].Codigo || l.Qty != 1_000_000 {
			t.Fatalf("line %d is %s × %s, want %s", i, l.Qty, l.Codigo, codes[i].Codigo)
		}
	}
	if n := len(x.ears.heard); n != 300 || slices.Contains(x.ears.heard, BeepFailed) {
		t.Errorf("%d tones", n)
	}
}

// Marks of several characters end a scan as one does, without waiting, and the trying page takes them off, too.
func TestMarksOfSeveralCharacters(t *testing.T) {
	x := newWorld(t)
	x.w.openDialog(newScannerForm(x.w))
	form := x.w.dialog.(*formDialog)
	form.fields[0].write("]C1")
	form.fields[1].write("$$")
	x.press(f12)
	if s := x.lastKept().Scanner; s != (Scanner{Prefix: "]C1", Suffix: "$$"}) {
		t.Fatalf("kept %+v", s)
	}
	x.burst("]C1" + leche + "$$")
	if n := len(x.lines()); n != 1 {
		t.Fatalf("%d lines as soon as the suffix is there", n)
	}
	x.burst("]C1201$$") // too short for a code by itself
	x.burst("]C1" + cafe + "$$")
	x.pass(time.Second)
	if l := x.lines(); len(l) != 3 || l[1].Codigo != "201" || l[2].Codigo != cafe {
		t.Errorf("the cart has %v", l)
	}
	x.w.openDialog(newScanTestDialog(x.w))
	x.burst("]C1" + leche + "$$")
	x.pass(time.Second)
	x.sees(leche, "GTIN-13, con el dígito verificador correcto.")
}

// What was kept when a mark was one character means the same.
func TestOldMarksAreStillMarks(t *testing.T) {
	var s Settings
	if err := json.Unmarshal([]byte(`{"escaner":{"prefijo":"~","sufijo":"#","aim":true}}`), &s); err != nil {
		t.Fatal(err)
	}
	if s.Scanner != (Scanner{Prefix: "~", Suffix: "#", AIM: true}) || s.Scanner.Check() != nil {
		t.Errorf("read %+v", s.Scanner)
	}
}
