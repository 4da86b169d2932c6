package main

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"mostrador/cmd/shop"
	"mostrador/ui"
)

// What is chosen at a till is there at its next start; what cannot be read does not keep it from opening.
func TestSettingsAreKeptInTheTill(t *testing.T) {
	o := shop.Options{Dir: filepath.Join(t.TempDir(), "tienda"), Keys: "archivo", Now: time.Now}
	if err := shop.CreateDemo(o); err != nil {
		t.Fatal(err)
	}
	open := func() *shop.Shop {
		s, err := shop.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := open()
	if s, err := settingsOf(first); err != nil || !reflect.DeepEqual(s, ui.DefaultSettings()) {
		t.Errorf("a new till has %+v, %v", s, err)
	}
	chosen := ui.Settings{Look: ui.Look{Tone: ui.Contraste, Percent: 150}, Volume: 0, Folded: true}
	if err := keepSettings(first, chosen); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open()
	defer func() {
		if err := second.Close(); err != nil {
			t.Error(err)
		}
	}()
	if s, err := settingsOf(second); err != nil || !reflect.DeepEqual(s, chosen) {
		t.Errorf("the next start finds %+v, %v", s, err)
	}
	if err := second.Store.PutValue(valueCounter, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if s, err := settingsOf(second); err == nil || !reflect.DeepEqual(s, ui.DefaultSettings()) {
		t.Errorf("a damaged setting gives %+v, %v", s, err)
	}
}

func TestTheCommandLineWinsOverWhatWasKept(t *testing.T) {
	kept := ui.Settings{Look: ui.Look{Tone: ui.Oscuro, Percent: 150}}
	if s := (flags{}).override(kept); !reflect.DeepEqual(s, kept) {
		t.Errorf("without flags: %+v", s)
	}
	if s := (flags{tone: ui.Claro, percent: 125}).override(kept); s.Look != (ui.Look{Tone: ui.Claro, Percent: 125}) {
		t.Errorf("with flags: %+v", s.Look)
	}
}
