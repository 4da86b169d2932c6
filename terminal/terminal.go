package terminal

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"time"

	"mostrador/money"
)

// Terminal is what charges cards. A Result is never without its State, and its Message is for the cashier; so no method
// that moves money returns an error that somebody could mistake for "not charged". One call at a time.
type Terminal interface {
	// Charge asks for the card. The intent has been stored. It may take minutes; when ctx ends, nobody listens any more
	// and the state is Unknown, unless nothing had been sent.
	Charge(ctx context.Context, in Intent) Result
	// Refund gives the charge of in.Back back, or in.Amount of it: Approved means that it is given back. The intent has been
	// stored. What a terminal cannot give back it refuses in words; then nothing was sent.
	Refund(ctx context.Context, in Intent) Result
	// Resolve finds out what became of an intent whose Charge or Refund ended Unknown, or never ended. It charges nothing,
	// gives nothing back twice, and may be called again as often as it says Unknown.
	Resolve(ctx context.Context, in Intent) Result
	// CloseDay settles the terminal's day. Doing it twice does no harm.
	CloseDay(ctx context.Context) error
}

// State is how a charge ended. The empty state is Unknown too: what nobody set is not known.
type State string

// The states. Only Approved moved money; Unknown may have.
const (
	Approved State = "aprobada"
	// Declined: the terminal or the card's bank said no.
	Declined State = "rechazada"
	// Cancelled: it did not come to a charge: a person gave up, or nothing was sent.
	Cancelled State = "cancelada"
	// Unknown: the card may be charged or not. Nobody passes it again before this is resolved.
	Unknown State = "desconocida"
)

// Known reports an end that needs no question.
func (s State) Known() bool { return s == Approved || s == Declined || s == Cancelled }

// Intent is a charge, or a refund, as it is stored before anything is sent.
type Intent struct {
	// Ref is the caller's name for it, unique among all intents of all time.
	Ref string `json:"ref"`
	// Ticket is the same for the terminal, which has room for six characters and prints them.
	Ticket string      `json:"ticket"`
	Amount money.Pesos `json:"amount"`
	At     time.Time   `json:"at"`
	// Before is the last charge that this till knows of before this one. A terminal whose last sale is still that one has
	// charged nothing since.
	Before Mark `json:"before,omitzero"`
	// Back is the charge of which Amount is given back; zero in an intent to charge.
	Back Charged `json:"back,omitzero"`
}

// Refunds reports an intent to give back.
func (in Intent) Refunds() bool { return in.Back != Charged{} }

// Charged is an approved charge, as its terminal and its voucher know it.
type Charged struct {
	Ref           string      `json:"ref"`
	At            time.Time   `json:"at"`
	Amount        money.Pesos `json:"amount"`
	Operation     string      `json:"operation,omitempty"`
	Authorization string      `json:"authorization,omitempty"`
	TerminalID    string      `json:"terminalId,omitempty"`
	Card          Card        `json:"card,omitempty"`
}

// Charged is the charge of an entry, to give it back.
func (e Entry) Charged() Charged {
	return Charged{
		Ref: e.Intent.Ref, At: e.Intent.At, Amount: e.Intent.Amount, Operation: e.Result.Operation, Authorization: e.Result.Authorization,
		TerminalID: e.Result.TerminalID, Card: e.Result.Card,
	}
}

// TicketFor makes a ticket of a ref: six letters and digits, the same ones every time. Two refs share one once in 2³⁰.
func TicketFor(ref string) string {
	sum := sha256.Sum256([]byte(ref))
	return base32.StdEncoding.EncodeToString(sum[:])[:TicketLen]
}

// TicketLen is the room that a terminal has for a ticket.
const TicketLen = 6

// MaxAmount is the most that fits in a terminal's field of nine digits.
const MaxAmount money.Pesos = 999_999_999

// Mark recognises a charge in a terminal's memory.
type Mark struct {
	Ticket        string      `json:"ticket"`
	Operation     string      `json:"operation"`
	Authorization string      `json:"authorization"`
	Amount        money.Pesos `json:"amount"`
}

// IsZero reports that nothing is known.
func (m Mark) IsZero() bool { return m == Mark{} }

// Result is how a charge ended and what may be kept of it. There is no room for a card number.
type Result struct {
	State  State       `json:"state"`
	Amount money.Pesos `json:"amount,omitempty"`
	Ticket string      `json:"ticket,omitempty"`
	// Authorization is the bank's code, Operation the terminal's own number, by which a charge is given back.
	Authorization string `json:"authorization,omitempty"`
	Operation     string `json:"operation,omitempty"`
	Card          Card   `json:"card,omitempty"`
	Brand         string `json:"brand,omitempty"` // two letters, the acquirer's own: VI, MC, AX …
	Last4         string `json:"last4,omitempty"`
	Cuotas        int    `json:"cuotas,omitempty"`
	// At is the terminal's clock; zero when it did not say.
	At time.Time `json:"at,omitzero"`
	// TerminalID names the terminal; empty for one that a person reads.
	TerminalID string `json:"terminalId,omitempty"`
	// Voucher is what the terminal would print, line by line, when it was asked for it.
	Voucher []string `json:"voucher,omitempty"`
	// Message tells the cashier what happened, what is safe and what to do. Never empty.
	Message string `json:"message,omitempty"`
	// NeedsClose: the terminal refuses everything until its day is closed.
	NeedsClose bool `json:"needsClose,omitempty"`
	// By and Reason are the person who declared this result in the terminal's place, and why.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Card is the kind of card.
type Card string

// The kinds of card, as the acquirer abbreviates them.
const (
	Credit Card = "CR"
	Debit  Card = "DB"
)

// Mark is what recognises an approved charge; zero if there is too little to recognise it by.
func (r Result) Mark() Mark {
	if r.State != Approved || r.TerminalID == "" || r.Operation == "" {
		return Mark{}
	}
	return Mark{Ticket: r.Ticket, Operation: r.Operation, Authorization: r.Authorization, Amount: r.Amount}
}

// NotSure is the result that says that nobody knows, and why; detail may be empty.
func NotSure(in Intent, detail string) Result {
	r := Result{State: Unknown, Ticket: in.Ticket, Amount: in.Amount, Message: Unsure(in)}
	if detail != "" {
		r.Message += " " + detail
	}
	return r
}

// Unsure is how every result begins that says that nobody knows.
func Unsure(in Intent) string {
	if in.Refunds() {
		return "No sabemos si el dinero volvió a la tarjeta. No lo devuelva de otra manera: consulte el terminal."
	}
	return "No sabemos si la tarjeta fue cobrada. No vuelva a pasarla: consulte el terminal."
}

// NotCharged is the result of an intent that came to nothing; words say why and what to do.
func NotCharged(in Intent, words string) Result {
	return Result{State: Cancelled, Ticket: in.Ticket, Amount: in.Amount, Message: words}
}
