package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"mostrador/money"
	"mostrador/sale"
)

// slowly types as a scanner that is slower than fingers: nothing tells its characters from a person's.
func (x *world) slowly(code string) {
	for _, r := range code {
		x.pass(45 * time.Millisecond)
		x.stroke(r)
	}
	x.press(enter)
}

// A slow scanner's code on a sale that is paid waits for the next one, and its Enter issues nothing; nor does any other text.
func TestASlowScanOnAPaidSaleWaits(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12, enter)
	x.slowly(cafe)
	if s := x.snap(); s.Stage != sale.Paying || len(x.w.waiting) != 1 {
		t.Fatalf("the sale is %s and %d codes wait", s.Stage, len(x.w.waiting))
	}
	x.slowly("1001")
	x.sees("El pago está completo y «1001» no es parte de él. No se emitió nada")
	if s := x.snap(); s.Stage != sale.Paying {
		t.Fatalf("a slow scan issued: %s", s.Stage)
	}
	x.press(esc, esc)
	x.finger(cafe)
	x.press(f12) // by hand, with a code in the field
	x.press(enter)
	if got := codesOf(x); got != cafe || x.lines()[0].Qty != money.Units(2) {
		t.Errorf("the next sale has %q", got)
	}
}

// Codes that waited behind one that failed belong to this sale: it is neither charged nor put aside without them.
func TestASaleTakesItsWaitingCodesAlong(t *testing.T) {
	for name, key := range map[string]fyne.KeyName{"charged": f12, "put aside": f5} {
		t.Run(name, func(t *testing.T) {
			x := newWorld(t)
			x.scan(leche)
			x.press(f4)
			x.scan("99999999")
			x.scan(cafe)
			x.pass(time.Second)
			x.press(esc)
			x.sees("1 código en espera")
			x.press(key)
			if got := codesOf(x); got != leche+" "+cafe || x.snap().Stage != sale.Selling || x.w.dialog != nil {
				t.Fatalf("%s with %q, %T", x.snap().Stage, got, x.w.dialog)
			}
			x.sees("Quedaban códigos en espera, que son de esta venta.")
			x.press(key)
			if x.snap().Stage == sale.Selling && x.w.dialog == nil {
				t.Error("the second time it is not done either")
			}
		})
	}
}

// What a scanner writes in a text is not confirmed by the scanner's own Enter, whether that comes at once or late.
func TestAScannersEnterConfirmsNoText(t *testing.T) {
	for name, late := range map[string]time.Duration{"at once": time.Millisecond, "late": longSilence + 150*time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			x := newWorld(t)
			x.scan(leche)
			x.pass(time.Second)
			x.press(f4)
			x.finger("6")
			x.finger("5") // another reason
			x.sees("¿Por qué se vacía la venta?")
			x.burst("ABC-123456")
			x.pass(late)
			x.press(enter)
			if len(x.lines()) != 1 || x.w.dialog == nil {
				t.Fatal("a scan emptied the sale")
			}
			if text := x.w.focused().Text; text != "ABC-123456" {
				t.Errorf("the field has %q", text)
			}
			x.pass(time.Second)
			x.press(enter)
			if len(x.lines()) != 0 {
				t.Error("the cashier's own Enter does nothing")
			}
		})
	}
}

// A bar code that comes slowly is no price and no discount: it waits for the sale.
func TestASlowScanIsNoPrice(t *testing.T) {
	open := sale.Product{Codigo: "arreglo", Nombre: "Arreglo de ropa", PrecioLibre: true}
	for name, begin := range map[string]func(x *world){
		"open price": func(x *world) { x.enter("arreglo") },
		"discount":   func(x *world) { x.press(f4); x.finger("2") },
		"price":      func(x *world) { x.press(f4); x.finger("3") },
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorldWith(t, false, Look{}, append([]sale.Product{open}, products...))
			x.scan(leche)
			x.pass(time.Second)
			begin(x)
			asked := x.w.dialog
			x.slowly(cafe)
			if asked == nil || x.w.dialog != asked || len(x.w.waiting) != 1 || x.w.focused().Text != "" {
				t.Fatalf("%T with %q, and %d codes wait", x.w.dialog, x.w.focused().Text, len(x.w.waiting))
			}
			x.press(esc)
			if got := codesOf(x); got != leche+" "+cafe || x.snap().Total != 1090+5490 {
				t.Errorf("the cart has %q for %s", got, x.snap().Total)
			}
		})
	}
}

// pasteboard holds what somebody copied elsewhere.
type pasteboard struct{ text string }

func (p *pasteboard) Content() string     { return p.text }
func (p *pasteboard) SetContent(s string) { p.text = s }

// A paste is bounded before anything measures it, and loses what nobody sees: a hundred megabytes take no longer than a code.
func TestAHugePasteIsBounded(t *testing.T) {
	x := newWorld(t)
	for _, text := range []string{strings.Repeat("7", 100<<20), strings.Repeat("7\x00\n\u202e", 1<<20), "\xff\xfe" + strings.Repeat("\xff", 1<<20)} {
		began := time.Now()
		x.w.sink.TypedShortcut(&fyne.ShortcutPaste{Clipboard: &pasteboard{text}})
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%.4q… took %v", text, took)
		}
		if text := x.w.sink.Text; len([]rune(text)) > longestText || strings.ContainsAny(text, "\x00\n\u202e\ufffd") {
			t.Errorf("the field has %q", text)
		}
		x.press(enter)
		if len(x.lines()) != 0 {
			t.Error("rubbish was sold")
		}
		x.press(esc, esc)
	}
}
