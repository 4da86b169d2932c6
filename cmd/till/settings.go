package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"mostrador/cmd/shop"
	"mostrador/sale"
	"mostrador/sound"
	"mostrador/ui"
)

// valueCounter is where the store keeps how this till is seen, heard and touched.
const valueCounter = "mostrador"

// settingsOf are those that were kept, or else the usual ones: a till opens also with a setting that cannot be read.
func settingsOf(s *shop.Shop) (ui.Settings, error) {
	settings := ui.DefaultSettings()
	b, err := s.Store.Value(valueCounter)
	if errors.Is(err, sale.ErrNotFound) {
		return settings, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &settings)
	}
	if err != nil {
		return ui.DefaultSettings(), fmt.Errorf("los ajustes de la caja no se entienden y se usan los habituales: %w", err)
	}
	return settings, nil
}

func keepSettings(s *shop.Shop, settings ui.Settings) error {
	b, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	return s.Store.PutValue(valueCounter, b)
}

// loudspeaker gives the window the tones of this computer.
type loudspeaker struct{ *sound.Player }

// Play implements ui.Sounds.
func (l loudspeaker) Play(b ui.Beep, volume int) {
	l.Player.Play(map[ui.Beep]sound.Tone{
		ui.BeepWaiting: sound.Waiting, ui.BeepAdded: sound.Added, ui.BeepFailed: sound.Failed,
	}[b], volume)
}

// Problem implements ui.Sounds.
func (l loudspeaker) Problem() string {
	if err := l.Player.Problem(); err != nil {
		return err.Error()
	}
	return ""
}
