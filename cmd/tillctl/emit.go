package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// measured is what emit prints: one line of JSON.
type measured struct {
	Documents        int         `json:"documents"`
	Seconds          json.Number `json:"seconds"`
	DocumentsPerS    json.Number `json:"documents_per_s"`
	CPUMsPerDocument json.Number `json:"cpu_ms_per_document"`
	PeakRSSMiB       json.Number `json:"peak_rss_mib"`
	Type             dte.TipoDTE `json:"type"`
	Workers          int         `json:"workers"`
}

// consumption is what the process has used so far.
type consumption struct {
	cpu     time.Duration // user and system, of all threads
	peakRSS int64         // bytes
}

func runEmit(e *env, flags *flag.FlagSet, args []string) error {
	tipo := flags.Int("type", 39, "tipo de los documentos")
	n := flags.Int("n", 2000, "cuántos")
	workers := flags.Int("workers", runtime.GOMAXPROCS(0), "cuántos a la vez")
	template := flags.String("f", "", "documento que se repite, en JSON o YAML (vea docs/borrador.md); si no, una venta de dos líneas")
	out := flags.String("out", "", "carpeta donde se escriben; si no, sólo se mide")
	keys := addKeyFlags(flags)
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	if *n < 1 || *workers < 1 || *workers > 1024 {
		return errors.New("-n y -workers deben ser 1 o más")
	}
	run, err := e.newEmission(dte.TipoDTE(*tipo), *n, *template, *out, keys)
	if err != nil {
		return err
	}
	before, start := processUsage(), time.Now()
	if err := run.all(*workers); err != nil {
		return err
	}
	elapsed, after := time.Since(start), processUsage()
	return json.NewEncoder(e.out).Encode(measured{
		Documents: *n, Type: run.draft.Tipo, Workers: *workers,
		Seconds:          decimal(elapsed, time.Second),
		DocumentsPerS:    decimal(time.Duration(*n)*time.Second, elapsed),
		CPUMsPerDocument: decimal(after.cpu-before.cpu, time.Millisecond*time.Duration(*n)),
		PeakRSSMiB:       decimal(time.Duration(after.peakRSS), 1<<20),
	})
}

// decimal is a quotient with three decimals.
func decimal(a, b time.Duration) json.Number {
	whole, rest := a/max(b, 1), a%max(b, 1)
	thousandths := rest / max(b/1000, 1)
	return json.Number(fmt.Sprintf("%d.%03d", whole, min(thousandths, 999)))
}

// emission is a number of equal documents under consecutive folios.
type emission struct {
	draft  dte.Draft
	n      int
	caf    *dte.CAF
	signer *dte.Signer
	now    time.Time
	out    string
}

func (e *env) newEmission(tipo dte.TipoDTE, n int, template, out string, keys *keyFiles) (*emission, error) {
	cafs, err := keys.cafs()
	if err != nil {
		return nil, err
	}
	r := &emission{n: n, now: e.opt.Now(), out: out}
	if template != "" {
		if r.draft, err = templateOf(template, dte.DateOf(r.now)); err != nil {
			return nil, err
		}
		tipo = r.draft.Tipo
	}
	i := slices.IndexFunc(cafs, func(c *dte.CAF) bool { return c.Tipo == tipo })
	if i < 0 {
		return nil, fmt.Errorf("ningún CAF de los dados es de %s", tipo)
	}
	r.caf = cafs[i]
	if template == "" {
		if r.draft, err = sampleSale(tipo, r.caf, dte.DateOf(r.now)); err != nil {
			return nil, err
		}
	}
	if held := int(r.caf.Hasta-r.caf.Desde) + 1; out != "" && n > held {
		return nil, fmt.Errorf("el CAF trae %d folios y se pidieron %d documentos. No se escribió nada; sin -out los folios se repiten, porque sólo se mide", held, n)
	}
	if last := r.caf.Vence(); out == "" && r.caf.ExpiredOn(r.draft.FchEmis) {
		r.draft.FchEmis = last // only measured: expired folios serve with the last day they were good for
	}
	if r.signer, err = keys.signer(e); err != nil {
		return nil, err
	}
	if out != "" {
		err = os.MkdirAll(out, 0o755)
	}
	return r, err
}

func templateOf(name string, today dte.Date) (dte.Draft, error) {
	bodies, err := readDrafts(name)
	if err != nil {
		return dte.Draft{}, err
	}
	if len(bodies) != 1 {
		return dte.Draft{}, fmt.Errorf("%s trae %d documentos y se repite uno solo", name, len(bodies))
	}
	return draftOf(bodies[0], today)
}

// sampleSale is a sale of two lines by the company of the folios, for the types that a counter issues.
func sampleSale(tipo dte.TipoDTE, caf *dte.CAF, day dte.Date) (dte.Draft, error) {
	d := dte.Draft{Tipo: tipo, FchEmis: day, Detalle: []dte.Linea{
		{Nombre: "Cemento 25 kg", Qty: money.Units(2), Unidad: "SACO", Prc: money.PerUnit(3490)},
		{Nombre: "Clavos 2 pulgadas", Qty: money.One / 2, Unidad: "KG", Prc: money.PerUnit(1980)},
	}}
	d.Emisor = dte.Emisor{RUT: caf.Emisor, RznSoc: caf.RznSoc, Giro: "VENTA AL POR MENOR", Acteco: []int{472101}, Direccion: "CALLE UNO 1", Comuna: "Santiago"}
	switch tipo {
	case dte.Boleta, dte.BoletaExenta:
	case dte.Factura, dte.FacturaExenta:
		d.Receptor = dte.Receptor{RUT: 77_777_777, RznSoc: "CLIENTE DE PRUEBA", Giro: "CONSTRUCCION", Direccion: "CALLE DOS 2", Comuna: "Santiago"}
	default:
		return dte.Draft{}, fmt.Errorf("para medir %s dé el documento con -f", tipo)
	}
	return d, nil
}

// all emits with several workers at once and stops at the first failure.
func (r *emission) all(workers int) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	faults := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= r.n {
					return
				}
				if err := r.one(i); err != nil {
					faults[w] = fmt.Errorf("documento %d: %w", i+1, err)
					next.Store(int64(r.n))
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(faults...)
}

func (r *emission) one(i int) error {
	held := int(r.caf.Hasta-r.caf.Desde) + 1
	doc, err := dte.Emit(r.draft, r.caf.Desde+dte.Folio(i%held), r.caf, r.signer, r.now)
	if err != nil || r.out == "" {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, doc.Key().ID()+".xml"), doc.File(), 0o644)
}
