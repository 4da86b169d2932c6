package printer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/sale"
)

// Queue is the till's print queue: the store, or a twin in tests. Jobs come in with the sale's own transaction. All
// methods may be called from any goroutine.
type Queue interface {
	// NextPrint returns the job to be printed now, the oldest; false when there is none. It stays the next one until it
	// is done or dropped.
	NextPrint() (sale.PrintJob, bool, error)
	// PrintDone removes a printed job. Doing it twice does no harm.
	PrintDone(id uint64) error
	// PrintFailed counts an attempt and notes why. The job stays.
	PrintFailed(id uint64, why string) error
	// PrintDrop removes a job that can never be printed and notes why. The document stays and can be queued again.
	PrintDrop(id uint64, why string) error
}

// Documents gives a stored document's exact bytes and its sale; sale.ErrNotFound if there is none. Every sale.Journal is
// one.
type Documents interface {
	Document(key dte.Key) (xml []byte, r sale.Record, err error)
}

// Status is what the loop tells the screen after each thing it did.
type Status struct {
	// Job is the one it is about; ID 0 when there is none.
	Job sale.PrintJob
	// Printed: its paper came out.
	Printed bool
	// Dropped: it can never be printed; Problem says why.
	Dropped bool
	// Problem is what keeps the paper from coming, in words for the shop; empty when all is well.
	Problem string
}

// Config is what a Loop works with. All but Report are needed.
type Config struct {
	Queue     Queue
	Documents Documents
	Slips     Slips // nil: none are ever queued
	Device    Device
	Shop      sale.Shop
	Model     Model
	Now       func() time.Time
	// After is time.After; tests turn the clock themselves.
	After func(time.Duration) <-chan time.Time
	// Report, if set, is called from Run's goroutine. It must not block.
	Report func(Status)
}

// Loop prints the queue, one job after the other, and tries again for as long as the printer fails. A paper may come out
// twice (a crash between the paper and the note that it came out), never not at all.
type Loop struct {
	Config
	wake chan struct{}
	// kicks are those who wait for the drawer to open.
	kicks chan chan error
	// out is the job whose paper is out but not yet noted; it is not printed again.
	out uint64
}

// NewLoop makes a loop; Run starts it.
func NewLoop(c Config) *Loop {
	return &Loop{Config: c, wake: make(chan struct{}, 1), kicks: make(chan chan error)}
}

// Wake makes the loop look at the queue now, also in the middle of a pause. Call it after each sale. It never blocks and
// may be called from any goroutine.
func (l *Loop) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// errDrawer: there was no pulse, as far as anybody knows.
var errDrawer = errors.New("la impresora no responde. Ábralo con su llave")

// OpenDrawer opens the cash drawer now, between two papers. It waits until the printer has the pulse, and never opens the
// drawer after ctx has ended, when nobody stands before it any more. It may be called from any goroutine while Run runs.
func (l *Loop) OpenDrawer(ctx context.Context) error {
	if l.Shop.Training() {
		return errors.New("en la tienda de práctica no se abre")
	}
	done := make(chan error, 1)
	select {
	case l.kicks <- done:
	case <-ctx.Done():
		return errDrawer
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errDrawer
	}
}

// pulse opens the drawer. A printer without paper opens it all the same.
func (l *Loop) pulse(ctx context.Context, done chan<- error) {
	err := l.Device.Print(ctx, OpenDrawer())
	if errors.Is(err, ErrNoPaper) {
		err = nil
	}
	if err != nil {
		err = errDrawer
	}
	done <- err
}

// The pauses after a failure: they double from the first to the last.
const (
	firstPause = time.Second
	lastPause  = 30 * time.Second
)

// Run prints until ctx ends, and then returns nil. Call it once.
func (l *Loop) Run(ctx context.Context) error {
	var pause time.Duration
	for ctx.Err() == nil {
		select { // who stands before the drawer goes first
		case done := <-l.kicks:
			l.pulse(ctx, done)
			continue
		default:
		}
		worked, err := l.step(ctx)
		switch {
		case err != nil:
			pause = min(max(2*pause, firstPause), lastPause)
			l.sleep(ctx, l.After(pause))
		case worked:
			pause = 0
		default:
			pause = 0
			l.sleep(ctx, nil)
		}
	}
	return nil
}

func (l *Loop) sleep(ctx context.Context, until <-chan time.Time) {
	select {
	case <-ctx.Done():
	case <-l.wake:
	case done := <-l.kicks:
		l.pulse(ctx, done)
	case <-until:
	}
}

// step deals with one job. It reports whether there was one; an error asks for a pause and has been reported.
func (l *Loop) step(ctx context.Context) (bool, error) {
	job, ok, err := l.Queue.NextPrint()
	if err != nil {
		return false, l.trouble(job, storeTrouble, err)
	}
	if !ok {
		return false, nil
	}
	if job.ID != l.out {
		done, err := l.paper(ctx, job)
		if !done || err != nil {
			return true, err
		}
		l.out = job.ID
	}
	if err := l.Queue.PrintDone(job.ID); err != nil {
		return true, l.trouble(job, storeTrouble, err)
	}
	l.out = 0
	l.report(Status{Job: job, Printed: true})
	return true, nil
}

// maxReads is how often a document that cannot be read is tried before its paper is given up: a passing fault of the disk
// is forgiven, a damaged document does not hold up the others.
const maxReads = 5

const storeTrouble = "No se puede leer la cola de impresión. Los documentos están emitidos y guardados."

// paper makes the whole ticket and then sends it. It reports whether the paper is out; a job that never can be is
// dropped.
func (l *Loop) paper(ctx context.Context, job sale.PrintJob) (bool, error) {
	switch {
	case job.Cash != 0:
		return l.cashSlip(ctx, job)
	case job.Abono != nil:
		return l.slip(ctx, job)
	}
	if job.Kept != nil {
		return l.kept(ctx, job)
	}
	xml, record, err := l.Documents.Document(job.Key)
	switch {
	case errors.Is(err, sale.ErrNotFound):
		return false, l.drop(job, err)
	case err != nil && job.Attempts >= maxReads:
		return false, l.drop(job, err) // it will not get better, and others wait behind it
	case err != nil:
		if noted := l.Queue.PrintFailed(job.ID, storeTrouble); noted != nil {
			err = errors.Join(err, noted)
		}
		return false, l.trouble(job, storeTrouble, err)
	}
	ticket, err := l.ticket(job, xml, record)
	if err != nil {
		return false, l.drop(job, err)
	}
	if l.drawerOpens(job, record) {
		// A drawer that does not open is the cashier's to see; a printer that is off is found out below.
		_ = l.Device.Print(ctx, OpenDrawer())
	}
	return l.send(ctx, job, ticket, noun(job.Key.Tipo)+" está emitida y guardada")
}

// slip is the paper of a payment of account.
func (l *Loop) slip(ctx context.Context, job sale.PrintJob) (bool, error) {
	layout, err := AbonoSlip(*job.Abono, l.Shop, l.Model.Paper)
	if err != nil {
		return false, l.drop(job, err)
	}
	if job.Abono.Method == sale.Efectivo && l.atTheCounter(job, job.Abono.At) {
		_ = l.Device.Print(ctx, OpenDrawer())
	}
	return l.send(ctx, job, ESCPOS(layout, l.Model), "El abono está anotado y guardado")
}

// kept is the slip of what has no document.
func (l *Loop) kept(ctx context.Context, job sale.PrintJob) (bool, error) {
	layout, err := KeptSlip(*job.Kept, l.Shop, l.Model.Paper)
	if job.Kept.Key.Tipo == sale.Comprobante {
		layout, err = VoucherCopy(*job.Kept, l.Shop, l.Model.Paper, job.Copy)
	}
	if err != nil {
		return false, l.drop(job, err)
	}
	inCash := slices.ContainsFunc(job.Kept.Payment.Tenders, func(t sale.Tender) bool { return t.Method == sale.Efectivo })
	if inCash && l.atTheCounter(job, job.Kept.At) {
		_ = l.Device.Print(ctx, OpenDrawer())
	}
	return l.send(ctx, job, ESCPOS(layout, l.Model), "El comprobante interno está anotado y guardado")
}

// send puts a paper out; safe says what cannot be lost by the printer's fault.
func (l *Loop) send(ctx context.Context, job sale.PrintJob, paper []byte, safe string) (bool, error) {
	err := l.Device.Print(ctx, paper)
	switch {
	case err == nil:
		return true, nil
	case ctx.Err() != nil:
		return false, nil // the program ends; the job waits
	}
	words := printerTrouble(safe, err)
	if noted := l.Queue.PrintFailed(job.ID, words); noted != nil {
		return false, l.trouble(job, storeTrouble, noted)
	}
	return false, l.trouble(job, words, err)
}

// cashSlip is the paper of cash that moved without a sale.
func (l *Loop) cashSlip(ctx context.Context, job sale.PrintJob) (bool, error) {
	if l.Slips == nil {
		return false, l.drop(job, sale.ErrNotFound)
	}
	m, err := l.Slips.CashMove(job.Cash)
	switch {
	case err != nil && (errors.Is(err, sale.ErrNotFound) || job.Attempts >= maxReads):
		return false, l.drop(job, err)
	case err != nil:
		if noted := l.Queue.PrintFailed(job.ID, storeTrouble); noted != nil {
			err = errors.Join(err, noted)
		}
		return false, l.trouble(job, storeTrouble, err)
	}
	return l.send(ctx, job, ESCPOS(CashSlip(m, l.Shop, l.Model.Paper), l.Model), "El movimiento de efectivo está anotado")
}

func (l *Loop) ticket(job sale.PrintJob, xml []byte, record sale.Record) ([]byte, error) {
	doc, err := dte.Parse(xml)
	if err != nil {
		return nil, err
	}
	layout, err := Ticket(Job{Document: doc, Record: record, Shop: l.Shop, Copy: job.Copy, Cedible: job.Cedible}, l.Model.Paper)
	if err != nil {
		return nil, err
	}
	return ESCPOS(layout, l.Model), nil
}

// drawerOpens: for cash, once, and only while the cashier is still there: a printer that comes back in the evening must
// not open the drawers of the day.
func (l *Loop) drawerOpens(job sale.PrintJob, r sale.Record) bool {
	if job.Cedible || r.Training || !l.atTheCounter(job, r.At) {
		return false
	}
	for _, t := range r.Payment.Tenders {
		if t.Method == sale.Efectivo {
			return true
		}
	}
	return false
}

// atTheCounter: the paper is the first of its sale, and who took the money is still there.
func (l *Loop) atTheCounter(job sale.PrintJob, at time.Time) bool {
	return job.Copy == 0 && job.Attempts == 0 && !l.Shop.Training() && l.Now().Sub(at) <= time.Minute
}

// drop gives up a job that no printer can help.
func (l *Loop) drop(job sale.PrintJob, why error) error {
	words := fmt.Sprintf("%s no se puede imprimir: %v. El documento está emitido y guardado.", subject(job.Key), why)
	switch {
	case job.Cash != 0:
		words = fmt.Sprintf("El comprobante de efectivo %d no se puede imprimir: %v. El movimiento está anotado.", job.Cash, why)
	case job.Abono != nil:
		words = fmt.Sprintf("El comprobante de un abono no se puede imprimir: %v. El abono está anotado y guardado.", why)
	}
	if job.Kept != nil {
		words = fmt.Sprintf("El comprobante interno %s no se puede imprimir: %v. Está anotado y guardado.", job.Kept.Key.Folio, why)
	}
	if err := l.Queue.PrintDrop(job.ID, words); err != nil {
		return l.trouble(job, storeTrouble, err)
	}
	l.report(Status{Job: job, Dropped: true, Problem: words})
	return nil
}

func (l *Loop) trouble(job sale.PrintJob, words string, err error) error {
	l.report(Status{Job: job, Problem: words})
	return err
}

func (l *Loop) report(s Status) {
	if l.Report != nil {
		l.Report(s)
	}
}

// printerTrouble says what happened, what is safe and what to do.
func printerTrouble(safe string, err error) string {
	if errors.Is(err, ErrNoPaper) {
		return "La impresora no tiene papel. " + safe + ". Ponga papel; el ticket saldrá solo."
	}
	return "La impresora no responde. " + safe + ". Enciéndala; el ticket saldrá solo."
}

// noun is what the shop calls a document: "La boleta", "La nota de crédito". All of them are feminine.
func noun(tipo dte.TipoDTE) string {
	name, _, _ := strings.Cut(strings.ToLower(tipo.String()), " electrónica")
	name, _, _ = strings.Cut(name, " no afecta")
	return "La " + name
}

func subject(k dte.Key) string { return noun(k.Tipo) + " N° " + k.Folio.String() }
