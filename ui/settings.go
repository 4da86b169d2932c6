package ui

import (
	"fmt"
	"maps"

	"fyne.io/fyne/v2"
)

// Settings are how one till is seen, heard and touched. They belong to the till and not to the shop: eyes, hands and
// loudspeakers differ from counter to counter.
type Settings struct {
	Look   Look `json:"aspecto"`
	Volume int  `json:"volumen"`           // of the tones: 0 to 100
	Folded bool `json:"plegado"`           // the quick products are put away
	Pad    bool `json:"teclado,omitempty"` // the keypad is always on the screen
	// Keys are those that are not the usual ones, by the name of their action.
	Keys    map[string]fyne.KeyName `json:"teclas,omitempty"`
	Scanner Scanner                 `json:"escaner,omitzero"`
	Much    Much                    `json:"mucho,omitzero"`
	// LockAfter is after how many minutes without a touch the till is locked; 0 is never. Badge is what the code of a
	// person's badge begins with; empty: there are none.
	LockAfter int    `json:"bloqueo,omitempty"`
	Badge     string `json:"credencial"`
}

// DefaultSettings are those of a till where nobody chose.
func DefaultSettings() Settings {
	return Settings{Look: Look{Tone: Auto, Percent: 100}, Volume: 70, Badge: "EMP"}
}

// Beep is one of the tones that a till makes: who scans looks at the goods.
type Beep int

// The tones: a code waits behind a dialogue; a product was added; a code was not.
const (
	BeepWaiting Beep = iota
	BeepAdded
	BeepFailed
)

// Sounds plays the tones. It never waits, and tones that come while one sounds do not queue.
type Sounds interface {
	Play(b Beep, volume int)
	// Problem says in Spanish why nothing is heard; empty when all is well.
	Problem() string
}

// mute is a window without loudspeaker.
type mute struct{}

func (mute) Play(Beep, int)  {}
func (mute) Problem() string { return "" }

// change keeps other settings and draws the window anew with them. What cannot be kept is not used either: tomorrow the
// till would be another one.
func (w *Window) change(edit func(s *Settings)) error {
	s := w.settings
	edit(&s)
	if err := w.keep(s); err != nil {
		return fmt.Errorf("el ajuste no se guardó y todo sigue como estaba: %w", err)
	}
	redraw := s.Look != w.settings.Look || !maps.Equal(s.Keys, w.settings.Keys)
	w.settings = s
	if redraw {
		w.build()
	}
	return nil
}

// openSettings is the list of what can be chosen for this till.
func (w *Window) openSettings() {
	s := w.settings
	then := func(open func()) func() error {
		return func() error {
			open()
			return nil
		}
	}
	fold := "a la vista"
	if s.Folded {
		fold = "guardados"
	}
	choices := []choice{
		{words: "Teclas", detail: "cambiar la de cada cosa", opens: true, do: then(func() { w.openDialog(newKeysDialog(w)) })},
		{words: "Colores", detail: toneNames[w.l.tone], opens: true, do: then(w.chooseTone)},
		{words: "Tamaño", detail: w.scaleState(), opens: true, do: then(w.chooseScale)},
		{words: "Sonido", detail: w.soundState(), opens: true, do: then(w.chooseVolume)},
		{words: "Escáner", detail: w.scannerState(), opens: true, do: then(w.openScanner)},
		{words: "Productos rápidos", detail: fold, opens: true, do: func() error {
			err := w.change(func(s *Settings) { s.Folded = !s.Folded })
			if err == nil {
				w.openSettings()
			}
			return err
		}},
		{words: "Cantidades grandes", detail: fmt.Sprintf("se preguntan desde %d", s.Much.units()), opens: true, do: then(w.askMuch)},
		{words: "Teclado en pantalla", detail: padState(s.Pad), opens: true, do: w.choosePad},
		{words: "Modelo de emisión", detail: "boleta o comprobante", opens: true, do: then(func() { w.askModelo(nil) })},
	}
	if w.membership != nil {
		choices = append(choices, choice{words: "Servidor", detail: serverSetting(w.status.Server), opens: true, do: then(w.openServer)})
	}
	if w.scales != nil {
		choices = append(choices, choice{words: "Etiquetas de la balanza", detail: "cómo se leen, y probarlas", opens: true, do: w.openScales})
	}
	if w.copies != nil {
		choices = append(choices, choice{words: "Carpeta de los PDF", detail: "dónde se guardan las copias", opens: true, do: w.openPDFFolder})
		choices = append(choices, choice{words: "Correo", detail: "la cuenta, y probarla", opens: true, do: w.openMailAccount})
	}
	w.openDialog(newChooseDialog(w, "Ajustes de esta caja", "Valen para esta caja y se guardan al elegirlos.", choices))
}

func padState(always bool) string {
	if always {
		return "siempre a la vista"
	}
	return "a pedido, con " + padWords
}

// choosePad has the keypad always on the screen, or not.
func (w *Window) choosePad() error {
	err := w.change(func(s *Settings) { s.Pad = !s.Pad })
	if err == nil {
		w.padUp = w.settings.Pad
		w.openSettings()
	}
	return err
}

// option is a choice that is one value of a setting; afterwards the list of settings is there again.
func (w *Window) option(words, detail string, chosen bool, edit func(*Settings)) choice {
	if chosen {
		words += " ✓"
	}
	return choice{words: words, detail: detail, opens: true, do: func() error {
		err := w.change(edit)
		if err == nil {
			w.openSettings()
		}
		return err
	}}
}

var toneNames = map[Tone]string{Auto: "como el escritorio", Claro: "claros", Oscuro: "oscuros", Contraste: "alto contraste"}

func (w *Window) chooseTone() {
	var choices []choice
	for _, t := range []struct {
		tone          Tone
		words, detail string
	}{
		{Auto, "Como el escritorio", "según el sistema"},
		{Claro, "Claros", "para un local con luz"},
		{Oscuro, "Oscuros", "para un local con poca luz"},
		{Contraste, "Alto contraste", "negro, blanco y amarillo"},
	} {
		choices = append(choices, w.option(t.words, t.detail, t.tone == w.l.tone, func(s *Settings) { s.Look.Tone = t.tone }))
	}
	w.openDialog(newChooseDialog(w, "Colores", "Los de capacitación siguen siendo morados, salvo con alto contraste.", choices))
}

func (w *Window) chooseScale() {
	room := w.win.Canvas().Size()
	var choices []choice
	for _, percent := range sizesOffered {
		if fits(percent, room) || percent == 100 {
			choices = append(choices, w.option(fmt.Sprintf("%d %%", percent), "", percent == w.l.percent, func(s *Settings) { s.Look.Percent = percent }))
		}
	}
	w.openDialog(newChooseDialog(w, "Tamaño", fmt.Sprintf("Los que caben en esta ventana, de %.0f × %.0f puntos.", room.Width, room.Height), choices))
}

// scaleState is the scale, and the chosen one if that does not fit.
func (w *Window) scaleState() string {
	if chosen := w.chosenPercent(); chosen != w.l.percent {
		return fmt.Sprintf("%d %%; %d %% no cabe", w.l.percent, chosen)
	}
	return fmt.Sprintf("%d %%", w.l.percent)
}

// chooseVolume lets each be heard once it is chosen.
func (w *Window) chooseVolume() {
	var choices []choice
	for _, v := range []struct {
		volume int
		words  string
	}{{0, "Sin sonido"}, {25, "Bajo"}, {50, "Medio"}, {70, "Normal"}, {100, "Fuerte"}} {
		c := w.option(v.words, fmt.Sprintf("%d %%", v.volume), v.volume == w.settings.Volume, func(s *Settings) { s.Volume = v.volume })
		keep := c.do
		c.do = func() error {
			err := keep()
			w.beep(BeepAdded)
			return err
		}
		choices = append(choices, c)
	}
	advice := "Agudo y corto: se agregó. Grave y largo: no se agregó. Suave: el código espera."
	if problem := w.sounds.Problem(); problem != "" {
		advice = "No se oye: " + problem + ". Lo demás funciona igual."
	}
	w.openDialog(newChooseDialog(w, "Sonido", advice, choices))
}

// soundState is the volume, or why there is none.
func (w *Window) soundState() string {
	switch {
	case w.settings.Volume == 0:
		return "apagado"
	case w.sounds.Problem() != "":
		return "no se oye"
	}
	return fmt.Sprintf("%d %%", w.settings.Volume)
}

func (w *Window) beep(b Beep) { w.sounds.Play(b, w.settings.Volume) }
