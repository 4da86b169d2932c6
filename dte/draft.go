package dte

import (
	"strconv"
	"time"

	"mostrador/money"
)

// TipoDTE is the SII's code of a document type.
type TipoDTE int

// The types that this package emits.
const (
	Factura            TipoDTE = 33
	FacturaExenta      TipoDTE = 34
	Boleta             TipoDTE = 39
	BoletaExenta       TipoDTE = 41
	FacturaCompra      TipoDTE = 46
	GuiaDespacho       TipoDTE = 52
	NotaDebito         TipoDTE = 56
	NotaCredito        TipoDTE = 61
	FacturaExportacion TipoDTE = 110
	NotaDebitoExp      TipoDTE = 111
	NotaCreditoExp     TipoDTE = 112
)

// Tipos lists the types that this package emits.
func Tipos() []TipoDTE {
	return []TipoDTE{
		Factura, FacturaExenta, Boleta, BoletaExenta, FacturaCompra, GuiaDespacho, NotaDebito, NotaCredito,
		FacturaExportacion, NotaDebitoExp, NotaCreditoExp,
	}
}

// TiposMostrador lists the types that a counter issues; the others belong to the back office.
func TiposMostrador() []TipoDTE {
	return []TipoDTE{Factura, FacturaExenta, Boleta, BoletaExenta, NotaDebito, NotaCredito}
}

var tipoNames = map[TipoDTE]string{
	Factura:       "Factura Electrónica",
	FacturaExenta: "Factura No Afecta o Exenta Electrónica",
	Boleta:        "Boleta Electrónica",
	BoletaExenta:  "Boleta No Afecta o Exenta Electrónica",
	NotaDebito:    "Nota de Débito Electrónica",
	NotaCredito:   "Nota de Crédito Electrónica",

	FacturaCompra:      "Factura de Compra Electrónica",
	GuiaDespacho:       "Guía de Despacho Electrónica",
	FacturaExportacion: "Factura de Exportación Electrónica",
	NotaDebitoExp:      "Nota de Débito de Exportación Electrónica",
	NotaCreditoExp:     "Nota de Crédito de Exportación Electrónica",
}

// String is the name on paper: "Boleta Electrónica". An unknown type is "documento tipo 99".
func (t TipoDTE) String() string {
	if name, ok := tipoNames[t]; ok {
		return name
	}
	return "documento tipo " + strconv.Itoa(int(t))
}

// EsBoleta reports a type that travels in an EnvioBOLETA and follows the boleta format.
func (t TipoDTE) EsBoleta() bool { return t == Boleta || t == BoletaExenta }

// EsExento reports a type whose lines are all exempt.
func (t TipoDTE) EsExento() bool { return t == FacturaExenta || t == BoletaExenta }

// EsNota reports a type that corrects another document.
func (t TipoDTE) EsNota() bool {
	return t == NotaDebito || t == NotaCredito || t == NotaDebitoExp || t == NotaCreditoExp
}

// EsExportacion reports a type in foreign currency, in the node Exportaciones.
func (t TipoDTE) EsExportacion() bool {
	return t == FacturaExportacion || t == NotaDebitoExp || t == NotaCreditoExp
}

// node is the XML element that holds the document.
func (t TipoDTE) node() string {
	if t.EsExportacion() {
		return "Exportaciones"
	}
	return "Documento"
}

// CAFVence reports a type whose folios expire six months after they were authorised, because the document gives tax
// credit (Res. Ex. SII 58 of 2017; error CAF-3-517).
func (t TipoDTE) CAFVence() bool {
	switch t {
	case Factura, 43, FacturaCompra, NotaDebito, NotaCredito:
		return true
	}
	return false
}

// Folio is the legal number of a document within its type: 1 to 10 digits.
type Folio int64

// String is the plain number.
func (f Folio) String() string { return strconv.FormatInt(int64(f), 10) }

// Key identifies a document for ever: nobody may issue the same one twice.
type Key struct {
	Emisor RUT     `json:"emisor"`
	Tipo   TipoDTE `json:"tipo"`
	Folio  Folio   `json:"folio"`
}

// String is "76543210-3/T39F1204".
func (k Key) String() string { return k.Emisor.String() + "/" + k.ID() }

// ID is the XML ID of the document, unique within an envelope: "T39F1204".
func (k Key) ID() string { return "T" + strconv.Itoa(int(k.Tipo)) + "F" + k.Folio.String() }

// Draft is a document before it has a folio: what is sold, by whom, to whom. Amounts that follow from others are not in
// it; Totals computes them.
type Draft struct {
	Tipo TipoDTE `json:"tipo"`
	// FchEmis is the day of the operation in Santiago.
	FchEmis Date `json:"fchEmis"`
	// IndNoRebaja marks a credit note that gives no right to reduce the debit (outside the legal term).
	IndNoRebaja bool `json:"indNoRebaja,omitempty"`
	// TipoDespacho of goods that travel: 1 the buyer fetches them, 2 the issuer takes them to the client, 3 elsewhere.
	TipoDespacho int `json:"tipoDespacho,omitempty"`
	// IndTraslado of a guía: 1 sale … 9 (Formato DTE, IdDoc); obligatory there.
	IndTraslado int `json:"indTraslado,omitempty"`
	// IndServicio is 3 (sales and services) for a boleta unless said otherwise; 1 and 2 are periodic services. In exports
	// 3 services per customs, 4 hotel, 5 international land transport, 6 services used abroad.
	IndServicio int `json:"indServicio,omitempty"`
	// TpoTranCompra (1 to 7) and TpoTranVenta (1 to 4) classify the operation for the registers.
	TpoTranCompra int `json:"tpoTranCompra,omitempty"`
	TpoTranVenta  int `json:"tpoTranVenta,omitempty"`
	// MntBruto says that the line prices of a factura or note include IVA. Boletas are always gross.
	MntBruto bool `json:"mntBruto,omitempty"`
	// FmaPago of a factura: 1 cash, 2 credit, 3 free of charge; 0 leaves it out.
	FmaPago int `json:"fmaPago,omitempty"`
	// MedioPago is the SII's code: EF, TC, CH, LT, PE, CF, OT in facturas, 1 to 5 in boletas; empty leaves it out.
	MedioPago string `json:"medioPago,omitempty"`
	// FchVenc is the day a credit falls due.
	FchVenc Date `json:"fchVenc,omitzero"`
	// What is known of how it was or will be paid: when and how much was cancelled, what is left, and the instalments.
	FchCancel  Date        `json:"fchCancel,omitzero"`
	MntCancel  money.Pesos `json:"mntCancel,omitempty"`
	SaldoInsol money.Pesos `json:"saldoInsol,omitempty"`
	MntPagos   []Pago      `json:"mntPagos,omitempty"`
	// PeriodoDesde and PeriodoHasta bound a periodic service.
	PeriodoDesde Date `json:"periodoDesde,omitzero"`
	PeriodoHasta Date `json:"periodoHasta,omitzero"`
	// The account for the payment: TpoCtaPago is AHORRO, CORRIENTE or VISTA.
	TpoCtaPago string `json:"tpoCtaPago,omitempty"`
	NumCtaPago string `json:"numCtaPago,omitempty"`
	BcoPago    string `json:"bcoPago,omitempty"`
	// The terms of payment: a code of the parties, words, days.
	TermPagoCdg   string `json:"termPagoCdg,omitempty"`
	TermPagoGlosa string `json:"termPagoGlosa,omitempty"`
	TermPagoDias  int    `json:"termPagoDias,omitempty"`
	// SaldoAnterior of a periodic service; it goes into VlrPagar.
	SaldoAnterior money.Pesos `json:"saldoAnterior,omitempty"`

	Emisor Emisor `json:"emisor"`
	// RUTMandante is for whose account the issuer sells; RUTSolicita who asked for the factura.
	RUTMandante RUT         `json:"rutMandante,omitempty"`
	Receptor    Receptor    `json:"receptor"`
	RUTSolicita RUT         `json:"rutSolicita,omitempty"`
	Transporte  *Transporte `json:"transporte,omitempty"`
	// Exportacion is what only 110, 111 and 112 have; nil in all others.
	Exportacion *Exportacion   `json:"exportacion,omitempty"`
	Detalle     []Linea        `json:"detalle"`
	DscRcg      []DscRcgGlobal `json:"dscRcg,omitempty"`
	Referencia  []Referencia   `json:"referencia,omitempty"`
	// Informados are the amounts (and rates, if there are) of additional codes that no rate gives: fuels, margins.
	Informados []Impuesto `json:"informados,omitempty"`
}

// Pago is an instalment.
type Pago struct {
	Fch   Date        `json:"fch"`
	Mnt   money.Pesos `json:"mnt"`
	Glosa string      `json:"glosa,omitempty"`
}

// Transporte is how goods travel; obligatory in a guía (Res. Ex. SII 154 of 2025).
type Transporte struct {
	Patente      string `json:"patente,omitempty"`
	PatenteCarro string `json:"patenteCarro,omitempty"`
	RUTTrans     RUT    `json:"rutTrans,omitempty"`
	RUTChofer    RUT    `json:"rutChofer,omitempty"`
	NombreChofer string `json:"nombreChofer,omitempty"`
	Direccion    string `json:"direccion,omitempty"`
	Comuna       string `json:"comuna,omitempty"`
	Ciudad       string `json:"ciudad,omitempty"`
	FchSalida    Date   `json:"fchSalida,omitzero"`
	HraSalida    string `json:"hraSalida,omitempty"` // "13:00:00"
	FchLlegada   Date   `json:"fchLlegada,omitzero"`
}

// Exportacion is the part of a document in foreign currency that others do not have. Its codes are those of the customs
// service (Aduana).
type Exportacion struct {
	// TpoMoneda is the currency by the SII's name: "DOLAR USA", "EURO".
	TpoMoneda string `json:"tpoMoneda"`
	// TpoCambio is pesos for one unit; the equivalent in pesos is obligatory (HED-3-834).
	TpoCambio    money.Cambio `json:"tpoCambio"`
	FmaPagExp    int          `json:"fmaPagExp,omitempty"`
	Nacionalidad string       `json:"nacionalidad,omitempty"` // of the buyer: customs code of the country
	NumID        string       `json:"numId,omitempty"`        // of the buyer, in his country
	Aduana       *Aduana      `json:"aduana,omitempty"`       // goods; services have none
}

// Aduana is the customs block of goods that leave the country.
type Aduana struct {
	CodModVenta      int          `json:"codModVenta,omitempty"`
	CodClauVenta     int          `json:"codClauVenta,omitempty"`
	TotClauVenta     money.Divisa `json:"totClauVenta,omitempty"`
	CodViaTransp     int          `json:"codViaTransp,omitempty"`
	NombreTransp     string       `json:"nombreTransp,omitempty"`
	RUTCiaTransp     RUT          `json:"rutCiaTransp,omitempty"`
	NomCiaTransp     string       `json:"nomCiaTransp,omitempty"`
	Booking          string       `json:"booking,omitempty"`
	Operador         string       `json:"operador,omitempty"`
	CodPtoEmbarque   int          `json:"codPtoEmbarque,omitempty"`
	CodPtoDesemb     int          `json:"codPtoDesemb,omitempty"`
	Tara             int          `json:"tara,omitempty"`
	CodUnidMedTara   int          `json:"codUnidMedTara,omitempty"`
	PesoBruto        money.Divisa `json:"pesoBruto,omitempty"` // two decimals
	CodUnidPesoBruto int          `json:"codUnidPesoBruto,omitempty"`
	PesoNeto         money.Divisa `json:"pesoNeto,omitempty"` // two decimals
	CodUnidPesoNeto  int          `json:"codUnidPesoNeto,omitempty"`
	TotBultos        int          `json:"totBultos,omitempty"`
	TipoBultos       []Bulto      `json:"tipoBultos,omitempty"`
	MntFlete         money.Divisa `json:"mntFlete,omitempty"`
	MntSeguro        money.Divisa `json:"mntSeguro,omitempty"`
	CodPaisRecep     int          `json:"codPaisRecep,omitempty"`
	CodPaisDestin    int          `json:"codPaisDestin,omitempty"`
}

// Bulto is a kind of package. Containers name themselves and their seal.
type Bulto struct {
	CodTpoBultos int    `json:"codTpoBultos"`
	CantBultos   int    `json:"cantBultos"`
	Marcas       string `json:"marcas,omitempty"`
	IDContainer  string `json:"idContainer,omitempty"`
	Sello        string `json:"sello,omitempty"`
	EmisorSello  string `json:"emisorSello,omitempty"`
}

// Emisor is the issuing company.
type Emisor struct {
	RUT RUT `json:"rut"`
	// RznSoc is the registered name, up to 100 characters.
	RznSoc string `json:"rznSoc"`
	// Giro is the line of business as registered, up to 80 characters.
	Giro     string   `json:"giro"`
	Telefono []string `json:"telefono,omitempty"`
	Correo   string   `json:"correo,omitempty"`
	// Acteco are one to four codes of economic activity registered for the company; facturas need one.
	Acteco []int `json:"acteco,omitempty"`
	// Sucursal and CdgSIISucur name the branch, as registered at the SII.
	Sucursal    string `json:"sucursal,omitempty"`
	CdgSIISucur int    `json:"cdgSIISucur,omitempty"`
	Direccion   string `json:"direccion"`
	Comuna      string `json:"comuna"`
	Ciudad      string `json:"ciudad,omitempty"`
	// CdgVendedor is the seller's or the till's code; it appears in facturas and notes only.
	CdgVendedor string `json:"cdgVendedor,omitempty"`
}

// Receptor is the buyer. A boleta without buyer has RUTAnonimo and nothing else.
type Receptor struct {
	RUT       RUT    `json:"rut"`
	CdgInt    string `json:"cdgInt,omitempty"`
	RznSoc    string `json:"rznSoc,omitempty"`
	Giro      string `json:"giro,omitempty"`
	Contacto  string `json:"contacto,omitempty"`
	Correo    string `json:"correo,omitempty"`
	Telefono  string `json:"telefono,omitempty"` // boletas only
	Direccion string `json:"direccion,omitempty"`
	Comuna    string `json:"comuna,omitempty"`
	Ciudad    string `json:"ciudad,omitempty"`
}

// IndExe says why a line is outside the IVA, or outside the total.
type IndExe int

// The indicators of a line (Formato DTE, Detalle, field IndExe).
const (
	Afecto IndExe = 0
	// Exento is exempt or not subject to IVA.
	Exento IndExe = 1
	// NoFacturable is a good or service that is not part of the total; it goes to MontoNF.
	NoFacturable IndExe = 2
	// GarantiaDeposito is a deposit for containers; it goes to GrntDep.
	GarantiaDeposito IndExe = 3
	// NoVenta is an item of a guía that is not sold with it; it counts for nothing.
	NoVenta IndExe = 4
	// ARebajar is an item of a guía that reduces an earlier one.
	ARebajar IndExe = 5
	// NoFacturableNegativo reduces MontoNF.
	NoFacturableNegativo IndExe = 6
)

// Codigo is one of up to five codes of an item: {"EAN13", "7801234567894"}, {"INT1", "A-20"}.
type Codigo struct {
	Tipo  string `json:"tipo"`
	Valor string `json:"valor"`
}

// Linea is one line of detail. Its amount is round(PrcItem × QtyItem) − discount + surcharge; without price or quantity
// it is Monto. Of a percentage and an amount only one may be given; the percentage applies to PrcItem × QtyItem.
type Linea struct {
	Codigos      []Codigo    `json:"codigos,omitempty"`
	IndExe       IndExe      `json:"indExe,omitempty"`
	Nombre       string      `json:"nombre"`
	Descripcion  string      `json:"descripcion,omitempty"`
	Qty          money.Qty   `json:"qty,omitempty"`
	Unidad       string      `json:"unidad,omitempty"`
	Prc          money.Price `json:"prc,omitempty"`
	DescuentoPct money.Rate  `json:"descuentoPct,omitempty"`
	Descuento    money.Pesos `json:"descuento,omitempty"`
	RecargoPct   money.Rate  `json:"recargoPct,omitempty"`
	Recargo      money.Pesos `json:"recargo,omitempty"`
	// CodImpAdic are up to two codes of additional taxes or retentions (see Impuestos). Never in boletas.
	CodImpAdic []int `json:"codImpAdic,omitempty"`
	// Retenedor marks a line whose buyer withholds the IVA (Retenedor/IndAgente R).
	Retenedor bool `json:"retenedor,omitempty"`
	// MntBaseFaena is the base of code 17, the advance for slaughtering.
	MntBaseFaena money.Pesos `json:"mntBaseFaena,omitempty"`
	// The reference measure and price of some additional taxes, and dates of make and of expiry.
	QtyRef    money.Qty   `json:"qtyRef,omitempty"`
	UnidadRef string      `json:"unidadRef,omitempty"`
	PrcRef    money.Price `json:"prcRef,omitempty"`
	FchElabor Date        `json:"fchElabor,omitzero"`
	FchVencim Date        `json:"fchVencim,omitzero"`
	// Monto is used only where Qty or Prc is zero; in exports it is Divisa.
	Monto  money.Pesos  `json:"monto,omitempty"`
	Divisa money.Divisa `json:"divisa,omitempty"`
}

// TpoMov is the direction of a global movement.
type TpoMov string

// The two directions.
const (
	DescuentoGlobal TpoMov = "D"
	RecargoGlobal   TpoMov = "R"
)

// DscRcgGlobal is a discount or surcharge on all lines of one kind: taxed ones (IndExe Afecto), exempt ones
// (Exento) or non-billable ones (NoFacturable). To reach every line, give one per kind.
type DscRcgGlobal struct {
	TpoMov TpoMov `json:"tpoMov"`
	Glosa  string `json:"glosa,omitempty"`
	// Exactly one of Pct and Monto is given; in exports Divisa takes the place of Monto.
	Pct    money.Rate   `json:"pct,omitempty"`
	Monto  money.Pesos  `json:"monto,omitempty"`
	Divisa money.Divisa `json:"divisa,omitempty"`
	IndExe IndExe       `json:"indExe,omitempty"`
}

// CodRef says what a note does to the document it refers to.
type CodRef int

// The three effects of a note (Formato DTE, Referencia, field CodRef; obligatory in notes, error REF-3-758).
const (
	Anula         CodRef = 1
	CorrigeTexto  CodRef = 2
	CorrigeMontos CodRef = 3
)

// Referencia points to another document: a note to what it corrects, a factura to the buyer's order.
type Referencia struct {
	// TpoDocRef is a document type ("33"), another code ("801" purchase order) or "SET" in certification.
	TpoDocRef string `json:"tpoDocRef,omitempty"`
	// IndGlobal refers to all documents of that type instead of one; FolioRef is "0" then.
	IndGlobal bool   `json:"indGlobal,omitempty"`
	FolioRef  string `json:"folioRef,omitempty"`
	// RUTOtr is the issuer of the other document, where it is not this one.
	RUTOtr RUT    `json:"rutOtr,omitempty"`
	FchRef Date   `json:"fchRef,omitzero"`
	CodRef CodRef `json:"codRef,omitempty"`
	// CodRefBoleta is the free text (up to 18 characters) that a boleta carries in the place of CodRef.
	CodRefBoleta string `json:"codRefBoleta,omitempty"`
	RazonRef     string `json:"razonRef,omitempty"`
	// CodVndor and CodCaja are the seller's and the till's code of a boleta, up to 8 characters each.
	CodVndor string `json:"codVndor,omitempty"`
	CodCaja  string `json:"codCaja,omitempty"`
}

// Totales are the amounts of a document as it states them.
type Totales struct {
	MntNeto money.Pesos `json:"mntNeto,omitempty"`
	MntExe  money.Pesos `json:"mntExe,omitempty"`
	// TasaIVA is stated in facturas and notes, never in boletas.
	TasaIVA money.Rate  `json:"tasaIVA,omitempty"`
	IVA     money.Pesos `json:"iva,omitempty"`
	// Impuestos are the additional taxes and retentions, by code, in the order of their first line.
	Impuestos []Impuesto `json:"impuestos,omitempty"`
	// IVANoRet is the part of the IVA that the buyer does not withhold; left out when zero.
	IVANoRet money.Pesos `json:"ivaNoRet,omitempty"`
	// GrntDep is the sum of the deposits.
	GrntDep  money.Pesos `json:"grntDep,omitempty"`
	MntTotal money.Pesos `json:"mntTotal"`
	// MontoNF is the sum of the non-billable lines. MontoPeriodo is MntTotal with them, and VlrPagar what is to be paid,
	// SaldoAnterior included; both are stated where they differ from MntTotal.
	MontoNF       money.Pesos `json:"montoNF,omitempty"`
	MontoPeriodo  money.Pesos `json:"montoPeriodo,omitempty"`
	SaldoAnterior money.Pesos `json:"saldoAnterior,omitempty"`
	VlrPagar      money.Pesos `json:"vlrPagar,omitempty"`
	// Divisa are the totals of an export document, whose other totals are zero.
	Divisa *TotalesDivisa `json:"divisa,omitempty"`
}

// Impuesto is an additional tax or a retention as the totals state it.
type Impuesto struct {
	Cod   int         `json:"cod"`
	Tasa  money.Rate  `json:"tasa,omitempty"`
	Monto money.Pesos `json:"monto"`
}

// TotalesDivisa are the amounts of an export document: in its currency, and in pesos at its rate of exchange.
type TotalesDivisa struct {
	MntExe   money.Divisa `json:"mntExe"`
	MntTotal money.Divisa `json:"mntTotal"`
	MntExeCL money.Pesos  `json:"mntExeCL"`
	MntTotCL money.Pesos  `json:"mntTotCL"`
}

// Document is a document as its signed bytes state it: the result of reading, never a source of bytes.
type Document struct {
	Draft
	Folio Folio
	// Montos are the line amounts (MontoItem), in the order of Detalle; in exports MontosDivisa are.
	Montos       []money.Pesos
	MontosDivisa []money.Divisa
	// Descuentos and Recargos are the line discounts and surcharges in pesos as stated, in the order of Detalle.
	Descuentos, Recargos []money.Pesos
	Totales              Totales
	// TED is the flattened timbre, the exact bytes (ISO-8859-1) that the PDF417 carries.
	TED []byte
	// TSTED and TmstFirma are when it was stamped and signed.
	TSTED, TmstFirma time.Time
	// CAFIDK is the key with which the SII signed the CAF: 100 certification, 300 production, anything else is not the
	// SII's.
	CAFIDK int
	// CAFDesde to CAFHasta are the folios that the CAF authorises, CAFFA when.
	CAFDesde, CAFHasta Folio
	CAFFA              Date
	// SignatureValue is the document's signature in base64 without white space; QueryEstDteAv asks for it.
	SignatureValue string
	// XML is the stand-alone <DTE> fragment, byte for byte as signed.
	XML []byte
}

// Key is the document's identity.
func (d *Document) Key() Key { return Key{d.Emisor.RUT, d.Tipo, d.Folio} }
