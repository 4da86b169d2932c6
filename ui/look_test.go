package ui

import (
	"image/color"
	"math"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"mostrador/money"
)

// Words must be readable from a metre: 4.5 to 1 at the least, 7 to 1 for what is read all the time (WCAG 2.2, 1.4.3 and
// 1.4.6).
func TestContrast(t *testing.T) {
	for _, training := range []bool{false, true} {
		l := newLook(Look{}, training)
		for _, v := range []fyne.ThemeVariant{theme.VariantLight, theme.VariantDark} {
			for _, c := range []struct {
				words, on fyne.ThemeColorName
				least     float64
			}{
				{ink, card, 7},
				{ink, sunk, 7},
				{ink, accentSoft, 7},
				{ink, goodSoft, 7},
				{ink, ground, 7},
				{muted, card, 4.5},
				{muted, sunk, 4.5},
				{muted, accentSoft, 4.5},
				{onAccent, accent, 4.5},
				{good, card, 4.5},
				{warn, warnSoft, 4.5},
				{warn, card, 4.5},
				{bad, badSoft, 4.5},
				{bad, card, 4.5},
				{bad, accentSoft, 4.5},
			} {
				if got := contrast(l.Color(c.words, v), l.Color(c.on, v)); got < c.least {
					t.Errorf("training %v, variant %d: %s on %s is %.1f to 1, want %.1f", training, v, c.words, c.on, got, c.least)
				}
			}
		}
	}
}

// The high contrast is WCAG's level AAA throughout: 7 to 1 for words (1.4.6), 3 to 1 for the edges of what is touched
// (1.4.11), which are no words.
func TestHighContrast(t *testing.T) {
	for _, training := range []bool{false, true} {
		l := newLook(Look{Tone: Contraste}, training)
		words := []fyne.ThemeColorName{ink, muted, good, warn, bad, accent, faint}
		grounds := []fyne.ThemeColorName{card, sunk, ground, hovered, accentSoft, goodSoft, warnSoft, badSoft}
		for _, v := range []fyne.ThemeVariant{theme.VariantLight, theme.VariantDark} {
			for _, on := range grounds {
				for _, w := range words {
					if got := contrast(l.Color(w, v), l.Color(on, v)); got < 7 {
						t.Errorf("%s on %s is %.1f to 1", w, on, got)
					}
				}
				if got := contrast(l.Color(hairline, v), l.Color(on, v)); got < 3 {
					t.Errorf("an edge on %s is %.1f to 1", on, got)
				}
			}
			for _, on := range []fyne.ThemeColorName{accent, accentDeep} {
				if got := contrast(l.Color(onAccent, v), l.Color(on, v)); got < 7 {
					t.Errorf("words on %s are %.1f to 1", on, got)
				}
			}
		}
	}
}

func contrast(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	part := func(v uint32) float64 {
		s := float64(v) / 0xffff
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*part(r) + 0.7152*part(g) + 0.0722*part(b)
}

// Columns of amounts stand straight only if all figures are equally wide.
func TestFiguresAreEquallyWide(t *testing.T) {
	test.NewTempApp(t).Settings().SetTheme(newLook(Look{}, false))
	for _, style := range []fyne.TextStyle{{}, {Bold: true}} {
		want := fyne.MeasureText("0", 40, style).Width
		for _, figure := range "123456789" {
			if got := fyne.MeasureText(string(figure), 40, style).Width; got != want {
				t.Errorf("%c is %v wide, 0 is %v", figure, got, want)
			}
		}
	}
}

func TestThemeIsComplete(t *testing.T) {
	test.NewTempApp(t)
	l := newLook(Look{Percent: 400}, false)
	if l.percent != mostPercent {
		t.Errorf("400 %% becomes %d", l.percent)
	}
	for _, name := range []fyne.ThemeColorName{theme.ColorNameShadow, theme.ColorNameScrollBar, theme.ColorNameDisabled} {
		if l.Color(name, theme.VariantLight) == nil {
			t.Errorf("no colour for %s", name)
		}
	}
	if l.Color(ink, theme.VariantLight) == l.Color(ink, theme.VariantDark) {
		t.Error("dark and light are the same")
	}
	dark := newLook(Look{Tone: Oscuro}, false)
	if dark.Color(ink, theme.VariantLight) != l.Color(ink, theme.VariantDark) {
		t.Error("the shop's choice does not win over the desktop's")
	}
}

func TestPeso(t *testing.T) {
	for p, want := range map[money.Pesos]string{0: "$0", 1204: "$1.204", -500: "-$500", 12345678: "$12.345.678"} {
		if got := peso(p); got != want {
			t.Errorf("peso(%d) = %s", p, got)
		}
	}
}

// A measure is not torn from its figure when a text is broken into lines; all else is broken anywhere.
func TestAUnitStaysWithItsFigure(t *testing.T) {
	for text, want := range map[string][]string{
		"Leche entera 1 L":  {"Leche", "entera", "1 L"},
		"Bebida 1,5 L y 6 ": {"Bebida", "1,5 L", "y", "6"},
		"Pan de 500 g.":     {"Pan", "de", "500 g."},
		"Ley 20.956, 2 × 3": {"Ley", "20.956,", "2", "×", "3"},
		"":                  nil,
	} {
		if got := pieces(text); !slices.Equal(got, want) {
			t.Errorf("%q is broken into %q, want %q", text, got, want)
		}
	}
}

// Where the cards are as black as what lies under them, an edge tells where a dialogue ends.
func TestADialogueHasAnEdge(t *testing.T) {
	l, edges := newLook(Look{Tone: Contraste}, false), 0
	seen(dialogCard(l, 300, spacer()), func(o fyne.CanvasObject) {
		if p, ok := o.(*panel); ok && p.stroke == hairline && p.strokeWidth > 0 {
			edges++
		}
	})
	if edges != 1 {
		t.Errorf("%d edges", edges)
	}
}
