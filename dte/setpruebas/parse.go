package setpruebas

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mostrador/dte"
	"mostrador/dte/aduana"
	"mostrador/money"
)

// ErrNotSet: the file is not a set de pruebas at all.
var ErrNotSet = errors.New("el archivo no es un set de pruebas del SII")

// Limits of a file. The SII's are a hundred times smaller.
const (
	maxBytes = 1 << 20
	maxLine  = 4096
)

// Parse reads a set de pruebas, in ISO-8859-1 or UTF-8, with any line ends. The second result are the lines that were not
// understood, in order; what they would have said is missing in the File, so nothing should be made from it before a
// person has seen them. The error is ErrNotSet, or that of reading.
func Parse(r io.Reader) (*File, []LineError, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, nil, err
	}
	if len(b) > maxBytes {
		return nil, nil, fmt.Errorf("%w: mide más de %d bytes", ErrNotSet, maxBytes)
	}
	if slices.Contains(b, 0) {
		return nil, nil, fmt.Errorf("%w: no es un archivo de texto", ErrNotSet)
	}
	p := parser{file: &File{}}
	for i, line := range split(decode(b)) {
		p.n, p.raw = i+1, line
		p.line()
	}
	p.endSet()
	if len(p.file.Sets) == 0 {
		return nil, p.faults, fmt.Errorf("%w: no trae ningún «SET … NUMERO DE ATENCION»", ErrNotSet)
	}
	p.crossCheck()
	slices.SortStableFunc(p.faults, func(a, b LineError) int { return a.Line - b.Line })
	return p.file, p.faults, nil
}

// parser reads line by line. What a line means depends on the set and the case it stands in.
type parser struct {
	file   *File
	faults []LineError
	n      int    // number of the line, from 1
	raw    string // the line as it stands
	w      string // its words, folded

	set     *Set
	caso    *Caso
	columns []column // of the table of items, once its heading was read
	prose   prose
	// The libro de compras: columns of its amounts, the document being read and the loose lines at its end.
	amounts []column
	general []Nota
	pending *Compra
}

// prose is how long the text is meant for people.
type prose int

const (
	none prose = iota
	paragraph
	chapter // until the next case or set
)

func (p *parser) fault(why string, args ...any) {
	p.faults = append(p.faults, LineError{p.n, clip(strings.TrimSpace(p.raw)), fmt.Sprintf(why, args...)})
}

func (p *parser) faultAt(line int, why string, args ...any) {
	p.faults = append(p.faults, LineError{Line: line, Why: fmt.Sprintf(why, args...)})
}

func clip(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

func (p *parser) note() {
	p.file.Notas = append(p.file.Notas, Nota{p.n, clipNote(strings.TrimSpace(p.raw))})
}

func clipNote(s string) string {
	if r := []rune(s); len(r) > 1000 {
		return string(r[:1000]) + "…"
	}
	return s
}

var (
	ruler     = regexp.MustCompile(`^[-=_*~]{3,}$`)
	setHead   = regexp.MustCompile(`^SET (.+?) ?[-:] ?NUMERO DE ATENCION ?:? ?(\d+)$`)
	setBoleta = regexp.MustCompile(`^(?:SII )?SET DE PRUEBAS? (?:DE )?BOLETAS?\b`)
	casoHead  = regexp.MustCompile(`^CASO ?-? ?(\d+)(?: ?- ?(\d+))? ?:?$`)
)

func (p *parser) line() {
	p.w = words(p.raw)
	switch {
	case p.w == "":
		if p.prose == paragraph {
			p.prose = none
		}
	case len(p.raw) > maxLine:
		p.fault("la línea es demasiado larga")
	case ruler.MatchString(strings.ReplaceAll(p.w, " ", "")):
		p.rule()
	case setBoleta.MatchString(p.w):
		p.startBoletas()
	case setHead.MatchString(p.w) || strings.HasPrefix(p.w, "SET ") && p.prose == none && len(p.file.Sets) > 0:
		p.startSet()
	case casoHead.MatchString(p.w):
		p.startCaso()
	case p.set == nil && len(p.file.Sets) == 0 && len(p.faults) == 0:
		p.note() // what stands before the first set is for people
	case p.set != nil && p.set.Clase == LibroGuias && guiaDeCaso.MatchString(p.w):
		p.libroGuiasLine()
	case p.prose != none:
		p.note()
	case p.startsProse():
		p.note()
	case p.set == nil:
		p.fault("no pertenece a ningún set que se entienda")
	case p.caso != nil:
		p.casoLine()
	case p.set.Clase == LibroCompras:
		p.comprasLine()
	default:
		p.fault("no se entiende fuera de un caso")
	}
}

// rule: a long ruler of dashes closes what stands above it; short ones and those of "=" only underline.
func (p *parser) rule() {
	if len(p.w) >= 40 && p.w[0] == '-' {
		p.endCaso()
		p.prose = none
	}
}

// startsProse: phrases that open instructions for people. A paragraph ends with an empty line, a chapter with the next
// case or set.
func (p *parser) startsProse() bool {
	for _, open := range []struct {
		phrase string
		kind   prose
	}{
		{"IMPORTANTE", paragraph},
		{"(**)", paragraph},
		{"CONSTRUYA EL LIBRO", paragraph},
		{"INDICACIONES GENERALES", chapter},
		{"INSTRUCCIONES", chapter},
		{"OBSERVACIONES GENERALES", chapter},
	} {
		if strings.HasPrefix(p.w, open.phrase) && (p.set == nil || p.set.Clase != LibroCompras) {
			p.endCaso()
			p.prose = open.kind
			return true
		}
	}
	return false
}

var clases = map[string]Clase{
	"BASICO":                               Basico,
	"FACTURA EXENTA":                       Exenta,
	"FACTURA NO AFECTA O EXENTA":           Exenta,
	"BASICO FACTURA EXENTA":                Exenta,
	"LIBRO DE VENTAS":                      LibroVentas,
	"LIBRO DE COMPRAS":                     LibroCompras,
	"GUIA DE DESPACHO":                     Guias,
	"GUIAS DE DESPACHO":                    Guias,
	"LIBRO DE GUIAS":                       LibroGuias,
	"BASICO DOCUMENTOS DE EXPORTACION (1)": Exportacion1,
	"BASICO DOCUMENTOS DE EXPORTACION (2)": Exportacion2,
	"BASICO CASO GENERAL DE EMISOR DE FACTURA DE COMPRA": FacturaCompra,
	"FACTURA DE COMPRA": FacturaCompra,
}

func (p *parser) startSet() {
	p.endSet()
	p.prose = none
	m := setHead.FindStringSubmatch(p.w)
	if m == nil {
		p.fault("un set dice su nombre y su número de atención")
		return
	}
	clase, ok := clases[m[1]]
	if !ok {
		p.fault("no se conoce el set «%s»", m[1])
		return
	}
	for _, s := range p.file.Sets {
		if s.Clase == clase {
			p.fault("el set «%s» está dos veces (línea %d)", m[1], s.Line)
			return
		}
	}
	p.set = &Set{Clase: clase, Nombre: m[1], Atencion: m[2], Line: p.n}
}

func (p *parser) startBoletas() {
	p.endSet()
	p.prose = chapter
	p.set = &Set{Clase: Boletas, Nombre: strings.TrimPrefix(p.w, "SII "), Line: p.n}
}

func (p *parser) endSet() {
	p.endCaso()
	if p.set == nil {
		return
	}
	if p.set.Clase == LibroCompras {
		p.endCompras()
	}
	p.file.Sets = append(p.file.Sets, *p.set)
	p.set = nil
}

func (p *parser) startCaso() {
	p.endCaso()
	p.prose = none
	m := casoHead.FindStringSubmatch(p.w)
	id, n := "CASO-"+m[1], m[1]
	switch {
	case p.set == nil:
		p.fault("un caso sin set")
		return
	case p.set.Clase == LibroVentas || p.set.Clase == LibroCompras || p.set.Clase == LibroGuias:
		p.fault("un libro no lleva casos")
		return
	case p.set.Clase == Boletas:
		if m[2] != "" {
			p.fault("los casos de boletas llevan un solo número")
			return
		}
	case m[1] != p.set.Atencion || m[2] == "":
		p.fault("el caso no es de la atención %s", p.set.Atencion)
		return
	default:
		id, n = m[1]+"-"+m[2], m[2]
	}
	number, err := strconv.Atoi(n)
	if err != nil || number == 0 {
		p.fault("el número del caso no se entiende")
		return
	}
	if slices.ContainsFunc(p.set.Casos, func(c Caso) bool { return c.ID == id }) {
		p.fault("el caso está dos veces")
		return
	}
	p.caso = &Caso{ID: id, N: number, Line: p.n}
	if p.set.Clase == Boletas {
		p.caso.Tipo = dte.Boleta
		if strings.Contains(p.set.Nombre, "EXENTA") {
			p.caso.Tipo = dte.BoletaExenta
		}
	}
}

// endCaso keeps the case and says what it lacks.
func (p *parser) endCaso() {
	c := p.caso
	p.caso, p.columns = nil, nil
	if c == nil {
		return
	}
	switch {
	case c.Tipo == 0:
		p.faultAt(c.Line, "el caso %s no dice su documento", c.ID)
	case c.Tipo.EsNota() && (c.RefCaso == "" || c.Efecto == 0):
		p.faultAt(c.Line, "el caso %s es una nota y no dice qué corrige y por qué", c.ID)
	case !c.Tipo.EsNota() && c.RefCaso != "":
		p.faultAt(c.Line, "el caso %s no es una nota y corrige otro caso", c.ID)
	case len(c.Items) == 0 && (!c.Tipo.EsNota() || c.Efecto == dte.CorrigeMontos):
		p.faultAt(c.Line, "el caso %s no trae ítems", c.ID)
	case c.Tipo == dte.GuiaDespacho && c.IndTraslado == 0:
		p.faultAt(c.Line, "el caso %s no dice el motivo del traslado", c.ID)
	case c.Tipo == dte.FacturaExportacion && (c.Exportacion == nil || c.Exportacion.TpoMoneda == ""):
		p.faultAt(c.Line, "el caso %s no dice la moneda", c.ID)
	}
	p.set.Casos = append(p.set.Casos, *c)
}

// crossCheck judges what needs the whole file.
func (p *parser) crossCheck() {
	for _, s := range p.file.Sets {
		for i, c := range s.Casos {
			if c.RefCaso == "" {
				continue
			}
			at := slices.IndexFunc(s.Casos, func(o Caso) bool { return o.ID == c.RefCaso })
			if at < 0 || at >= i {
				p.faultAt(c.Line, "el caso %s corrige el caso %s, que no está antes en el mismo set", c.ID, c.RefCaso)
			}
		}
		if s.Clase == LibroGuias {
			p.checkGuias(s)
		}
	}
}

func (p *parser) checkGuias(libro Set) {
	guias := slices.IndexFunc(p.file.Sets, func(s Set) bool { return s.Clase == Guias })
	for _, n := range slices.Concat(libro.GuiasFacturadas, libro.GuiasAnuladas) {
		if guias < 0 || !slices.ContainsFunc(p.file.Sets[guias].Casos, func(c Caso) bool { return c.N == n }) {
			p.faultAt(libro.Line, "el libro de guías habla del caso %d, que no está en el set de guías", n)
		}
	}
}

var documentos = map[string]dte.TipoDTE{
	"FACTURA ELECTRONICA":                        dte.Factura,
	"FACTURA NO AFECTA O EXENTA ELECTRONICA":     dte.FacturaExenta,
	"FACTURA EXENTA ELECTRONICA":                 dte.FacturaExenta,
	"FACTURA DE COMPRA ELECTRONICA":              dte.FacturaCompra,
	"GUIA DE DESPACHO":                           dte.GuiaDespacho,
	"GUIA DE DESPACHO ELECTRONICA":               dte.GuiaDespacho,
	"NOTA DE DEBITO ELECTRONICA":                 dte.NotaDebito,
	"NOTA DE CREDITO ELECTRONICA":                dte.NotaCredito,
	"FACTURA DE EXPORTACION ELECTRONICA":         dte.FacturaExportacion,
	"NOTA DE DEBITO DE EXPORTACION ELECTRONICA":  dte.NotaDebitoExp,
	"NOTA DE CREDITO DE EXPORTACION ELECTRONICA": dte.NotaCreditoExp,
	"NOTA DE DEBITO ELECTRONICA DE EXPORTACION":  dte.NotaDebitoExp,
	"NOTA DE CREDITO ELECTRONICA DE EXPORTACION": dte.NotaCreditoExp,
	"BOLETA ELECTRONICA":                         dte.Boleta,
	"BOLETA NO AFECTA O EXENTA ELECTRONICA":      dte.BoletaExenta,
	"BOLETA EXENTA ELECTRONICA":                  dte.BoletaExenta,
}

var (
	refCaso      = regexp.MustCompile(`^(.+) CORRESPONDIENTE AL? CASO (\d+) ?- ?(\d+)$`)
	descGlobal   = regexp.MustCompile(`^DESCUENTO GLOBAL (?:A )?(?:LOS )?ITEM(?:E?S)? AFECTOS ?:? (\d+(?:[.,]\d+)?) ?%$`)
	descLinea    = regexp.MustCompile(`^DESCUENTO LINEA ?#? ?(\d+) ?: ?(\d+(?:[.,]\d+)?) ?%$`)
	recargoLinea = regexp.MustCompile(`^(?:% ?(\d+(?:[.,]\d+)?)|(\d+(?:[.,]\d+)?) ?%) (?:DE )?RECARGO EN LA LINEA DE ITEM POR COMISIONES EN EL EXTERIOR$`)
	comisiones   = regexp.MustCompile(`^COMISIONES EN EL EXTRANJERO \(RECARGOS GLOBALES\) ?: ?(\d+(?:[.,]\d+)?) ?% DEL TOTAL DE LA CLAUSULA$`)
	mismoPrecio  = regexp.MustCompile(`^(?:EL PRECIO UNITARIO DEL ITEM DEBE SER EL MISMO|LOS PRECIOS UNITARIOS DE LOS ITEMS DEBEN SER LOS MISMOS) DE LA FACTURA\.?$`)
	observacion  = regexp.MustCompile(`^OBSERVACION(?:ES)? ?: ?(.+)$`)
	afectacion   = regexp.MustCompile(`^EL ITEM (\d+) ES UN (?:SERVICIO|PRODUCTO) (AFECTO|EXENTO)$`)
	unidadXML    = regexp.MustCompile(`^SE DEBE INFORMAR EN EL XML UNIDAD DE MEDIDA EN (\S{1,4})$`)
)

// casoLine is a line of a case: a key with its value, a phrase, the heading of the items or an item.
func (p *parser) casoLine() {
	key, value, _ := cutKey(p.w)
	switch {
	case key == "DOCUMENTO":
		p.documento(value)
	case key == "RAZON REFERENCIA":
		p.razon(value)
	case key == "REFERENCIA":
		p.referencia(value)
	case key == "MOTIVO":
		p.motivo(value)
	case key == "TRASLADO POR":
		p.trasladoPor(value)
	case p.exportacion(key, value):
	case strings.HasPrefix(p.w, "ITEM ") && p.heading():
	case descGlobal.MatchString(p.w):
		p.caso.DescuentoGlobal = p.percent(descGlobal.FindStringSubmatch(p.w)[1])
	case descLinea.MatchString(p.w):
		m := descLinea.FindStringSubmatch(p.w)
		p.onItem(m[1], func(it *Item) { it.DescuentoPct = p.percent(m[2]) })
	case recargoLinea.MatchString(p.w):
		m := recargoLinea.FindStringSubmatch(p.w)
		p.everyItem(func(it *Item) { it.RecargoPct = p.percent(m[1] + m[2]) })
	case comisiones.MatchString(p.w) && p.caso.Exportacion != nil:
		p.caso.Exportacion.ComisionPct = p.percent(comisiones.FindStringSubmatch(p.w)[1])
	case mismoPrecio.MatchString(p.w):
		// Items without a price take that of the referenced case in any event.
	case observacion.MatchString(p.w):
		p.observacion(observacion.FindStringSubmatch(p.w)[1])
	case p.columns != nil:
		p.item()
	default:
		p.fault("no se entiende")
	}
}

// keys are what a line of a case may begin with, with or without a colon; longer ones before those that begin alike.
var keys = []string{
	"DOCUMENTO", "RAZON REFERENCIA", "REFERENCIA", "MOTIVO", "TRASLADO POR",
	"MONEDA DE LA OPERACION", "FORMA DE PAGO EXPORTACION", "MODALIDAD DE VENTA", "CLAUSULA DE VENTA DE EXPORTACION",
	"TOTAL CLAUSULA DE VENTA", "VIA DE TRANSPORTE", "PUERTO DE EMBARQUE", "PUERTO DE DESEMBARQUE", "UNIDAD DE MEDIDA DE TARA",
	"UNIDAD PESO BRUTO", "UNIDAD PESO NETO", "TIPO DE BULTO", "TOTAL BULTOS", "FLETE (**)", "FLETE", "SEGURO (**)", "SEGURO",
	"PAIS RECEPTOR Y PAIS DESTINO", "NACIONALIDAD",
}

// cutKey divides a folded line into a known key and its value.
func cutKey(line string) (key, value string, ok bool) {
	for _, k := range keys {
		rest, begins := strings.CutPrefix(line, k)
		if begins && (rest == "" || rest[0] == ' ' || rest[0] == ':') {
			return strings.TrimSuffix(k, " (**)"), strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(rest), ":")), true
		}
	}
	return "", "", false
}

func (p *parser) documento(name string) {
	tipo, ok := documentos[name]
	if !ok {
		p.fault("no se conoce el documento")
		return
	}
	if p.caso.Tipo != 0 {
		p.fault("el caso ya tiene un documento")
		return
	}
	p.caso.Tipo = tipo
}

// efectos: what the SII's reasons do to the referenced document (Formato DTE, CodRef).
var efectos = []struct {
	word   string
	efecto dte.CodRef
}{
	{"ANULA ", dte.Anula},
	{"CORRIGE ", dte.CorrigeTexto},
	{"DEVOLUCION ", dte.CorrigeMontos},
	{"MODIFICA MONTO", dte.CorrigeMontos},
}

func (p *parser) razon(reason string) {
	for _, e := range efectos {
		if strings.HasPrefix(reason, e.word) && p.caso.Razon == "" {
			p.caso.Razon, p.caso.Efecto = reason, e.efecto
			return
		}
	}
	p.fault("no se conoce la razón de la referencia")
}

// externas are the documents of customs and transport, by the first word of their name.
var externas = map[string]string{
	"DUS": "807", "B/L": "808", "BL": "808", "AWB": "809", "MIC": "810", "MIC/DTA": "810", "CARTA DE PORTE": "811",
	"RESOLUCION SNA": "812", "PASAPORTE": "813",
}

func (p *parser) referencia(value string) {
	if m := refCaso.FindStringSubmatch(value); m != nil {
		if p.caso.RefCaso != "" {
			p.fault("el caso ya corrige otro")
			return
		}
		p.caso.RefCaso = m[2] + "-" + m[3]
		p.checkRef(m[1])
		return
	}
	name, _, _ := strings.Cut(value, " (")
	tipo, ok := externas[name]
	if !ok {
		p.fault("no se conoce el documento de la referencia")
		return
	}
	x := p.export()
	x.Referencias = append(x.Referencias, RefExterna{tipo, value})
}

// checkRef compares the name of the referenced document with its case. The SII shortens names ("NOTA DE CREDITO" for one
// of exports), so that only the kind counts.
func (p *parser) checkRef(name string) {
	i := slices.IndexFunc(p.set.Casos, func(c Caso) bool { return c.ID == p.caso.RefCaso })
	if i < 0 {
		return // crossCheck says so
	}
	tipo := p.set.Casos[i].Tipo
	kinds := map[string]bool{
		"NOTA DE CREDITO": tipo == dte.NotaCredito || tipo == dte.NotaCreditoExp,
		"NOTA DE DEBITO":  tipo == dte.NotaDebito || tipo == dte.NotaDebitoExp,
		"FACTURA":         tipo == dte.Factura || tipo == dte.FacturaExenta || tipo == dte.FacturaCompra || tipo == dte.FacturaExportacion,
		"BOLETA":          tipo.EsBoleta(),
	}
	for kind, is := range kinds {
		if strings.HasPrefix(name, kind) {
			if !is {
				p.fault("el caso %s es otro documento (%s)", p.caso.RefCaso, tipo)
			}
			return
		}
	}
	p.fault("no se conoce el documento de la referencia")
}

// motivos of a guía (Formato DTE, IndTraslado), by how they begin.
var motivos = []struct {
	phrase      string
	indTraslado int
}{
	{"VENTA POR EFECTUAR", 2},
	{"VENTAS POR EFECTUAR", 2},
	{"VENTA PARA EXPORTACION", 9},
	{"VENTA", 1},
	{"CONSIGNACION", 3},
	{"ENTREGA GRATUITA", 4},
	{"TRASLADO DE MATERIALES ENTRE BODEGAS", 5},
	{"TRASLADO INTERNO", 5},
	{"TRASLADO ENTRE BODEGAS", 5},
	{"TRASLADO PARA EXPORTACION", 8},
	{"DEVOLUCION", 7},
}

func (p *parser) motivo(value string) {
	for _, m := range motivos {
		if value == m.phrase || strings.HasPrefix(value, m.phrase+" ") {
			p.caso.Motivo, p.caso.IndTraslado = value, m.indTraslado
			return
		}
	}
	p.fault("no se conoce el motivo del traslado")
}

func (p *parser) trasladoPor(value string) {
	switch {
	case value == "CLIENTE":
		p.caso.TipoDespacho = 1
	case strings.HasPrefix(value, "EMISOR") && strings.Contains(value, "LOCAL DEL CLIENTE"):
		p.caso.TipoDespacho = 2
	case strings.HasPrefix(value, "EMISOR") && strings.Contains(value, "OTRA"):
		p.caso.TipoDespacho = 3
	default:
		p.fault("no se entiende por quién es el traslado")
		return
	}
	p.caso.TrasladoPor = value
}

func (p *parser) export() *Exportacion {
	if p.caso.Exportacion == nil {
		p.caso.Exportacion = &Exportacion{}
	}
	return p.caso.Exportacion
}

// exportacion reads a line of an export case; false when the key is not one of them.
func (p *parser) exportacion(key, value string) bool {
	if key == "" || p.set.Clase != Exportacion1 && p.set.Clase != Exportacion2 {
		return false
	}
	x := p.export()
	code := func(t aduana.Tabla, into ...*int) {
		c, err := t.Codigo(value)
		if err != nil {
			p.fault("%s", err)
		}
		for _, field := range into {
			*field = c
		}
	}
	switch key {
	case "MONEDA DE LA OPERACION":
		var err error
		if x.TpoMoneda, err = aduana.Moneda(value); err != nil {
			p.fault("%s", err)
		}
	case "FORMA DE PAGO EXPORTACION":
		code(aduana.FormasPago, &x.FmaPagExp)
	case "MODALIDAD DE VENTA":
		code(aduana.Modalidades, &x.CodModVenta)
	case "CLAUSULA DE VENTA DE EXPORTACION":
		code(aduana.Clausulas, &x.CodClauVenta)
	case "TOTAL CLAUSULA DE VENTA":
		x.TotClauVenta = p.divisa(value)
	case "VIA DE TRANSPORTE":
		code(aduana.Transportes, &x.CodViaTransp)
	case "PUERTO DE EMBARQUE":
		code(aduana.Puertos, &x.PtoEmbarque)
	case "PUERTO DE DESEMBARQUE":
		code(aduana.Puertos, &x.PtoDesembarq)
	case "UNIDAD DE MEDIDA DE TARA":
		code(aduana.Unidades, &x.UnidTara)
	case "UNIDAD PESO BRUTO":
		code(aduana.Unidades, &x.UnidPesoBruto)
	case "UNIDAD PESO NETO":
		code(aduana.Unidades, &x.UnidPesoNeto)
	case "TIPO DE BULTO":
		code(aduana.TiposDeBultos, &x.TipoBulto)
	case "TOTAL BULTOS":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			p.fault("el total de bultos no es un número")
		}
		x.TotBultos = max(n, 0)
	case "FLETE":
		x.Flete = p.divisa(value)
	case "SEGURO":
		x.Seguro = p.divisa(value)
	case "PAIS RECEPTOR Y PAIS DESTINO":
		code(aduana.Paises, &x.Pais)
	case "NACIONALIDAD":
		code(aduana.Paises, &x.Nacionalidad)
	default:
		return false
	}
	return true
}

func (p *parser) divisa(s string) money.Divisa {
	d, err := money.DivisaFromXML(s)
	if err != nil || d <= 0 {
		p.fault("el monto no se entiende")
		return 0
	}
	return d
}

func (p *parser) percent(s string) money.Rate {
	r, err := money.RateFromXML(strings.ReplaceAll(s, ",", "."))
	if err != nil || r <= 0 || r > 10_000 {
		p.fault("el porcentaje no se entiende")
		return 0
	}
	return r
}

func (p *parser) onItem(n string, change func(*Item)) {
	i, err := strconv.Atoi(n)
	if err != nil || i < 1 || i > len(p.caso.Items) {
		p.fault("el caso no tiene el ítem %s", n)
		return
	}
	change(&p.caso.Items[i-1])
}

func (p *parser) everyItem(change func(*Item)) {
	if len(p.caso.Items) == 0 {
		p.fault("el caso no tiene ítems")
	}
	for i := range p.caso.Items {
		change(&p.caso.Items[i])
	}
}

// observacion: the sentences of the boletas' set.
func (p *parser) observacion(text string) {
	// The unit is taken from the line as it stands: "Kg" is not "KG".
	text = strings.Trim(text, `"“” `)
	for _, sentence := range strings.Split(strings.TrimRight(text, "."), ". ") {
		if m := afectacion.FindStringSubmatch(sentence); m != nil {
			p.onItem(m[1], func(it *Item) { it.Exento = m[2] == "EXENTO" })
			continue
		}
		if m := unidadXML.FindStringSubmatch(sentence); m != nil {
			p.everyItem(func(it *Item) { it.Unidad = p.asWritten(m[1]) })
			continue
		}
		p.fault("no se entiende la observación")
	}
}

// asWritten finds a folded word in the line and returns it with its own letters.
func (p *parser) asWritten(folded string) string {
	for _, w := range strings.Fields(p.raw) {
		if w = strings.Trim(w, `."“”`); fold(w) == folded {
			return w
		}
	}
	return folded
}

// heading reads the heading of a table of items; false when it is none.
func (p *parser) heading() bool {
	columns, ok := columnsOf(stripComments(p.raw))
	if ok {
		p.columns = columns
	}
	return ok
}

var comment = regexp.MustCompile(`\([^)]*\)`)

// stripComments blanks what stands in parentheses without moving the rest.
func stripComments(s string) string {
	return comment.ReplaceAllStringFunc(s, func(c string) string { return strings.Repeat(" ", len([]rune(c))) })
}

// item reads a line of the table. Names are kept as they stand: "names exactly as given".
func (p *parser) item() {
	r, ok := rowOf(p.raw, p.columns)
	if !ok {
		p.fault("no se entiende")
		return
	}
	it := Item{Line: p.n, Nombre: r.name, Exento: p.caso.Tipo.EsExento() || strings.Contains(" "+words(r.name)+" ", " EXENTO ")}
	foreign := p.set.Clase == Exportacion1 || p.set.Clase == Exportacion2
	for k, text := range r.values {
		if !foreign && k != descuento && k != unidad && strings.Contains(text, ".") {
			// A point may be meant for thousands: 5.874 is not to be read as less than six.
			p.fault("las cifras en pesos van sin puntos ni decimales")
			return
		}
		p.value(&it, k, text)
	}
	p.caso.Items = append(p.caso.Items, it)
}

func (p *parser) value(it *Item, k kind, text string) {
	var err error
	switch k {
	case cantidad:
		if it.Qty, err = money.QtyFromXML(text); err == nil && it.Qty == 0 {
			err = errors.New("la cantidad es cero")
		}
	case unidad:
		it.Unidad = text
	case precio, valor:
		it.Prc, err = money.PriceFromXML(text)
		it.ValorLinea = k == valor
	case descuento:
		it.DescuentoPct = p.percent(percentage.FindStringSubmatch(text)[1])
	}
	if err != nil {
		p.fault("%s", err)
	}
}
