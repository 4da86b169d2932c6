package sale

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mostrador/money"
)

// Held is a basket that waits aside until its buyer comes back.
type Held struct {
	Cart  Cart        `json:"cart"`
	At    time.Time   `json:"at"`
	Name  string      `json:"name,omitempty"` // what the cashier calls it: "señora del pan"
	Total money.Pesos `json:"total"`
}

// clone shares nothing with h.
func (h Held) clone() Held {
	h.Cart = h.Cart.clone()
	return h
}

// maxHeld keeps the list readable; no counter has so many buyers waiting.
const maxHeld = 50

// maxWords bounds what cashiers write as a name or a reason.
const maxWords = 80

// words are a cashier's, on one line and not too long.
func words(text, what string) (string, error) {
	text = strings.Join(strings.Fields(text), " ")
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxWords {
		return "", fmt.Errorf("%s admite hasta %d letras. Nada cambió", what, maxWords)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) { // NUL, or what turns the writing around
		return "", fmt.Errorf("%s tiene signos que no se ven: escríbalo de nuevo. Nada cambió", what)
	}
	return text, nil
}

// Hold puts the open sale aside, under a name or none, and begins an empty one. It survives power cuts and takes no
// folio.
func (r *Register) Hold(name string) error {
	if err := r.May(Ask{Right: MaySell}); err != nil {
		return err
	}
	if err := r.beginSelling(); err != nil {
		return err
	}
	if r.cart.Empty() {
		return errors.New("no hay nada que guardar: la venta está vacía")
	}
	name, err := words(name, "el nombre de una venta guardada")
	if err != nil {
		return err
	}
	total, err := r.total()
	if err != nil {
		return err
	}
	held, err := r.d.Journal.HeldCarts()
	if err != nil {
		return err
	}
	if len(held) >= maxHeld {
		return fmt.Errorf("ya hay %d ventas guardadas: recupere alguna y cóbrela o vacíela", len(held))
	}
	if err := r.d.Journal.HoldCart(Held{Cart: r.cart.clone(), At: r.d.Now(), Name: name, Total: total}); err != nil {
		return err
	}
	return r.clear()
}

// Held lists the sales that wait aside, oldest first.
func (r *Register) Held() ([]Held, error) { return r.d.Journal.HeldCarts() }

// Recall takes up a sale that was put aside, with its lines and prices as they were; PriceNews tells whether they still are. An open sale with lines is not
// overwritten: ErrOpenCart.
func (r *Register) Recall(id ID) error {
	if err := r.May(Ask{Right: MaySell}); err != nil {
		return err
	}
	if err := r.beginSelling(); err != nil {
		return err
	}
	cart, err := r.d.Journal.RecallCart(id)
	if err != nil {
		return err
	}
	r.takeNews()
	r.stage, r.cart, r.selected, r.payment, r.doubt = Selling, cart, len(cart.Lines)-1, Payment{}, false
	return nil
}

// EventKind says what happened at the counter.
type EventKind string

// What an owner wants to know although it leaves no document: a line that is scanned, paid in cash and then removed is
// the commonest theft at a counter.
const (
	EventRemoved EventKind = "línea quitada"
	EventLess    EventKind = "cantidad rebajada"
	EventVoided  EventKind = "venta vaciada"
	EventDrawer  EventKind = "cajón abierto"
	// Money that the sale lost, or won if negative, by hand.
	EventDiscount EventKind = "descuento"
	EventPrice    EventKind = "precio cambiado"
	// Cash that moved without a sale.
	EventCashIn  EventKind = "ingreso de efectivo"
	EventCashOut EventKind = "retiro de efectivo"
	// A document that left as a file: it can be printed outside, without the word COPIA.
	EventPDF EventKind = "PDF guardado"
	// Who is at the till, and what was done about people.
	EventEntered  EventKind = "cajero"
	EventApproved EventKind = "autorización"
	EventPerson   EventKind = "persona"
	EventPolicy   EventKind = "permisos"
)

// Event is an entry of the counter's log, kept in the audit chain.
type Event struct {
	At     time.Time   `json:"at"`
	Kind   EventKind   `json:"kind"`
	Sale   ID          `json:"sale,omitempty"`
	Who    string      `json:"who,omitempty"`    // was at the till
	What   string      `json:"what,omitempty"`   // the product, the reason
	Amount money.Pesos `json:"amount,omitempty"` // what the sale lost by it
	// Approved is who allowed it, where Who may not do that alone.
	Approved string `json:"approved,omitempty"`
}

// event is what happens now to the open sale.
func (r *Register) event(kind EventKind, what string, amount money.Pesos) Event {
	return Event{At: r.d.Now(), Kind: kind, Sale: r.cart.ID, Who: r.d.Who, Approved: r.d.Approved, What: what, Amount: amount}
}
