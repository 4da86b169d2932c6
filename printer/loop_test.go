package printer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
)

// queue is the twin of the store's print queue.
type queue struct {
	mu      sync.Mutex
	jobs    []sale.PrintJob
	why     map[uint64]string
	dropped map[uint64]bool
	last    uint64
	broken  int // so many calls of PrintDone fail
}

func (q *queue) NextPrint() (sale.PrintJob, bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.jobs) == 0 {
		return sale.PrintJob{}, false, nil
	}
	return q.jobs[0], true, nil
}

func (q *queue) PrintDone(id uint64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken > 0 {
		q.broken--
		return errors.New("disk full")
	}
	q.remove(id)
	return nil
}

func (q *queue) PrintFailed(id uint64, why string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.jobs {
		if q.jobs[i].ID == id {
			q.jobs[i].Attempts++
			q.why[id] = why
		}
	}
	return nil
}

func (q *queue) PrintDrop(id uint64, why string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.remove(id)
	q.why[id], q.dropped[id] = why, true
	return nil
}

func (q *queue) remove(id uint64) {
	for i := range q.jobs {
		if q.jobs[i].ID == id {
			q.jobs = append(q.jobs[:i:i], q.jobs[i+1:]...)
			return
		}
	}
}

// rig is a till with real documents in a journal, a queue, and a loop whose pauses end when the test says so.
type rig struct {
	*testing.T
	queue   *queue
	journal *sale.Memory
	config  Config
	pauses  chan time.Duration // each pause that the loop began
	resume  chan time.Time
	status  chan Status
	now     time.Time
	sold    int
}

func newRig(t *testing.T, device Device) *rig {
	r := &rig{
		T: t, queue: &queue{why: map[uint64]string{}, dropped: map[uint64]bool{}}, journal: sale.NewMemory(),
		pauses: make(chan time.Duration, 1000), resume: make(chan time.Time), status: make(chan Status, 1000), now: dtetest.Now(),
	}
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.Factura} {
		caf, _ := dtetest.CAF(dtetest.Company, tipo, 1, 100, dtetest.FA())
		if err := r.journal.AddCAF(caf); err != nil {
			t.Fatal(err)
		}
	}
	r.config = Config{
		Queue: r.queue, Documents: r.journal, Device: device, Model: Model{Paper: Paper80},
		Shop: sale.Shop{Emisor: dtetest.Emisor(), Resolucion: dtetest.Resolucion(), Ambiente: dte.Certificacion, Caja: "CAJA1"},
		Now:  func() time.Time { return r.now },
		After: func(d time.Duration) <-chan time.Time {
			r.pauses <- d
			return r.resume
		},
		Report: func(s Status) { r.status <- s },
	}
	return r
}

// sell issues a document paid in cash, queues its paper, and returns the document.
func (r *rig) sell(tipo dte.TipoDTE) *dte.Document {
	r.Helper()
	var doc *dte.Document
	r.sold++
	id := sale.ID(fmt.Sprintf("%032d", r.sold))
	_, err := r.journal.Issue(id, tipo, r.now, func(g sale.Grant) (sale.Issued, error) {
		var err error
		doc, err = dte.Emit(dtetest.Draft(tipo, dtetest.Today()), g.Folio, g.CAF, dtetest.Signer(dtetest.Person), r.now)
		if err != nil {
			return sale.Issued{}, err
		}
		total := doc.Totales.MntTotal
		return sale.Issued{Document: doc, Record: sale.Record{
			ID: id, At: r.now, Caja: "CAJA1", Key: doc.Key(), Total: total, SHA256: sale.HashXML(doc.XML), Receptor: doc.Receptor,
			Payment: sale.Payment{Tenders: []sale.Tender{{Method: sale.Efectivo, Amount: total, Received: total}}},
		}}, nil
	})
	if err != nil {
		r.Fatal(err)
	}
	r.enqueue(sale.PrintJob{Key: doc.Key()})
	return doc
}

func (r *rig) enqueue(job sale.PrintJob) {
	r.queue.mu.Lock()
	defer r.queue.mu.Unlock()
	r.queue.last++
	job.ID = r.queue.last
	r.queue.jobs = append(r.queue.jobs, job)
}

// start runs the loop until the test ends.
func (r *rig) start() *Loop {
	l := NewLoop(r.config)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := l.Run(ctx); err != nil {
			r.Error(err)
		}
	}()
	r.Cleanup(func() {
		cancel()
		<-done
	})
	return l
}

// next is the loop's next report.
func (r *rig) next() Status {
	r.Helper()
	select {
	case s := <-r.status:
		return s
	case <-time.After(20 * time.Second):
		r.Fatal("the loop is silent")
		return Status{}
	}
}

func (r *rig) wantPrinted(key dte.Key) {
	r.Helper()
	if s := r.next(); !s.Printed || s.Job.Key != key || s.Problem != "" {
		r.Fatalf("%+v instead of the paper of %s", s, key)
	}
}

// memoryDevice keeps what it prints, and fails as long as it is told to.
type memoryDevice struct {
	mu     sync.Mutex
	prints [][]byte
	errs   []error
}

func (d *memoryDevice) Print(_ context.Context, ticket []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if bytes.Equal(ticket, OpenDrawer()) {
		d.prints = append(d.prints, ticket)
		return nil
	}
	if len(d.errs) > 0 {
		err := d.errs[0]
		d.errs = d.errs[1:]
		return err
	}
	d.prints = append(d.prints, ticket)
	return nil
}

// pulses and papers are what came out.
func (d *memoryDevice) pulses() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.prints {
		n += bytes.Count(p, []byte("\x1bp"))
	}
	return n
}

func (d *memoryDevice) papers() [][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	var papers [][]byte
	for _, p := range d.prints {
		if !bytes.Equal(p, OpenDrawer()) {
			papers = append(papers, p)
		}
	}
	return papers
}

// The whole way: real documents, the file as printer, and the paper read back: it carries the committed timbre.
func TestLoopPrintsTheQueue(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ticket.bin")
	r := newRig(t, &File{Path: file})
	docs := []*dte.Document{r.sell(dte.Boleta), r.sell(dte.Factura)}
	l := r.start()
	for _, d := range docs {
		r.wantPrinted(d.Key())
	}
	docs = append(docs, r.sell(dte.Boleta))
	l.Wake()
	r.wantPrinted(docs[2].Key())

	printed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := emulate(printed, 48)
	if err != nil {
		t.Fatal(err)
	}
	if out.cuts != 3 || out.pulses != 3 || len(out.pictures) != 3 {
		t.Fatalf("%d cuts, %d pulses, %d timbres", out.cuts, out.pulses, len(out.pictures))
	}
	for i, d := range docs {
		if got := uprightTimbre(t, out.pictures[i]); !bytes.Equal(got, d.TED) {
			t.Errorf("paper %d carries %q", i, got)
		}
		for _, words := range []string{"N° " + d.Folio.String(), strings.ToUpper(d.Tipo.String()), d.Totales.MntTotal.String()} {
			if !strings.Contains(strings.ReplaceAll(out.drawing.String(), " ", ""), strings.ReplaceAll(words, " ", "")) {
				t.Errorf("«%s» is not on the papers", words)
			}
		}
	}
}

// uprightTimbre reads the symbol in a print for 80 mm.
func uprightTimbre(t *testing.T, img *image.Paletted) []byte {
	t.Helper()
	box := image.Rectangle{}
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			if img.ColorIndexAt(x, y) == 1 {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	var rows [][]bool
	for y := box.Min.Y; y < box.Max.Y; y += 6 {
		var row []bool
		for x := box.Min.X; x < box.Max.X; x += 2 {
			row = append(row, img.ColorIndexAt(x, y) == 1)
		}
		rows = append(rows, row)
	}
	data, err := readSymbol(rows, wordsByPattern())
	if err != nil {
		t.Error(err)
	}
	return data
}

// A printer that fails loses nothing: the job is tried again after growing pauses, the screen gets words, and the drawer
// opens once.
func TestPrinterThatFails(t *testing.T) {
	device := &memoryDevice{}
	for range 7 {
		device.errs = append(device.errs, errors.New("connection refused"))
	}
	device.errs = append(device.errs, fmt.Errorf("queue: %w", ErrNoPaper))
	r := newRig(t, device)
	doc := r.sell(dte.Boleta)
	r.start()
	var pauses []time.Duration
	for range 8 {
		s := r.next()
		want := "La impresora no responde. La boleta está emitida y guardada. Enciéndala; el ticket saldrá solo."
		if len(pauses) == 7 {
			want = "La impresora no tiene papel. La boleta está emitida y guardada. Ponga papel; el ticket saldrá solo."
		}
		if s.Problem != want || s.Printed || s.Dropped {
			t.Fatalf("%+v", s)
		}
		pauses = append(pauses, <-r.pauses)
		r.queue.mu.Lock()
		if r.queue.why[1] != want || r.queue.jobs[0].Attempts != len(pauses) {
			t.Errorf("the queue knows %q, %d attempts", r.queue.why[1], r.queue.jobs[0].Attempts)
		}
		r.queue.mu.Unlock()
		r.resume <- time.Time{}
	}
	r.wantPrinted(doc.Key())
	if got := fmt.Sprint(pauses); got != "[1s 2s 4s 8s 16s 30s 30s 30s]" {
		t.Errorf("pauses %s", got)
	}
	if n := len(device.papers()); n != 1 || device.pulses() != 1 {
		t.Errorf("%d papers, %d pulses", n, device.pulses())
	}
}

// Somebody who has switched the printer on need not wait for the pause to end.
func TestWakeEndsThePause(t *testing.T) {
	r := newRig(t, &memoryDevice{errs: []error{errors.New("off")}})
	doc := r.sell(dte.Boleta)
	l := r.start()
	if s := r.next(); s.Problem == "" {
		t.Fatalf("%+v", s)
	}
	<-r.pauses
	l.Wake()
	r.wantPrinted(doc.Key())
}

// A job that no printer can help does not stop the ones behind it.
func TestHopelessJobsAreDropped(t *testing.T) {
	device := &memoryDevice{}
	r := newRig(t, device)
	r.enqueue(sale.PrintJob{Key: dte.Key{Emisor: dtetest.Company, Tipo: dte.Boleta, Folio: 999}})
	doc := r.sell(dte.Boleta)
	r.start()
	s := r.next()
	if !s.Dropped || !strings.Contains(s.Problem, "La boleta N° 999 no se puede imprimir") {
		t.Errorf("%+v", s)
	}
	r.wantPrinted(doc.Key())
	if !r.queue.dropped[1] || r.queue.dropped[2] {
		t.Errorf("dropped: %v", r.queue.dropped)
	}
}

type brokenDocuments struct{ xml []byte }

func (b brokenDocuments) Document(key dte.Key) ([]byte, sale.Record, error) {
	if b.xml == nil {
		return nil, sale.Record{}, errors.New("the hash does not match")
	}
	return b.xml, sale.Record{Key: key}, nil
}

func TestDocumentsThatCannotBeRead(t *testing.T) {
	device := &memoryDevice{}
	r := newRig(t, device)
	r.sell(dte.Boleta)
	r.config.Documents = brokenDocuments{[]byte("<DTE/>")}
	r.start()
	if s := r.next(); !s.Dropped {
		t.Errorf("bytes that are no document: %+v", s)
	}

	r = newRig(t, device)
	r.sell(dte.Boleta)
	r.config.Documents = brokenDocuments{}
	r.start()
	if s := r.next(); s.Dropped || s.Printed || s.Problem == "" {
		t.Errorf("a store in trouble: %+v", s)
	}
	if len(device.papers()) != 0 {
		t.Error("something was printed")
	}
}

// Bug found in review: a document whose bytes are damaged was tried for ever, and every later ticket waited behind it.
func TestDamagedDocumentHoldsUpNobody(t *testing.T) {
	r := newRig(t, &memoryDevice{})
	r.sell(dte.Boleta)
	r.config.Documents = brokenDocuments{}
	r.start()
	for range maxReads {
		if s := r.next(); s.Dropped || s.Problem == "" {
			t.Fatalf("given up too early: %+v", s)
		}
		<-r.pauses
		r.resume <- time.Time{}
	}
	if s := r.next(); !s.Dropped {
		t.Errorf("still waiting: %+v", s)
	}
}

// Paper that is out is not printed again while the queue cannot note it.
func TestPaperIsNotedLater(t *testing.T) {
	device := &memoryDevice{}
	r := newRig(t, device)
	doc := r.sell(dte.Boleta)
	r.queue.broken = 2
	r.start()
	for range 2 {
		if s := r.next(); s.Problem == "" || s.Printed {
			t.Fatalf("%+v", s)
		}
		<-r.pauses
		r.resume <- time.Time{}
	}
	r.wantPrinted(doc.Key())
	if n := len(device.papers()); n != 1 {
		t.Errorf("%d papers", n)
	}
}

func TestWhenTheDrawerOpens(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*rig)
		want   int
	}{
		"cash":           {func(*rig) {}, 1},
		"reprint":        {func(r *rig) { r.queue.jobs[0].Copy = 1 }, 0},
		"second attempt": {func(r *rig) { r.queue.jobs[0].Attempts = 1 }, 0},
		"in the evening": {func(r *rig) { r.now = r.now.Add(5 * time.Hour) }, 0},
		"training":       {func(r *rig) { r.config.Shop.Ambiente = dte.Capacitacion }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			device := &memoryDevice{}
			r := newRig(t, device)
			doc := r.sell(dte.Boleta)
			c.change(r)
			r.start()
			r.wantPrinted(doc.Key())
			if got := device.pulses(); got != c.want {
				t.Errorf("%d pulses, want %d", got, c.want)
			}
		})
	}
}

// What was ordered is what the paper says: a copy is marked, big, and the first CEDIBLE is no copy.
func TestAPaperSaysWhatItIs(t *testing.T) {
	for name, c := range map[string]struct {
		order sale.PrintJob
		want  []string
		not   []string
	}{
		"original":        {sale.PrintJob{}, nil, []string{"COPIA", "CEDIBLE"}},
		"copy":            {sale.PrintJob{Copy: 12}, []string{"COPIA 12"}, []string{"CEDIBLE"}},
		"cedible":         {sale.PrintJob{Cedible: true}, []string{"CEDIBLE", "Acuse de recibo"}, []string{"COPIA"}},
		"copy of cedible": {sale.PrintJob{Cedible: true, Copy: 3}, []string{"COPIA 3", "CEDIBLE"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			device := &memoryDevice{}
			r := newRig(t, device)
			doc := r.sell(dte.Factura)
			r.queue.jobs[0].Copy, r.queue.jobs[0].Cedible = c.order.Copy, c.order.Cedible
			r.start()
			r.wantPrinted(doc.Key())
			paper := device.papers()[0]
			for _, word := range c.want {
				if !bytes.Contains(paper, []byte(word)) {
					t.Errorf("the paper does not say %q", word)
				}
			}
			for _, word := range c.not {
				if bytes.Contains(paper, []byte(word)) {
					t.Errorf("the paper says %q", word)
				}
			}
			if (c.order.Copy > 0 || c.order.Cedible) && device.pulses() > 0 {
				t.Error("the drawer opens for a copy")
			}
		})
	}
}

// stuckDevice prints nothing until the program ends.
type stuckDevice struct{ reached chan struct{} }

func (d stuckDevice) Print(ctx context.Context, _ []byte) error {
	d.reached <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

func TestLoopEndsAtOnce(t *testing.T) {
	device := stuckDevice{make(chan struct{}, 2)}
	r := newRig(t, device)
	r.sell(dte.Boleta)
	r.now = r.now.Add(time.Hour) // no pulse
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- NewLoop(r.config).Run(ctx) }()
	<-device.reached
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(r.queue.jobs) != 1 || r.queue.jobs[0].Attempts != 0 {
		t.Errorf("the queue: %+v", r.queue.jobs)
	}
}

// networkPrinter is a printer on loopback: it takes up to die bytes of its first connection, then everything.
type networkPrinter struct {
	net.Listener
	answer []byte // to GS r 1
	mu     sync.Mutex
	prints [][]byte
}

func newNetworkPrinter(t *testing.T, die int, answer ...byte) *networkPrinter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &networkPrinter{Listener: listener, answer: answer}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.serve(conn, die)
			die = -1
		}
	}()
	return p
}

// serve prints until the connection or the printer's life ends.
func (p *networkPrinter) serve(conn net.Conn, die int) {
	defer conn.Close()
	if die >= 0 {
		_, _ = io.CopyN(io.Discard, conn, int64(die))
		return
	}
	var got []byte
	buffer := make([]byte, 4096)
	for {
		n, err := conn.Read(buffer)
		got = append(got, buffer[:n]...)
		if rest, ok := bytes.CutSuffix(got, []byte("\x1dr\x01")); ok && len(p.answer) > 0 {
			got = rest
			_, _ = conn.Write(p.answer)
		}
		if err != nil {
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prints = append(p.prints, got)
}

// first waits for the first paper that is whole.
func (p *networkPrinter) first(t *testing.T) []byte {
	t.Helper()
	var paper []byte
	waitFor(t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.prints) > 0 {
			paper = p.prints[0]
		}
		return paper != nil
	})
	return paper
}

// A printer that loses its power after any byte of a ticket prints it in full when it is back.
func TestPrinterDiesAtByte(t *testing.T) {
	r := newRig(t, nil)
	doc := r.sell(dte.Boleta)
	r.now = r.now.Add(time.Hour) // no pulse
	xml, record, err := r.journal.Document(doc.Key())
	if err != nil {
		t.Fatal(err)
	}
	want, err := NewLoop(r.config).ticket(sale.PrintJob{Key: doc.Key()}, xml, record)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []int{0, 1, 2, 7, 100, 1000, 4095, 4096, 10_000, len(want) - 1, len(want), len(want) + 2} {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			printer := newNetworkPrinter(t, k, 0)
			again := newRig(t, &TCP{Addr: printer.Addr().String(), Confirm: true})
			again.journal, again.config.Documents, again.now = r.journal, r.journal, r.now
			again.enqueue(sale.PrintJob{Key: doc.Key()})
			again.start()
			if s := again.next(); s.Printed || s.Problem == "" {
				t.Fatalf("dead after %d of %d bytes: %+v", k, len(want), s)
			}
			<-again.pauses
			again.resume <- time.Time{}
			again.wantPrinted(doc.Key())
			if paper := printer.first(t); !bytes.Equal(paper, want) {
				t.Errorf("the paper has %d bytes, the ticket %d", len(paper), len(want))
			}
		})
	}
}

func waitFor(t *testing.T, ready func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it never came")
		}
	}
}

func TestTCP(t *testing.T) {
	ctx := context.Background()
	ticket := bytes.Repeat([]byte("ticket"), 10_000)

	silent := newNetworkPrinter(t, -1)
	if err := (&TCP{Addr: silent.Addr().String()}).Print(ctx, ticket); err != nil {
		t.Errorf("a printer that answers nothing: %v", err)
	}
	if paper := silent.first(t); !bytes.Equal(paper, ticket) {
		t.Errorf("%d bytes arrived", len(paper))
	}

	empty := newNetworkPrinter(t, -1, 0x0c)
	if err := (&TCP{Addr: empty.Addr().String(), Confirm: true}).Print(ctx, ticket); !errors.Is(err, ErrNoPaper) {
		t.Errorf("a printer without paper: %v", err)
	}

	if err := (&TCP{Addr: silent.Addr().String(), Confirm: true, WriteTimeout: 50 * time.Millisecond}).Print(ctx, ticket); err == nil {
		t.Error("no answer counted as printed")
	}

	silent.Close()
	if err := (&TCP{Addr: silent.Addr().String()}).Print(ctx, ticket); err == nil {
		t.Error("a printer that is off printed")
	}
}

func TestTCPStopsWithItsContext(t *testing.T) {
	printer := newNetworkPrinter(t, -1)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- (&TCP{Addr: printer.Addr().String(), Confirm: true}).Print(ctx, []byte("x")) }()
	cancel()
	if err := <-done; err == nil {
		t.Error("a print that was cancelled succeeded")
	}
}

func TestFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ticket.bin")
	d := &File{Path: file}
	for _, s := range []string{"one ", "two"} {
		if err := d.Print(context.Background(), []byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "one two" {
		t.Errorf("%q, %v", got, err)
	}
	if err := (&File{Path: filepath.Join(file, "no")}).Print(context.Background(), nil); err == nil {
		t.Error("a path that cannot be opened printed")
	}
}

func TestWordsForTrouble(t *testing.T) {
	for tipo, want := range map[dte.TipoDTE]string{
		dte.Boleta: "La boleta", dte.BoletaExenta: "La boleta", dte.Factura: "La factura", dte.FacturaExenta: "La factura",
		dte.NotaCredito: "La nota de crédito", dte.NotaDebito: "La nota de débito",
	} {
		if got := noun(tipo); got != want {
			t.Errorf("%s is called «%s»", tipo, got)
		}
	}
}

// printer knows the counter and the format, not where things are kept, shown or sent.
func TestDeps(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skipf("the go tool is not available: %v", err)
	}
	for _, dep := range strings.Fields(string(out)) {
		switch dep {
		case "mostrador/store", "mostrador/ui", "mostrador/sync", "mostrador/dte/sii", "net/http", "go.etcd.io/bbolt":
			t.Errorf("printer imports %s", dep)
		}
	}
}
