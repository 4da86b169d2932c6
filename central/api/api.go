// Package api is the wire between a till and the server: what they say to each other, and the till's client.
//
// Owns: the types, the paths, the version of the protocol, the four verdicts of an answer, and what a till believes of one.
//
// Invariants: changes only add. All that is said may be said twice: joining by code and secret, a report by its epoch, what was
// sold by its place in the till's chain and, each document, by issuer, type and folio and the hash of its bytes.
//
// Imports dte and money; never central, sale or store. Both sides speak of sales in these words, so that the counter and the
// server may each change as they like.
//
// # How a till's books travel
//
// All that happens at a till is an entry of its audit chain, written in the transaction of what happened. The server keeps a
// copy of the chain and knows how far it has it; a till sends what follows. So nothing waits in a queue of its own, a shop that
// joins after years sends its history by the same way, a cut line is gone on with where it was cut, and each push proves
// that the books are still those of yesterday.
package api

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// Protocol is the newest version that this program speaks, and Oldest the first that it still does.
const (
	Protocol = 1
	Oldest   = 1
)

// Server is what a till asks of the server, in its own name. Client speaks to one over HTTP, apitest has one in memory, and both
// pass apitest.Run. Errors are *Error.
type Server interface {
	// Sync tells how the till stands and learns how the server does. A till that has nothing to do asks for nothing else.
	Sync(ctx context.Context, r Report) (Answer, error)
	// Push sends what follows in the chain, and what else the server has not heard. What it had already changes nothing.
	Push(ctx context.Context, p Push) (Pushed, error)
	// Pull asks for what is new after a cursor; the empty one is before everything.
	Pull(ctx context.Context, cursor string) (News, error)
	// CAF is the file of a range that the till has a lease of. Its private key travels with it: never log it.
	CAF(ctx context.Context, id int64) ([]byte, error)
}

// Join is how a computer asks to become a till of a company.
type Join struct {
	Protocol int    `json:"protocol"`
	Version  string `json:"version"` // of the program
	// Code is the invitation's, as a person typed it.
	Code string `json:"code"`
	// Secret is 32 random bytes that the till keeps before it asks. Who asks again with both is answered the same.
	Secret []byte `json:"secret"`
	// Emisor and Ambiente are those of the till's own books: nobody joins another company's.
	Emisor   dte.RUT      `json:"emisor"`
	Ambiente dte.Ambiente `json:"ambiente"`
}

// Joined is the server's answer.
type Joined struct {
	// Token opens the server to this till until it is revoked. It is a secret.
	Token   string  `json:"token"`
	Till    Till    `json:"till"`
	Company Company `json:"company"`
}

// Till is how the server calls who asks.
type Till struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// Company is whose till it is.
type Company struct {
	RUT      dte.RUT      `json:"rut"`
	RznSoc   string       `json:"rznSoc"`
	Ambiente dte.Ambiente `json:"ambiente"`
}

// Point is a place in a till's audit chain: entry N and its hash. N is from 1; the zero Point is before the first.
type Point struct {
	N    int64  `json:"n"`
	Hash string `json:"hash,omitempty"` // SHA-256, lower-case hexadecimal
}

// Report is how a till stands. Said twice it changes nothing.
type Report struct {
	Protocol int       `json:"protocol"`
	Version  string    `json:"version"`
	Now      time.Time `json:"now"` // by the till's clock
	// Run names the run of the program that speaks, and Seq counts its reports. Both are in its memory only: by them a report that
	// newer ones overtook is told from one of a store that was put back. Of who names no run each is judged as it comes.
	Run string `json:"run,omitempty"`
	Seq int64  `json:"seq,omitempty"`
	// Epoch is how often the till's store was restored from a backup.
	Epoch int `json:"epoch"`
	// Head is the newest entry of the chain. Locator are some before it, newest first, from near to far (see Locate): by them
	// the server finds where a restored store left the books that it knows.
	Head    Point   `json:"head"`
	Locator []Point `json:"locator,omitempty"`
	Folios  Folios  `json:"folios"`
	// Cursor is up to where news were taken in.
	Cursor string `json:"cursor,omitempty"`
	Health Health `json:"health"`
}

// Folios is what a till says of its folios.
type Folios struct {
	// Used are the leases that it issues from, Returned those from which it never will again, as its disk says already.
	Used     []Mark `json:"used,omitempty"`
	Returned []Mark `json:"returned,omitempty"`
	// Wants are the types that it issues.
	Wants []dte.TipoDTE `json:"wants,omitempty"`
}

// Mark is how far a lease is used: Used is the last folio, the one before the first if none. Tipo, Desde and Hasta say which one
// it is, for a server that came back from a backup and does not remember giving it.
type Mark struct {
	Lease int64       `json:"lease"`
	Used  int64       `json:"used"`
	Tipo  dte.TipoDTE `json:"tipo,omitempty"`
	Desde int64       `json:"desde,omitempty"`
	Hasta int64       `json:"hasta,omitempty"`
}

// Health is how things stand around a till.
type Health struct {
	// Waiting counts the documents that the SII has not decided, Oldest is when the first of them was issued.
	Waiting int       `json:"waiting"`
	Oldest  time.Time `json:"oldest,omitzero"`
	// Unsent counts entries of the chain that the server has not heard.
	Unsent int64 `json:"unsent"`
	// Days that the folios of each type last at the till's pace; nil where there is no pace yet.
	Folios []FolioDays `json:"folios,omitempty"`
	// Papers are owed; Printer is why they do not come out, SII why documents do not leave. Empty when all is well.
	Papers  int    `json:"papers,omitempty"`
	Printer string `json:"printer,omitempty"`
	SII     string `json:"sii,omitempty"`
	// Hold is why the till does not issue; empty if it does.
	Hold string `json:"hold,omitempty"`
}

// FolioDays is how long the folios of a type last.
type FolioDays struct {
	Tipo dte.TipoDTE `json:"tipo"`
	Left int         `json:"left"`
	Days *int        `json:"days,omitempty"`
}

// Hold is why a till may not issue, for programs; empty if it may.
type Hold string

// The reasons. All are alarms: one store became two, or went back in time.
const (
	// HoldCopy: a newer store has spoken in this till's name. Nothing of what it says is taken in but its stray documents.
	HoldCopy Hold = "COPY"
	// HoldBehind: the store knows less than it has told before, and was not restored as far as it knows.
	HoldBehind Hold = "BEHIND"
	// HoldFork: its books say something else than they said before.
	HoldFork Hold = "FORK"
)

// Answer is how the server stands.
type Answer struct {
	Protocol int       `json:"protocol"` // that both speak
	Now      time.Time `json:"now"`
	Till     Till      `json:"till"`
	Company  Company   `json:"company"`
	Hold     Hold      `json:"hold,omitempty"`
	Why      string    `json:"why,omitempty"` // of a hold, for people: what happened, what is safe, what to do
	// After is how far the server has the till's chain: what follows is to be pushed.
	After  Point      `json:"after"`
	Folios FolioStock `json:"folios"`
	// News: there is something after the report's cursor.
	News bool `json:"news,omitempty"`
	// Again: there is more to say once the server has been told what follows. A store that was restored gets no folios before the
	// server has its restoration: until then another one from the same backup may be the same to it.
	Again bool `json:"again,omitempty"`
	// Seconds until the till should ask again, if it has nothing to tell.
	Seconds int `json:"seconds"`
}

// FolioStock is what a till may issue from. With a hold it is empty and says nothing: the leases stay as they are.
type FolioStock struct {
	// Leases are its open ones, of each type the one to use first before the others. Nothing is issued from any other.
	Leases []Lease `json:"leases,omitempty"`
	// Short are types of which it wants more than there is: the company needs a CAF.
	Short []dte.TipoDTE `json:"short,omitempty"`
}

// Lease is a part of a CAF that this till alone issues from.
type Lease struct {
	ID    int64       `json:"id"`
	Tipo  dte.TipoDTE `json:"tipo"`
	CAF   int64       `json:"caf"`
	Desde int64       `json:"desde"`
	Hasta int64       `json:"hasta"`
}

// Push is a part of a till's books. Entries follow After, which is what the server said it had.
type Push struct {
	Epoch   int     `json:"epoch"`
	After   Point   `json:"after"`
	Entries []Entry `json:"entries,omitempty"`
	// States are where documents stand at the SII, as far as the server has not heard.
	States []DocumentState `json:"states,omitempty"`
	// Products and Customers are what was made here and the server has not heard of. It makes those that it does not know,
	// and keeps its own of the others; what they say otherwise is kept beside them for a person.
	Products  []Product  `json:"products,omitempty"`
	Customers []Customer `json:"customers,omitempty"`
	// Refused are news that made no sense here.
	Refused []Refusal `json:"refused,omitempty"`
}

// Bounds of a Push and of News: what is larger is refused, and whoever sends makes it smaller.
const (
	MostEntries   = 2000
	MostStates    = 5000
	MostNews      = 5000
	MaxBody       = 32 << 20 // bytes, decompressed
	MaxCompressed = 8 << 20
)

// Entry is an entry of the chain, and what it is about.
type Entry struct {
	N    int64  `json:"n"`
	Hash string `json:"hash"`
	// Fact is the entry's own bytes: Hash is SHA-256(hash of the entry before ‖ Fact).
	Fact json.RawMessage `json:"fact"`

	// At most one of these.
	Sale     *Sale     `json:"sale,omitempty"`     // "venta", "venta sin boleta", "comprobante interno", "rechazo resuelto"
	Shift    *Shift    `json:"shift,omitempty"`    // "turno"
	Cash     *CashMove `json:"cash,omitempty"`     // "mostrador", if cash moved
	Movement *Movement `json:"movement,omitempty"` // "cuenta": what no sale moved
}

// Sale is a sale as the till keeps it, with the exact bytes of its document.
type Sale struct {
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Caja  string    `json:"caja,omitempty"`
	Shift int       `json:"shift,omitempty"` // the till's number; 0 outside one
	// Key is the document's. Without a document (a card's voucher, type 48; slips, types 900 and above) the folio is the till's
	// own number, which other tills use too.
	Key      dte.Key      `json:"key"`
	Total    money.Pesos  `json:"total"`
	SHA256   string       `json:"sha256,omitempty"` // of XML
	XML      []byte       `json:"xml,omitempty"`
	Receptor dte.Receptor `json:"receptor"`
	Lines    []Line       `json:"lines,omitempty"`
	Tenders  []Tender     `json:"tenders,omitempty"`
	Rounding money.Pesos  `json:"rounding,omitempty"`
	Change   money.Pesos  `json:"change,omitempty"`
	// Back says that goods or money came back: what others add this takes away.
	Back bool `json:"back,omitempty"`
	// Cash says that this moved money; a correction of text and the sale that replaces a refused one do not.
	Cash     bool           `json:"cash"`
	Returned []ReturnedLine `json:"returned,omitempty"`
	// Taken are the goods that left, where Lines are not these: with a credit note for the difference of an exchange.
	Taken    []Line `json:"taken,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Training bool   `json:"training,omitempty"`
	Who      string `json:"who,omitempty"`
	Approved string `json:"approved,omitempty"`
	// Replaces is the refused document whose sale this is; zero in all others.
	Replaces dte.Key `json:"replaces,omitzero"`
	// State is where the document stands at the SII at the time of the push.
	State *DocumentState `json:"state,omitempty"`
}

// Line is a line of a sale.
type Line struct {
	Codigo string      `json:"codigo,omitempty"`
	Nombre string      `json:"nombre"`
	Unidad string      `json:"unidad,omitempty"`
	Qty    money.Qty   `json:"qty"`
	Prc    money.Price `json:"prc"` // gross
	Exento bool        `json:"exento,omitempty"`
	Total  money.Pesos `json:"total"`
	Off    money.Pesos `json:"off,omitempty"`
	// Contenido is how many units of the product each one of Qty holds, in a line that counts packs; else zero.
	Contenido money.Qty `json:"contenido,omitempty"`
}

// ReturnedLine is what came back of a document's line.
type ReturnedLine struct {
	Of   dte.Key   `json:"of"`
	Line int       `json:"line"` // from 1
	Qty  money.Qty `json:"qty"`
	// Restock: it goes back to the shelf.
	Restock bool `json:"restock,omitempty"`
	// Worth is what was paid for it, where it came back for something else. Older tills do not say it.
	Worth money.Pesos `json:"worth,omitempty"`
}

// Tender is a part of a payment. Amount is what counts towards the sale.
type Tender struct {
	Method    string      `json:"method"` // the till's word: efectivo, débito, crédito, …
	Amount    money.Pesos `json:"amount"`
	Received  money.Pesos `json:"received"`
	Reference string      `json:"reference,omitempty"`
}

// Shift is a turn of a till's drawer, as it stood when it was sent. Sums of an open one go on.
type Shift struct {
	Number     int         `json:"number"`
	OpenedAt   time.Time   `json:"openedAt"`
	ClosedAt   time.Time   `json:"closedAt,omitzero"`
	OpenedBy   string      `json:"openedBy,omitempty"`
	ClosedBy   string      `json:"closedBy,omitempty"`
	Float      money.Pesos `json:"float"`
	Expected   money.Pesos `json:"expected"` // cash, by the sums
	Counted    money.Pesos `json:"counted,omitempty"`
	Difference money.Pesos `json:"difference,omitempty"`
	Sales      int         `json:"sales"`
	// ByType and Paid are the Z: totals by type of document, and by means of payment, abonos included.
	ByType map[string]money.Pesos `json:"byType,omitempty"`
	Paid   map[string]money.Pesos `json:"paid,omitempty"`
}

// CashMove is cash that went in or, negative, out without a sale.
type CashMove struct {
	N      int         `json:"n"` // the till's number
	At     time.Time   `json:"at"`
	Amount money.Pesos `json:"amount"`
	Why    string      `json:"why"`
	Who    string      `json:"who,omitempty"`
	Shift  int         `json:"shift,omitempty"`
}

// Movement is an entry of an account that no sale made: a payment of what is owed, or a limit.
type Movement struct {
	// Customer is whose debt it is.
	Customer dte.RUT     `json:"customer"`
	ID       string      `json:"id"`
	At       time.Time   `json:"at"`
	Kind     string      `json:"kind"` // abono, cupo
	Amount   money.Pesos `json:"amount"`
	Limit    money.Pesos `json:"limit,omitempty"` // of a cupo
	Method   string      `json:"method,omitempty"`
	Received money.Pesos `json:"received,omitempty"`
	// Reference of the payment.
	Reference string `json:"reference,omitempty"`
	Shift     int    `json:"shift,omitempty"`
	Who       string `json:"who,omitempty"`
}

// DocumentState is where a document stands at the SII.
type DocumentState struct {
	Key   dte.Key   `json:"key"`
	State dte.State `json:"state"`
	// Sobre is the till's name of the envelope, TrackID the SII's.
	Sobre     string         `json:"sobre,omitempty"`
	TrackID   string         `json:"trackId,omitempty"`
	Veredicto *dte.Veredicto `json:"veredicto,omitempty"`
}

// Pushed is what the server has after a push.
type Pushed struct {
	After Point  `json:"after"`
	Hold  Hold   `json:"hold,omitempty"`
	Why   string `json:"why,omitempty"`
	// Alarms counts what of this push people must look at.
	Alarms int `json:"alarms,omitempty"`
}

// News are what changed at the server, in the order in which it is to be taken in.
type News struct {
	// Cursor is where to go on. Keep it in the transaction that keeps the news.
	Cursor string `json:"cursor"`
	More   bool   `json:"more,omitempty"`
	// Anew: these begin anew, because the till knew nothing yet, or the server's data are not those that it knew. What it had from
	// the server and does not find again by the time there is no more is gone.
	Anew bool `json:"anew,omitempty"`
	// At is the server's time: all prices are as of then once there is no more.
	At        time.Time  `json:"at"`
	Products  []Product  `json:"products,omitempty"`
	Customers []Customer `json:"customers,omitempty"`
	People    []Person   `json:"people,omitempty"`
	Settings  *Settings  `json:"settings,omitempty"`
	// Promotions is the whole file of price rules, as the till imports it by hand; nil: as it was.
	Promotions *string `json:"promotions,omitempty"`
	// Verdicts are of documents that the server took to the SII because the till that made them was gone. It may have come back by
	// another name; who has not made them passes over them.
	Verdicts []DocumentState `json:"verdicts,omitempty"`
}

// Product is an article of the server's catalogue.
type Product struct {
	Codigo    string      `json:"codigo"` // SKU
	Nombre    string      `json:"nombre"`
	Unidad    string      `json:"unidad,omitempty"`
	Prc       money.Price `json:"prc"` // gross, IVA included
	Exento    bool        `json:"exento,omitempty"`
	Categoria string      `json:"categoria,omitempty"`
	Codigos   []string    `json:"codigos,omitempty"` // bar codes
	Familia   string      `json:"familia,omitempty"`
	Variante  string      `json:"variante,omitempty"`
	// Prices are gross, by the name of the price list.
	Prices map[string]money.Price `json:"prices,omitempty"`
	// Deleted: it is sold no more.
	Deleted bool `json:"deleted,omitempty"`
}

// Customer is a buyer whom the company knows.
type Customer struct {
	RUT       dte.RUT `json:"rut"`
	RznSoc    string  `json:"rznSoc"`
	Giro      string  `json:"giro,omitempty"`
	Direccion string  `json:"direccion,omitempty"`
	Comuna    string  `json:"comuna,omitempty"`
	Ciudad    string  `json:"ciudad,omitempty"`
	Correo    string  `json:"correo,omitempty"`
	Telefono  string  `json:"telefono,omitempty"`
	List      string  `json:"list,omitempty"` // the price list
	// Limit is how much he may owe, Balance what he owes over all tills as the server knows.
	Limit   *money.Pesos `json:"limit,omitempty"`
	Balance *money.Pesos `json:"balance,omitempty"`
	Deleted bool         `json:"deleted,omitempty"`
}

// Person may work at the tills. Each till keeps the PIN itself.
type Person struct {
	Name   string  `json:"name"`
	RUT    dte.RUT `json:"rut,omitempty"`
	Role   string  `json:"role"` // cajero, supervisor, dueño
	Active bool    `json:"active"`
}

// Settings are the company's, of its documents and tickets.
type Settings struct {
	Emisor     dte.Emisor     `json:"emisor"`
	Resolucion dte.Resolucion `json:"resolucion"`
}

// Refusal is news that a till did not take in.
type Refusal struct {
	What string `json:"what"` // "producto 7801", "promociones"
	Why  string `json:"why"`
}

// Verdict is what an answer means for the till.
type Verdict string

// The verdicts besides done and already done, which come as answers; Stuck needs a person.
const (
	Later Verdict = "later"  // nobody's fault, nothing lost: the line, or a server that is busy
	Stuck Verdict = "person" // waiting mends nothing
	Ended Verdict = "ended"  // the token opens nothing any more: the till was revoked or declared lost
)

// Error is the only kind of error of a Server.
type Error struct {
	Verdict Verdict
	// Down: the line failed, not the server.
	Down bool
	// Code is for programs: the HTTP status, or "red", "plazo", "tls", "portal", "proxy", "respuesta",
	// "protocolo", "dato", "tamaño".
	Code string
	// Message says in Spanish what happened, what is safe and what to do.
	Message string
	// Wait is how long the server wants to be left alone; 0 if it did not say.
	Wait time.Duration

	Cause error
}

func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Message
	}
	return fmt.Sprintf("%s (%v)", e.Message, e.Cause)
}

// Unwrap is the technical cause, if there is one.
func (e *Error) Unwrap() error { return e.Cause }

// Locate lists the places of a chain of n entries by which a server finds where two histories part: the newest ones one by one,
// then ever farther, and the first.
func Locate(n int64) (places []int64) {
	step := int64(1)
	for ; n > 0; n -= step {
		places = append(places, n)
		if len(places) >= 8 {
			step *= 2
		}
	}
	if k := len(places); k > 0 && places[k-1] != 1 {
		places = append(places, 1)
	}
	return places
}
