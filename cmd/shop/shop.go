// Package shop opens a till's folder and joins its parts: the store, the worker that sends, the loop that prints, and in
// training the simulated authority. cmd/till and cmd/tillctl are two faces of it.
//
// Owns: the folder's layout, which authority a shop talks to, and the lives of the two background loops.
//
// Invariants: a training shop talks to a simulator on this machine and to nobody else; a real one never to a simulator.
// Close returns when both loops have ended.
package shop

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"mostrador/dte"
	"mostrador/dte/sii"
	"mostrador/dte/sii/siisim"
	"mostrador/mail"
	"mostrador/printer"
	"mostrador/sale"
	"mostrador/store"
	possync "mostrador/sync"
)

// What stands in a till's folder.
const (
	storeFile    = "mostrador.db"
	keyFile      = "mostrador.llave"
	simulatorDir = "simulador"
	ticketsFile  = "tickets.bin"
)

// Names of the sealed secrets and of the settings.
const (
	secretPFX      = "pfx"
	secretPFXClave = "pfx-clave"
	valuePrinter   = "impresora"
)

// ErrNoSigner: no certificate has been imported, so nothing can be issued or sent.
var ErrNoSigner = errors.New("falta el certificado digital. Nada se perdió; impórtelo con «tillctl pfx import ARCHIVO»")

// Options say how a folder is opened.
type Options struct {
	Dir string
	// Keys is where the key of the secrets is kept: "llavero" (the system's keyring), "archivo" (a file beside the
	// store, for machines without one) or "auto": the keyring if it works, otherwise the file.
	Keys string
	Now  func() time.Time
	// Simulator is the address of a running siisim on this machine, for a training shop; empty starts one inside.
	Simulator string
	// Device prints tickets; nil takes the stored setting. Without either, papers wait in the queue.
	Device printer.Device
	// Pace, if set, is used in place of the shop's own (Sending).
	Pace possync.Pace
	// Report, if set, is told whenever something changes around the till. It is called from several goroutines, one at a
	// time, and must not block.
	Report func(Status)
	// Office is where the company's server is reached; nil is over HTTP. CourierPace, if set, is used in place of the usual one.
	Office      Office
	CourierPace possync.CourierPace
	// News, if set, is told what the counter sells by once the server's news were taken in: pass it, through Current, to
	// Register.SetNews on the register's goroutine. It must not block.
	News func(Fresh)
	// Printed, if set, is called after each paper, from the printer's goroutine.
	Printed func(sale.PrintJob)
	// Mailed, if set, is called after each try of a letter, from the loop's goroutine.
	Mailed func(sale.Mail)
	// MailRoots are the authorities of the mail server's certificate; nil takes the system's.
	MailRoots *x509.CertPool
}

// Status is how things stand around the till.
type Status struct {
	Worker possync.Status
	// Known: the worker has tried the line at least once.
	Known          bool
	PrinterProblem string
	MailProblem    string // what keeps all letters from leaving
	Server         ServerStatus
}

// Shop is an open till. Its methods may be called from any goroutine.
type Shop struct {
	Store *store.Store
	Info  sale.Shop

	book      *book // the store as the counter uses it
	opt       Options
	signer    *dte.Signer
	signerErr error // why there is none
	trust     dte.Trust
	at        sii.Endpoints
	stop      func() // the simulator inside

	client  atomic.Pointer[sii.Client]     // of the worker; it knows the authority's clock
	worker  atomic.Pointer[possync.Worker] // sales wake them while Start makes them
	papers  atomic.Pointer[printer.Loop]
	mails   atomic.Pointer[mail.Loop]
	loops   sync.WaitGroup
	running context.Context // of the loops; nil before Start
	cancel  context.CancelFunc
	closing sync.Once

	joining sync.Mutex // guards the membership of a server, and stopped
	courier atomic.Pointer[possync.Courier]
	stopped func() // ends the courier
	speech  speech

	mu      sync.Mutex
	status  Status
	counter counted
	made    []sale.Product // at the counter, since the program began
	failed  time.Time      // since when the SII does not receive, though the line is up; zero while it does
}

// Path is the store of a folder.
func (o Options) Path() string { return filepath.Join(o.Dir, storeFile) }

// Exists reports that the folder has a store.
func (o Options) Exists() bool {
	_, err := os.Stat(o.Path())
	return err == nil
}

// keys chooses the key holder. In "auto" the file wins if it is there: a shop stays where it began.
func (o Options) keys() (store.KeyHolder, error) {
	file := store.KeyFile{Path: filepath.Join(o.Dir, keyFile)}
	ring := store.Keyring{Service: "mostrador"}
	switch o.Keys {
	case "archivo":
		return file, nil
	case "llavero":
		return ring, nil
	case "", "auto":
		if _, err := os.Stat(file.Path); errors.Is(err, fs.ErrNotExist) && keyringWorks(ring) {
			return ring, nil
		}
		return file, nil
	}
	return nil, fmt.Errorf("no existe el lugar «%s» para la llave: use auto, llavero o archivo", o.Keys)
}

// keyringWorks asks the system's keyring to keep and return something.
func keyringWorks(ring store.Keyring) bool {
	const probe = "prueba"
	if err := ring.Keep(probe, make([]byte, 32)); err != nil {
		return false
	}
	_, err := ring.Key(probe)
	return err == nil
}

// Create makes the store of a new shop and seals it under the owner's passphrase.
func Create(o Options, info sale.Shop, passphrase string) error {
	if err := check(info); err != nil {
		return err
	}
	return o.whole(func(o Options) error { return create(o, info, passphrase) })
}

func create(o Options, info sale.Shop, passphrase string) error {
	s, err := o.openStore(nil)
	if err != nil {
		return err
	}
	if err = s.Protect(passphrase); err == nil {
		err = s.PutShop(info)
	}
	return errors.Join(err, s.Close())
}

// whole has a shop made aside and moves it in when it is complete, the store last: a shop is there or it is not, whatever
// interrupts its making.
func (o Options) whole(build func(Options) error) error {
	if o.Exists() {
		return fmt.Errorf("ya hay una caja en %s. No se cambió nada", o.Dir)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, keyFile)); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("en %s está la llave de otra caja (%s). No se cambió nada; muévala o elija otra carpeta", o.Dir, keyFile))
	}
	aside := o
	aside.Dir = filepath.Join(o.Dir, ".nueva")
	if err := os.RemoveAll(aside.Dir); err != nil { // of a making that was interrupted: nothing in it was ever used
		return err
	}
	err := build(aside)
	for _, name := range []string{simulatorDir, keyFile, storeFile} {
		if err != nil {
			break
		}
		if err = os.Rename(filepath.Join(aside.Dir, name), filepath.Join(o.Dir, name)); errors.Is(err, fs.ErrNotExist) {
			err = nil // a real shop has no simulator, a key in the keyring no file
		}
	}
	return errors.Join(err, os.RemoveAll(aside.Dir))
}

// check refuses a business that could never issue.
func check(info sale.Shop) error {
	switch info.Ambiente {
	case dte.Produccion, dte.Certificacion, dte.Capacitacion:
	default:
		return fmt.Errorf("el ambiente «%s» no existe: use produccion, certificacion o capacitacion", info.Ambiente)
	}
	switch {
	case info.Caja == "" || len(info.Caja) > 8:
		return errors.New("falta el código de la caja, de 1 a 8 caracteres, por ejemplo CAJA1")
	case info.Resolucion.Fch.IsZero():
		return errors.New("falta la resolución del SII que autoriza a emitir (número y fecha)")
	}
	if err := info.Modelo.Check(); err != nil {
		return err
	}
	probe := dte.Draft{
		Tipo: dte.Factura, FchEmis: info.Resolucion.Fch, Emisor: info.Emisor,
		Receptor: dte.Receptor{RUT: dte.RUTSII, RznSoc: "x", Giro: "x", Direccion: "x", Comuna: "x"},
		Detalle:  []dte.Linea{{Nombre: "x", Monto: 1}},
	}
	return probe.Validate()
}

func (o Options) openStore(onCommit func(sale.Record)) (*store.Store, error) {
	keys, err := o.keys()
	if err != nil {
		return nil, err
	}
	return store.Open(o.Path(), store.Options{Keys: keys, OnCommit: onCommit})
}

// Open opens a shop and everything around it. The loops do not run yet: see Start.
func Open(o Options) (*Shop, error) {
	if !o.Exists() {
		return nil, fmt.Errorf("no hay una caja en %s. Créela con «tillctl init»", o.Dir)
	}
	s := &Shop{opt: o, stop: func() {}}
	opened, err := o.openStore(func(sale.Record) { s.wake() })
	if err != nil {
		return nil, err
	}
	s.Store, s.book = opened, newBook(opened, s.wake, s.lacks)
	if err := s.load(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Shop) load() (err error) {
	if s.Info, err = s.Store.Shop(); err != nil {
		return err
	}
	if err := s.chooseAuthority(); err != nil {
		return err
	}
	s.signer, s.signerErr = s.openSigner() // without one it is still possible to look, import and unlock
	return s.readServer()
}

// chooseAuthority: the environment decides, and nothing else can.
func (s *Shop) chooseAuthority() error {
	if s.opt.Simulator != "" && !s.Info.Training() {
		return errors.New("el simulador sólo sirve a una tienda de práctica, y ésta es real. No se hizo nada")
	}
	switch s.Info.Ambiente {
	case dte.Produccion:
		s.trust, s.at = dte.SII(), sii.Produccion()
		return nil
	case dte.Certificacion:
		s.trust, s.at = dte.SII(), sii.Certificacion()
		return nil
	case dte.Capacitacion:
		return s.simulate()
	}
	return fmt.Errorf("esta caja está en el ambiente «%s», que este programa no conoce", s.Info.Ambiente)
}

// simulate has the practice authority of this folder answer, inside or at the address that was given.
func (s *Shop) simulate() error {
	authority, err := s.opt.authority()
	if err != nil {
		return err
	}
	s.trust = dte.Trust{}.With(authority.IDK(), authority.Public())
	if s.opt.Simulator != "" {
		s.at, err = SimulatorAt(s.opt.Simulator)
		return err
	}
	_, url, stop, err := StartSimulator(s.opt)
	if err != nil {
		return err
	}
	s.at, s.stop = sii.Single(url), stop
	return nil
}

// authority is the practice authority of this folder; its key is worth nothing and rests in a plain file.
func (o Options) authority() (*dte.Authority, error) {
	name := filepath.Join(o.Dir, simulatorDir, "llave.pem")
	pem, err := os.ReadFile(name)
	if err == nil {
		return dte.OpenAuthority(dte.IDKSimulador, pem, rand.Reader)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	a, err := dte.NewAuthority(dte.IDKSimulador, rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	return a, os.WriteFile(name, a.PEM(), 0o600)
}

// simulator is the practice authority of this folder, with the memory of what it received.
func (o Options) simulator(a *dte.Authority) (*siisim.Sim, error) {
	return siisim.New(siisim.Config{
		Authority: a, Now: o.Now, StateFile: filepath.Join(o.Dir, simulatorDir, "estado.jsonl"), ProcessingTime: time.Second,
	})
}

func (s *Shop) openSigner() (*dte.Signer, error) {
	pfx, err := s.Store.Secret(secretPFX)
	if errors.Is(err, sale.ErrNotFound) {
		return nil, ErrNoSigner
	}
	if err != nil {
		return nil, err
	}
	clave, err := s.Store.Secret(secretPFXClave)
	if err != nil {
		return nil, err
	}
	return dte.OpenPFX(pfx, string(clave))
}

// ImportPFX seals the certificate that signs from now on; loops that run go on with the one they began with. A file that does not open, or that has expired, changes
// nothing.
func (s *Shop) ImportPFX(pfx []byte, clave string) (*dte.Signer, error) {
	signer, err := dte.OpenPFX(pfx, clave)
	if err != nil {
		return nil, err
	}
	if err := signer.ValidAt(s.opt.Now()); err != nil {
		return nil, err
	}
	if err := s.Store.PutSecrets(map[string][]byte{secretPFX: pfx, secretPFXClave: []byte(clave)}); err != nil {
		return nil, err
	}
	s.signer, s.signerErr = signer, nil
	return signer, nil
}

// ImportCAF adds a range of folios.
func (s *Shop) ImportCAF(file []byte) (sale.Range, error) {
	return s.Store.ImportCAF(file, s.trust, s.opt.Now())
}

// SetInfo changes the data of the shop: address, actecos, resolution. Its RUT and environment are fixed once there are
// folios, and a modelo de emisión is never unsaid. What runs goes on with the old data until it is opened again.
func (s *Shop) SetInfo(info sale.Shop) error {
	if err := check(info); err != nil {
		return fmt.Errorf("%w. No se cambió nada", err)
	}
	if info.Modelo == "" {
		old, err := s.Store.Shop()
		if err != nil {
			return err
		}
		info.Modelo = old.Modelo
	}
	return s.Store.PutShop(info)
}

// Trust are the keys whose CAFs this shop accepts.
func (s *Shop) Trust() dte.Trust { return s.trust }

// Unlock opens the secrets with the owner's passphrase, and the certificate with them.
func (s *Shop) Unlock(passphrase string) error {
	if err := s.Store.Unlock(passphrase); err != nil {
		return err
	}
	s.signer, s.signerErr = s.openSigner()
	return nil
}

// Deps are what a register needs. ErrNoSigner without a certificate, store.ErrLocked if it cannot be opened.
func (s *Shop) Deps() (sale.Deps, error) {
	deps, err := s.issuer()
	if err != nil {
		return sale.Deps{}, err
	}
	made := s.madeHere()
	catalogue, err := s.catalogue()
	if err != nil {
		return sale.Deps{}, err
	}
	if _, err := s.Store.FindCustomers("", 1); err != nil { // now, and not while the first buyer of the day waits
		return sale.Deps{}, err
	}
	deps.Catalogue, deps.Prices, deps.AddProduct = catalogue, s.priceBook(catalogue), s.AddProduct
	s.sellsBy(Fresh{Catalogue: catalogue, made: made})
	deps.Pace, deps.Lacks = s.issuePace, s.lacks
	deps.Server = func() sale.ServerFacts { return serverFacts(s.serverStatus()) }
	deps.Scale, _ = s.ScaleRules() // a table that cannot be read stops no sale
	return deps, nil
}

// issuer is what a document needs that is not sold at a register: no catalogue is read for it.
func (s *Shop) issuer() (sale.Deps, error) {
	if s.signer == nil {
		return sale.Deps{}, s.signerErr
	}
	return sale.Deps{Shop: s.Info, Journal: s.book, Signer: s.signer, Now: s.opt.Now, Rand: rand.Reader}, nil
}

// Start runs the worker and the printer until Close. Call it once. A printer that cannot be used is told in the Status
// and stops nothing.
func (s *Shop) Start() error {
	if s.signer == nil {
		return s.signerErr
	}
	if s.cancel != nil {
		return errors.New("la caja ya está en marcha")
	}
	worker, err := s.newWorker()
	if err != nil {
		return err
	}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	s.running = ctx
	s.worker.Store(worker)
	s.loops.Go(func() { _ = worker.Run(ctx) })

	mails := mail.NewLoop(mail.Config{Queue: s.Store, Send: s.sendLetter, Now: s.opt.Now, After: time.After, Report: s.mailed})
	s.mails.Store(mails)
	s.loops.Go(func() { _ = mails.Run(ctx) })

	device, model, err := s.device()
	switch {
	case err != nil:
		s.tell(func(st *Status) { st.PrinterProblem = err.Error() })
	case device == nil:
		s.tell(func(st *Status) { st.PrinterProblem = "No hay impresora configurada: los tickets esperan." })
	default:
		papers := printer.NewLoop(printer.Config{
			Queue: s.Store, Documents: s.Store, Slips: s.Store, Device: device, Shop: s.Info, Model: model, Now: s.opt.Now, After: time.After, Report: s.printed,
		})
		s.papers.Store(papers)
		s.loops.Go(func() { _ = papers.Run(ctx) })
	}
	s.joining.Lock()
	defer s.joining.Unlock()
	if err := s.startCourier(); err != nil {
		s.tell(func(st *Status) { st.Server.Problem = err.Error() })
	}
	return nil
}

// trainingPace shows within seconds what the real authority takes minutes for.
var trainingPace = possync.Pace{
	BoletaWait: 2 * time.Second, FirstPoll: time.Second, FirstRetry: 2 * time.Second, LineProbe: 2 * time.Second, Patience: 5 * time.Second,
}

func (s *Shop) newWorker() (*possync.Worker, error) {
	client, err := s.newClient()
	if err != nil {
		return nil, err
	}
	s.client.Store(client)
	return possync.New(possync.Config{
		Outbox: s.Store, Authority: client, Signer: s.signer,
		Resolucion: s.Info.Resolucion, Now: s.opt.Now, After: time.After, Jitter: jitter, Pace: s.pace(),
		Report: func(w possync.Status) {
			s.observe(&w)
			s.tell(func(st *Status) { st.Worker, st.Known = w, true })
		},
	}), nil
}

func jitter(n int64) int64 {
	v, err := rand.Int(rand.Reader, big.NewInt(n))
	if err != nil {
		return 0
	}
	return v.Int64()
}

func (s *Shop) printed(p printer.Status) {
	s.tell(func(st *Status) { st.PrinterProblem = p.Problem })
	if p.Printed && s.opt.Printed != nil {
		s.opt.Printed(p.Job)
	}
}

// tell changes the status and reports it.
func (s *Shop) tell(change func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.status)
	if s.opt.Report != nil {
		s.opt.Report(s.status)
	}
}

// wake makes both loops look again.
func (s *Shop) wake() {
	if worker := s.worker.Load(); worker != nil {
		worker.Wake()
	}
	if papers := s.papers.Load(); papers != nil {
		papers.Wake()
	}
	if courier := s.courier.Load(); courier != nil {
		courier.Wake()
	}
}

// Documents lists issued documents, newest first.
func (s *Shop) Documents(q sale.DocumentQuery) ([]sale.DocumentInfo, error) {
	return s.Store.Documents(q)
}

// FindDocuments finds issued documents by what is remembered of them.
func (s *Shop) FindDocuments(ctx context.Context, q sale.DocumentSearch) (sale.DocumentsFound, error) {
	return s.Store.FindDocuments(ctx, q)
}

// SyncNow sends what waits and follows it until everything has its verdict or ctx ends. The loops must not be running.
func (s *Shop) SyncNow(ctx context.Context) (possync.Status, error) {
	if s.signer == nil {
		return possync.Status{}, s.signerErr
	}
	w, err := s.newWorker()
	if err != nil {
		return possync.Status{}, err
	}
	for {
		next := w.Step(ctx)
		status := w.Status()
		s.observe(&status)
		if status.Backlog.Documents == 0 || next.IsZero() || ctx.Err() != nil {
			return status, nil
		}
		select {
		case <-ctx.Done():
			return status, nil
		case <-time.After(max(0, next.Sub(s.opt.Now()))):
		}
	}
}

// Close ends the loops, the simulator and the store, in this order. Doing it twice does no harm.
func (s *Shop) Close() (err error) {
	s.closing.Do(func() {
		if s.cancel != nil {
			s.cancel()
		}
		s.loops.Wait()
		s.stop()
		err = errors.Join(s.book.close(), s.Store.Close())
	})
	return err
}
