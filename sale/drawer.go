package sale

import (
	"errors"
	"fmt"
	"time"

	"mostrador/money"
)

// CashKind says what was done at the drawer without a sale.
type CashKind string

// The kinds. Opening the drawer moves no money.
const (
	DrawerOpened CashKind = "apertura"
	CashIn       CashKind = "ingreso"
	CashOut      CashKind = "retiro"
)

// CashMove is what was done at the drawer without a sale. It is kept for ever.
type CashMove struct {
	N        int         `json:"n"`  // from 1
	ID       ID          `json:"id"` // asked twice it is done once
	At       time.Time   `json:"at"`
	Kind     CashKind    `json:"kind"`
	Amount   money.Pesos `json:"amount,omitempty"`
	Why      string      `json:"why"`
	Who      string      `json:"who,omitempty"`
	Approved string      `json:"approved,omitempty"`
	Shift    int         `json:"shift,omitempty"`
	Caja     string      `json:"caja,omitempty"`
	Training bool        `json:"training,omitempty"`
}

// Drawer is what a Journal keeps of the drawer.
type Drawer interface {
	// MoveCash keeps it, counts it in the open shift as CountCash does, leaves an event in the log and, if money moved, a
	// slip in the print queue. One with a known ID comes back as it was kept.
	MoveCash(m CashMove) (CashMove, error)
	// CashMoves lists up to limit of them, newest first.
	CashMoves(limit int) ([]CashMove, error)
}

// Event is the movement as the log tells it.
func (m CashMove) Event() Event {
	kind := EventDrawer
	switch m.Kind {
	case CashIn:
		kind = EventCashIn
	case CashOut:
		kind = EventCashOut
	case DrawerOpened:
	}
	return Event{At: m.At, Kind: kind, Who: m.Who, Approved: m.Approved, What: m.Why, Amount: m.Amount}
}

// CountCash adds what was done at the drawer to the shift, or says why it may not be done. The drawer opens outside a shift
// too; money moves within one only, for somebody counts it at the end.
func (s *Shift) CountCash(m CashMove) error {
	switch {
	case m.ID == "" || m.Why == "":
		return errors.New("diga por qué se abre el cajón. Nada se anotó")
	case m.Kind == DrawerOpened && m.Amount == 0:
	case m.Kind != CashIn && m.Kind != CashOut || m.Amount <= 0:
		return errors.New("el monto debe ser mayor que cero. Nada se anotó")
	case m.Amount%10 != 0:
		return errors.New("en efectivo no hay monedas de menos de $10. Nada se anotó")
	case !s.Open():
		return fmt.Errorf("%w: no hay turno abierto, y nadie contaría ese efectivo. Abra el turno primero. Nada se anotó", ErrShift)
	case m.Kind == CashOut && m.Amount > s.Expected():
		return fmt.Errorf("en el cajón debe haber $%s y se quieren retirar $%s. Nada se anotó", s.Expected(), m.Amount)
	}
	if !s.Open() {
		return nil
	}
	return s.AddCash(m)
}

// AddCash adds it to the sums, whatever they are. On overflow the shift is as it was.
func (s *Shift) AddCash(m CashMove) (err error) {
	next := *s
	switch m.Kind {
	case CashIn:
		next.CashIn, err = s.CashIn.Add(m.Amount)
	case CashOut:
		next.CashOut, err = s.CashOut.Add(m.Amount)
	case DrawerOpened:
		next.Opened++
	}
	if err == nil {
		*s = next
	}
	return err
}

// OpenDrawer notes that the drawer is opened without a sale, and why. Opening it is the printer's.
func (r *Register) OpenDrawer(why string) (CashMove, error) {
	return r.drawer(MayOpenDrawer, DrawerOpened, 0, why)
}

// MoveCash notes cash that comes into the drawer, or leaves it.
func (r *Register) MoveCash(kind CashKind, amount money.Pesos, why string) (CashMove, error) {
	return r.drawer(MayMoveCash, kind, amount, why)
}

func (r *Register) drawer(right Right, kind CashKind, amount money.Pesos, why string) (CashMove, error) {
	why, err := words(why, "el motivo")
	if err != nil {
		return CashMove{}, err
	}
	if err := r.May(Ask{Right: right, What: why}); err != nil {
		return CashMove{}, err
	}
	id, err := NewID(r.d.Rand)
	if err != nil {
		return CashMove{}, err
	}
	return r.d.Journal.MoveCash(CashMove{
		ID: id, At: r.d.Now(), Kind: kind, Amount: amount, Why: why, Who: r.d.Who, Approved: r.d.Approved, Caja: r.d.Shop.Caja, Training: r.d.Shop.Training(),
	})
}
