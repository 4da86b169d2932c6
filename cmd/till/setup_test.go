package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/dte/sii/siisim"
	"mostrador/printer"
	"mostrador/sale"
	"mostrador/ui"
)

// assistant is the window of a computer without a shop, real but for the screen.
type assistant struct {
	t    *testing.T
	made *founder
	loop queue
}

// queue keeps what others want of the window until the test, which is its goroutine, does it.
type queue struct {
	mu   sync.Mutex
	jobs []func()
}

func (q *queue) Do(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs = append(q.jobs, f)
}

func (q *queue) run() {
	for {
		q.mu.Lock()
		jobs := q.jobs
		q.jobs = nil
		q.mu.Unlock()
		if len(jobs) == 0 {
			return
		}
		for _, job := range jobs {
			job()
		}
	}
}

func newAssistant(t *testing.T, created bool, dir string) *assistant {
	t.Helper()
	comunas, err := shop.Comunas()
	if err != nil {
		t.Fatal(err)
	}
	a := &assistant{t: t, made: &founder{flags: flags{dir: dir, keys: "archivo"}, app: test.NewTempApp(t)}}
	a.made.loop = &a.loop
	a.made.win = ui.NewSetup(a.made.app, ui.SetupDeps{
		Founder: a.made, Comunas: comunas, Created: created, Loop: &a.loop, Aside: func(work func()) { work() },
	})
	return a
}

// keys types words and presses what stands between: "[Enter]".
func (a *assistant) keys(w fyne.Window, typed ...string) {
	for _, word := range typed {
		if name, ok := strings.CutPrefix(word, "["); ok {
			press(w, fyne.KeyName(strings.TrimSuffix(name, "]")))
			a.loop.run()
			continue
		}
		for _, r := range word {
			if f := w.Canvas().Focused(); f != nil {
				f.TypedRune(r)
			} else {
				w.Canvas().OnTypedRune()(r)
			}
			a.loop.run()
		}
	}
}

func press(w fyne.Window, key fyne.KeyName) {
	if f := w.Canvas().Focused(); f != nil {
		f.TypedKey(&fyne.KeyEvent{Name: key})
		return
	}
	w.Canvas().OnTypedKey()(&fyne.KeyEvent{Name: key})
}

func (a *assistant) answers(typed ...string) { a.keys(a.made.win.Fyne(), typed...) }

func (a *assistant) sees(words string) {
	a.t.Helper()
	if all := strings.Join(a.made.win.Words(), "\n"); !strings.Contains(all, words) {
		a.t.Fatalf("the assistant does not say %q, but:\n%s", words, all)
	}
}

const enter = "[Return]"

// From a folder with nothing in it to the first boleta, in practice, by keyboard alone. The modelo was answered and is not
// asked again when a card pays all.
func TestFromNothingToTheFirstBoleta(t *testing.T) {
	a := newAssistant(t, false, filepath.Join(t.TempDir(), "caja"))
	a.sees("Esta es la caja de su negocio")
	a.answers("1")
	a.sees("¿Qué modelo de emisión declaró al SII?")
	a.answers("1")
	till := a.made.till
	if till == nil {
		t.Fatalf("no till came out of it: %v", a.made.win.Words())
	}
	defer func() {
		if err := till.Close(); err != nil {
			t.Error(err)
		}
	}()
	if !strings.HasSuffix(a.made.dir, "caja-capacitacion") || !till.shop.Info.Training() {
		t.Errorf("practice in %s, training %v", a.made.dir, till.shop.Info.Training())
	}
	w := till.window.Fyne()
	a.keys(w, "7809990030140", enter, "[F12]", "[F2]", "12", enter, enter)
	seen := till.window.Seen()
	documents, err := till.shop.Documents(sale.DocumentQuery{Limit: 10})
	if err != nil || len(documents) != 1 || documents[0].Key.Tipo != dte.Boleta {
		t.Fatalf("documents %v, %v; the window says %v", documents, err, seen.Words)
	}
	if m, err := till.shop.Store.Modelo(); err != nil || m != sale.ModeloBoleta {
		t.Errorf("modelo %q, %v", m, err)
	}
}

// A real shop: the check digit while it is typed, the commune from the list, every answer in the store, and what may be
// left for afterwards left.
func TestARealShopIsFounded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "caja")
	a := newAssistant(t, false, dir)
	a.answers("3", "76543210-4")
	a.sees("El dígito verificador no corresponde")
	a.answers(enter, "Minimarket", enter, "Abarrotes", enter, "Los Aromos 12", enter, "nunoa")
	a.made.win.Fyne().Canvas().FocusNext() // Tab takes nothing that is offered
	a.answers(enter)
	a.sees("El RUT de la empresa")
	a.answers("[Escape]")
	a.sees("Esta es la caja de su negocio")
	a.answers("3", "[End]", "[BackSpace]", "3")
	a.sees("76.543.210-3 es correcto")
	a.answers(enter, enter, enter, enter)
	a.made.win.Fyne().Canvas().FocusNext()
	a.answers(enter)
	a.sees("Ante el SII")
	a.answers("47x", enter, "0", enter, "02-01-2026", enter, enter)
	a.sees("El código de actividad son seis cifras")
	a.made.win.Fyne().Canvas().Focus(nil)
	a.answers("[Escape]", enter, enter, enter, enter) // back and forth, nothing is lost
	a.made.win.Fyne().Canvas().FocusNext()
	a.answers(enter)
	a.answers("[End]", "[BackSpace]", "2101", enter, enter, enter, enter)
	a.sees("¿Qué modelo de emisión declaró al SII?")
	a.answers("2")
	a.sees("Frase clave del dueño")
	a.answers("una frase larga")
	if s := a.made.win.Seen(); s.Typed != strings.Repeat("•", 15) || slices.Contains(s.Words, "una frase larga") {
		t.Errorf("the phrase is told: %+v", s)
	}
	a.answers(enter, "otra", enter)
	a.sees("no son iguales")
	if (shop.Options{Dir: dir}).Exists() {
		t.Fatal("there is a shop before all was answered")
	}
	a.answers("[End]", "[BackSpace]", "[BackSpace]", "[BackSpace]", "[BackSpace]", "una frase larga", enter)
	a.sees("Impresora y cajón")
	a.answers("una impresora", enter)
	a.sees("no se entiende")
	a.answers(slices.Repeat([]string{"[BackSpace]"}, 13)...)
	a.answers(enter)
	a.sees("Certificado digital")
	a.answers(enter, enter)
	a.sees("Folios (CAF)")
	a.answers(enter)
	a.sees("¿Trabaja más de una persona?")
	a.answers("Rosa", enter, "4826", enter, "4826", enter)
	a.sees("falta su certificado")

	s, err := shop.Open(a.made.options())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	e := s.Info.Emisor
	if e.RUT != 76543210 || e.Comuna != "Ñuñoa" || e.Giro != "Abarrotes" || e.RznSoc != "Minimarket" || e.Acteco[0] != 472101 || s.Info.UnidadSII == "" || s.Info.Ambiente != dte.Certificacion {
		t.Errorf("the shop is %+v", s.Info)
	}
	if m, err := s.Store.Modelo(); err != nil || m != sale.ModeloVoucher {
		t.Errorf("modelo %q, %v", m, err)
	}
	if people, err := s.Store.People(); err != nil || len(people) != 1 || people[0].Name != "Rosa" || people[0].Role != sale.Dueno {
		t.Errorf("people %+v, %v", people, err)
	}
	if err := s.Unlock("una frase larga"); err != nil {
		t.Errorf("the phrase does not open it: %v", err)
	}
}

// Programs that look at the window see the assistant, too, until there is a till; the passphrase they see by its length.
func TestTheAssistantIsSeen(t *testing.T) {
	a := newAssistant(t, false, filepath.Join(t.TempDir(), "caja"))
	a.made.screenFile = filepath.Join(t.TempDir(), "pantalla.json")
	told := func() string {
		a.made.seen(a.made.win.Seen())
		b, err := os.ReadFile(a.made.screenFile)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if s := told(); !strings.Contains(s, `"lugar":"setup"`) || !strings.Contains(s, "Esta es la caja de su negocio") {
		t.Errorf("at the start it tells %s", s)
	}
	a.answers("2", "76543210-3")
	if s := told(); !strings.Contains(s, `"escrito":"76543210-3"`) {
		t.Errorf("in a line it tells %s", s)
	}
	a.answers("[Escape]", "1", "1")
	defer func() {
		if err := a.made.till.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := os.WriteFile(a.made.screenFile, []byte("la caja"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := told(); s != "la caja" {
		t.Errorf("over the till it tells %s", s)
	}
}

// Who left the certificate for afterwards is asked for it, and then sells.
func TestTheCertificateMayComeLater(t *testing.T) {
	base := t.TempDir()
	dir, file := filepath.Join(base, "caja"), filepath.Join(base, "certificado.pfx")
	pfx, _, err := siisim.NewSigner(rand.Reader, 11111111, "ROSA", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pfx, 0o600); err != nil {
		t.Fatal(err)
	}
	written := filepath.Join(base, "tienda.json")
	if err := os.WriteFile(written, []byte(`{"emisor": {"rut": "76543210-3", "rznSoc": "MINIMARKET", "giro": "ABARROTES", "acteco": [472101], "direccion": "Los Aromos 12", "comuna": "Ñuñoa"},
		"resolucion": {"nro": 0, "fch": "2026-01-02"}, "ambiente": "certificacion", "caja": "CAJA1", "modeloEmision": "boleta"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	first := newAssistant(t, false, dir)
	first.answers("4", strings.TrimSuffix(written, "nda.json"), enter) // the file is offered, and Enter takes it
	first.sees("Frase clave del dueño")                                // the file said the modelo
	first.answers("una frase larga", enter, "una frase larga", enter)
	first.sees("Impresora y cajón")

	second := newAssistant(t, true, dir)
	second.sees("Certificado digital")
	second.answers(file, enter, "mala", enter)
	second.sees("Su clave")
	if err := second.made.Ready(); err == nil {
		t.Error("it is ready after a wrong password")
	}
	second.answers("[BackSpace]", "[BackSpace]", "[BackSpace]", "[BackSpace]", siisim.SignerPassword, enter)
	second.sees("Folios (CAF)")
	second.answers(enter)
	second.sees("Certificado de ROSA")
	_, until, _ := strings.Cut(strings.Join(second.made.win.Words(), "\n"), "vigente hasta el ")
	if _, err := time.Parse("02-01-2006", until[:min(len(until), 10)]); err != nil {
		t.Errorf("the day is not written as in Chile: %v", err)
	}
	second.answers(enter)
	if second.made.till == nil {
		t.Fatalf("no till: %v", second.made.win.Words())
	}
	if err := second.made.till.Close(); err != nil {
		t.Error(err)
	}
}

// Trying a printer prints a line and opens the drawer; one that cannot be reached is told, and nothing is kept.
func TestThePrinterIsTried(t *testing.T) {
	base := t.TempDir()
	f, paper := &founder{flags: flags{dir: base}}, filepath.Join(base, "papel")
	if err := f.TryPrinter("archivo:" + paper); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(paper)
	if err != nil || !strings.HasPrefix(string(b), string(printer.OpenDrawer())) || !strings.Contains(string(b), "la impresora funciona") {
		t.Errorf("the paper is %q, %v", b, err)
	}
	for device, want := range map[string]string{"ninguna": "elija primero", "usb": "no se entiende", "archivo:" + filepath.Join(base, "no", "hay"): "Nada se guardó"} {
		if err := f.TryPrinter(device); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", device, err)
		}
	}
}
