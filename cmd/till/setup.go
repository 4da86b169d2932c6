package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/printer"
	"mostrador/sale"
	"mostrador/ui"
)

// maxFile is the largest certificate or CAF that is read.
const maxFile = 1 << 20

// founder makes a shop for the assistant, with the acts of tillctl. It holds no file open between two of them.
type founder struct {
	flags
	app  fyne.App
	loop ui.Dispatcher // nil: Fyne's
	till *till         // once it is open
	win  *ui.Setup
}

// found shows the assistant, and then the till that came out of it. Without one the program just ends.
func found(a fyne.App, f flags) error {
	comunas, err := shop.Comunas()
	if err != nil {
		return err
	}
	made := &founder{flags: f, app: a}
	made.win = ui.NewSetup(a, ui.SetupDeps{Founder: made, Comunas: comunas, Created: made.options().Exists(), Tone: f.tone, Framed: clicksWithTheirMoves})
	if f.screenFile != "" {
		made.win.Watch(lookEvery, made.seen)
	}
	made.win.Fyne().ShowAndRun()
	if made.till == nil {
		return nil
	}
	return errors.Join(made.till.ended(), made.till.Close())
}

// seen is the assistant's, until there is a till: that one tells for itself.
func (f *founder) seen(s ui.Seen) {
	if f.till == nil {
		f.flags.seen(s)
	}
}

func (f *founder) options() shop.Options {
	return shop.Options{Dir: f.dir, Keys: f.keys, Now: time.Now}
}

func (f *founder) withShop(act func(*shop.Shop) error) error {
	s, err := shop.Open(f.options())
	if err != nil {
		return err
	}
	return errors.Join(act(s), s.Close())
}

// practiceOf is the folder of the practice shop that belongs to a folder.
func practiceOf(dir string) string {
	if dir == defaultDir(false) {
		return defaultDir(true)
	}
	return dir + "-capacitacion"
}

// Practice implements ui.Founder. It has a folder of its own, so that a real shop can still be made.
func (f *founder) Practice(m sale.Modelo) error {
	f.demo, f.dir = true, practiceOf(f.dir)
	if !f.options().Exists() {
		if err := shop.CreateDemo(f.options()); err != nil {
			return err
		}
	}
	if m == "" {
		return nil
	}
	return f.withShop(func(s *shop.Shop) error { return s.Store.SetModelo(m, time.Now()) })
}

// Load implements ui.Founder.
func (f *founder) Load(file string) (sale.Shop, error) { return shop.ReadInfo(file) }

// Check implements ui.Founder.
func (f *founder) Check(info sale.Shop) error { return shop.Check(info) }

// Create implements ui.Founder.
func (f *founder) Create(info sale.Shop, phrase string) error {
	if info.UnidadSII == "" {
		office, err := shop.Oficina(info.Emisor.Comuna)
		if err != nil {
			return err
		}
		info.UnidadSII = office
	}
	return shop.Create(f.options(), info, phrase)
}

// TryPrinter implements ui.Founder.
func (f *founder) TryPrinter(device string) error {
	return printerOf(device).Try(context.Background())
}

// SetPrinter implements ui.Founder.
func (f *founder) SetPrinter(device string) error {
	return f.withShop(func(s *shop.Shop) error { return s.SetPrinter(printerOf(device)) })
}

func printerOf(device string) shop.PrinterSetting {
	p := shop.PrinterSetting{Device: device}
	p.Paper = printer.Paper80
	return p
}

// Certificate implements ui.Founder.
func (f *founder) Certificate(file, password string) (words string, err error) {
	pfx, err := readFile(file)
	if err != nil {
		return "", err
	}
	err = f.withShop(func(s *shop.Shop) error {
		signer, err := s.ImportPFX(pfx, password)
		if err == nil {
			words = fmt.Sprintf("Certificado de %s, vigente hasta el %s.", signer.Name(), signer.NotAfter().In(dte.Santiago).Format("02-01-2006"))
		}
		return err
	})
	return words, err
}

// CAF implements ui.Founder.
func (f *founder) CAF(file string) (words string, err error) {
	caf, err := readFile(file)
	if err != nil {
		return "", err
	}
	err = f.withShop(func(s *shop.Shop) error {
		r, err := s.ImportCAF(caf)
		words = fmt.Sprintf("Folios %d a %d de %s agregados.", r.Desde, r.Hasta, r.Tipo)
		return err
	})
	return words, err
}

// Owner implements ui.Founder.
func (f *founder) Owner(name, pin string) error {
	hidden, err := sale.NewPIN(pin, sale.UsualPINCost, rand.Reader)
	if err != nil {
		return fmt.Errorf("%w. Nada cambió", err)
	}
	return f.withShop(func(s *shop.Shop) error {
		_, err := s.KeepPerson(sale.Person{Name: name, Role: sale.Dueno, Active: true}, hidden, "al crear la caja")
		return err
	})
}

// Files implements ui.Founder.
func (f *founder) Files(text string, endings ...string) []string {
	if text != "" {
		return filesLike(text+"*", endings)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	var all []string
	for _, folder := range []string{"Descargas", "Downloads", "Documentos", "."} {
		all = append(all, filesLike(filepath.Join(home, folder, "*"), endings)...)
	}
	return all[:min(len(all), mostFiles)]
}

// mostFiles are offered at once.
const mostFiles = 4

func filesLike(pattern string, endings []string) []string {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return nil // a path that is no pattern is like nothing
	}
	found = slices.DeleteFunc(found, func(name string) bool { return !slices.Contains(endings, strings.ToLower(filepath.Ext(name))) })
	return found[:min(len(found), mostFiles)]
}

// Ready implements ui.Founder.
func (f *founder) Ready() error { return f.withShop((*shop.Shop).Ready) }

// Open implements ui.Founder: the till's window takes the place of the assistant's.
func (f *founder) Open() error {
	t, err := open(f.flags)
	if err != nil {
		return err
	}
	t.loop = f.loop
	if err := t.prepare(f.app); err != nil {
		return errors.Join(err, t.Close())
	}
	f.till = t
	t.window.Show()
	f.win.Fyne().Close()
	return nil
}

// readFile reads a small file whole.
func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("no se pudo leer %s: %w. No se hizo nada", name, err)
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = errors.New("es demasiado grande")
	}
	if err != nil {
		return nil, fmt.Errorf("no se pudo leer %s: %w. No se hizo nada", name, err)
	}
	return b, nil
}
