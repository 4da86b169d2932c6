// Command till is the window: flags, wiring and lifecycle. What it shows is ui's, what it does is sale's.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"mostrador/assets"
	"mostrador/cmd/shop"
	"mostrador/sale"
	"mostrador/sale/price"
	"mostrador/sound"
	"mostrador/terminal"
	"mostrador/ui"
)

const appID = "cl.mostrador.till"

func main() {
	keepPicturesShort()
	f, err := parseFlags(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "till:", err)
		os.Exit(1)
	}
}

// flags are how the till is started.
type flags struct {
	demo       bool
	dir        string
	keys       string
	statusFile string
	screenFile string
	out        string
	diagnosis  string
	simulator  string
	tone       ui.Tone
	percent    int
}

func parseFlags(args []string, output io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("till", flag.ContinueOnError)
	set.SetOutput(output)
	set.BoolVar(&f.demo, "demo", false, "abre la tienda de práctica; si no existe, la crea")
	set.StringVar(&f.dir, "dir", "", "carpeta de la caja")
	set.StringVar(&f.keys, "llave", "auto", "dónde está la llave de los secretos: auto, llavero o archivo")
	set.StringVar(&f.statusFile, "status-file", "", "archivo JSON donde se escribe el estado, para programas que miran")
	set.StringVar(&f.simulator, "simulador", "", "dirección de un siisim en este equipo (sólo capacitación), en lugar del que la caja lleva dentro")
	set.StringVar(&f.screenFile, "screen-file", "", "archivo JSON donde se escribe lo que muestra la ventana, para programas que miran")
	set.StringVar(&f.out, "out", "", "carpeta donde se deja copia de cada documento impreso")
	set.StringVar(&f.diagnosis, "diagnostico", "", "archivo donde queda, al cerrar, cuánto tardó cada cosa y qué memoria ocupa")
	set.IntVar(&f.percent, "escala", 0, "tamaño de lo que se ve, en por ciento, de 100 a 200, en lugar del elegido en la caja")
	set.StringVar((*string)(&f.tone), "tono", "", "colores, en lugar de los elegidos en la caja: auto, claro, oscuro o contraste")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		return f, fmt.Errorf("sobra «%s»", set.Arg(0))
	}
	if f.dir == "" {
		f.dir = defaultDir(f.demo)
	}
	return f, nil
}

// defaultDir keeps practice and work apart.
func defaultDir(demo bool) string {
	base, err := os.UserConfigDir()
	if err != nil {
		base = "."
	}
	if demo {
		return filepath.Join(base, "mostrador-capacitacion")
	}
	return filepath.Join(base, "mostrador")
}

// run opens the window, or one that says why there is none.
func run(f flags) error {
	lean()
	a := app.NewWithID(appID)
	a.SetIcon(fyne.NewStaticResource("icon.png", assets.Icon()))
	asked, stop := askedToEnd(func() { fyne.Do(a.Driver().Quit) })
	defer stop()
	return runIn(a, f, asked)
}

// askedToEnd is done once the system asks the program to end, and quit is called then. Fyne listens for that only when its
// window runs: what is opened before would be left behind as by a power cut. Until stop, no further signal ends the program
// in the middle of closing.
func askedToEnd(quit func()) (asked context.Context, stop func()) {
	asked, forget := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	quiet := context.AfterFunc(asked, quit)
	return asked, func() {
		quiet() // an end that nobody asked for quits nothing
		forget()
	}
}

// runIn does it in an application, unless it is asked to end before there is a window.
func runIn(a fyne.App, f flags, asked context.Context) (err error) {
	if made := (&founder{flags: f}).options().Exists(); !f.demo && !made {
		return found(a, f)
	}
	t, err := open(f)
	if err != nil {
		explain(a, err)
		return err
	}
	if errors.Is(t.shop.Ready(), shop.ErrNoSigner) { // somebody left the assistant in the middle
		if err := t.Close(); err != nil {
			return err
		}
		return found(a, f)
	}
	defer func() { err = errors.Join(err, t.Close()) }() // whatever happens in the window, the files are closed in order
	if asked.Err() != nil {
		return nil
	}
	return t.show(a)
}

// explain shows what keeps the till from opening: who double-clicks an icon sees no terminal.
func explain(a fyne.App, err error) {
	w := a.NewWindow("Mostrador")
	words := widget.NewLabel("La caja no se pudo abrir.\n\n" + err.Error())
	words.Wrapping = fyne.TextWrapWord
	w.SetContent(container.NewBorder(nil, widget.NewButton("Cerrar", a.Quit), nil, nil, words))
	w.Resize(fyne.NewSize(640, 320))
	w.ShowAndRun()
}

// till is the running program.
type till struct {
	flags
	shop *shop.Shop

	mu     sync.Mutex // guards window, which the loops reach for
	window *ui.Window

	loop    ui.Dispatcher  // nil: Fyne's
	player  *sound.Player  // nil before there is a window
	scanner *serialScanner // of the window's goroutine; nil: none
}

// open opens the shop, making the practice shop the first time.
func open(f flags) (*till, error) {
	t := &till{flags: f}
	o := shop.Options{Dir: f.dir, Keys: f.keys, Simulator: f.simulator, Now: time.Now, Report: t.report, Printed: t.printed, News: t.news}
	if f.demo && !o.Exists() {
		made := o
		made.Report, made.Printed, made.News = nil, nil, nil
		if err := shop.CreateDemo(made); err != nil {
			return nil, err
		}
	}
	s, err := shop.Open(o)
	if err != nil {
		return nil, err
	}
	t.shop = s
	if f.demo && !s.Info.Training() {
		return nil, errors.Join(errors.New("esa carpeta es de una tienda real: ábrala sin -demo"), s.Close())
	}
	return t, nil
}

// show runs the window until it is closed. It ends on SIGTERM, too, as when it is closed.
func (t *till) show(a fyne.App) error {
	if err := t.prepare(a); err != nil {
		return err
	}
	t.window.ShowAndRun()
	return t.ended()
}

// prepare makes the window and starts what works behind it.
func (t *till) prepare(a fyne.App) error {
	deps, err := t.shop.Deps()
	if err != nil {
		return err
	}
	settings, err := settingsOf(t.shop)
	if err != nil {
		fmt.Fprintln(os.Stderr, "till:", err)
	}
	t.player = sound.NewPlayer()
	comunas, err := shop.Comunas()
	if err != nil {
		return err
	}
	desk, err := t.shop.Desk(shop.Cashier{
		Ask: func(ctx context.Context, q terminal.Question) (terminal.Answer, error) {
			if w := t.shown(); w != nil {
				return w.AskCard(ctx, q)
			}
			return terminal.Answer{}, context.Canceled
		},
		Progress: func(words string) {
			if w := t.shown(); w != nil {
				w.CardProgress(words)
			}
		},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "till:", err)
	}
	deps.Terminal = desk != nil
	register, err := sale.NewRegister(deps)
	if err != nil {
		return err
	}
	window := ui.New(a, ui.Deps{
		Cards: cards(desk), Drawer: t.shop,
		Counter: register, Documents: t.shop, Notices: t.shop, Scales: t.shop, Customers: t.shop, Copies: t.shop, Server: t.shop, Comunas: comunas, Office: t.shop, Shop: t.shop.Info.Emisor.RznSoc, Caja: t.shop.Info.Caja, Now: time.Now,
		Settings: t.override(settings), Sounds: loudspeaker{t.player}, Keep: t.keep, SerialProblem: t.serialProblem, Machine: t.machine, Loop: t.loop,
		Framed: clicksWithTheirMoves,
	})
	t.mu.Lock()
	t.window = window
	t.mu.Unlock()
	if err := t.shop.Start(); err != nil {
		return err
	}
	t.listenTo(settings.Scanner)
	if t.screenFile != "" {
		window.Watch(lookEvery, t.seen)
	}
	return nil
}

// ended is what there is to do when the window is gone.
func (t *till) ended() error {
	t.window.End()
	t.listenTo(ui.Scanner{})
	return t.keepDiagnosis(t.window)
}

// keep stores settings, and follows a scanner to another port.
func (t *till) keep(s ui.Settings) error {
	if err := keepSettings(t.shop, s); err != nil {
		return err
	}
	if t.scanner == nil && s.Scanner.Port != "" || t.scanner != nil && (t.scanner.port != s.Scanner.Port || t.scanner.baud != s.Scanner.Baud) {
		t.listenTo(s.Scanner)
	}
	return nil
}

// listenTo ends with one serial scanner and begins with another, or none.
func (t *till) listenTo(s ui.Scanner) {
	if t.scanner != nil {
		t.scanner.Close()
		t.scanner = nil
	}
	if s.Port != "" {
		t.scanner = listen(s.Port, s.Baud, lookAgain, t.scanned)
	}
}

// scanned hands a code to the window.
func (t *till) scanned(code string) {
	t.mu.Lock()
	window := t.window
	t.mu.Unlock()
	if window != nil {
		window.Scanned(code)
	}
}

func (t *till) serialProblem() string {
	if t.scanner == nil {
		return ""
	}
	return t.scanner.Problem()
}

// cards keeps an absent desk absent: an interface that holds a nil pointer is not nil.
func cards(desk *terminal.Desk) ui.Cards {
	if desk == nil {
		return nil
	}
	return desk
}

// shown is the window; a terminal is asked only through it.
func (t *till) shown() *ui.Window {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.window
}

// override puts what the command line says in the place of what was kept.
func (f flags) override(s ui.Settings) ui.Settings {
	if f.tone != "" {
		s.Look.Tone = f.tone
	}
	if f.percent != 0 {
		s.Look.Percent = f.percent
	}
	return s
}

// Close ends the loops and the store.
func (t *till) Close() error {
	t.mu.Lock()
	t.window = nil
	t.mu.Unlock()
	if t.player != nil {
		t.player.Close()
	}
	return t.shop.Close()
}

// report translates how things stand into what the strip shows. It is called from the loops.
func (t *till) report(s shop.Status) {
	t.mu.Lock()
	window := t.window
	t.mu.Unlock()
	if window != nil {
		window.SetStatus(stripOf(s))
	}
	if t.statusFile != "" && t.shop != nil {
		if err := t.shop.WriteStatus(t.statusFile, s); err != nil {
			fmt.Fprintln(os.Stderr, "till:", err)
		}
	}
}

// stripOf is the status in the window's terms.
func stripOf(s shop.Status) ui.Status {
	u := ui.Status{
		Waiting: s.Worker.Backlog.Documents, Oldest: s.Worker.Backlog.Oldest, PrinterProblem: s.PrinterProblem, MailProblem: s.MailProblem,
		Server: serverOf(s.Server),
	}
	switch {
	case s.Worker.Down:
		u.Line, u.Since, u.LineProblem = ui.LineDown, s.Worker.Since, s.Worker.Problem
	case s.Known:
		u.Line = ui.LineUp
	}
	return u
}

// news hands what the server sent to the counter, which takes it between two sales.
func (t *till) news(f shop.Fresh) {
	if w := t.shown(); w != nil {
		w.SetNews(func() (sale.Catalogue, *price.Book) {
			now := t.shop.Current(f)
			return now.Catalogue, now.Prices
		})
	}
}

// serverOf is the server in the window's terms. A line that is down is no trouble to read about.
func serverOf(s shop.ServerStatus) ui.Server {
	u := ui.Server{
		Joined: s.Joined, Company: s.Company, Till: s.Till, URL: s.URL, Down: s.Down, Since: s.Since, Ended: s.Ended, Unsent: s.Unsent, PricesAt: s.PricesAt, Hold: s.Hold,
	}
	if !s.Down {
		u.Problem = s.Problem
	}
	return u
}

// lookEvery is how often the window is looked at, if a file wants to know what it shows.
const lookEvery = 40 * time.Millisecond

// seen writes down what the window shows. Who reads the file finds it whole, or an older one.
func (f flags) seen(s ui.Seen) {
	b, err := json.Marshal(s)
	if err == nil {
		err = os.WriteFile(f.screenFile+".new", append(b, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(f.screenFile+".new", f.screenFile)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "till:", err)
	}
}

// printed leaves a copy of what came out, where that was asked for.
func (t *till) printed(job sale.PrintJob) {
	if t.out == "" || job.Slip() { // a slip is no document
		return
	}
	if err := t.shop.Export(job.Key, t.out); err != nil {
		fmt.Fprintln(os.Stderr, "till:", err)
	}
}
