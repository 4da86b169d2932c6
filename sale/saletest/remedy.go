package saletest

import (
	"errors"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
)

// OpenJudged is Open with the SII's word: decide gives a document its verdict.
type OpenJudged func(t *testing.T) (j sale.Journal, addCAF func(file []byte), decide func(v dte.Veredicto))

// Verdicts that leave room for each act.
const (
	ResendCode  = "REF-3-750"
	CorrectCode = "HED-3-211"
	ReissueCode = "DTE-3-601"
)

// RunRemedies runs the part of the suite about refused documents.
func RunRemedies(t *testing.T, open OpenJudged) {
	begin := func(t *testing.T) *judged {
		j, addCAF, decide := open(t)
		return &judged{part: part{T: t, j: j, add: addCAF}, decide: decide}
	}
	run(t, begin, []piece[*judged]{
		{"sends the same bytes again, once", resendsOnce},
		{"corrects under the same folio, once", correctsOnce},
		{"issues under the next folio, once, and moves no cash", reissuesOnce},
		{"keeps every refused version", keepsVersions},
		{"refuses an act that the verdict does not allow", refusesActs},
		{"refuses what is not the same sale", refusesOtherSales},
		{"writes nothing when build fails", remedyFails},
	})
}

type judged struct {
	part
	decide func(dte.Veredicto)
}

// rejected is a sale that the SII refused with that code.
func (p *judged) rejected(id sale.ID, codigo string) sale.Record {
	p.Helper()
	r := p.issue(id, dte.Boleta, 1000)
	p.reject(r.Key, codigo)
	return r
}

func (p *judged) reject(key dte.Key, codigo string) {
	p.decide(dte.Veredicto{Key: key, State: dte.Rejected, Codigo: codigo, At: Now})
}

func (p *judged) state(key dte.Key, want dte.State) {
	p.Helper()
	got, _, err := p.j.DocumentState(key)
	p.wantErr("DocumentState", err, nil)
	p.want("state of "+key.ID(), got, want)
}

func (p *judged) bytes(key dte.Key) string {
	p.Helper()
	xml, r, err := p.j.Document(key)
	p.wantErr("Document", err, nil)
	p.want("hash of "+key.ID(), r.SHA256, sale.HashXML(xml))
	return string(xml)
}

func (p *judged) history(key dte.Key, want int) []sale.Remedy {
	p.Helper()
	past, err := p.j.Remedies(key)
	p.wantErr("Remedies", err, nil)
	if len(past) != want {
		p.Fatalf("%d acts about %s, want %d", len(past), key, want)
	}
	return past
}

// Asked is an act by Rosa.
func Asked(act sale.Act, key dte.Key, id sale.ID) sale.Remedy {
	return sale.Remedy{ID: id, Key: key, Act: act, Who: "Rosa", Why: "lo dijo el SII", At: Now.Add(time.Hour)}
}

// Corrected builds the same sale with other bytes.
func Corrected(was sale.Record, text string) func(sale.Grant) (sale.Issued, error) {
	return func(g sale.Grant) (sale.Issued, error) {
		i, err := Build(was.ID, was.Key.Tipo, was.At, was.Total)(g)
		i.Document.XML = append(i.Document.XML, text...)
		i.Record.SHA256 = sale.HashXML(i.Document.XML)
		i.Record.Receptor.RznSoc, i.Record.Replaces = text, was.Replaces
		return i, err
	}
}

// Reissued builds the same sale as the one that replaces it.
func Reissued(was sale.Record, r sale.Remedy) func(sale.Grant) (sale.Issued, error) {
	return func(g sale.Grant) (sale.Issued, error) {
		i, err := Build(r.ID, was.Key.Tipo, r.At, was.Total)(g)
		i.Record.Replaces = was.Key
		return i, err
	}
}

func (p *judged) neverBuilt(sale.Grant) (sale.Issued, error) {
	p.Error("build was called")
	return sale.Issued{}, errors.New("called")
}

func resendsOnce(p *judged) {
	p.caf(dte.Boleta, 1, 5, dtetest.FA())
	was := p.rejected("s1", ResendCode)
	before := p.bytes(was.Key)
	asked := Asked(sale.ActResend, was.Key, "a1")
	for range 2 {
		now, err := p.j.Remedy(asked, p.neverBuilt)
		p.wantErr("Remedy", err, nil)
		p.want("sale", now.ID, was.ID)
	}
	p.state(was.Key, dte.Issued)
	p.want("bytes", p.bytes(was.Key), before)
	past := p.history(was.Key, 1)
	p.want("verdict kept", past[0].Veredicto.Codigo, ResendCode)
	p.want("who and why", past[0].Who+": "+past[0].Why, "Rosa: lo dijo el SII")
	p.want("when", past[0].At.Equal(asked.At), true)
	p.reject(was.Key, ResendCode)
	_, err := p.j.Remedy(asked, p.neverBuilt) // the answer to the first refusal is no answer to the second
	p.wantErr("late repetition", err, nil)
	p.state(was.Key, dte.Rejected)
	_, err = p.j.Remedy(Asked(sale.ActResend, was.Key, "a2"), p.neverBuilt)
	p.wantErr("second refusal", err, nil)
	p.state(was.Key, dte.Issued)
	p.want("second act", p.history(was.Key, 2)[1].N, 2)
	p.left(dte.Boleta, 4)
}

func correctsOnce(p *judged) {
	p.caf(dte.Boleta, 1, 5, dtetest.FA())
	_, err := p.j.OpenShift(Now, "", 0)
	p.wantErr("OpenShift", err, nil)
	was := p.rejected("s1", CorrectCode)
	before := p.bytes(was.Key)
	asked := Asked(sale.ActCorrect, was.Key, "c1")
	builds := 0
	var now sale.Record
	for range 2 {
		now, err = p.j.Remedy(asked, func(g sale.Grant) (sale.Issued, error) {
			builds++
			p.want("folio of the grant", g.Folio, was.Key.Folio)
			p.want("its CAF", g.CAF.Covers(was.Key.Emisor, dte.Boleta, g.Folio, dtetest.Today()), nil)
			return Corrected(was, " corregida")(g)
		})
		p.wantErr("Remedy", err, nil)
	}
	p.want("builds", builds, 1)
	p.want("key, sale and shift", []any{now.Key, now.ID, now.Shift}, []any{was.Key, was.ID, 1})
	p.want("receptor", now.Receptor.RznSoc, " corregida")
	p.want("bytes", p.bytes(was.Key), before+" corregida")
	p.state(was.Key, dte.Issued)
	found, err := p.j.Sale(was.ID)
	p.wantErr("Sale", err, nil)
	p.want("the sale has the new document", found.SHA256, now.SHA256)
	past := p.history(was.Key, 1)
	p.want("hashes", []string{past[0].Record.SHA256, past[0].Next}, []string{was.SHA256, now.SHA256})
	old, err := p.j.RefusedXML(was.Key, 1)
	p.wantErr("RefusedXML", err, nil)
	p.want("refused bytes", string(old), before)
	p.left(dte.Boleta, 4)
	shift, err := p.j.CurrentShift()
	p.wantErr("CurrentShift", err, nil)
	p.want("cash", []any{shift.Sales, shift.Paid[sale.Efectivo]}, []any{1, money.Pesos(1000)})
}

func reissuesOnce(p *judged) {
	p.caf(dte.Boleta, 1, 5, dtetest.FA())
	_, err := p.j.OpenShift(Now, "", 0)
	p.wantErr("OpenShift", err, nil)
	was := p.rejected("s1", ReissueCode)
	before := p.bytes(was.Key)
	asked := Asked(sale.ActReissue, was.Key, "n1")
	var now sale.Record
	for range 2 {
		now, err = p.j.Remedy(asked, Reissued(was, asked))
		p.wantErr("Remedy", err, nil)
	}
	p.want("folio", now.Key.Folio, dte.Folio(2))
	p.want("what it replaces", now.Replaces, was.Key)
	p.want("shift", now.Shift, 0)
	p.left(dte.Boleta, 3)
	p.state(was.Key, dte.Rejected)
	p.state(now.Key, dte.Issued)
	p.want("refused bytes", p.bytes(was.Key), before)
	p.want("other document", p.history(was.Key, 1)[0].As, now.Key)
	found, err := p.j.Sale(was.ID)
	p.wantErr("Sale", err, nil)
	p.want("the first sale keeps its document", found.Key, was.Key)
	shift, err := p.j.CurrentShift()
	p.wantErr("CurrentShift", err, nil)
	p.want("cash moved once", []any{shift.Sales, shift.Paid[sale.Efectivo]}, []any{1, money.Pesos(1000)})
	_, err = p.j.Remedy(Asked(sale.ActReissue, was.Key, "n2"), p.neverBuilt)
	p.wantErr("a second folio for the same sale", err, sale.ErrRemedy)
}

func keepsVersions(p *judged) {
	p.caf(dte.Boleta, 1, 5, dtetest.FA())
	was := p.rejected("s1", CorrectCode)
	versions := []string{p.bytes(was.Key)}
	for _, text := range []string{" uno", " dos"} {
		_, err := p.j.Remedy(Asked(sale.ActCorrect, was.Key, sale.ID("c"+text)), Corrected(was, text))
		p.wantErr("correct", err, nil)
		versions = append(versions, p.bytes(was.Key))
		p.reject(was.Key, ResendCode)
		_, err = p.j.Remedy(Asked(sale.ActResend, was.Key, sale.ID("r"+text)), nil)
		p.wantErr("resend", err, nil)
		p.reject(was.Key, CorrectCode)
	}
	p.history(was.Key, 4)
	for n, want := range []string{versions[0], versions[1], versions[1], versions[2]} {
		xml, err := p.j.RefusedXML(was.Key, n+1)
		p.wantErr("RefusedXML", err, nil)
		p.want("version", string(xml), want)
	}
	for _, n := range []int{0, 5} {
		_, err := p.j.RefusedXML(was.Key, n)
		p.wantErr("no such version", err, sale.ErrNotFound)
	}
}

func refusesActs(p *judged) {
	p.caf(dte.Boleta, 1, 9, dtetest.FA())
	acts := []sale.Act{sale.ActResend, sale.ActCorrect, sale.ActReissue, sale.ActNote, "otro"}
	refused := func(what string, key dte.Key, allowed sale.Act) {
		p.Helper()
		for _, act := range acts {
			if act == allowed {
				continue
			}
			_, err := p.j.Remedy(Asked(act, key, sale.ID("x"+act)), p.neverBuilt)
			p.wantErr(what+", "+string(act), err, sale.ErrRemedy)
		}
		p.history(key, 0)
	}
	refused("not judged", p.issue("s1", dte.Boleta, 10).Key, "")
	accepted := p.issue("s2", dte.Boleta, 10).Key
	p.decide(dte.Veredicto{Key: accepted, State: dte.Accepted, At: Now})
	refused("accepted", accepted, "")
	objected := p.issue("s3", dte.Boleta, 10).Key
	p.decide(dte.Veredicto{Key: objected, State: dte.Objected, Codigo: "DTE-1-650", At: Now})
	refused("objected", objected, "")
	refused("to be sent again", p.rejected("s4", ResendCode).Key, sale.ActResend)
	refused("to be corrected", p.rejected("s5", CorrectCode).Key, sale.ActCorrect)
	refused("the SII holds the folio", p.rejected("s6", ReissueCode).Key, sale.ActReissue)
	resend := Asked(sale.ActResend, p.rejected("s7", ResendCode).Key, "x")
	nobody, nothing := resend, resend
	nobody.Who, nothing.Why = " ", ""
	for _, r := range []sale.Remedy{nobody, nothing} {
		_, err := p.j.Remedy(r, nil)
		p.wantErr("by nobody, or for nothing", err, sale.ErrRemedy)
	}
	_, err := p.j.Remedy(Asked(sale.ActResend, dte.Key{Emisor: 1, Tipo: dte.Boleta, Folio: 1}, "x"), nil)
	p.wantErr("no such document", err, sale.ErrNotFound)
}

func refusesOtherSales(p *judged) {
	p.caf(dte.Boleta, 1, 9, dtetest.FA())
	spoil := map[string]func(*sale.Issued){
		"other total":   func(i *sale.Issued) { i.Record.Total++ },
		"other payment": func(i *sale.Issued) { i.Record.Payment = sale.Payment{} },
		"other lines":   func(i *sale.Issued) { i.Record.Lines = nil },
		"other folio":   func(i *sale.Issued) { i.Document.Folio++; i.Record.Key = i.Document.Key() },
		"other sale":    func(i *sale.Issued) { i.Record.ID = "s9" },
		"wrong hash":    func(i *sale.Issued) { i.Document.XML = append(i.Document.XML, ' ') },
	}
	corrected, reissued := p.rejected("s1", CorrectCode), p.rejected("s2", ReissueCode)
	asked := Asked(sale.ActReissue, reissued.Key, "n1")
	for name, change := range spoil {
		_, err := p.j.Remedy(Asked(sale.ActCorrect, corrected.Key, "c1"), spoiled(Corrected(corrected, " x"), change))
		p.wantErr("correct: "+name, err, sale.ErrMismatch)
		_, err = p.j.Remedy(asked, spoiled(Reissued(reissued, asked), change))
		p.wantErr("reissue: "+name, err, sale.ErrMismatch)
	}
	_, err := p.j.Remedy(asked, spoiled(Reissued(reissued, asked), func(i *sale.Issued) { i.Record.Replaces = dte.Key{} }))
	p.wantErr("reissue of nothing", err, sale.ErrMismatch)
	_, err = p.j.Remedy(Asked(sale.ActCorrect, corrected.Key, "c1"), spoiled(Corrected(corrected, " x"), func(i *sale.Issued) { i.Record.Replaces = reissued.Key }))
	p.wantErr("a correction that replaces another document", err, sale.ErrMismatch)
	for _, r := range []sale.Record{corrected, reissued} {
		p.history(r.Key, 0)
		p.state(r.Key, dte.Rejected)
	}
	p.left(dte.Boleta, 7)
}

func spoiled(build func(sale.Grant) (sale.Issued, error), change func(*sale.Issued)) func(sale.Grant) (sale.Issued, error) {
	return func(g sale.Grant) (sale.Issued, error) {
		i, err := build(g)
		change(&i)
		return i, err
	}
}

func remedyFails(p *judged) {
	p.caf(dte.Boleta, 1, 2, dtetest.FA())
	broken := errors.New("no paper today")
	fails := func(sale.Grant) (sale.Issued, error) { return sale.Issued{}, broken }
	corrected, reissued := p.rejected("s1", CorrectCode), p.rejected("s2", ReissueCode)
	before := p.bytes(corrected.Key)
	_, err := p.j.Remedy(Asked(sale.ActCorrect, corrected.Key, "c1"), fails)
	p.wantErr("correct", err, broken)
	asked := Asked(sale.ActReissue, reissued.Key, "n1")
	_, err = p.j.Remedy(asked, Reissued(reissued, asked))
	p.wantErr("reissue without folios", err, sale.ErrNoFolios)
	p.caf(dte.Boleta, 11, 12, dtetest.FA())
	_, err = p.j.Remedy(asked, fails)
	p.wantErr("reissue", err, broken)
	p.left(dte.Boleta, 2)
	p.want("bytes", p.bytes(corrected.Key), before)
	for _, r := range []sale.Record{corrected, reissued} {
		p.history(r.Key, 0)
		p.state(r.Key, dte.Rejected)
	}
}
