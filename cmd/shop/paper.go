package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"mostrador/dte"
	"mostrador/dte/sii"
	"mostrador/printer"
	"mostrador/sale"
)

// PrinterSetting is the stored choice of a ticket printer.
type PrinterSetting struct {
	// Device is "tcp:192.168.1.50:9100", "archivo:/dev/usb/lp0" or "ninguna".
	Device string `json:"device"`
	printer.Model
}

// SetPrinter stores the printer. It counts from the next Start.
func (s *Shop) SetPrinter(p PrinterSetting) error {
	if _, err := p.open(); err != nil {
		return err
	}
	if p.Paper != printer.Paper80 && p.Paper != printer.Paper58 {
		return errors.New("el papel debe ser de 80 o de 58 mm")
	}
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return s.Store.PutValue(valuePrinter, b)
}

// open makes the device; nil for none.
func (p PrinterSetting) open() (printer.Device, error) {
	kind, where, _ := strings.Cut(p.Device, ":")
	switch {
	case kind == "ninguna" && where == "":
		return nil, nil
	case kind == "tcp":
		if _, _, err := net.SplitHostPort(where); err == nil {
			return &printer.TCP{Addr: where}, nil
		}
	case kind == "archivo" && where != "":
		return &printer.File{Path: where}, nil
	}
	return nil, fmt.Errorf("la impresora «%s» no se entiende: use tcp:DIRECCIÓN:9100, archivo:RUTA o ninguna", p.Device)
}

// device is what prints: the caller's, the stored one, or in training a file.
func (s *Shop) device() (printer.Device, printer.Model, error) {
	model := printer.Model{Paper: printer.Paper80}
	if s.opt.Device != nil {
		return s.opt.Device, model, nil
	}
	b, err := s.Store.Value(valuePrinter)
	switch {
	case err == nil:
		var p PrinterSetting
		if err := json.Unmarshal(b, &p); err != nil {
			return nil, model, fmt.Errorf("el ajuste de la impresora no se entiende: %w", err)
		}
		device, err := p.open()
		return device, p.Model, err
	case !errors.Is(err, sale.ErrNotFound):
		return nil, model, err
	case s.Info.Training():
		return &printer.File{Path: filepath.Join(s.opt.Dir, ticketsFile)}, model, nil
	}
	return nil, model, nil
}

// SimulatorAt accepts addresses on this machine only: a practice shop must never knock at the authority's door.
func SimulatorAt(address string) (sii.Endpoints, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" {
		return sii.Endpoints{}, fmt.Errorf("la dirección del simulador «%s» no se entiende", address)
	}
	if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
		return sii.Endpoints{}, fmt.Errorf("el simulador debe estar en este equipo (127.0.0.1) y no en %s", u.Hostname())
	}
	return sii.Single(address), nil
}

// Export writes a document's copies into dir, named after it: .xml as the SII takes it, .pdf in letter size, and the
// ticket as picture (.png), as page (-ticket.pdf) and as the printer's bytes (.bin).
func (s *Shop) Export(key dte.Key, dir string) error {
	xml, record, err := s.Store.Document(key)
	if err != nil {
		return err
	}
	doc, err := dte.Parse(xml)
	if err != nil {
		return err
	}
	job := printer.Job{Document: doc, Record: record, Shop: s.Info}
	ticket, err := printer.Ticket(job, printer.Paper80)
	if err != nil {
		return err
	}
	letter, err := printer.LetterPDF(job)
	if err != nil {
		return err
	}
	roll, err := printer.TicketPDF(job, printer.Paper80)
	if err != nil {
		return err
	}
	var picture bytes.Buffer
	if err := printer.WritePNG(&picture, ticket); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range []struct {
		ending string
		bytes  []byte
	}{
		{".xml", doc.File()},
		{".pdf", letter},
		{"-ticket.pdf", roll},
		{".png", picture.Bytes()},
		{".bin", printer.ESCPOS(ticket, printer.Model{Paper: printer.Paper80})},
	} {
		if err := writeWhole(filepath.Join(dir, key.ID()+f.ending), f.bytes); err != nil {
			return err
		}
	}
	return nil
}

// writeWhole gives a file its name only when it is complete, so that who waits for it never reads half.
func writeWhole(name string, b []byte) error {
	part := name + ".parte"
	if err := os.WriteFile(part, b, 0o644); err != nil {
		return err
	}
	return os.Rename(part, name)
}

// WriteStatus writes a small JSON file for scripts that watch the till.
func (s *Shop) WriteStatus(name string, status Status) error {
	documents, err := s.Store.Documents(sale.DocumentQuery{Limit: 500})
	if err != nil {
		return err
	}
	byState := map[dte.State]int{}
	for _, d := range documents {
		byState[d.State]++
	}
	b, err := json.MarshalIndent(map[string]any{
		"documents": len(documents), "accepted": byState[dte.Accepted], "byState": byState,
		"lineDown": status.Worker.Down, "problem": status.Worker.Problem, "printer": status.PrinterProblem,
	}, "", "  ")
	if err != nil {
		return err
	}
	return writeWhole(name, append(b, '\n'))
}

// OpenDrawer opens the cash drawer by way of the printer. The error says in Spanish why it does not open.
func (s *Shop) OpenDrawer(ctx context.Context) error {
	papers := s.papers.Load()
	if papers == nil {
		return errors.New("no hay impresora que lo abra. Ábralo con su llave")
	}
	return papers.OpenDrawer(ctx)
}
