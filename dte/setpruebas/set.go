// Package setpruebas reads the SII's set de pruebas, the text file of cases that a company must solve to be authorised,
// and turns its cases into drafts of documents.
//
// Owns: the layout of that file, what each of its phrases means, and how a case becomes a draft.
//
// Invariants: layout does not matter (encoding, line ends, tabs, spaces, rulers), words do: a line that is not understood
// is reported with its number, never skipped and never guessed. Reading and drafting have no clock and no files; the same
// file and the same Config give the same drafts.
//
// Sources: SII, "Manual de certificación" and the sets themselves; the meaning of their phrases is cited where it is
// applied.
//
// Imports dte, dte/aduana and money.
package setpruebas

import (
	"fmt"

	"mostrador/dte"
	"mostrador/money"
)

// Clase is the kind of a set.
type Clase string

// The sets that are understood.
const (
	Basico        Clase = "basico"
	Exenta        Clase = "exenta"
	LibroVentas   Clase = "libro-ventas"
	LibroCompras  Clase = "libro-compras"
	Guias         Clase = "guias"
	LibroGuias    Clase = "libro-guias"
	Exportacion1  Clase = "exportacion-1"
	Exportacion2  Clase = "exportacion-2"
	FacturaCompra Clase = "factura-compra"
	Boletas       Clase = "boletas"
)

// File is a set de pruebas: the sets that a company got, in the order of the file.
type File struct {
	Sets []Set `json:"sets"`
	// Notas are the instructions for people, as they stand in the file.
	Notas []Nota `json:"notas,omitempty"`
}

// Nota is a line meant for a person.
type Nota struct {
	Line  int    `json:"line"`
	Texto string `json:"texto"`
}

// Set is one set with its cases, or the data of a book.
type Set struct {
	Clase  Clase  `json:"clase"`
	Nombre string `json:"nombre"`
	// Atencion is the "número de atención" under which the SII judges the set; the boletas' set has none.
	Atencion string `json:"atencion,omitempty"`
	Line     int    `json:"line"`
	Casos    []Caso `json:"casos,omitempty"`
	// Compras are the documents of the libro de compras, and FactorUsoComun the part of the IVA of common use that gives
	// credit (60 % is 6000).
	Compras        []Compra   `json:"compras,omitempty"`
	FactorUsoComun money.Rate `json:"factorUsoComun,omitempty"`
	// GuiasFacturadas and GuiasAnuladas are the numbers of the cases of the guías that the libro de guías treats so.
	GuiasFacturadas []int `json:"guiasFacturadas,omitempty"`
	GuiasAnuladas   []int `json:"guiasAnuladas,omitempty"`
}

// Caso is a document to be made.
type Caso struct {
	// ID is the case as the SII writes it: "4352553-1", or "CASO-1" in the boletas' set. N is its number in the set.
	ID   string      `json:"id"`
	N    int         `json:"n"`
	Line int         `json:"line"`
	Tipo dte.TipoDTE `json:"tipo"`
	// RefCaso is the ID of the case that a note corrects, Razon why in the SII's words and Efecto what that means.
	RefCaso string     `json:"refCaso,omitempty"`
	Razon   string     `json:"razon,omitempty"`
	Efecto  dte.CodRef `json:"efecto,omitempty"`
	Items   []Item     `json:"items,omitempty"`
	// DescuentoGlobal is on the taxed items.
	DescuentoGlobal money.Rate `json:"descuentoGlobal,omitempty"`
	// Motivo and TrasladoPor of a guía, in the SII's words, and what they mean.
	Motivo       string       `json:"motivo,omitempty"`
	TrasladoPor  string       `json:"trasladoPor,omitempty"`
	IndTraslado  int          `json:"indTraslado,omitempty"`
	TipoDespacho int          `json:"tipoDespacho,omitempty"`
	Exportacion  *Exportacion `json:"exportacion,omitempty"`
}

// Item is a line of a case. What the case leaves to the referenced document is zero.
type Item struct {
	Line   int         `json:"line"`
	Nombre string      `json:"nombre"`
	Qty    money.Qty   `json:"qty,omitempty"`
	Unidad string      `json:"unidad,omitempty"`
	Prc    money.Price `json:"prc,omitempty"`
	// ValorLinea says that Prc is the value of the whole line, which has no quantity.
	ValorLinea   bool       `json:"valorLinea,omitempty"`
	DescuentoPct money.Rate `json:"descuentoPct,omitempty"`
	RecargoPct   money.Rate `json:"recargoPct,omitempty"`
	Exento       bool       `json:"exento,omitempty"`
}

// Exportacion are the data of an export case. Codes are customs codes.
type Exportacion struct {
	Referencias   []RefExterna `json:"referencias,omitempty"`
	TpoMoneda     string       `json:"tpoMoneda,omitempty"`
	FmaPagExp     int          `json:"fmaPagExp,omitempty"`
	CodModVenta   int          `json:"codModVenta,omitempty"`
	CodClauVenta  int          `json:"codClauVenta,omitempty"`
	TotClauVenta  money.Divisa `json:"totClauVenta,omitempty"`
	CodViaTransp  int          `json:"codViaTransp,omitempty"`
	PtoEmbarque   int          `json:"ptoEmbarque,omitempty"`
	PtoDesembarq  int          `json:"ptoDesembarque,omitempty"`
	UnidTara      int          `json:"unidTara,omitempty"`
	UnidPesoBruto int          `json:"unidPesoBruto,omitempty"`
	UnidPesoNeto  int          `json:"unidPesoNeto,omitempty"`
	TipoBulto     int          `json:"tipoBulto,omitempty"`
	TotBultos     int          `json:"totBultos,omitempty"`
	Flete         money.Divisa `json:"flete,omitempty"`
	Seguro        money.Divisa `json:"seguro,omitempty"`
	// Pais is that of the receiver and of the destination; Nacionalidad the buyer's, where only that is given.
	Pais         int `json:"pais,omitempty"`
	Nacionalidad int `json:"nacionalidad,omitempty"`
	// ComisionPct is a global surcharge, as a part of TotClauVenta.
	ComisionPct money.Rate `json:"comisionPct,omitempty"`
}

// RefExterna is a document of customs or transport: "807" "DUS".
type RefExterna struct {
	Tipo   string `json:"tipo"`
	Nombre string `json:"nombre"`
}

// Tratamiento is how a purchase counts for the IVA.
type Tratamiento string

// The treatments that the libro de compras asks for.
const (
	ConCredito      Tratamiento = "con-credito"      // of the business, with right to the credit
	UsoComun        Tratamiento = "uso-comun"        // for taxed and exempt sales: part of the IVA
	EntregaGratuita Tratamiento = "entrega-gratuita" // free of charge: IVA that cannot be recovered
	RetencionTotal  Tratamiento = "retencion-total"  // the buyer withholds all the IVA
)

// Compra is a document of the libro de compras.
type Compra struct {
	Line int `json:"line"`
	// Tipo is the SII's code, those on paper too: 30, 33, 45, 46, 55, 56, 60, 61.
	Tipo          dte.TipoDTE `json:"tipo"`
	Folio         dte.Folio   `json:"folio"`
	Observacion   string      `json:"observacion"`
	Tratamiento   Tratamiento `json:"tratamiento"`
	MntExe        money.Pesos `json:"mntExe,omitempty"`
	MntNeto       money.Pesos `json:"mntNeto,omitempty"`
	FolioAfectado dte.Folio   `json:"folioAfectado,omitempty"` // the factura that a note corrects
}

// LineError is a line that was not understood.
type LineError struct {
	Line  int    `json:"line"`
	Texto string `json:"texto,omitempty"`
	Why   string `json:"why"`
}

func (e LineError) Error() string {
	if e.Texto == "" {
		return fmt.Sprintf("línea %d: %s", e.Line, e.Why)
	}
	return fmt.Sprintf("línea %d: %s: «%s»", e.Line, e.Why, e.Texto)
}

// Caso finds a case by its ID.
func (f *File) Caso(id string) (*Set, *Caso, bool) {
	for i := range f.Sets {
		for j := range f.Sets[i].Casos {
			if f.Sets[i].Casos[j].ID == id {
				return &f.Sets[i], &f.Sets[i].Casos[j], true
			}
		}
	}
	return nil, nil, false
}
