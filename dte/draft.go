package dte

import (
	"strconv"
	"time"

	"mostrador/money"
)

// TipoDTE is the SII's code of a document type.
type TipoDTE int

// The types issued at the counter.
const (
	Factura       TipoDTE = 33
	FacturaExenta TipoDTE = 34
	Boleta        TipoDTE = 39
	BoletaExenta  TipoDTE = 41
	NotaDebito    TipoDTE = 56
	NotaCredito   TipoDTE = 61
)

// Tipos lists the types that this package emits.
func Tipos() []TipoDTE {
	return []TipoDTE{Factura, FacturaExenta, Boleta, BoletaExenta, NotaDebito, NotaCredito}
}

var tipoNames = map[TipoDTE]string{
	Factura:       "Factura Electrónica",
	FacturaExenta: "Factura No Afecta o Exenta Electrónica",
	Boleta:        "Boleta Electrónica",
	BoletaExenta:  "Boleta No Afecta o Exenta Electrónica",
	NotaDebito:    "Nota de Débito Electrónica",
	NotaCredito:   "Nota de Crédito Electrónica",
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
func (t TipoDTE) EsNota() bool { return t == NotaDebito || t == NotaCredito }

// CAFVence reports a type whose folios expire six months after they were authorised, because the document gives tax
// credit (Res. Ex. SII 58 of 2017; error CAF-3-517).
func (t TipoDTE) CAFVence() bool {
	switch t {
	case Factura, 43, 46, NotaDebito, NotaCredito:
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
	// IndServicio is 3 (sales and services) for a boleta unless said otherwise; 1 and 2 are periodic services.
	IndServicio int `json:"indServicio,omitempty"`
	// MntBruto says that the line prices of a factura or note include IVA. Boletas are always gross.
	MntBruto bool `json:"mntBruto,omitempty"`
	// FmaPago of a factura: 1 cash, 2 credit, 3 free of charge; 0 leaves it out.
	FmaPago int `json:"fmaPago,omitempty"`
	// MedioPago is the SII's code: EF, TC, CH, LT, PE, CF, OT in facturas, 1 to 5 in boletas; empty leaves it out.
	MedioPago string `json:"medioPago,omitempty"`
	// FchVenc is the day a credit falls due.
	FchVenc Date `json:"fchVenc,omitzero"`

	Emisor     Emisor         `json:"emisor"`
	Receptor   Receptor       `json:"receptor"`
	Detalle    []Linea        `json:"detalle"`
	DscRcg     []DscRcgGlobal `json:"dscRcg,omitempty"`
	Referencia []Referencia   `json:"referencia,omitempty"`
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

// The indicators that a counter needs (Formato DTE, Detalle, field IndExe).
const (
	Afecto IndExe = 0
	// Exento is exempt or not subject to IVA.
	Exento IndExe = 1
	// NoFacturable is a good or service that is not part of the total; it goes to MontoNF.
	NoFacturable IndExe = 2
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
	// Monto is used only where Qty or Prc is zero.
	Monto money.Pesos `json:"monto,omitempty"`
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
	// Exactly one of Pct and Monto is given.
	Pct    money.Rate  `json:"pct,omitempty"`
	Monto  money.Pesos `json:"monto,omitempty"`
	IndExe IndExe      `json:"indExe,omitempty"`
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
	FolioRef  string `json:"folioRef,omitempty"`
	FchRef    Date   `json:"fchRef,omitzero"`
	CodRef    CodRef `json:"codRef,omitempty"`
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
	TasaIVA  money.Rate  `json:"tasaIVA,omitempty"`
	IVA      money.Pesos `json:"iva,omitempty"`
	MntTotal money.Pesos `json:"mntTotal"`
	// MontoNF is the sum of the non-billable lines; VlrPagar what is to be paid when there are any.
	MontoNF  money.Pesos `json:"montoNF,omitempty"`
	VlrPagar money.Pesos `json:"vlrPagar,omitempty"`
}

// Document is a document as its signed bytes state it: the result of reading, never a source of bytes.
type Document struct {
	Draft
	Folio Folio
	// Montos are the line amounts (MontoItem), in the order of Detalle.
	Montos []money.Pesos
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
	// SignatureValue is the document's signature in base64 without white space; QueryEstDteAv asks for it.
	SignatureValue string
	// XML is the stand-alone <DTE> fragment, byte for byte as signed.
	XML []byte
}

// Key is the document's identity.
func (d *Document) Key() Key { return Key{d.Emisor.RUT, d.Tipo, d.Folio} }
