package sale

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"mostrador/dte"
)

// This file leads a refused document on. Only a person does: machines never do it by themselves, and never change a folio.

// Act is what a person can have the till do about a verdict.
type Act = dte.Act

// The acts.
const (
	ActResend  = dte.ActResend
	ActCorrect = dte.ActCorrect
	ActReissue = dte.ActReissue
	ActNote    = dte.ActNote
)

// ErrRemedy: the verdict leaves no room for that act, or what it brings is not what it may. Nothing was written.
var ErrRemedy = errors.New("eso no resuelve el rechazo")

// ActsFor are the acts that the till offers for a verdict, the likeliest first.
func ActsFor(v dte.Veredicto) []Act { return v.Acts() }

// Remedy is what a person did about a refused document. What was refused is kept beside it for ever.
type Remedy struct {
	// ID names the act: asked for twice, it is done once. The document of an ActReissue has it as its sale's ID.
	ID  ID      `json:"id"`
	Key dte.Key `json:"key"`
	Act Act     `json:"act"`
	// Who did it, why and when.
	Who string    `json:"who"`
	Why string    `json:"why"`
	At  time.Time `json:"at"`

	// What follows is the journal's to fill in. N counts the acts about this document, from 1.
	N int `json:"n"`
	// Veredicto is what the act answers; Sobre the envelope in which the document was refused.
	Veredicto dte.Veredicto `json:"veredicto"`
	Sobre     string        `json:"sobre"`
	// Record is the sale as the refused bytes had it, with their hash. Next is the hash of the bytes that are the
	// document since; only ActCorrect changes them.
	Record Record `json:"record"`
	Next   string `json:"next"`
	// As is the document of ActReissue.
	As dte.Key `json:"as,omitzero"`
}

// Now is the document that has the sale since.
func (r Remedy) Now() dte.Key {
	if r.Act == ActReissue {
		return r.As
	}
	return r.Key
}

// Remedies is the part of a Journal that leads refused documents on.
type Remedies interface {
	// Remedy does one act, in one transaction. An act whose ID the document already has is not done again, whatever
	// became of it since, and build is not called.
	//
	// ActResend takes the document from Rejected to Issued and calls no build. ActCorrect calls build once with the
	// document's own folio and CAF; what it returns takes the place of the refused bytes, which stay kept, and goes to
	// the printer. ActReissue calls build once with the next folio, as Issue does, but cash does not move again; the
	// refused document stays Rejected. All of them close the task and leave an entry in the audit chain.
	//
	// It returns the sale as it is now, of ActReissue the new one. ErrRemedy if the verdict does not allow the act.
	Remedy(r Remedy, build func(Grant) (Issued, error)) (Record, error)
	// Remedies lists what was done about a document, oldest first.
	Remedies(key dte.Key) ([]Remedy, error)
	// RefusedXML returns the bytes that the n-th act (from 1) answered, checked against their hash; ErrNotFound if there
	// was no such act.
	RefusedXML(key dte.Key, n int) ([]byte, error)
	// DocumentState tells where a document stands, with its verdict if it has one; ErrNotFound if there is none.
	DocumentState(key dte.Key) (dte.State, dte.Veredicto, error)
}

// Allowed refuses the act unless it is one for a document in that state, with that verdict and what was done about it
// before. It wraps ErrRemedy.
func (r Remedy) Allowed(state dte.State, v dte.Veredicto, past []Remedy) error {
	if n := len(past); n > 0 && past[n-1].Act == ActReissue {
		return fmt.Errorf("%w: %s ya se emitió de nuevo como %s. No se cambió nada", ErrRemedy, the(r.Key), called(past[n-1].As))
	}
	switch {
	case strings.TrimSpace(r.Who) == "" || strings.TrimSpace(r.Why) == "":
		return fmt.Errorf("%w: falta quién lo hace o por qué. No se cambió nada; escriba ambas cosas", ErrRemedy)
	case state == dte.Accepted || state == dte.Objected:
		return fmt.Errorf("%w: el SII ya tiene %s, y sólo una nota de crédito la corrige. No se cambió nada", ErrRemedy, the(r.Key))
	case v.Fuente == dte.FuenteArchivo:
		return fmt.Errorf("%w: que %s esté rechazada lo dice un archivo. No se cambió nada; espere a que la caja lo confirme con el SII", ErrRemedy, the(r.Key))
	case state != dte.Rejected:
		return fmt.Errorf("%w: %s no está rechazada; espera al SII. No se cambió nada", ErrRemedy, the(r.Key))
	case r.Act == ActNote || !slices.Contains(ActsFor(v), r.Act):
		advice := Advise(v)
		return fmt.Errorf("%w: para %s no sirve %s. El SII dijo: %s No se cambió nada. %s",
			ErrRemedy, the(r.Key), r.Act.Words(), advice.Means, advice.Do)
	}
	return nil
}

// CheckCorrected refuses anything but the same sale under the same folio. It wraps ErrMismatch.
func (i Issued) CheckCorrected(was Record) error {
	if err := i.Check(was.ID, was.Key); err != nil {
		return err
	}
	if i.Record.Replaces != was.Replaces {
		return fmt.Errorf("%w: dice otra cosa del documento al que reemplaza. No se guardó nada", ErrMismatch)
	}
	return i.sameSale(was)
}

// CheckReissued refuses anything but the same sale under another folio, and saying so. It wraps ErrMismatch.
func (i Issued) CheckReissued(was Record) error {
	if i.Record.Replaces != was.Key {
		return fmt.Errorf("%w: no dice a qué documento reemplaza. No se guardó nada", ErrMismatch)
	}
	return i.sameSale(was)
}

func (i Issued) sameSale(was Record) error {
	if i.Record.Total != was.Total || !reflect.DeepEqual(i.Record.Payment, was.Payment) || !reflect.DeepEqual(i.Record.Lines, was.Lines) {
		return fmt.Errorf("%w: el total, el pago o las líneas no son los de la venta. No se guardó nada", ErrMismatch)
	}
	return nil
}

// MovesCash reports a sale whose payment counts in the shift. That of a document that replaces a refused one was counted
// when it was taken.
func (r Record) MovesCash() bool { return r.Replaces == dte.Key{} }

// Correction is a refused document with what was wrong mended. Lines, totals, date and folio stay as sold.
type Correction struct {
	Key        dte.Key          `json:"key"`
	Receptor   dte.Receptor     `json:"receptor"`
	Referencia []dte.Referencia `json:"referencia,omitempty"`
	// TermPagoGlosa are the terms of payment in words, of facturas.
	TermPagoGlosa string `json:"termPagoGlosa,omitempty"`
}

// CorrectionOf is a document as it stands, for a person to mend.
func CorrectionOf(d Deps, key dte.Key) (Correction, error) {
	doc, _, err := d.document(key)
	if err != nil {
		return Correction{}, err
	}
	return Correction{Key: key, Receptor: doc.Receptor, Referencia: doc.Referencia, TermPagoGlosa: doc.TermPagoGlosa}, nil
}

func (d Deps) document(key dte.Key) (*dte.Document, Record, error) {
	xml, r, err := d.Journal.Document(key)
	if err != nil {
		return nil, r, err
	}
	doc, err := dte.Parse(xml)
	return doc, r, err
}

// draft is the document as it should have been. The codes of activity are the shop's as they are now: they are of the
// company and not of the sale (HED-3-861).
func (c Correction) draft(of *dte.Document, shop Shop) dte.Draft {
	draft := of.Draft
	draft.Receptor, draft.TermPagoGlosa = c.Receptor, c.TermPagoGlosa
	draft.Referencia = append([]dte.Referencia(nil), c.Referencia...)
	if !draft.Tipo.EsBoleta() {
		draft.Emisor.Acteco = shop.Emisor.Acteco
	}
	return draft
}

// CheckCorrection tells what is wrong with a correction before anything is done: what the law would refuse, or that it
// changes nothing.
func CheckCorrection(d Deps, c Correction) error {
	doc, _, err := d.document(c.Key)
	if err != nil {
		return err
	}
	return c.check(doc, d.Shop)
}

func (c Correction) check(doc *dte.Document, shop Shop) error {
	draft := c.draft(doc, shop)
	if reflect.DeepEqual(draft, doc.Draft) {
		return errNoChange
	}
	return draft.Validate()
}

// ErrNoChange: a correction that says what the document says. It comes with ErrRemedy.
var ErrNoChange = errors.New("todavía no cambia ningún dato")

var errNoChange = fmt.Errorf("%w: %w. Corrija lo que el SII objetó", ErrRemedy, ErrNoChange)

// Resend asks that a refused document be sent again as the very same bytes, in a new envelope. Done twice it is done once.
func Resend(d Deps, key dte.Key, who, why string) error {
	r, err := d.remedy(ActResend, key, who, why, nil)
	if err != nil {
		return err
	}
	_, err = d.Journal.Remedy(r, nil)
	return err
}

// Reissue issues the sale of a refused document again, under the next folio. The date stays that of the operation, unless
// the next folio was authorised later: then it is today. Cash does not move again. Done twice it is done once.
func Reissue(d Deps, key dte.Key, who, why string) (Record, error) {
	r, err := d.remedy(ActReissue, key, who, why, nil)
	if err != nil {
		return Record{}, err
	}
	doc, was, err := d.document(key)
	if err != nil {
		return Record{}, err
	}
	return d.Journal.Remedy(r, func(g Grant) (Issued, error) {
		draft := doc.Draft
		if draft.FchEmis.Before(g.CAF.FA) || g.CAF.ExpiredOn(draft.FchEmis) {
			draft.FchEmis = dte.DateOf(r.At)
		}
		issued, err := d.emit(draft, g, was, r.At)
		issued.Record.ID, issued.Record.At, issued.Record.Replaces = r.ID, r.At, key
		return issued, err
	})
}

// Correct issues a refused document again under its own folio, corrected. Done twice it is done once; a correction that
// the law would refuse, or that changes nothing, is not done.
func Correct(d Deps, c Correction, who, why string) (Record, error) {
	r, err := d.remedy(ActCorrect, c.Key, who, why, c)
	if err != nil {
		return Record{}, err
	}
	doc, was, err := d.document(c.Key)
	if err != nil {
		return Record{}, err
	}
	return d.Journal.Remedy(r, func(g Grant) (Issued, error) {
		if err := c.check(doc, d.Shop); err != nil { // here, and not before: the second time it changes nothing
			return Issued{}, err
		}
		return d.emit(c.draft(doc, d.Shop), g, was, r.At)
	})
}

// emit makes the document that takes the place of a refused one, for the same sale. Its amounts are the same.
func (d Deps) emit(draft dte.Draft, g Grant, was Record, at time.Time) (Issued, error) {
	doc, err := dte.Emit(draft, g.Folio, g.CAF, d.Signer, at)
	if err != nil {
		return Issued{}, err
	}
	r := was.clone()
	r.Key, r.Total, r.SHA256, r.Receptor = doc.Key(), toPay(doc.Totales), HashXML(doc.XML), doc.Receptor
	return Issued{Record: r, Document: doc}, nil
}

// remedy names an act by the refusal that it answers and by what it says, so that the same one asked for again is known.
func (d Deps) remedy(act Act, key dte.Key, who, why string, content any) (Remedy, error) {
	past, err := d.Journal.Remedies(key)
	if err != nil {
		return Remedy{}, err
	}
	state, _, err := d.Journal.DocumentState(key)
	if err != nil {
		return Remedy{}, err
	}
	n := len(past)
	if state == dte.Rejected && (n == 0 || past[n-1].Act != ActReissue) {
		n++
	}
	said, err := json.Marshal(content)
	if err != nil {
		return Remedy{}, err
	}
	sum := sha256.Sum256(said)
	id := ID(fmt.Sprintf("%s-%s-%d-%s", act, key.ID(), n, hex.EncodeToString(sum[:4])))
	return Remedy{ID: id, Key: key, Act: act, Who: strings.TrimSpace(who), Why: strings.TrimSpace(why), At: d.Now()}, nil
}
