package sale

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// BookEntry is a document as the till's own book has it.
type BookEntry struct {
	Key dte.Key
	// Day is the document's own date (FchEmis), by which the SII's register has it. It is the day of issue, or an earlier
	// one: of a factura dated back, or of the sales of a power cut that are summed the morning after.
	Day   dte.Date
	At    time.Time // of issue
	Total money.Pesos
	State dte.State
	// Veredicto is the zero value until the authority has decided.
	Veredicto dte.Veredicto
	// AnnulledBy is a note of ours that annuls it and was not refused; zero without one.
	AnnulledBy dte.Key
}

// Book is where the documents are; store.Store is one. Its methods may be called from any goroutine.
type Book interface {
	// EachBooked gives the documents dated from first to last, in the order of their issue, until fn fails or ctx ends.
	EachBooked(ctx context.Context, first, last dte.Date, fn func(BookEntry) error) error
	// BookEntry finds one document, without what annuls it; false if it was not issued here.
	BookEntry(key dte.Key) (e BookEntry, known bool, err error)
	Ranges() ([]Range, error)
}

// Balance is a time of the book added up, and held against the SII's register if there is one.
type Balance struct {
	First, Last   dte.Date
	Lines, Totals []DayLine // by day and type, and by type
	// Compared says that there was a register; Differences are what it and the book do not agree on, Others is how many of
	// its documents are of another till, Bad are its rows that could not be read, and MoreBad counts those not listed.
	Compared    bool
	Differences []Discrepancy
	Others      int
	Bad         []RowError
	MoreBad     int
}

// Reconcile adds up the documents dated from first to last. The book streams by: what is kept are the sums, the register
// and the differences.
func Reconcile(ctx context.Context, book Book, emisor dte.RUT, first, last dte.Date, reg *RCV) (Balance, error) {
	b := Balance{First: first, Last: last}
	sums := newSums()
	var against *comparison
	if reg != nil {
		against = newComparison(*reg)
		b.Compared, b.Bad, b.MoreBad = true, reg.Bad, reg.MoreBad
	}
	err := book.EachBooked(ctx, first, last, func(e BookEntry) error {
		return errors.Join(sums.add(e), against.add(e))
	})
	if err != nil {
		return Balance{}, err
	}
	b.Lines, b.Totals = sums.lines()
	if against == nil {
		return b, nil
	}
	ranges, err := book.Ranges()
	if err != nil {
		return Balance{}, err
	}
	b.Differences, b.Others, err = against.result(ranges, func(tipo dte.TipoDTE, folio dte.Folio) (BookEntry, bool, error) {
		return book.BookEntry(dte.Key{Emisor: emisor, Tipo: tipo, Folio: folio})
	})
	return b, err
}

// Tally counts documents and adds their totals.
type Tally struct {
	N     int
	Total money.Pesos
}

func (t *Tally) add(p money.Pesos) (err error) {
	t.N++
	t.Total, err = t.Total.Add(p)
	return err
}

// DayLine is what became of the documents of one type and one date. Issued = Sent + Missing; Accepted, Objected and
// Rejected are of those sent; Annulled may be of any.
type DayLine struct {
	Day                                                           dte.Date // zero in totals
	Tipo                                                          dte.TipoDTE
	Issued, Sent, Accepted, Objected, Rejected, Annulled, Missing Tally
}

// slot is a line's day and type; the day is zero in totals.
type slot struct {
	day  dte.Date
	tipo dte.TipoDTE
}

// sums are the lines while the book goes by.
type sums map[slot]*DayLine

func newSums() sums { return sums{} }

// add counts a document in its line and in the total of its type. Amounts that overflow are an error.
func (s sums) add(e BookEntry) error {
	for _, at := range []slot{{e.Day, e.Key.Tipo}, {dte.Date{}, e.Key.Tipo}} {
		if s[at] == nil {
			s[at] = &DayLine{Day: at.day, Tipo: at.tipo}
		}
		if err := s[at].count(e); err != nil {
			return err
		}
	}
	return nil
}

func (s sums) lines() (lines, totals []DayLine) {
	for at, l := range s {
		if at.day.IsZero() {
			totals = append(totals, *l)
		} else {
			lines = append(lines, *l)
		}
	}
	order := func(a, b DayLine) int {
		return cmp.Or(strings.Compare(a.Day.String(), b.Day.String()), cmp.Compare(a.Tipo, b.Tipo))
	}
	slices.SortFunc(lines, order)
	slices.SortFunc(totals, order)
	return lines, totals
}

func (l *DayLine) count(e BookEntry) error {
	into := []*Tally{&l.Issued, &l.Missing}
	if e.State == dte.Sent || e.State.Final() {
		into[1] = &l.Sent
	}
	switch e.State {
	case dte.Accepted:
		into = append(into, &l.Accepted)
	case dte.Objected:
		into = append(into, &l.Objected)
	case dte.Rejected:
		into = append(into, &l.Rejected)
	}
	if e.AnnulledBy != (dte.Key{}) {
		into = append(into, &l.Annulled)
	}
	for _, t := range into {
		if err := t.add(e.Total); err != nil {
			return err
		}
	}
	return nil
}

// Discrepancy is what till and SII do not agree on.
type Discrepancy struct {
	Kind  DiscrepancyKind
	Tipo  dte.TipoDTE
	Folio dte.Folio   // 0 in sums
	Day   dte.Date    // of sums by day
	Here  money.Pesos // our total
	There money.Pesos // the SII's
	// NHere and NThere count the documents of a sum.
	NHere, NThere int
	State         dte.State // of our document
}

// DiscrepancyKind says where a document is missing, or that amounts differ.
type DiscrepancyKind string

// The kinds.
const (
	OnlyHere   DiscrepancyKind = "sólo aquí"
	OnlyThere  DiscrepancyKind = "sólo en el SII"
	OtherTotal DiscrepancyKind = "monto distinto"
	OtherSum   DiscrepancyKind = "suma distinta"
)

// comparison holds the SII's register while the book goes by.
type comparison struct {
	rows    map[docID]*registered // of a detail
	sums    map[slot]*Discrepancy // of sums
	order   []docID
	faults  error // sums that overflow
	boletas bool  // the detail has some
	byDay   bool  // the sums tell days
	about   map[bool]bool
	list    []Discrepancy
}

// docID is a document within a company.
type docID struct {
	tipo  dte.TipoDTE
	folio dte.Folio
}

// registered is a document as the SII has it; one with further taxes has further rows, with the same total or without.
type registered struct {
	totals []money.Pesos
	here   bool
}

// newComparison sorts a register by document, or by day and type. The detail of the RCV does not carry boletas: they are
// looked for there only if it has any. What the SII has no sum of is missing there, unless the file is about boletas only,
// or about everything else only.
func newComparison(reg RCV) *comparison {
	c := &comparison{about: map[bool]bool{}}
	if len(reg.Sums) == 0 {
		c.rows = make(map[docID]*registered, len(reg.Detail))
		for _, row := range reg.Detail {
			c.register(row)
		}
		return c
	}
	c.sums = map[slot]*Discrepancy{}
	for _, s := range reg.Sums {
		c.about[s.Tipo.EsBoleta()], c.byDay = true, c.byDay || !s.Day.IsZero()
		d := c.sum(s.Tipo, s.Day)
		var err error
		d.NThere += s.N
		d.There, err = d.There.Add(s.Total)
		c.faults = errors.Join(c.faults, err)
	}
	return c
}

func (c *comparison) register(row RCVRow) {
	id := docID{row.Tipo, row.Folio}
	c.boletas = c.boletas || row.Tipo.EsBoleta()
	r := c.rows[id]
	if r == nil {
		r = &registered{}
		c.rows[id], c.order = r, append(c.order, id)
	}
	if !slices.Contains(r.totals, row.Total) {
		r.totals = append(r.totals, row.Total)
	}
}

func (c *comparison) sum(tipo dte.TipoDTE, day dte.Date) *Discrepancy {
	at := slot{day, tipo}
	if c.sums[at] == nil {
		c.sums[at] = &Discrepancy{Kind: OtherSum, Tipo: tipo, Day: day}
	}
	return c.sums[at]
}

// add holds a document of the book against the register; without a register it does nothing.
func (c *comparison) add(e BookEntry) error {
	switch {
	case c == nil:
		return nil
	case c.sums != nil:
		return c.addUp(e)
	}
	r := c.rows[docID{e.Key.Tipo, e.Key.Folio}]
	switch {
	case r != nil:
		r.here = true
		c.differ(e, r)
	case c.boletas || !e.Key.Tipo.EsBoleta():
		c.list = append(c.list, Discrepancy{Kind: OnlyHere, Tipo: e.Key.Tipo, Folio: e.Key.Folio, Here: e.Total, State: e.State})
	}
	return nil
}

func (c *comparison) differ(e BookEntry, r *registered) {
	for _, there := range r.totals {
		if there != e.Total {
			c.list = append(c.list, Discrepancy{Kind: OtherTotal, Tipo: e.Key.Tipo, Folio: e.Key.Folio, Here: e.Total, There: there, State: e.State})
		}
	}
}

// addUp counts what the SII took, by day if the register says days.
func (c *comparison) addUp(e BookEntry) (err error) {
	taken := e.State == dte.Sent || e.State == dte.Accepted || e.State == dte.Objected
	if !taken || !c.about[e.Key.Tipo.EsBoleta()] {
		return nil
	}
	day := dte.Date{}
	if c.byDay {
		day = e.Day
	}
	d := c.sum(e.Key.Tipo, day)
	d.NHere++
	d.Here, err = d.Here.Add(e.Total)
	return err
}

// result is what does not agree. ranges are the folios of this till: what the SII has of other tills is none of its
// business, and is counted in others. find looks documents up that the book had under another date; it reports false for
// what was never issued here.
func (c *comparison) result(ranges []Range, find func(dte.TipoDTE, dte.Folio) (BookEntry, bool, error)) (list []Discrepancy, others int, err error) {
	if c.sums != nil {
		return c.unequal(), 0, c.faults
	}
	for _, id := range c.order {
		r := c.rows[id]
		if r.here {
			continue
		}
		e, known, err := find(id.tipo, id.folio)
		switch {
		case err != nil:
			return nil, 0, err
		case known:
			c.differ(e, r)
		case slices.ContainsFunc(ranges, func(r Range) bool { return r.Tipo == id.tipo && r.Desde <= id.folio && id.folio <= r.Hasta }):
			c.list = append(c.list, Discrepancy{Kind: OnlyThere, Tipo: id.tipo, Folio: id.folio, There: r.totals[0]})
		default:
			others++
		}
	}
	sortDiscrepancies(c.list)
	return c.list, others, nil
}

func (c *comparison) unequal() (list []Discrepancy) {
	for _, d := range c.sums {
		if d.Here != d.There || d.NHere != d.NThere {
			list = append(list, *d)
		}
	}
	sortDiscrepancies(list)
	return list
}

// sortDiscrepancies puts what only one side has before what differs in amount, and the same kind in order of day, type and
// folio.
func sortDiscrepancies(list []Discrepancy) {
	kinds := []DiscrepancyKind{OnlyThere, OnlyHere, OtherTotal, OtherSum}
	slices.SortFunc(list, func(a, b Discrepancy) int {
		return cmp.Or(
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), strings.Compare(a.Day.String(), b.Day.String()),
			cmp.Compare(a.Tipo, b.Tipo), cmp.Compare(a.Folio, b.Folio), cmp.Compare(a.There, b.There),
		)
	})
}
