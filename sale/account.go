package sale

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// Account names a balance that the till keeps by movements: what is left of a vale, or what a customer owes.
type Account string

// CreditAccounts is how the names of customers' accounts begin.
const CreditAccounts = "fiado "

const valeAccounts = "vale "

// ValeAccount is the account of a vale, by its code. Its balance is what may still be spent.
func ValeAccount(code string) Account { return Account(valeAccounts + ValeCode(code)) }

// CreditAccount is the account of a customer. Its balance is what he owes; below zero the shop owes him.
func CreditAccount(rut dte.RUT) Account { return Account(CreditAccounts + rut.String()) }

// Debtor is whose account it is; false if it is no customer's.
func (a Account) Debtor() (dte.RUT, bool) {
	text, ok := strings.CutPrefix(string(a), CreditAccounts)
	rut, err := dte.ParseRUT(text)
	return rut, ok && err == nil
}

// name is the account in a sentence.
func (a Account) name() string {
	if code, ok := strings.CutPrefix(string(a), valeAccounts); ok {
		return "vale " + code
	}
	return "cuenta de " + strings.TrimPrefix(string(a), CreditAccounts)
}

// MovementKind says why a balance changed.
type MovementKind string

// The kinds. A limit changes no balance.
const (
	MoveSale   MovementKind = "venta"
	MoveReturn MovementKind = "devolución"
	MovePaid   MovementKind = "abono"
	MoveLimit  MovementKind = "cupo"
)

// Movement is an entry of an account. Entries are only ever added; the newest one has the balance.
type Movement struct {
	Account Account      `json:"account"`
	N       int          `json:"n"` // from 1, within the account
	At      time.Time    `json:"at"`
	Kind    MovementKind `json:"kind"`
	// ID is the sale's, or what whoever asks calls it: asked twice it is done once.
	ID     ID          `json:"id"`
	Amount money.Pesos `json:"amount"` // what it adds to the balance
	// Balance and Limit are as they stand after it.
	Balance money.Pesos `json:"balance"`
	Limit   money.Pesos `json:"limit,omitempty"`
	// Elsewhere is what he owes by the shop's other tills, as its server said at AsOf. Without a server there is neither.
	Elsewhere money.Pesos `json:"elsewhere,omitempty"`
	AsOf      time.Time   `json:"asOf,omitzero"`
	Key       dte.Key     `json:"key,omitzero"` // the document, of a sale or return
	// Method and Received are how a debt was paid, in the shift of that number; cash is rounded, so Received may differ.
	Method    Method      `json:"method,omitempty"`
	Received  money.Pesos `json:"received,omitempty"`
	Reference string      `json:"reference,omitempty"`
	Name      string      `json:"name,omitempty"` // whose debt was paid, as the slip says it
	Shift     int         `json:"shift,omitempty"`
	Who       string      `json:"who,omitempty"`
	// Over is who allowed that the balance goes beyond the limit.
	Over string `json:"over,omitempty"`
}

// Owes is all of what he owes, at whichever till: what this one sold him is in Balance, whether the server has counted it or not.
func (m Movement) Owes() money.Pesos { return m.Balance + m.Elsewhere }

// Heard is what the shop's server last said of a customer's account.
type Heard struct {
	// Elsewhere is what he owes but not by this till's account: the server's figure less what that had told of. What is sold here
	// later, told or not, leaves it as it is.
	Elsewhere money.Pesos `json:"elsewhere,omitempty"`
	// Limit is how much he may owe; nil while what this till said of that is newer.
	Limit *money.Pesos `json:"limit,omitempty"`
	At    time.Time    `json:"at"`
}

// With is the account as it stands by what was heard of it; nil is nothing.
func (m Movement) With(h *Heard) Movement {
	m.Elsewhere, m.AsOf = 0, time.Time{} // an older movement's
	if h == nil {
		return m
	}
	m.Elsewhere, m.AsOf = h.Elsewhere, h.At
	if h.Limit != nil {
		m.Limit = *h.Limit
	}
	return m
}

// Accounts are the balances of a Journal. Sales move them inside Issue.
type Accounts interface {
	// Account is the newest movement of an account, with what was heard of it since; one of number 0 if it has none.
	Account(a Account) (Movement, error)
	// Statement lists the movements of an account, newest first.
	Statement(a Account, limit int) ([]Movement, error)
	// Owing lists each customer's account as Account has it, also of those who owe elsewhere only.
	Owing() ([]Movement, error)
	// Move keeps a movement that is no sale's, counts what was received in the open shift, and returns it as it stands.
	// One with a known ID comes back as it was kept.
	Move(m Movement) (Movement, error)
}

// After is a movement as it stands after the last one of its account, or why it may not be.
func (m Movement) After(last Movement) (Movement, error) {
	balance, err := last.Balance.Add(m.Amount)
	if err != nil {
		return Movement{}, err
	}
	owes, err := balance.Add(last.Elsewhere)
	if err != nil {
		return Movement{}, err
	}
	m.N, m.Balance, m.Elsewhere, m.AsOf = last.N+1, balance, last.Elsewhere, last.AsOf
	if m.Kind != MoveLimit {
		m.Limit = last.Limit
	}
	code, vale := strings.CutPrefix(string(m.Account), valeAccounts)
	switch {
	case vale && m.Kind == MoveSale && last.N == 0:
		return Movement{}, errNoVale(code)
	case vale && balance < 0:
		return Movement{}, fmt.Errorf("%w: al vale %s le quedan $%s y se quieren usar $%s. No se emitió nada", ErrPayment, code, last.Balance, -m.Amount)
	case !vale && m.Kind == MoveSale && m.Amount > 0 && owes > m.Limit && m.Over == "":
		return Movement{}, fmt.Errorf("%w: la %s debe $%s, su cupo es de $%s y se quieren fiar $%s. No se emitió nada",
			ErrPayment, m.Account.name(), last.Owes(), m.Limit, m.Amount)
	case m.Kind == MoveLimit && (vale || m.Limit < 0 || m.Amount != 0):
		return Movement{}, errors.New("el cupo no puede ser negativo. Nada cambió")
	case m.Kind == MovePaid && (vale || m.Amount >= 0 || m.Received <= 0):
		return Movement{}, errors.New("el abono debe ser mayor que cero. Nada se anotó")
	case m.Kind == MovePaid && owes < 0:
		return Movement{}, fmt.Errorf("la %s debe $%s y se quieren abonar $%s. Nada se anotó", m.Account.name(), last.Owes(), -m.Amount)
	}
	return m, nil
}

// Same reports the same wish, whatever it came to.
func (m Movement) Same(o Movement) bool { return m.Account == o.Account && m.ID == o.ID }

// Movements are what a sale moves in accounts, in the order of its tenders. A return gives back: to a vale its worth, of a
// debt its part. The sale that replaces a refused one moved all of it before.
func (r Record) Movements() (list []Movement) {
	if !r.MovesCash() {
		return nil
	}
	back := r.GivesBack()
	for _, t := range r.Payment.Tenders {
		m := Movement{At: r.At, Kind: MoveSale, ID: r.ID, Key: r.Key, Amount: t.Amount}
		if back {
			m.Kind = MoveReturn
		}
		switch t.Method {
		case Vale:
			m.Account = ValeAccount(t.Reference)
			if !back {
				m.Amount = -t.Amount
			}
		case Fiado:
			m.Account, m.Over = Account(CreditAccounts+t.Reference), t.Over
			if back {
				m.Amount = -t.Amount
			}
		default:
			continue
		}
		list = append(list, m)
	}
	return list
}

// valeLen is how many letters and figures a vale's code has.
const valeLen = 8

// NewValeCode is the code of the vale that a return gives. The letters are those that nobody confuses with a figure, and
// there is no figure alone, so that no scanner takes it for a product.
func NewValeCode(id ID) string {
	sum := sha256.Sum256([]byte("vale " + id))
	return "V" + base32.NewEncoding("ABCDEFGHJKLMNPQRSTUVWXYZ23456789").EncodeToString(sum[:])[:valeLen-1]
}

// ValeCode is a code as it is kept, however it was typed.
func ValeCode(text string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "", ".", "").Replace(text))
}

func errNoVale(code string) error {
	return fmt.Errorf("%w: el vale %s no existe en esta caja. Revise el código; si lo dio otra caja, se usa en ella", ErrPayment, code)
}

func errOverLimit(rut dte.RUT, m Movement) error {
	if m.Limit == 0 {
		return fmt.Errorf("%w: %s no tiene cupo para fiar. Cobre de otra manera, o pida al encargado que le dé cupo", ErrPayment, rut.Dotted())
	}
	return fmt.Errorf("%w: %s debe $%s y su cupo es de $%s. Cobre de otra manera, o reciba antes un abono", ErrPayment, rut.Dotted(), m.Owes(), m.Limit)
}

// SetCreditLimit says how much a customer may owe.
func SetCreditLimit(j Journal, id ID, at time.Time, rut dte.RUT, limit money.Pesos, who string) (Movement, error) {
	who, err := words(who, "quién da el cupo")
	switch {
	case err != nil:
		return Movement{}, err
	case who == "":
		return Movement{}, errors.New("diga quién da el cupo. Nada cambió")
	case rut == 0 || rut == dte.RUTAnonimo:
		return Movement{}, errors.New("falta el RUT del cliente. Nada cambió")
	}
	return j.Move(Movement{Account: CreditAccount(rut), At: at, Kind: MoveLimit, ID: id, Limit: limit, Who: who})
}

// Abono is money for what a customer owes.
type Abono struct {
	ID     ID // asked twice it is done once
	At     time.Time
	RUT    dte.RUT
	Name   string // of the customer, for the slip
	Tender Tender
	Who    string
}

// PayDebt takes it. Cash that pays all of the debt is rounded to tens as in a sale; otherwise what is received is what
// counts.
func PayDebt(j Journal, a Abono) (Movement, error) {
	m, err := payDebt(j, a)
	return m, safe(err, debtAsItWas)
}

func payDebt(j Journal, a Abono) (Movement, error) {
	t := a.Tender
	if a.ID == "" || t.Method == Vale || t.Method == Fiado {
		return Movement{}, fmt.Errorf("%w: un abono se paga en efectivo, con tarjeta, transferencia o cheque", ErrPayment)
	}
	if t = t.tidy(a.At); t.check() != nil {
		return Movement{}, t.check()
	}
	last, err := j.Account(CreditAccount(a.RUT))
	if err != nil {
		return Movement{}, err
	}
	paid := t.Received
	if t.Method == Efectivo {
		if paid%10 != 0 {
			return Movement{}, fmt.Errorf("%w: en efectivo no hay monedas de menos de $10", ErrPayment)
		}
		if owes := last.Owes(); paid == money.CashPayable(owes) {
			paid = owes
		}
	}
	return j.Move(Movement{
		Account: CreditAccount(a.RUT), At: a.At, Kind: MovePaid, ID: a.ID, Amount: -paid, Method: t.Method, Received: t.Received,
		Reference: reference(t), Name: dte.Normalize(a.Name), Who: strings.TrimSpace(a.Who),
	})
}

// reference is what tells a payment from others of its kind.
func reference(t Tender) string {
	if t.Method == Cheque {
		return strings.TrimSpace(t.Cheque.Banco + " " + t.Cheque.Numero)
	}
	return t.Reference
}
