package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"text/tabwriter"
	"time"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/dte/sii/siisim"
	"mostrador/money"
	"mostrador/sale"
	possync "mostrador/sync"
)

// The scripted day: 40 boletas and 5 facturas in a mixed order, then 2 credit notes. The line is cut for half of them,
// and in the middle of that the selling process is killed in the act of issuing.
const (
	demoBoletas  = 40
	demoFacturas = 5
	demoNotes    = 2
	demoSales    = demoBoletas + demoFacturas + demoNotes

	cutAt  = 12 // the line goes down before this sale
	killAt = 20 // the process is killed while making this one
	mendAt = 36 // the line comes back before this one
)

// demoPace is a day in a minute.
var demoPace = possync.Pace{
	BoletaBatch: 10, BoletaWait: time.Second, FirstPoll: 500 * time.Millisecond, MaxPoll: 2 * time.Second,
	FirstRetry: 500 * time.Millisecond, MaxRetry: 2 * time.Second, LineProbe: 300 * time.Millisecond, Patience: time.Second,
}

func runDemo(e *env, flags *flag.FlagSet, args []string) error {
	out := flags.String("out", filepath.Join("out", "demo"), "carpeta donde queda todo")
	sell := flags.Bool("vender", false, "vende al ritmo de su entrada; lo usa la propia demo")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	if *sell {
		e.opt.Pace = demoPace
		return sellDay(e)
	}
	if err := emptyFolder(*out); err != nil {
		return err
	}
	d := &day{env: e, out: *out}
	d.opt.Dir, d.opt.Keys = filepath.Join(*out, "tienda"), "archivo"
	return d.run()
}

// emptyFolder makes room for a new day; it removes nothing but an earlier one.
func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return os.MkdirAll(dir, 0o755)
	}
	if _, err := os.Stat(filepath.Join(dir, "tienda")); err != nil {
		return fmt.Errorf("%s tiene otras cosas. No se tocó; elija otra carpeta con -out", dir)
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o755)
}

// day is the parent: the authority, the line, and the hand that pulls the plug.
type day struct {
	*env
	out string
	sim *siisim.Sim
	url string
}

func (d *day) run() error {
	if err := shop.CreateDemo(d.opt); err != nil {
		return err
	}
	sim, url, stop, err := shop.StartSimulator(d.opt)
	if err != nil {
		return err
	}
	defer stop()
	d.sim, d.url = sim, url
	if err := d.sellAll(); err != nil {
		return err
	}
	d.opt.Simulator = url
	return d.withShop(d.report)
}

// sellAll drives a selling process sale by sale, and a second one after it has killed the first.
func (d *day) sellAll() error {
	seller, err := d.startSeller()
	if err != nil {
		return err
	}
	for n := 1; n <= demoSales; n++ {
		switch n {
		case cutAt:
			d.sim.SetLine(false)
			fmt.Fprintf(d.streams.out, "-- se corta la línea antes de la venta %d\n", n)
		case mendAt:
			d.sim.SetLine(true)
			fmt.Fprintf(d.streams.out, "-- vuelve la línea antes de la venta %d\n", n)
		}
		if n == killAt {
			if err := seller.kill(); err != nil {
				return err
			}
			fmt.Fprintf(d.streams.out, "-- se mata el proceso mientras emite la venta %d; se abre de nuevo\n", n)
			if seller, err = d.startSeller(); err != nil {
				return err
			}
		}
		line, err := seller.next()
		if err != nil {
			return fmt.Errorf("venta %d: %w", n, err)
		}
		fmt.Fprintf(d.streams.out, "%3d  %s\n", n, line)
	}
	return seller.finish()
}

// seller is a selling process and its two pipes.
type seller struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func (d *day) startSeller() (*seller, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(d.ctx, self, "demo", "-vender", "-dir", d.opt.Dir, "-llave", d.opt.Keys, "-simulador", d.url)
	cmd.Stderr = d.streams.err
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &seller{cmd: cmd, in: in, out: bufio.NewScanner(out)}, cmd.Start()
}

// next asks for the next sale and returns what the seller says of it.
func (s *seller) next() (string, error) {
	if _, err := io.WriteString(s.in, "\n"); err != nil {
		return "", err
	}
	if !s.out.Scan() {
		return "", errors.Join(errors.New("el proceso que vende terminó antes de tiempo"), s.out.Err(), s.cmd.Wait())
	}
	return s.out.Text(), nil
}

// kill asks for a sale and pulls the plug within the time that it takes.
func (s *seller) kill() error {
	if _, err := io.WriteString(s.in, "\n"); err != nil {
		return err
	}
	<-time.After(time.Duration(rand.Int64N(int64(4 * time.Millisecond))))
	if err := s.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = s.cmd.Wait() // "signal: killed"
	return nil
}

func (s *seller) finish() error {
	if err := s.in.Close(); err != nil {
		return err
	}
	return s.cmd.Wait()
}

// sellDay is the child: one sale for each line of its input, in the order of the script, beginning with the first that
// is not in the book. When its input ends it waits for the verdicts.
func sellDay(e *env) error {
	settled := make(chan struct{}, 1)
	e.opt.Report = func(st shop.Status) {
		if st.Known && st.Worker.Backlog.Documents == 0 {
			select {
			case settled <- struct{}{}:
			default:
			}
		}
	}
	return e.withShop(func(s *shop.Shop) error {
		deps, err := s.Deps()
		if err != nil {
			return err
		}
		if err := s.Start(); err != nil {
			return err
		}
		lines := bufio.NewScanner(e.in)
		for n := 1; n <= demoSales && lines.Scan(); n++ {
			for done(deps, n) && n < killAt {
				n++ // before the process was killed
			}
			r, err := sellOne(deps, n)
			if err != nil {
				return err
			}
			fmt.Fprintf(e.out, "%s N° %d por $%s\n", r.Key.Tipo, r.Key.Folio, r.Total)
		}
		return waitSettled(e.ctx, s, settled)
	})
}

func done(d sale.Deps, n int) bool {
	_, err := d.Journal.Sale(demoID(n))
	return err == nil
}

// waitSettled waits until no document is without a verdict, and asks the book itself.
func waitSettled(ctx context.Context, s *shop.Shop, settled <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		b, err := s.Store.Backlog()
		if err != nil || b.Documents == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("quedan %d documentos sin veredicto", b.Documents)
		case <-settled:
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// demoID is the same in every process, so that a sale which the first one finished is not made again by the second.
func demoID(n int) sale.ID {
	sum := sha256.Sum256(fmt.Appendf(nil, "demo %d", n))
	return sale.ID(hex.EncodeToString(sum[:16]))
}

// fixed is a source of randomness that knows one number.
type fixed sale.ID

func (f fixed) Read(p []byte) (int, error) {
	raw, err := hex.DecodeString(string(f))
	return copy(p, raw), err
}

// sellOne makes sale n through the register, as a cashier would; the last ones are credit notes.
func sellOne(d sale.Deps, n int) (sale.Record, error) {
	if n > demoBoletas+demoFacturas {
		return creditNote(d, n)
	}
	d.Rand = fixed(demoID(n))
	r, err := sale.NewRegister(d)
	if err != nil {
		return sale.Record{}, err
	}
	if err := r.Void("quedó abierta al cortarse el programa"); err != nil { // a cart of the killed process may be open; this sale has its own number
		return sale.Record{}, err
	}
	if done(d, n) {
		return d.Journal.Sale(demoID(n))
	}
	if err := fillCart(r, n); err != nil {
		return sale.Record{}, err
	}
	if n%9 == 0 {
		if err := toFactura(r); err != nil {
			return sale.Record{}, err
		}
	}
	if err := r.Charge(); err != nil {
		return sale.Record{}, err
	}
	if err := pay(r, n); err != nil {
		return sale.Record{}, err
	}
	return r.Issue()
}

func fillCart(r *sale.Register, n int) error {
	products := r.Favourites()
	for i := range 1 + n%5 {
		p := products[(n*7+i*3)%len(products)]
		qty := money.Units(int64(1 + (n+i)%3))
		if p.Unidad != "" {
			qty = money.One / 4 * money.Qty(1+n%6)
		}
		if _, err := r.Add(p, qty); err != nil {
			return err
		}
	}
	return nil
}

func toFactura(r *sale.Register) error {
	buyer := dte.Receptor{
		RUT: 77777777, RznSoc: "CONSTRUCTORA PEÑA & HIJOS LIMITADA", Giro: "CONSTRUCCIÓN", Direccion: "Calle Uno 234", Comuna: "Maipú", Ciudad: "Santiago",
	}
	return errors.Join(r.SetReceptor(buyer), r.SetTipo(dte.Factura))
}

// pay in turn: cash with change, exact cash, card, and half card half cash.
func pay(r *sale.Register, n int) error {
	s := r.Snapshot()
	switch n % 4 {
	case 0:
		return r.Tender(sale.Efectivo, (s.DueCash/1000+1)*1000, "")
	case 1:
		return r.Tender(sale.Efectivo, 0, "")
	case 2:
		return r.Tender(sale.Debito, 0, fmt.Sprintf("%06d", n))
	}
	return errors.Join(r.Tender(sale.Credito, s.Due/2, fmt.Sprintf("%06d", n)), r.Tender(sale.Efectivo, 0, ""))
}

// creditNote annuls an early boleta and an early factura.
func creditNote(d sale.Deps, n int) (sale.Record, error) {
	of := map[int]int{demoSales - 1: 1, demoSales: 9}[n]
	original, err := d.Journal.Sale(demoID(of))
	if err != nil {
		return sale.Record{}, err
	}
	xml, _, err := d.Journal.Document(original.Key)
	if err != nil {
		return sale.Record{}, err
	}
	doc, err := dte.Parse(xml)
	if err != nil {
		return sale.Record{}, err
	}
	order, err := sale.CreditNote(demoID(n), doc, original.Payment, "Anula documento")
	if err != nil {
		return sale.Record{}, err
	}
	return sale.IssueOrder(d, order)
}

// report exports everything, verifies every file once more, and ends with the table.
func (d *day) report(s *shop.Shop) error {
	docs, err := s.Documents(sale.DocumentQuery{Limit: 500})
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if err := d.export(s, doc); err != nil {
			return fmt.Errorf("%s: %w", doc.Key, err)
		}
	}
	sobres, err := d.exportSobres(s)
	if err != nil {
		return err
	}
	audit, err := s.Store.Audit(true)
	if err != nil {
		return err
	}
	if err := printReport(d.env, audit); err != nil {
		return err
	}
	return d.table(docs, sobres)
}

func (d *day) export(s *shop.Shop, doc sale.DocumentInfo) error {
	if err := s.Export(doc.Key, d.out); err != nil {
		return err
	}
	xml, err := os.ReadFile(filepath.Join(d.out, doc.Key.ID()+".xml"))
	if err != nil {
		return err
	}
	if _, err := dte.Verify(xml, s.Trust()); err != nil {
		return err
	}
	return dte.VerifyTwin(xml)
}

// exportSobres writes every envelope as it was sent.
func (d *day) exportSobres(s *shop.Shop) (n int, err error) {
	dir := filepath.Join(d.out, "sobres")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	for n = 0; ; n++ {
		id := fmt.Sprintf("S%09d", n+1)
		xml, err := s.Store.SobreXML(id)
		if errors.Is(err, sale.ErrNotFound) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if _, err := dte.VerifySignature(xml); err != nil {
			return n, err
		}
		if err := os.WriteFile(filepath.Join(dir, id+".xml"), xml, 0o644); err != nil {
			return n, err
		}
	}
}

func (d *day) table(docs []sale.DocumentInfo, sobres int) error {
	type row struct{ issued, accepted, printed int }
	rows := map[dte.TipoDTE]*row{}
	accepted := 0
	for _, doc := range docs {
		r := rows[doc.Key.Tipo]
		if r == nil {
			r = &row{}
			rows[doc.Key.Tipo] = r
		}
		r.issued++
		there, _ := d.sim.Document(doc.Key)
		if doc.State == dte.Accepted && there.State == dte.Accepted {
			r.accepted++
			accepted++
		}
		if doc.Printed > 0 {
			r.printed++
		}
	}
	w := tabwriter.NewWriter(d.streams.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "TIPO\tEMITIDOS\tIMPRESOS\tACEPTADOS\t")
	for _, tipo := range dte.Tipos() {
		if r := rows[tipo]; r != nil {
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t\n", tipo, r.issued, r.printed, r.accepted)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(d.streams.out, "%d documentos en %d sobres. Todo quedó en %s\n", len(docs), sobres, d.out)
	if accepted != demoSales || len(docs) != demoSales {
		return fmt.Errorf("se esperaban %d documentos aceptados y hay %d de %d", demoSales, accepted, len(docs))
	}
	fmt.Fprintf(d.streams.out, "Los %d terminaron aceptados.\n", accepted)
	return nil
}
