package printer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/sale"
)

// slips has what was done at one drawer.
type slips map[int]sale.CashMove

func (s slips) CashMove(n int) (sale.CashMove, error) {
	m, ok := s[n]
	if !ok {
		return m, sale.ErrNotFound
	}
	return m, nil
}

func retiro() sale.CashMove {
	return sale.CashMove{N: 12, ID: "c1", At: at(), Kind: sale.CashOut, Amount: 145_000, Why: "Depósito en el banco", Who: "Ana Pérez", Approved: "Rosa Ñancupil", Shift: 7, Caja: "CAJA1"}
}

func TestCashSlip(t *testing.T) {
	s := shop()
	s.Emisor = emisor()
	for _, paper := range []Paper{Paper80, Paper58} {
		out, err := emulate(ESCPOS(CashSlip(retiro(), s, paper), Model{Paper: paper}), paper.Columns())
		if err != nil {
			t.Fatal(err)
		}
		golden(t, fmt.Sprintf("retiro-%d.txt", map[Paper]int{Paper80: 80, Paper58: 58}[paper]), out.drawing.String())
	}
	practice := retiro()
	practice.Training = true
	out, err := emulate(ESCPOS(CashSlip(practice, s, Paper80), Model{Paper: Paper80}), 48)
	if err != nil || !strings.Contains(out.drawing.String(), trainingTitle) {
		t.Errorf("a slip of the practice shop looks like a real one: %v", err)
	}
}

// Ticket and page name who served; in a shop that does not say, there is no empty line.
func TestThePaperNamesWhoServed(t *testing.T) {
	drawing := func(j Job) string {
		t.Helper()
		l, err := Ticket(j, Paper58)
		if err != nil {
			t.Fatal(err)
		}
		out, err := emulate(ESCPOS(l, Model{Paper: Paper58}), 32)
		if err != nil {
			t.Fatal(err)
		}
		return out.drawing.String()
	}
	j := boleta()
	if strings.Contains(drawing(j), "Atendido") {
		t.Error("nobody served and the paper says who")
	}
	j.Record.Who = "Ana Pérez"
	if !strings.Contains(drawing(j), "Atendido por: Ana Pérez") {
		t.Errorf("the paper says\n%s", drawing(j))
	}
}

// The slip comes out behind the papers before it, once, and opens no drawer of its own.
func TestTheLoopPrintsSlips(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ticket.bin")
	r := newRig(t, &File{Path: file})
	r.config.Slips = slips{12: retiro()}
	doc := r.sell(dte.Boleta)
	r.enqueue(sale.PrintJob{Cash: 12})
	r.enqueue(sale.PrintJob{Cash: 13})
	r.start()
	r.wantPrinted(doc.Key())
	if s := r.next(); !s.Printed || s.Job.Cash != 12 {
		t.Fatalf("%+v instead of the slip", s)
	}
	if s := r.next(); !s.Dropped || !strings.Contains(s.Problem, "El comprobante de efectivo 13 no se puede imprimir") {
		t.Fatalf("%+v instead of the slip that cannot be", s)
	}
	printed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := emulate(printed, 48)
	if err != nil || out.cuts != 2 || out.pulses != 1 || !strings.Contains(out.drawing.String(), "Depósito en el banco") {
		t.Errorf("%d cuts, %d pulses, %v", out.cuts, out.pulses, err)
	}
}

// The drawer opens at once, also while the printer is in trouble with a paper; what cannot be opened is told in words.
func TestTheDrawerOpensWithoutASale(t *testing.T) {
	device := &memoryDevice{errs: []error{ErrNoPaper}}
	r := newRig(t, device)
	r.sell(dte.Boleta)
	l := r.start()
	if s := r.next(); s.Problem == "" {
		t.Fatalf("%+v", s)
	}
	<-r.pauses // the loop sleeps
	before := device.pulses()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := l.OpenDrawer(ctx); err != nil || device.pulses() != before+1 {
		t.Errorf("%d pulses: %v", device.pulses(), err)
	}
}

type brokenDevice struct{}

func (brokenDevice) Print(context.Context, []byte) error { return errors.New("connection refused") }

func TestADrawerThatDoesNotOpenIsTold(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := newRig(t, brokenDevice{}).start().OpenDrawer(ctx); err == nil || !strings.Contains(err.Error(), "no responde. Ábralo con su llave") {
		t.Errorf("a broken printer: %v", err)
	}
	r := newRig(t, &memoryDevice{})
	r.config.Shop.Ambiente = dte.Capacitacion
	if err := r.start().OpenDrawer(ctx); err == nil || !strings.Contains(err.Error(), "práctica") {
		t.Errorf("the practice shop: %v", err)
	}
	// Nobody prints: whoever waited has gone, and the drawer must not open behind their back.
	device := &memoryDevice{}
	idle := NewLoop(newRig(t, device).config)
	gone, leave := context.WithCancel(ctx)
	leave()
	if err := idle.OpenDrawer(gone); err == nil || device.pulses() != 0 {
		t.Errorf("%d pulses: %v", device.pulses(), err)
	}
}
