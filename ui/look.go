package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"mostrador/money"
)

// Tone chooses the colours.
type Tone string

// The tones. Auto follows the desktop.
const (
	Auto      Tone = "auto"
	Claro     Tone = "claro"
	Oscuro    Tone = "oscuro"
	Contraste Tone = "contraste" // black, white and yellow
)

// Look is how the window is drawn, as the shop chose it.
type Look struct {
	Tone Tone `json:"tono"`
	// Percent enlarges everything for touch screens and tired eyes: 100 (also 0) to 200.
	Percent int `json:"escala"`
}

// mostPercent is twice the design: a screen of 2048 × 1536 points still shows everything.
const mostPercent = 200

// The colours by their duty. A state is never told by its colour alone: an icon and a word go with it.
const (
	ink        = theme.ColorNameForeground
	muted      = theme.ColorNamePlaceHolder
	ground     = theme.ColorNameBackground
	hairline   = theme.ColorNameSeparator
	accent     = theme.ColorNamePrimary
	onAccent   = theme.ColorNameForegroundOnPrimary
	good       = theme.ColorNameSuccess
	warn       = theme.ColorNameWarning
	bad        = theme.ColorNameError
	card       = fyne.ThemeColorName("card")
	sunk       = fyne.ThemeColorName("sunk")
	hovered    = fyne.ThemeColorName("hovered")
	accentSoft = fyne.ThemeColorName("accentSoft")
	accentDeep = fyne.ThemeColorName("accentDeep")
	goodSoft   = fyne.ThemeColorName("goodSoft")
	warnSoft   = fyne.ThemeColorName("warnSoft")
	badSoft    = fyne.ThemeColorName("badSoft")
	faint      = fyne.ThemeColorName("faint")
	clear      = fyne.ThemeColorName("clear")
	scrim      = fyne.ThemeColorName("scrim")
)

type palette map[fyne.ThemeColorName]uint32 // RRGGBBAA

func lightPalette() palette {
	return palette{
		ground: 0xECEFF4FF, card: 0xFFFFFFFF, sunk: 0xF4F6F9FF, hovered: 0xE9EDF3FF, hairline: 0xDCE2EAFF, faint: 0xA9B4C2FF,
		ink: 0x131C2BFF, muted: 0x576577FF,
		accent: 0x1F4FD1FF, accentDeep: 0x183FAAFF, accentSoft: 0xE6EDFFFF, onAccent: 0xFFFFFFFF,
		good: 0x0B6B43FF, goodSoft: 0xE0F4EAFF, warn: 0x875100FF, warnSoft: 0xFFF1D2FF, bad: 0xB3261EFF, badSoft: 0xFDE8E6FF,
		scrim: 0x0C132299, clear: 0,
	}
}

func darkPalette() palette {
	return palette{
		ground: 0x0E131AFF, card: 0x18202BFF, sunk: 0x121922FF, hovered: 0x222D3BFF, hairline: 0x2A3646FF, faint: 0x56657AFF,
		ink: 0xF0F4F9FF, muted: 0xA3B1C2FF,
		accent: 0x3565E0FF, accentDeep: 0x4A78F0FF, accentSoft: 0x1D2F57FF, onAccent: 0xFFFFFFFF,
		good: 0x5FD69AFF, goodSoft: 0x12352AFF, warn: 0xF3BE5CFF, warnSoft: 0x3A2C10FF, bad: 0xFF9087FF, badSoft: 0x45201FFF,
		scrim: 0x000000AA, clear: 0,
	}
}

// contrastPalette is for eyes that need the strongest contrast there is. What is chosen is yellow with black words; states
// keep a colour of their own, all of them far above the 7 to 1 of WCAG's level AAA.
func contrastPalette() palette {
	return palette{
		ground: 0x000000FF, card: 0x000000FF, sunk: 0x000000FF, hovered: 0x333300FF, hairline: 0xFFFFFFFF, faint: 0xC8C8C8FF,
		ink: 0xFFFFFFFF, muted: 0xFFFFFFFF,
		accent: 0xFFFF00FF, accentDeep: 0xFFFFFFFF, accentSoft: 0x333300FF, onAccent: 0x000000FF,
		good: 0x5CFF9DFF, goodSoft: 0x002611FF, warn: 0xFFD23FFF, warnSoft: 0x2B2000FF, bad: 0xFFA8A0FF, badSoft: 0x3A0000FF,
		scrim: 0x000000CC, clear: 0,
	}
}

// practice is what training changes: whoever looks at the screen from across the shop sees that it is not the real one.
func practice(p palette, dark bool) palette {
	p[accent], p[accentDeep], p[accentSoft], p[ground] = 0x7A2AA8FF, 0x631F8BFF, 0xF5E6FDFF, 0xF1E8F6FF
	if dark {
		p[accent], p[accentDeep], p[accentSoft], p[ground] = 0x9440C4FF, 0xA659D3FF, 0x3B2250FF, 0x1A1022FF
	}
	return p
}

// look is the theme of the window: colours, sizes, fonts. It is immutable.
type look struct {
	tone        Tone
	percent     int
	light, dark palette
	textSize    float32 // of entries drawn under it
	inset       float32 // between their edge and their text
}

func newLook(choice Look, training bool) *look {
	l := &look{tone: choice.Tone, percent: min(max(choice.Percent, 100), mostPercent), light: lightPalette(), dark: darkPalette(), textSize: 16, inset: 8}
	switch {
	case choice.Tone == Contraste: // training is told by its band: purple on black would be read by nobody who needs this
		l.light, l.dark = contrastPalette(), contrastPalette()
	case training:
		l.light, l.dark = practice(l.light, false), practice(l.dark, true)
	}
	return l
}

// sized is the same look for an entry with text of n pixels.
func (l *look) sized(n float32) *look {
	c := *l
	c.textSize = n
	return &c
}

// filled is the same look for an entry that fills its frame: what Fyne draws around it when it has the typing lies on the frame.
func (l *look) filled() *look {
	c := *l
	c.inset = 16
	return &c
}

// px is n pixels of the design, enlarged as the shop chose.
func (l *look) px(n float32) float32 { return n * float32(l.percent) / 100 }

// Color implements fyne.Theme.
func (l *look) Color(name fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	p := l.light
	if l.tone == Oscuro || l.tone != Claro && v == theme.VariantDark {
		p = l.dark
	}
	if rgba, ok := p[l.alias(name)]; ok {
		return color.NRGBA{R: uint8(rgba >> 24), G: uint8(rgba >> 16), B: uint8(rgba >> 8), A: uint8(rgba)}
	}
	return theme.DefaultTheme().Color(name, v)
}

// alias is our duty for the colour that Fyne's own entry asks for. Entries stand on a card of ours and draw no box.
func (l *look) alias(name fyne.ThemeColorName) fyne.ThemeColorName {
	switch name {
	case theme.ColorNameInputBackground, theme.ColorNameInputBorder:
		return clear
	case theme.ColorNameSelection:
		return accentSoft
	case theme.ColorNameFocus, theme.ColorNameHyperlink:
		return accent
	}
	return name
}

// Font implements fyne.Theme: the Noto fonts that come with Fyne, whose figures are all equally wide.
func (l *look) Font(style fyne.TextStyle) fyne.Resource { return theme.DefaultTheme().Font(style) }

// Icon implements fyne.Theme.
func (l *look) Icon(name fyne.ThemeIconName) fyne.Resource { return theme.DefaultTheme().Icon(name) }

// Size implements fyne.Theme.
func (l *look) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case theme.SizeNameText:
		return l.px(l.textSize)
	case theme.SizeNameInputBorder:
		return l.px(2)
	case theme.SizeNamePadding:
		return l.px(4)
	case theme.SizeNameInnerPadding:
		return l.px(l.inset)
	case theme.SizeNameInputRadius: // as our panels
		return l.px(10)
	}
	return l.px(theme.DefaultTheme().Size(name))
}

// paint is the colour for a duty, now.
func (l *look) paint(name fyne.ThemeColorName) color.Color {
	return l.Color(name, fyne.CurrentApp().Settings().ThemeVariant())
}

// peso is an amount as screens show it: "$1.204", "-$500".
func peso(p money.Pesos) string {
	if p < 0 {
		return "-$" + (-p).String()
	}
	return "$" + p.String()
}
