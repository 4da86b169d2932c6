package setpruebas

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"mostrador/dte"
	"mostrador/dte/aduana"
	"mostrador/money"
)

// Config is what a set leaves to the company.
type Config struct {
	Emisor dte.Emisor `json:"emisor"`
	// Receptor is the buyer of facturas, notes and guías that are sales.
	Receptor dte.Receptor `json:"receptor"`
	// Proveedor is the seller in facturas de compra; the Receptor where it is left out.
	Proveedor dte.Receptor `json:"proveedor,omitzero"`
	// Extranjero is the buyer of exports; its RUT is that of foreigners where it is left out.
	Extranjero dte.Receptor `json:"extranjero,omitzero"`
	// GiroCorregido is what a note that corrects the receiver's giro says that it should be.
	GiroCorregido string `json:"giroCorregido,omitempty"`
	// Transporte of guías. Destination and day are the receiver's and the day of issue where they are left out.
	Transporte dte.Transporte `json:"transporte,omitzero"`
	// TpoCambio is pesos for one unit, by the SII's name of the currency.
	TpoCambio map[string]money.Cambio `json:"tpoCambio,omitempty"`
	// Bulto gives the marks of the packages of exports and, for containers, their number, seal and who sealed.
	Bulto dte.Bulto `json:"bulto,omitzero"`

	// FchEmis is the day of issue of all documents, and Folios the folio of each case by its ID.
	FchEmis dte.Date             `json:"-"`
	Folios  map[string]dte.Folio `json:"-"`
}

// Resuelto is a case as a document to be issued.
type Resuelto struct {
	Clase Clase
	Caso  Caso
	Folio dte.Folio
	Draft dte.Draft
}

// ErrCaso: a case cannot be solved with what the file and the Config say.
var ErrCaso = errors.New("el caso no se puede resolver")

// Drafts solves all cases, in the order of the file, which is also the order in which they must be sent: a note comes
// after what it corrects (REF-3-750). The first reference of each document names its case, the others are the real
// ones. Errors are all of those found, each with its case; then there are no drafts.
func (f *File) Drafts(c Config) ([]Resuelto, error) {
	s := solver{c: c, done: map[string]Resuelto{}}
	var all []Resuelto
	var faults []error
	for _, set := range f.Sets {
		for _, caso := range set.Casos {
			r, err := s.solve(set, caso)
			if err != nil {
				faults = append(faults, fmt.Errorf("%w: %s: %w", ErrCaso, caso.ID, err))
				continue
			}
			s.done[caso.ID] = r
			all = append(all, r)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return all, nil
}

type solver struct {
	c    Config
	done map[string]Resuelto
}

func (s *solver) solve(set Set, caso Caso) (Resuelto, error) {
	folio := s.c.Folios[caso.ID]
	if folio < 1 {
		return Resuelto{}, errors.New("no tiene folio asignado")
	}
	d := dte.Draft{Tipo: caso.Tipo, FchEmis: s.c.FchEmis, Emisor: s.c.Emisor, Receptor: s.receptor(caso)}
	d.Referencia = []dte.Referencia{s.setReference(set, caso, folio)}
	var err error
	if caso.RefCaso != "" {
		err = s.note(&d, caso)
	} else {
		err = s.original(&d, caso)
	}
	return Resuelto{set.Clase, caso, folio, d}, err
}

// setReference names the case (SII, certification: TpoDocRef SET and "CASO n-k"; in boletas CodRef SET and nothing else,
// or the SII answers HED-3-211).
func (s *solver) setReference(set Set, caso Caso, folio dte.Folio) dte.Referencia {
	if set.Clase == Boletas {
		return dte.Referencia{CodRefBoleta: "SET", RazonRef: caso.ID}
	}
	return dte.Referencia{TpoDocRef: "SET", FolioRef: folio.String(), FchRef: s.c.FchEmis, RazonRef: "CASO " + caso.ID}
}

func (s *solver) receptor(caso Caso) dte.Receptor {
	switch {
	case caso.Tipo.EsBoleta():
		return dte.Receptor{RUT: dte.RUTAnonimo}
	case caso.Tipo == dte.FacturaCompra && s.c.Proveedor.RUT != 0:
		return s.c.Proveedor
	case caso.Tipo.EsExportacion():
		r := s.c.Extranjero
		if r.RUT == 0 {
			r.RUT = dte.RUTExtranjero
		}
		return r
	case caso.IndTraslado == trasladoInterno: // SII, set de guías: the receiver's data are the issuer's
		e := s.c.Emisor
		return dte.Receptor{RUT: e.RUT, RznSoc: e.RznSoc, Giro: cut(e.Giro, 40), Direccion: e.Direccion, Comuna: e.Comuna, Ciudad: e.Ciudad}
	}
	return s.c.Receptor
}

// trasladoInterno is IndTraslado 5: between places of the same company.
const trasladoInterno = 5

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// original solves a case that corrects no other.
func (s *solver) original(d *dte.Draft, caso Caso) error {
	for _, it := range caso.Items {
		if it.Prc == 0 && caso.Tipo != dte.GuiaDespacho {
			return fmt.Errorf("el ítem «%s» no trae precio (línea %d)", it.Nombre, it.Line)
		}
		if it.Qty == 0 && !it.ValorLinea {
			return fmt.Errorf("el ítem «%s» no trae cantidad (línea %d)", it.Nombre, it.Line)
		}
		d.Detalle = append(d.Detalle, s.linea(it, caso))
	}
	if caso.DescuentoGlobal != 0 {
		d.DscRcg = []dte.DscRcgGlobal{{TpoMov: dte.DescuentoGlobal, Glosa: "Descuento global ítemes afectos", Pct: caso.DescuentoGlobal}}
	}
	switch caso.Tipo {
	case dte.GuiaDespacho:
		d.IndTraslado, d.TipoDespacho, d.Transporte = caso.IndTraslado, caso.TipoDespacho, s.transporte(d.Receptor)
	case dte.FacturaExportacion:
		return s.exportacion(d, caso)
	}
	return nil
}

func (s *solver) linea(it Item, caso Caso) dte.Linea {
	l := dte.Linea{Nombre: it.Nombre, Qty: it.Qty, Unidad: it.Unidad, Prc: it.Prc, DescuentoPct: it.DescuentoPct, RecargoPct: it.RecargoPct}
	if it.ValorLinea {
		l.Qty = money.One // the value of the line is the price of one, so that percentages have something to apply to
	}
	if it.Exento || caso.Tipo.EsExportacion() {
		l.IndExe = dte.Exento
	}
	if caso.Tipo == dte.FacturaCompra {
		l.CodImpAdic, l.Retenedor = []int{ivaRetenidoTotal}, true
	}
	return l
}

// ivaRetenidoTotal is the code with which the buyer withholds all the IVA: the "caso general" of facturas de compra.
const ivaRetenidoTotal = 15

func (s *solver) transporte(to dte.Receptor) *dte.Transporte {
	t := s.c.Transporte
	if t.Direccion == "" {
		t.Direccion, t.Comuna, t.Ciudad = to.Direccion, to.Comuna, to.Ciudad
	}
	if t.FchSalida.IsZero() {
		t.FchSalida = s.c.FchEmis
	}
	if t.FchLlegada.IsZero() {
		t.FchLlegada = t.FchSalida
	}
	return &t
}

// note solves a case that corrects another: it starts from that case's document.
func (s *solver) note(d *dte.Draft, caso Caso) error {
	of, ok := s.done[caso.RefCaso]
	if !ok {
		return fmt.Errorf("el caso %s, que corrige, no se resolvió", caso.RefCaso)
	}
	d.Receptor, d.Exportacion, d.IndServicio = of.Draft.Receptor, of.Draft.Exportacion, of.Draft.IndServicio
	d.Referencia = append(d.Referencia, dte.Referencia{
		TpoDocRef: strconv.Itoa(int(of.Draft.Tipo)), FolioRef: of.Folio.String(), FchRef: of.Draft.FchEmis, CodRef: caso.Efecto, RazonRef: caso.Razon,
	})
	switch caso.Efecto {
	case dte.Anula: // REF-2-780: same lines, same amounts; of a text correction, none
		d.Detalle, d.DscRcg = slices.Clone(of.Draft.Detalle), slices.Clone(of.Draft.DscRcg)
	case dte.CorrigeTexto: // REF-2-781: one line, total zero
		return s.textCorrection(d, of)
	default:
		return s.amounts(d, caso, of)
	}
	return nil
}

func (s *solver) textCorrection(d *dte.Draft, of Resuelto) error {
	if s.c.GiroCorregido == "" {
		return errors.New("falta el giro corregido en los datos de la empresa")
	}
	says, should := cut(of.Draft.Receptor.Giro, 25), cut(s.c.GiroCorregido, 25) // both fit in the 80 characters of a name
	l := dte.Linea{Nombre: "Donde dice giro " + says + " debe decir " + should}
	if !slices.ContainsFunc(of.Draft.Detalle, func(l dte.Linea) bool { return l.IndExe == dte.Afecto }) {
		l.IndExe = dte.Exento
	}
	d.Detalle = []dte.Linea{l}
	return nil
}

// amounts: quantities as given; price, discount, unit and taxes from the referenced document, unless a value is given.
// Percentages on the whole stay; amounts on the whole, such as freight, do not come back with the goods.
func (s *solver) amounts(d *dte.Draft, caso Caso, of Resuelto) error {
	for _, it := range caso.Items {
		i := slices.IndexFunc(of.Draft.Detalle, func(l dte.Linea) bool { return aduana.Igual(l.Nombre, it.Nombre) })
		if i < 0 {
			return fmt.Errorf("el ítem «%s» no está en el caso %s", it.Nombre, caso.RefCaso)
		}
		l := of.Draft.Detalle[i]
		if it.Qty > l.Qty {
			return fmt.Errorf("del ítem «%s» se devuelven %s y el caso %s tiene %s", it.Nombre, it.Qty, caso.RefCaso, l.Qty)
		}
		if it.Qty != 0 {
			l.Qty = it.Qty
		}
		if it.Prc != 0 {
			l.Prc = it.Prc
		}
		if it.ValorLinea {
			l.Qty = money.One
		}
		if it.DescuentoPct != 0 {
			l.DescuentoPct = it.DescuentoPct
		}
		d.Detalle = append(d.Detalle, l)
	}
	for _, g := range of.Draft.DscRcg {
		if g.Pct != 0 {
			d.DscRcg = append(d.DscRcg, g)
		}
	}
	if d.Exportacion != nil {
		x := *d.Exportacion
		x.Aduana = nil // optional in notes, and it describes the shipment, not its return
		d.Exportacion = &x
	}
	return nil
}

// exportacion fills in currency, buyer, customs block, surcharges and references of a factura de exportación.
func (s *solver) exportacion(d *dte.Draft, caso Caso) error {
	x := caso.Exportacion
	if x == nil || x.TpoMoneda == "" {
		return errors.New("no dice la moneda de la operación")
	}
	cambio, ok := s.c.TpoCambio[x.TpoMoneda]
	if !ok || cambio <= 0 {
		return fmt.Errorf("falta el tipo de cambio de %s en los datos de la empresa", x.TpoMoneda)
	}
	pais := x.Pais
	if pais == 0 {
		pais = x.Nacionalidad
	}
	d.Exportacion = &dte.Exportacion{TpoMoneda: x.TpoMoneda, TpoCambio: cambio, FmaPagExp: x.FmaPagExp, Aduana: s.aduana(x)}
	if pais != 0 {
		d.Exportacion.Nacionalidad = strconv.Itoa(pais)
	}
	d.IndServicio = servicio(x)
	if err := s.recargos(d, x); err != nil {
		return err
	}
	folio := s.c.Folios[caso.ID]
	for _, r := range x.Referencias {
		d.Referencia = append(d.Referencia, dte.Referencia{TpoDocRef: r.Tipo, FolioRef: folio.String(), FchRef: s.c.FchEmis, RazonRef: cut(r.Nombre, 90)})
	}
	return nil
}

// servicio is IndServicio: 3 for services that customs has qualified as exports (their resolution is referred to), 4 for
// the hotel of a foreigner, of whom only the nationality is told; goods have none.
func servicio(x *Exportacion) int {
	switch {
	case slices.ContainsFunc(x.Referencias, func(r RefExterna) bool { return r.Tipo == "812" }):
		return 3
	case x.Nacionalidad != 0:
		return 4
	}
	return 0
}

// aduana is the customs block, nil when the case says nothing that belongs in it.
func (s *solver) aduana(x *Exportacion) *dte.Aduana {
	a := dte.Aduana{
		CodModVenta: x.CodModVenta, CodClauVenta: x.CodClauVenta, TotClauVenta: x.TotClauVenta, CodViaTransp: x.CodViaTransp,
		CodPtoEmbarque: x.PtoEmbarque, CodPtoDesemb: x.PtoDesembarq, CodUnidMedTara: x.UnidTara, CodUnidPesoBruto: x.UnidPesoBruto,
		CodUnidPesoNeto: x.UnidPesoNeto, TotBultos: x.TotBultos, MntFlete: x.Flete, MntSeguro: x.Seguro,
		CodPaisRecep: x.Pais, CodPaisDestin: x.Pais,
	}
	if x.CodViaTransp == 0 && x.CodClauVenta == 0 && x.Pais == 0 && x.TotBultos == 0 {
		return nil
	}
	if x.TipoBulto != 0 {
		a.TipoBultos = []dte.Bulto{s.bulto(x)}
	}
	return &a
}

// bulto: packages carry marks (HED-2-804), and containers their number and seal.
func (s *solver) bulto(x *Exportacion) dte.Bulto {
	b := s.c.Bulto
	b.CodTpoBultos, b.CantBultos = x.TipoBulto, x.TotBultos
	if b.Marcas == "" {
		b.Marcas = "SIN MARCAS"
	}
	if !isContainer(x.TipoBulto) {
		b.IDContainer, b.Sello, b.EmisorSello = "", "", ""
	}
	return b
}

// isContainer: 73 to 78 but for 77, a tank (Aduana, tipos de bulto).
func isContainer(codigo int) bool { return codigo >= 73 && codigo <= 78 && codigo != 77 }

// recargos: "las cifras de flete y seguro deben indicarse en los campos informativos del encabezado … y también en el área
// de recargo como dos líneas distintas de recargos globales"; commissions are a part of the total of the clause.
func (s *solver) recargos(d *dte.Draft, x *Exportacion) error {
	comision, err := x.ComisionPct.OfDivisa(x.TotClauVenta)
	if err == nil {
		comision, err = cents(comision)
	}
	if err != nil {
		return err
	}
	if x.ComisionPct != 0 && comision == 0 {
		return errors.New("la comisión es una parte del total de la cláusula de venta, que falta")
	}
	for _, r := range []struct {
		glosa  string
		amount money.Divisa
	}{{"Flete", x.Flete}, {"Seguro", x.Seguro}, {"Comisiones en el extranjero", comision}} {
		if r.amount != 0 {
			d.DscRcg = append(d.DscRcg, dte.DscRcgGlobal{TpoMov: dte.RecargoGlobal, Glosa: r.glosa, Divisa: r.amount, IndExe: dte.Exento})
		}
	}
	return nil
}

// cents rounds half up to the two decimals of a global surcharge (ValorDR).
func cents(d money.Divisa) (money.Divisa, error) {
	if d > money.MaxDivisa/100 {
		return 0, money.ErrOverflow
	}
	whole, err := (d * 100).Whole()
	return whole / 100, err
}
