package printer

import (
	"errors"
	"testing"
	"time"

	"mostrador/dte/dtetest"
	"mostrador/sale"
)

// abono is a payment of all that was owed, rounded to tens.
func abono(at time.Time, m sale.Method) sale.Movement {
	return sale.Movement{
		Account: sale.CreditAccount(76192083), N: 7, At: at, Kind: sale.MovePaid, ID: "a1", Amount: -13_236, Balance: 4764, Limit: 50_000,
		Method: m, Received: 13_240, Name: "Comercial Los Aromos Limitada", Shift: 12, Who: "Rosa",
	}
}

func TestSlipGoldens(t *testing.T) {
	shop := sale.Shop{Emisor: dtetest.Emisor(), Caja: "CAJA1"}
	for mm, paper := range papers() {
		slip, err := AbonoSlip(abono(jobs()["boleta"].Record.At, sale.Efectivo), shop, paper)
		if err != nil {
			t.Fatal(err)
		}
		out, err := emulate(ESCPOS(slip, Model{Paper: paper}), paper.Columns())
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "abono-"+mm+".txt", out.drawing.String())
	}
	if _, err := AbonoSlip(sale.Movement{Kind: sale.MoveLimit}, shop, Paper80); !errors.Is(err, ErrNotCommitted) {
		t.Errorf("a limit gets a slip: %v", err)
	}
}

// Cash that comes in at the counter opens the drawer, like that of a sale; a transfer does not, nor what is printed later.
func TestASlipIsPrintedAndItsCashGoesIntoTheDrawer(t *testing.T) {
	for name, c := range map[string]struct {
		m     sale.Method
		ago   time.Duration
		opens int
	}{
		"cash":       {sale.Efectivo, 0, 1},
		"a transfer": {sale.Transferencia, 0, 0},
		"yesterday":  {sale.Efectivo, 24 * time.Hour, 0},
	} {
		device := &memoryDevice{}
		r := newRig(t, device)
		m := abono(r.now.Add(-c.ago), c.m)
		r.enqueue(sale.PrintJob{Abono: &m})
		r.start()
		if s := r.next(); !s.Printed || s.Problem != "" {
			t.Errorf("%s: %+v", name, s)
		}
		if n := len(device.papers()); n != 1 || device.pulses() != c.opens {
			t.Errorf("%s: %d papers and %d pulses", name, n, device.pulses())
		}
	}
}

func TestASlipThatDoesNotComeOutSaysWhatIsSafe(t *testing.T) {
	r := newRig(t, &memoryDevice{errs: []error{errors.New("connection refused")}})
	m := abono(r.now, sale.Efectivo)
	r.enqueue(sale.PrintJob{Abono: &m})
	r.start()
	if s := r.next(); s.Problem != "La impresora no responde. El abono está anotado y guardado. Enciéndala; el ticket saldrá solo." {
		t.Errorf("%+v", s)
	}
	<-r.pauses
	r.resume <- time.Time{}
	if s := r.next(); !s.Printed {
		t.Errorf("%+v", s)
	}
}
