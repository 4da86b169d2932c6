package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/dte/setpruebas"
	"mostrador/dte/sii"
	"mostrador/printer"
	"mostrador/sale"
)

// empresa is the file of the company that is certified (docs/certificacion.md).
type empresa struct {
	setpruebas.Config
	Resolucion dte.Resolucion `json:"resolucion"`
	UnidadSII  string         `json:"unidadSII,omitempty"`
}

// The files of a certification, in its folder.
const (
	stateFile   = "certificacion.json"
	docsDir     = "documentos"
	enviosDir   = "envios"
	muestrasDir = "muestras"
)

func runCertify(e *env, flags *flag.FlagSet, args []string) error {
	c := certify{e: e}
	set := flags.String("set", "", "archivo del set de pruebas, como lo entrega el SII")
	show := flags.Bool("show", false, "muestra lo que se entendió del set y nada más")
	company := flags.String("empresa", "", "datos de la empresa en JSON (vea docs/certificacion.md)")
	flags.StringVar(&c.out, "out", "", "carpeta de esta certificación; repetir la orden la continúa")
	flags.Var(&c.from, "desde", "TIPO=FOLIO: primer folio que se usa de un tipo; puede repetirse")
	channel := flags.String("canal", string(sii.ChannelDTE), "por dónde van las boletas: dte (maullin) o boleta (servicio de boletas)")
	upload := flags.Bool("subir", false, "sube los envíos y sigue sus resultados")
	books := flags.Bool("libros", false, "sube los libros y el consumo de folios: los libros, después de que el SII aprobó los sets")
	flags.Int64Var(&c.notification, "notificacion", 1, "número de notificación de los libros; uno nuevo cada vez que se rehacen")
	wait := flags.Duration("espera", 2*time.Minute, "cuánto esperar los resultados")
	keys := addKeyFlags(flags)
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	if *set == "" {
		return errors.New("falta -set con el archivo del set de pruebas")
	}
	if err := c.readSet(*set); err != nil {
		return err
	}
	if *show {
		return c.show()
	}
	if c.channel = sii.Channel(*channel); c.channel != sii.ChannelDTE && c.channel != sii.ChannelBoleta {
		return fmt.Errorf("el canal «%s» no existe: use dte o boleta", *channel)
	}
	if c.notification < 1 || c.notification > 999 {
		return errors.New("-notificacion va de 1 a 999")
	}
	if err := c.open(*company, keys); err != nil {
		return err
	}
	if err := c.build(); err != nil {
		return err
	}
	c.report()
	if !*upload {
		return nil
	}
	return c.send(*books, *wait)
}

// certify is a certification: a set, a company and a folder that remembers.
type certify struct {
	e       *env
	file    *setpruebas.File
	hash    string // of the set file
	company empresa
	out     string
	from    list
	channel sii.Channel
	// notification numbers this making of the books.
	notification int64
	cafs         []*dte.CAF
	signer       *dte.Signer
	state        certState
	docs         map[string]*dte.Document // by case
}

// certState is what the folder remembers: once a case has a folio it keeps it, and once an envelope has bytes only those
// are sent.
type certState struct {
	Set    string      `json:"set"` // SHA-256 of the set file
	Emisor dte.RUT     `json:"emisor"`
	Fecha  dte.Date    `json:"fecha"` // of all documents
	Casos  []certCaso  `json:"casos"`
	Envios []certEnvio `json:"envios,omitempty"`
}

type certCaso struct {
	Caso  string      `json:"caso"`
	Tipo  dte.TipoDTE `json:"tipo"`
	Folio dte.Folio   `json:"folio"`
	// SHA256 of the signed document's file; empty before it is signed.
	SHA256 string `json:"sha256,omitempty"`
}

// certEnvio is a file to be uploaded.
type certEnvio struct {
	Nombre string   `json:"nombre"` // and of its file
	Casos  []string `json:"casos,omitempty"`
	// The number of a book's making; 0 for documents. Books wait for the approval of their sets, and one
	// that was made again replaces the earlier.
	Notificacion int64       `json:"notificacion,omitempty"`
	SHA256       string      `json:"sha256"`
	Canal        sii.Channel `json:"canal,omitempty"` // once it was chosen
	Subida       bool        `json:"subida,omitempty"`
	TrackID      string      `json:"trackId,omitempty"`
	// Estado and Glosa are the SII's last words; Final says that they will not change.
	Estado string `json:"estado,omitempty"`
	Glosa  string `json:"glosa,omitempty"`
	Final  bool   `json:"final,omitempty"`
}

// readSet reads the set. A line that is not understood stops everything but -show.
func (c *certify) readSet(name string) error {
	b, err := readFile(name, maxSmall)
	if err != nil {
		return err
	}
	var faults []setpruebas.LineError
	if c.file, faults, err = setpruebas.Parse(bytes.NewReader(b)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	c.hash = hashOf(b)
	for _, f := range faults {
		fmt.Fprintln(c.e.err, f)
	}
	if len(faults) > 0 {
		return fmt.Errorf("hay %d líneas del set que no se entienden. No se hizo nada: avise a soporte con el archivo", len(faults))
	}
	return nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// open reads the company, the keys and what the folder remembers.
func (c *certify) open(company string, keys *keyFiles) (err error) {
	if company == "" || c.out == "" {
		return errors.New("faltan -empresa con los datos de la empresa y -out con la carpeta (vea docs/certificacion.md)")
	}
	if err := shop.ReadJSON(company, &c.company); err != nil {
		return err
	}
	if c.cafs, err = keys.cafs(); err != nil {
		return err
	}
	if err := c.checkCAFs(); err != nil {
		return err
	}
	if c.signer, err = keys.signer(c.e); err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(c.out, stateFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c.begin()
	case err != nil:
		return err
	}
	if err := json.Unmarshal(b, &c.state); err != nil {
		return fmt.Errorf("%s no se entiende: %w. No se hizo nada", stateFile, err)
	}
	if c.state.Set != c.hash || c.state.Emisor != c.company.Emisor.RUT {
		return fmt.Errorf("la carpeta %s es de otro set o de otra empresa: use otra", c.out)
	}
	return nil
}

// checkCAFs: certification takes folios of certification, and the simulator takes its own.
func (c *certify) checkCAFs() error {
	want := dte.Certificacion
	if c.e.opt.Simulator != "" {
		want = dte.Capacitacion
	}
	for _, caf := range c.cafs {
		if caf.Emisor != c.company.Emisor.RUT {
			return fmt.Errorf("el CAF de %s es de %s y no de la empresa", caf.Tipo, caf.Emisor.Dotted())
		}
		if got := caf.Ambiente(); got != want {
			return fmt.Errorf("el CAF de %s es de %s y esto es %s. No se hizo nada", caf.Tipo, got, want)
		}
	}
	return nil
}

// begin gives every case its folio, before anything is signed.
func (c *certify) begin() error {
	next, err := firstFolios(c.from)
	if err != nil {
		return err
	}
	c.state = certState{Set: c.hash, Emisor: c.company.Emisor.RUT, Fecha: dte.DateOf(c.e.opt.Now())}
	missing := map[dte.TipoDTE]int{}
	for _, s := range c.file.Sets {
		for _, k := range s.Casos {
			folio, ok := nextFolio(c.cafs, k.Tipo, next[k.Tipo])
			if !ok {
				missing[k.Tipo]++
				continue
			}
			next[k.Tipo] = folio + 1
			c.state.Casos = append(c.state.Casos, certCaso{Caso: k.ID, Tipo: k.Tipo, Folio: folio})
		}
	}
	var faults []error
	for _, tipo := range dte.Tipos() {
		if n := missing[tipo]; n > 0 {
			faults = append(faults, fmt.Errorf("faltan %d folios de %s (tipo %d)", n, tipo, tipo))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("%w\nPida los CAF que faltan y délos con -caf. No se hizo nada", err)
	}
	if _, err := c.file.Drafts(c.config()); err != nil {
		return err
	}
	for _, dir := range []string{c.out, filepath.Join(c.out, docsDir), filepath.Join(c.out, enviosDir), filepath.Join(c.out, muestrasDir)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return c.save()
}

// firstFolios reads "33=5".
func firstFolios(pairs []string) (map[dte.TipoDTE]dte.Folio, error) {
	first := map[dte.TipoDTE]dte.Folio{}
	for _, p := range pairs {
		tipo, folio, _ := strings.Cut(p, "=")
		t, err1 := strconv.Atoi(tipo)
		f, err2 := strconv.ParseInt(folio, 10, 64)
		if err1 != nil || err2 != nil || f < 1 {
			return nil, fmt.Errorf("«%s» no se entiende: escriba TIPO=FOLIO, por ejemplo 33=5", p)
		}
		first[dte.TipoDTE(t)] = dte.Folio(f)
	}
	return first, nil
}

// nextFolio is the lowest folio of a type, from a number on, in any of the files.
func nextFolio(cafs []*dte.CAF, tipo dte.TipoDTE, from dte.Folio) (dte.Folio, bool) {
	var best dte.Folio
	for _, caf := range cafs {
		if folio := max(from, caf.Desde); caf.Tipo == tipo && folio <= caf.Hasta && (best == 0 || folio < best) {
			best = folio
		}
	}
	return best, best != 0
}

func (c *certify) config() setpruebas.Config {
	cfg := c.company.Config
	cfg.FchEmis, cfg.Folios = c.state.Fecha, map[string]dte.Folio{}
	for _, k := range c.state.Casos {
		cfg.Folios[k.Caso] = k.Folio
	}
	return cfg
}

// save writes the state whole or not at all.
func (c *certify) save() error {
	b, err := json.MarshalIndent(c.state, "", "  ")
	if err != nil {
		return err
	}
	return writeFlushed(filepath.Join(c.out, stateFile), b)
}

// writeFlushed gives a file its name when its bytes are on the disk.
func writeFlushed(name string, b []byte) error {
	f, err := os.OpenFile(name+".parte", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(name+".parte", name)
}

// build makes what is not there yet: documents, samples, envelopes.
func (c *certify) build() error {
	solved, err := c.file.Drafts(c.config())
	if err != nil {
		return err
	}
	c.docs = map[string]*dte.Document{}
	for i, r := range solved {
		doc, err := c.document(&c.state.Casos[i], r)
		if err != nil {
			return fmt.Errorf("caso %s: %w", r.Caso.ID, err)
		}
		c.docs[r.Caso.ID] = doc
		if err := c.sample(doc); err != nil {
			return fmt.Errorf("muestra impresa del caso %s: %w", r.Caso.ID, err)
		}
	}
	if err := c.save(); err != nil {
		return err
	}
	return c.envelopes()
}

// document reads a case's document, or makes it. A file that a crash left unrecorded is as good as a recorded one: it is
// signed, and its folio is the case's.
func (c *certify) document(k *certCaso, r setpruebas.Resuelto) (*dte.Document, error) {
	if k.Caso != r.Caso.ID || k.Tipo != r.Caso.Tipo {
		return nil, fmt.Errorf("%s no corresponde al set", stateFile)
	}
	key := dte.Key{Emisor: c.state.Emisor, Tipo: k.Tipo, Folio: k.Folio}
	name := filepath.Join(c.out, docsDir, key.ID()+".xml")
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && k.SHA256 == "" {
		return c.emit(k, r, name)
	}
	if err != nil {
		return nil, err
	}
	doc, err := dte.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if _, err := dte.VerifySignature(b); err != nil || doc.Key() != key || k.SHA256 != "" && k.SHA256 != hashOf(b) {
		return nil, fmt.Errorf("%s no es el documento que se firmó (%w)", name, errors.Join(err, errChanged))
	}
	k.SHA256 = hashOf(b)
	return doc, nil
}

var errChanged = errors.New("alguien lo cambió: recupere el original")

func (c *certify) emit(k *certCaso, r setpruebas.Resuelto, name string) (*dte.Document, error) {
	caf, err := cafFor(c.cafs, k.Tipo, k.Folio)
	if err != nil {
		return nil, err
	}
	doc, err := dte.Emit(r.Draft, k.Folio, caf, c.signer, c.e.opt.Now())
	if err != nil {
		return nil, err
	}
	k.SHA256 = hashOf(doc.File())
	return doc, writeFlushed(name, doc.File())
}

// sample prints a document as the SII wants to see it: one file each, with its cedible where the law knows one.
func (c *certify) sample(doc *dte.Document) error {
	name := filepath.Join(c.out, muestrasDir, doc.Key().ID()+".pdf")
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	job := printer.Job{Document: doc, Record: sale.Record{Key: doc.Key(), Total: doc.Totales.MntTotal, Receptor: doc.Receptor}, Cedible: cedible(doc)}
	job.Shop = sale.Shop{Emisor: c.company.Emisor, Resolucion: c.company.Resolucion, Ambiente: dte.Certificacion, UnidadSII: c.company.UnidadSII}
	draw := printer.LetterPDF
	if doc.Tipo.EsBoleta() {
		draw = func(job printer.Job) ([]byte, error) { return printer.TicketPDF(job, printer.Paper80) }
	}
	pdf, err := draw(job)
	if err != nil {
		return err
	}
	return writeFlushed(name, pdf)
}

// cedible: facturas, and guías that are sales (law 19.983; SII, set de guías: elsewhere the copy is of no use).
func cedible(doc *dte.Document) bool {
	switch doc.Tipo {
	case dte.Factura, dte.FacturaExenta, dte.FacturaCompra:
		return true
	case dte.GuiaDespacho:
		return doc.IndTraslado == 1
	}
	return false
}

// envelopes in the order in which they are sent: all national documents together, each set of exports alone ("debe enviar
// en envíos separados"), the boletas in one; then the books.
func (c *certify) envelopes() error {
	for _, g := range []struct {
		name    string
		clases  []setpruebas.Clase
		boletas bool
	}{
		{"1-documentos", []setpruebas.Clase{setpruebas.Basico, setpruebas.Exenta, setpruebas.Guias, setpruebas.FacturaCompra}, false},
		{"2-exportacion-1", []setpruebas.Clase{setpruebas.Exportacion1}, false},
		{"3-exportacion-2", []setpruebas.Clase{setpruebas.Exportacion2}, false},
		{"4-boletas", []setpruebas.Clase{setpruebas.Boletas}, true},
	} {
		cases, docs := c.of(g.clases...)
		if len(docs) == 0 {
			continue
		}
		err := c.envio(certEnvio{Nombre: g.name, Casos: cases}, func() ([]byte, error) {
			return dte.NewEnvelope(docs, c.company.Resolucion, dte.RUTSII, c.signer, c.e.opt.Now())
		})
		if err != nil {
			return fmt.Errorf("envío %s: %w", g.name, err)
		}
	}
	return c.libros()
}

// of are the cases and documents of some sets, in the order of the file.
func (c *certify) of(clases ...setpruebas.Clase) (cases []string, docs []*dte.Document) {
	for _, s := range c.file.Sets {
		if !slices.Contains(clases, s.Clase) {
			continue
		}
		for _, k := range s.Casos {
			cases, docs = append(cases, k.ID), append(docs, c.docs[k.ID])
		}
	}
	return cases, docs
}

// envio keeps a file to be sent, or makes it. The file is written before it is recorded, and what is recorded is frozen.
func (c *certify) envio(n certEnvio, make func() ([]byte, error)) error {
	if slices.ContainsFunc(c.state.Envios, func(o certEnvio) bool { return o.Nombre == n.Nombre }) {
		return nil
	}
	b, err := make()
	if err != nil {
		return err
	}
	if err := writeFlushed(c.path(n), b); err != nil {
		return err
	}
	n.SHA256 = hashOf(b)
	c.state.Envios = append(c.state.Envios, n)
	return c.save()
}

func (c *certify) path(n certEnvio) string { return filepath.Join(c.out, enviosDir, n.Nombre+".xml") }

// report says what there is.
func (c *certify) report() {
	fmt.Fprintf(c.e.out, "%d documentos en %s, con sus muestras impresas.\n", len(c.docs), c.out)
	for _, n := range c.state.Envios {
		fmt.Fprintf(c.e.out, "  %s: %s\n", n.Nombre, n.standing())
	}
}

// standing is where an envelope is, in words.
func (n certEnvio) standing() string {
	switch {
	case n.Final:
		return fmt.Sprintf("número de envío %s, %s %s", n.TrackID, n.Estado, n.Glosa)
	case n.TrackID != "":
		return fmt.Sprintf("número de envío %s, sin resultado todavía", n.TrackID)
	case n.Subida:
		return "se empezó a subir y no se sabe si llegó"
	}
	return "por subir"
}

// show prints what was understood of a set.
func (c *certify) show() error {
	for _, s := range c.file.Sets {
		fmt.Fprintf(c.e.out, "\nSET %s (atención %s), línea %d\n", s.Nombre, orDash(s.Atencion), s.Line)
		for _, k := range s.Casos {
			showCase(c.e.out, k)
		}
		for _, b := range s.Compras {
			fmt.Fprintf(c.e.out, "  línea %d: tipo %d folio %d, exento %s, neto %s: %s\n", b.Line, b.Tipo, b.Folio, b.MntExe, b.MntNeto, b.Tratamiento)
		}
		if s.FactorUsoComun != 0 {
			fmt.Fprintf(c.e.out, "  factor de proporcionalidad del IVA de uso común: %s %%\n", s.FactorUsoComun)
		}
		for _, n := range s.GuiasFacturadas {
			fmt.Fprintf(c.e.out, "  la guía del caso %d se facturó en el período\n", n)
		}
		for _, n := range s.GuiasAnuladas {
			fmt.Fprintf(c.e.out, "  la guía del caso %d está anulada\n", n)
		}
	}
	if len(c.file.Notas) > 0 {
		fmt.Fprintln(c.e.out, "\nIndicaciones para usted (léalas: no se aplican solas):")
	}
	for _, n := range c.file.Notas {
		fmt.Fprintf(c.e.out, "  %d: %s\n", n.Line, n.Texto)
	}
	return nil
}

func orDash(s string) string {
	if s == "" {
		return "sin número"
	}
	return s
}

func showCase(w io.Writer, k setpruebas.Caso) {
	fmt.Fprintf(w, "  caso %s, línea %d: %s", k.ID, k.Line, k.Tipo)
	if k.RefCaso != "" {
		fmt.Fprintf(w, " que corrige el caso %s: %s (código %d)", k.RefCaso, k.Razon, k.Efecto)
	}
	if k.IndTraslado != 0 {
		fmt.Fprintf(w, ", traslado %d, despacho %d", k.IndTraslado, k.TipoDespacho)
	}
	if x := k.Exportacion; x != nil {
		fmt.Fprintf(w, ", en %s, país %d, cláusula %d por %s, flete %s, seguro %s", x.TpoMoneda, max(x.Pais, x.Nacionalidad), x.CodClauVenta, x.TotClauVenta, x.Flete, x.Seguro)
	}
	fmt.Fprintln(w)
	for _, it := range k.Items {
		fmt.Fprintf(w, "    %s", it.Nombre)
		for _, v := range []struct {
			label, text string
			zero        bool
		}{
			{"cantidad", it.Qty.String() + " " + it.Unidad, it.Qty == 0},
			{"precio", it.Prc.String(), it.Prc == 0},
			{"descuento", it.DescuentoPct.String() + " %", it.DescuentoPct == 0},
			{"recargo", it.RecargoPct.String() + " %", it.RecargoPct == 0},
			{"exento", "sí", !it.Exento},
		} {
			if !v.zero {
				fmt.Fprintf(w, ", %s %s", v.label, strings.TrimSpace(v.text))
			}
		}
		fmt.Fprintln(w)
	}
	if k.DescuentoGlobal != 0 {
		fmt.Fprintf(w, "    descuento global a los afectos: %s %%\n", k.DescuentoGlobal)
	}
}
