package shop

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"mostrador/dte"
	"mostrador/printer"
	"mostrador/sale"
	possync "mostrador/sync"
)

// reportsDir is where the window leaves its reports, within the till's folder.
const reportsDir = "informes"

// observe writes the log of contingencies from what the worker found. What goes wrong with that is told as a problem.
func (s *Shop) observe(w *possync.Status) {
	if _, err := s.Store.Observe(s.opt.Now(), s.trouble(*w)); err != nil && w.Problem == "" {
		w.Problem, w.Cause = err.Error(), possync.CauseTill
	}
}

// trouble is the worker's status in the log's terms.
func (s *Shop) trouble(w possync.Status) sale.Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	failing := !w.Down && w.Cause == possync.CauseSII && w.Backlog.Documents > 0
	switch {
	case !failing:
		s.failed = time.Time{}
	case s.failed.IsZero():
		s.failed = s.opt.Now()
	}
	switch {
	case w.Down:
		return sale.Trouble{Cause: sale.CauseLine, Since: w.Since, Detail: w.Problem}
	case failing:
		return sale.Trouble{Cause: sale.CauseSII, Since: s.failed, Detail: w.Problem}
	}
	return sale.Trouble{}
}

// Alarms tells what deserves a person's look, most severe first.
func (s *Shop) Alarms() ([]sale.Alarm, error) {
	f, err := s.Store.Facts(s.opt.Now())
	if err != nil {
		return nil, err
	}
	if s.signer != nil {
		f.Certificate = s.signer.NotAfter()
	}
	if client := s.client.Load(); client != nil {
		f.Skew, _ = client.Skew()
	}
	s.mu.Lock()
	f.Down, f.PaperProblem = s.status.Worker.Down, s.status.PrinterProblem
	f.Server = serverFacts(s.status.Server)
	s.mu.Unlock()
	return sale.Alarms(f), nil
}

// issuePace is how many documents of each type were issued on each of the last days; empty if that cannot be read now.
func (s *Shop) issuePace() map[dte.TipoDTE][]int {
	f, err := s.Store.Facts(s.opt.Now())
	if err != nil {
		return nil
	}
	return f.Pace
}

// serverFacts are how the till stands with its server, as far as a person should look.
func serverFacts(s ServerStatus) sale.ServerFacts {
	f := sale.ServerFacts{Joined: s.Joined, Heard: s.Heard, Down: s.Down, Short: s.Short, Hold: s.Hold, Ended: s.Ended, Problem: s.Problem, Unsent: s.Unsent, Ahead: s.Skew}
	if s.Down {
		f.Away = s.Since
	}
	return f
}

// Attend marks a task as done: who did what.
func (s *Shop) Attend(id, who, what string) error {
	return s.Store.Attend(id, who, what, s.opt.Now())
}

// Outages lists the newest entries of the log of contingencies.
func (s *Shop) Outages(limit int) ([]sale.Outage, error) {
	return s.Store.Outages(limit, s.opt.Now())
}

// Summarise issues the one boleta that sums the sales of a time without power (SII FAQ 001.380.7837), and writes both
// down. o has Cause, From, To, Who and Detail. Done twice it is done once; other amounts for the same time are refused.
func (s *Shop) Summarise(o sale.Outage, t sale.Takings) (sale.Record, error) {
	if _, err := sale.SummaryOrder(o, t); err != nil { // before anything is written
		return sale.Record{}, err
	}
	o, err := s.Store.AddOutage(o, s.opt.Now())
	if err != nil {
		return sale.Record{}, err
	}
	if o.Manual != (sale.ManualRange{}) {
		return sale.Record{}, fmt.Errorf("%w: en ese tiempo ya se anotaron boletas manuales. No se emitió nada; las mismas ventas no se declaran dos veces", sale.ErrOutage)
	}
	order, err := sale.SummaryOrder(o, t)
	if err != nil {
		return sale.Record{}, err
	}
	r, err := s.issue(order)
	if err != nil {
		return sale.Record{}, err
	}
	_, err = s.Store.UpdateOutage(o.Number, s.opt.Now(), fmt.Sprintf("%s N° %d por $%s suma sus ventas", r.Key.Tipo, r.Key.Folio, r.Total), func(o *sale.Outage) error {
		o.Summary, o.Rule = r.Key, sale.RuleFor(o.Cause).Source
		return nil
	})
	if err != nil {
		return sale.Record{}, err
	}
	if sum, err := t.Sum(); err != nil || sum != r.Total {
		return sale.Record{}, fmt.Errorf("%w: esa contingencia ya tiene su boleta, la N° %d por $%s. No se emitió otra; si el monto está mal, corríjalo con una nota", sale.ErrOutage, r.Key.Folio, r.Total)
	}
	return r, nil
}

// IssueCopy issues the boleta of a buyer who left his data during an outage, before its sales are summed: the sum must
// leave it out. Done twice it is done once.
func (s *Shop) IssueCopy(o sale.Outage, buyer dte.Receptor, t sale.Takings) (sale.Record, error) {
	if _, err := sale.CopyOrder(o, buyer, t); err != nil {
		return sale.Record{}, err
	}
	o, err := s.Store.AddOutage(o, s.opt.Now())
	if err != nil {
		return sale.Record{}, err
	}
	order, err := sale.CopyOrder(o, buyer, t)
	if err != nil {
		return sale.Record{}, err
	}
	if _, err := s.Store.Sale(order.ID); err != nil && o.Summary != (dte.Key{}) {
		return sale.Record{}, fmt.Errorf("%w: sus ventas ya están sumadas en la boleta N° %d, y ésta las declararía dos veces. No se emitió nada; "+
			"vea con su contador una nota de crédito por ese monto", sale.ErrOutage, o.Summary.Folio)
	}
	r, err := s.issue(order)
	if err != nil {
		return sale.Record{}, err
	}
	_, err = s.Store.UpdateOutage(o.Number, s.opt.Now(), fmt.Sprintf("copia para un comprador, %s N° %d", r.Key.Tipo, r.Key.Folio), func(o *sale.Outage) error {
		if !slices.Contains(o.Copies, r.Key) {
			o.Copies = append(o.Copies, r.Key)
		}
		return nil
	})
	return r, err
}

// NoteManual writes down the boletas of paper that were used while nothing worked (SII FAQ 001.380.6214).
func (s *Shop) NoteManual(o sale.Outage, m sale.ManualRange) (sale.Outage, error) {
	if m.First < 1 || m.Last < m.First || m.Last-m.First > 10_000 || m.Total <= 0 {
		return sale.Outage{}, fmt.Errorf("%w: las boletas van de la %d a la %d por $%s. No se anotó nada; revise los números del talonario", sale.ErrOutage, m.First, m.Last, m.Total)
	}
	o, err := s.Store.AddOutage(o, s.opt.Now())
	if err != nil {
		return sale.Outage{}, err
	}
	return s.Store.UpdateOutage(o.Number, s.opt.Now(), fmt.Sprintf("boletas manuales %d a %d por $%s", m.First, m.Last, m.Total), func(o *sale.Outage) error {
		switch {
		case o.Summary != (dte.Key{}):
			return fmt.Errorf("%w: sus ventas ya están sumadas en la boleta N° %d. No se anotó nada; las mismas ventas no se declaran dos veces", sale.ErrOutage, o.Summary.Folio)
		case o.Manual != (sale.ManualRange{}) && o.Manual != m:
			return fmt.Errorf("%w: ya tiene anotadas las boletas manuales %d a %d. No se cambió nada", sale.ErrOutage, o.Manual.First, o.Manual.Last)
		}
		o.Manual, o.Rule = m, sale.RuleManual().Source
		return nil
	})
}

// issue issues an order of the assistant.
func (s *Shop) issue(o sale.Order) (sale.Record, error) {
	deps, err := s.issuer()
	if err != nil {
		return sale.Record{}, err
	}
	return sale.IssueOrder(deps, o)
}

// OutageReport is the log of contingencies as PDF, for an inspector or an accountant.
func (s *Shop) OutageReport(limit int) ([]byte, error) {
	list, err := s.Outages(limit)
	if err != nil {
		return nil, err
	}
	r := printer.Report{
		Title: "Registro de contingencias", At: s.opt.Now(), Training: s.Info.Training(),
		Author: fmt.Sprintf("%s · RUT %s · %s", s.Info.Emisor.RznSoc, s.Info.Emisor.RUT.Dotted(), s.Info.Caja),
		Lead:   []string{"Tiempos en que la caja no pudo enviar o no pudo emitir. Las de línea y del SII las anota la caja sola; las demás, quien se indica."},
		Columns: []printer.ReportColumn{
			{Title: "N°", Share: 2, Right: true},
			{Title: "Causa", Share: 7},
			{Title: "Desde", Share: 5},
			{Title: "Hasta", Share: 5},
			{Title: "Documentos", Share: 4, Right: true},
			{Title: "Qué se hizo", Share: 13},
		},
	}
	for _, o := range list {
		r.Rows = append(r.Rows, []string{
			fmt.Sprint(o.Number), o.Cause.Words(), minute(o.From), minute(o.To), fmt.Sprint(o.Documents), sale.OutageStory(o),
		})
	}
	if len(list) == 0 {
		r.Lead = append(r.Lead, "No hay contingencias anotadas.")
	}
	for _, rule := range []sale.Rule{sale.RuleFor(sale.CauseLine), sale.RuleFor(sale.CausePower), sale.RuleManual()} {
		r.Foot = append(r.Foot, fmt.Sprintf("%s, actualizada el %s: %s", rule.Source, rule.Date, rule.Says))
	}
	r.Foot = append(r.Foot, sale.RuleConflict)
	return printer.ReportPDF(r)
}

func minute(t time.Time) string {
	if t.IsZero() {
		return "en curso"
	}
	return t.In(dte.Santiago).Format("02-01-2006 15:04")
}

// SaveOutageReport leaves the report in the till's folder and returns where.
func (s *Shop) SaveOutageReport() (path string, err error) {
	pdf, err := s.OutageReport(1000)
	if err != nil {
		return "", err
	}
	return s.saveReport("contingencias-"+s.opt.Now().In(dte.Santiago).Format("2006-01-02-1504")+".pdf", pdf)
}

// saveReport leaves a file where the window's reports are.
func (s *Shop) saveReport(name string, content []byte) (path string, err error) {
	dir := filepath.Join(s.opt.Dir, reportsDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("no se pudo crear la carpeta %s: %w", dir, err)
	}
	path = filepath.Join(dir, name)
	return path, writeWhole(path, content)
}
