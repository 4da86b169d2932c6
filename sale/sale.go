// Package sale is the till as a state machine: cart, prices, payment, cash rounding, shift, and the issue of the
// document.
//
// Owns: what a sale is, the only path from a cart to an issued document, and the ports it needs from the outside
// (Journal, Catalogue, Clock).
//
// Invariants: no document without a sale and no folio without a document; a sale without a folio is one whose card voucher
// is its boleta; the same sale ID issued twice is issued once; the
// totals shown are the totals of the document.
//
// Imports dte, money and package terminal (no driver); never bbolt, HTTP, Fyne, store or sync. No goroutine is started here.
package sale

import (
	"errors"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale/price"
)

// ID names a sale. It is made when the basket opens, before any transaction, so that an interrupted issue can be looked
// up: 32 hexadecimal digits.
type ID string

// Line is a line of the cart or of a sale: a copy of the product as it was when it was added.
type Line struct {
	Codigo string      `json:"codigo"`
	Nombre string      `json:"nombre"`
	Unidad string      `json:"unidad,omitempty"`
	Qty    money.Qty   `json:"qty"`
	Prc    money.Price `json:"prc"` // gross, IVA included, for taxed products
	Exento bool        `json:"exento,omitempty"`
	Total  money.Pesos `json:"total"`
	// Contenido is how many units of the product each one of Qty holds, in a line that counts packs.
	Contenido money.Qty `json:"contenido,omitempty"`
	// Etiqueta is the scale's label that the line is of, as it was read. No other reading is added to such a line; once
	// its quantity is changed it is a line like any other.
	Etiqueta string `json:"etiqueta,omitempty"`

	// What the price is made from: the price and category of the catalogue, a price or a discount by hand.
	Base      money.Price `json:"base,omitempty"`
	Categoria string      `json:"categoria,omitempty"`
	Fijo      money.Price `json:"fijo,omitempty"`
	FijoPor   price.By    `json:"fijoPor,omitzero"`
	Off       price.Off   `json:"off,omitzero"`
	// What came of it: Total is Prc × Qty, rounded, less Descuento. Why tells the way to it, if there is more to tell than
	// the price of the catalogue. It is never changed in place.
	Descuento money.Pesos    `json:"descuento,omitempty"`
	Why       []price.Reason `json:"why,omitempty"`
	// Nota is for people in the shop and no part of the document.
	Nota string `json:"nota,omitempty"`
}

// Record is a sale as it is kept for ever, beside the exact bytes of its document.
type Record struct {
	ID    ID        `json:"id"`
	At    time.Time `json:"at"`
	Caja  string    `json:"caja"`
	Shift int       `json:"shift,omitempty"` // number of the shift; 0 outside one

	Key     dte.Key     `json:"key"`
	Total   money.Pesos `json:"total"`
	SHA256  string      `json:"sha256"` // of the document's bytes, hexadecimal
	Lines   []Line      `json:"lines,omitempty"`
	Payment Payment     `json:"payment"`
	// Receptor is the buyer; RUTAnonimo when not identified.
	Receptor dte.Receptor `json:"receptor"`
	// Returned is what came back with a credit note or an exchange, of which document.
	Returned []ReturnedLine `json:"returned,omitempty"`
	// Taken are the goods that left for those that came back, where Lines are not these: with a credit note for the difference.
	Taken []Line `json:"taken,omitempty"`
	// Reason is why, of what has no document that says so.
	Reason string `json:"reason,omitempty"`
	// Training marks a sale of the practice shop: worthless on paper and for the SII.
	Training bool `json:"training,omitempty"`
	// Who was at the till, and Approved who had to allow it; empty in a shop that does not say.
	Who      string `json:"who,omitempty"`
	Approved string `json:"approved,omitempty"`
	// Replaces is the refused document whose sale this is; zero in all other sales.
	Replaces dte.Key `json:"replaces,omitzero"`
}

// Grant is the right to issue one document: the next folio and the CAF that covers it.
type Grant struct {
	Folio dte.Folio
	CAF   *dte.CAF
}

// Issued is what one issue writes.
type Issued struct {
	Record   Record
	Document *dte.Document // Document.XML are the bytes that are stored, sent and printed from
}

// Shift is a turn of the drawer. Several people may sell in it.
type Shift struct {
	Number   int         `json:"number"`
	OpenedAt time.Time   `json:"openedAt"`
	ClosedAt time.Time   `json:"closedAt,omitzero"`
	Float    money.Pesos `json:"float"` // cash in the drawer at the start
	// Sums are kept as sales are issued.
	Sales  int                    `json:"sales"`
	ByType map[string]money.Pesos `json:"byType,omitempty"` // "39" → total of its documents; notes of credit are negative
	Paid   map[Method]money.Pesos `json:"paid,omitempty"`
	// Abonos are what customers paid of their debts, by means of payment.
	Abonos map[Method]money.Pesos `json:"abonos,omitempty"`
	// People are the sums of each, by name. OpenedBy and ClosedBy are who did it.
	People   map[string]PersonSum `json:"people,omitempty"`
	OpenedBy string               `json:"openedBy,omitempty"`
	ClosedBy string               `json:"closedBy,omitempty"`
	// CashIn and CashOut are cash that moved without a sale, Opened how often the drawer was opened for nothing else.
	CashIn  money.Pesos `json:"cashIn,omitempty"`
	CashOut money.Pesos `json:"cashOut,omitempty"`
	Opened  int         `json:"opened,omitempty"`
	// Counted is the cash that was found at the close; Difference is Counted − Expected.
	Counted    money.Pesos `json:"counted,omitempty"`
	Difference money.Pesos `json:"difference,omitempty"`
}

// PersonSum is what somebody sold in a shift, less what they took back.
type PersonSum struct {
	Sales int         `json:"sales"`
	Total money.Pesos `json:"total"`
}

// Open reports a shift that is not closed.
func (s Shift) Open() bool { return s.Number > 0 && s.ClosedAt.IsZero() }

// Expected is the cash that should be in the drawer.
func (s Shift) Expected() money.Pesos {
	return s.Float + s.Paid[Efectivo] + s.Abonos[Efectivo] + s.CashIn - s.CashOut
}

// Errors of a Journal. Each is wrapped with what happened; test with errors.Is.
var (
	// ErrNoFolios: no folio of this type can be used now. Nothing was written.
	ErrNoFolios = errors.New("no quedan folios")
	// ErrUnknown: the commit failed and the store could not be reopened to find out whether it was done. Ask
	// Journal.Sale with the sale's ID before anything else; never issue again under a new ID.
	ErrUnknown = errors.New("no se sabe si el documento quedó guardado")
	// ErrNotFound: no such sale, document or shift.
	ErrNotFound = errors.New("no existe")
	// ErrOpenCart: a sale is open and not empty. Nothing was changed.
	ErrOpenCart = errors.New("hay una venta abierta: cóbrela, guárdela o vacíela primero")
	// ErrShift: the shift is not in the state that the act needs.
	ErrShift = errors.New("el turno no está en el estado que corresponde")
)

// Journal is the till's book. Two kinds exist, the file (store) and Memory; both pass saletest.RunJournal.
// All methods may be called from any goroutine; calls are serialised by the journal.
type Journal interface {
	// Issue does everything that one sale writes, in one transaction: takes the next folio of tipo that is usable on the
	// day of at, calls build exactly once with it, and stores the document's bytes, the record, the shift's sums, a
	// print job, the outbox entries and an audit entry. If the sale id is already there, it returns that record and
	// does not call build. If build fails, nothing is written and the folio is not taken. A failed commit is resolved
	// by reopening and looking the id up; ErrUnknown only when that is not possible either.
	Issue(id ID, tipo dte.TipoDTE, at time.Time, build func(Grant) (Issued, error)) (Record, error)
	// Sale returns the record of a sale, or ErrNotFound.
	Sale(id ID) (Record, error)
	// Document returns a document's exact bytes and its sale, or ErrNotFound. The bytes are checked against the hash.
	Document(key dte.Key) (xml []byte, r Record, err error)
	// Against is what was done to a document: the notes that refer to it and what was exchanged.
	Against(key dte.Key) (Against, error)
	// Ready tells in words what would keep Issue from issuing anything at that time; nil if nothing is known to.
	Ready(at time.Time) error
	// FoliosLeft counts the folios of tipo that are usable on day.
	FoliosLeft(tipo dte.TipoDTE, day dte.Date) (int, error)

	// SaveCart keeps the open basket, so that a power cut does not empty it, and with it what happened to it; it may be
	// written to disk up to a second later, and then a failure is told by the next call. LoadCart returns the last one, or
	// the zero Cart. Issue of the cart's ID removes it.
	SaveCart(c Cart, events ...Event) error
	LoadCart() (Cart, error)

	// HoldCart puts a basket aside; if it is the open one, none is open then. HeldCarts lists them, oldest first.
	// RecallCart makes one of them the open basket: ErrNotFound if it is not there, ErrOpenCart if the open one is not
	// empty. Issue of a held cart's ID removes it.
	HoldCart(h Held) error
	HeldCarts() ([]Held, error)
	RecallCart(id ID) (Cart, error)

	// Log keeps something that happened at the counter; Events lists the newest first.
	Log(e Event) error
	Events(limit int) ([]Event, error)

	// OpenShift starts a shift; ErrShift if one is open. CloseShift ends it with the counted cash; ErrShift if none is
	// open. Who does it is kept with it. CurrentShift returns the open one, or a zero Shift.
	OpenShift(at time.Time, who string, float money.Pesos) (Shift, error)
	CloseShift(at time.Time, who string, counted money.Pesos) (Shift, error)
	CurrentShift() (Shift, error)

	Accounts
	Cards
	Drawer
	People
	Vouchers
	Slips
	Remedies
}

// Cart is an open basket.
type Cart struct {
	ID       ID           `json:"id"`
	Tipo     dte.TipoDTE  `json:"tipo,omitempty"` // Factura, GuiaDespacho, or 0: boleta; exempt or not by its lines
	Lines    []Line       `json:"lines"`
	Receptor dte.Receptor `json:"receptor,omitzero"`
	// Lists are the price lists of the buyer. Vence, Guia and Referencias are those of the document; see Choice.
	Lists       []string         `json:"lists,omitempty"`
	Vence       dte.Date         `json:"vence,omitzero"`
	Guia        *Guia            `json:"guia,omitempty"`
	Referencias []dte.Referencia `json:"referencias,omitempty"`
	// Off is a discount on the whole, and Rebaja what it comes to.
	Off    price.Off       `json:"off,omitzero"`
	Rebaja price.TicketOff `json:"rebaja,omitzero"`
	// Cards are the charges that a terminal was asked for, each with the means that the cashier chose.
	Cards []Method `json:"cards,omitempty"`
	// Exchange is what came back for the lines; nil in an ordinary sale.
	Exchange *Exchange `json:"exchange,omitempty"`
}
