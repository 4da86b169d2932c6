package printer

import (
	"fmt"
	"slices"
	"strconv"

	"mostrador/dte"
	"mostrador/dte/aduana"
	"mostrador/money"
)

// section is a block above the detail that only some documents have.
type section struct {
	title  string
	fields []field
}

// sections are how the goods travel, how they leave the country, and how the document is paid over time. The law wants
// their fields on paper wherever the document has them (SII, "Obligatoriedad de campos", columns I and P).
func sections(d *dte.Document) []section {
	all := []section{{"Transporte", transportFields(d)}, {"Exportación", customsFields(d.Exportacion)}, {"Pago", scheduleFields(d)}}
	return slices.DeleteFunc(all, func(s section) bool { return len(s.fields) == 0 })
}

func transportFields(d *dte.Document) []field {
	fields := []field{{"Traslado", traslado(d.IndTraslado)}, {"Despacho", despacho(d.TipoDespacho)}}
	if t := d.Transporte; t != nil {
		fields = append(fields,
			field{"Patente", join(" · carro ", t.Patente, t.PatenteCarro)},
			field{"Transportista", t.RUTTrans.Dotted()},
			field{"Chofer", join(" · ", t.NombreChofer, t.RUTChofer.Dotted())},
			field{"Destino", address(t.Direccion, t.Comuna, t.Ciudad)},
			field{"Salida", join(" ", day(t.FchSalida), t.HraSalida)},
			field{"Llegada", day(t.FchLlegada)},
		)
	}
	return withText(fields)
}

// traslado says why the goods of a guía travel (Formato DTE, field IndTraslado).
func traslado(code int) string {
	return spoken(code, "Operación constituye venta", "Ventas por efectuar", "Consignaciones", "Entrega gratuita", "Traslados internos",
		"Otros traslados no venta", "Guía de devolución", "Traslado para exportación (no venta)", "Venta para exportación")
}

// despacho says who takes the goods away (Formato DTE, field TipoDespacho).
func despacho(code int) string {
	return spoken(code, "Por cuenta del receptor", "Por cuenta del emisor, a instalaciones del cliente", "Por cuenta del emisor, a otras instalaciones")
}

// spoken is the name of a code that counts from 1; a code without a name is itself, and 0 is nothing.
func spoken(code int, names ...string) string {
	switch {
	case code == 0:
		return ""
	case code < 0 || code > len(names):
		return strconv.Itoa(code)
	}
	return names[code-1]
}

func customsFields(e *dte.Exportacion) []field {
	if e == nil || e.Aduana == nil {
		return nil
	}
	a := e.Aduana
	fields := []field{
		{"Modalidad de venta", customs(aduana.Modalidades, a.CodModVenta)},
		{"Cláusula de venta", join(", ", customs(aduana.Clausulas, a.CodClauVenta), divisa(a.TotClauVenta))},
		{"Vía de transporte", customs(aduana.Transportes, a.CodViaTransp)},
		{"Nave o vehículo", a.NombreTransp},
		{"Compañía", join(" · ", a.NomCiaTransp, a.RUTCiaTransp.Dotted())},
		{"Reserva (booking)", a.Booking},
		{"Operador", a.Operador},
		{"Pto. de embarque", customs(aduana.Puertos, a.CodPtoEmbarque)},
		{"Pto. de desembarque", customs(aduana.Puertos, a.CodPtoDesemb)},
		{"País receptor", customs(aduana.Paises, a.CodPaisRecep)},
		{"País de destino", customs(aduana.Paises, a.CodPaisDestin)},
		{"Tara", weight(whole(a.Tara), a.CodUnidMedTara)},
		{"Peso bruto", weight(divisa(a.PesoBruto), a.CodUnidPesoBruto)},
		{"Peso neto", weight(divisa(a.PesoNeto), a.CodUnidPesoNeto)},
		{"Flete", divisa(a.MntFlete)},
		{"Seguro", divisa(a.MntSeguro)},
		{"Total de bultos", whole(a.TotBultos)},
	}
	for _, b := range a.TipoBultos {
		fields = append(fields, field{"Bultos", join(", ",
			join(" ", whole(b.CantBultos), customs(aduana.TiposDeBultos, b.CodTpoBultos)),
			labelled("marcas", b.Marcas), labelled("contenedor", b.IDContainer),
			labelled("sello", join(" de ", b.Sello, b.EmisorSello)))})
	}
	return withText(fields)
}

// customs is the customs service's name of a code, with the code: "OLDENBURG (599)".
func customs(t aduana.Tabla, code int) string {
	if code == 0 {
		return ""
	}
	name, _ := t.Nombre(code)
	return join(" ", name, "("+strconv.Itoa(code)+")")
}

// nationality is the country of a foreign buyer: its customs code, with its name.
func nationality(code string) string {
	n, err := strconv.Atoi(code)
	if err != nil {
		return code
	}
	return customs(aduana.Paises, n)
}

// weight is a stated weight with its unit; a unit alone is nothing.
func weight(amount string, unit int) string {
	if amount == "" {
		return ""
	}
	name, _ := aduana.Unidades.Nombre(unit)
	return join(" ", amount, name)
}

// scheduleFields are the terms of payment, what was paid and what is to come.
func scheduleFields(d *dte.Document) []field {
	terms := d.TermPagoGlosa
	if d.TermPagoDias != 0 {
		terms = join(", ", terms, fmt.Sprint(d.TermPagoDias, " días"))
	}
	fields := []field{
		{"Condiciones", terms},
		{"Cancelado", join(" el ", statedUnits(d, d.MntCancel), day(d.FchCancel))},
		{"Saldo insoluto", statedUnits(d, d.SaldoInsol)},
	}
	for _, p := range d.MntPagos {
		fields = append(fields, field{"Pago " + day(p.Fch), join(" ", units(d, p.Mnt), p.Glosa)})
	}
	return withText(append(fields, field{"Cuenta", join(", ", join(" ", d.TpoCtaPago, d.NumCtaPago), d.BcoPago)}))
}

// taxField is an additional tax or retention by name, rate and amount, with the code that its lines show. A retention is taken off the total, and says so
// by its sign.
func taxField(i dte.Impuesto) field {
	name, amount := "Impuesto adicional", i.Monto
	if c, known := dte.ImpuestoPorCodigo(i.Cod); known {
		name = c.Glosa
		if c.Efecto != dte.Adicional {
			amount = -amount
		}
	}
	rate := ""
	if i.Tasa != 0 {
		rate = i.Tasa.String() + "%"
	}
	return field{join(" ", name, fmt.Sprintf("(%d)", i.Cod), rate), pesos(amount)}
}

// units is an amount that is pesos at home and whole units of its currency in an export document.
func units(d *dte.Document, p money.Pesos) string {
	if d.Tipo.EsExportacion() {
		return p.String()
	}
	return pesos(p)
}

// statedUnits is units, or nothing for an amount that the document leaves out.
func statedUnits(d *dte.Document, p money.Pesos) string {
	if p == 0 {
		return ""
	}
	return units(d, p)
}

func divisa(d money.Divisa) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func whole(n int) string {
	if n == 0 {
		return ""
	}
	return money.Pesos(n).String()
}

func day(d dte.Date) string {
	if d.IsZero() {
		return ""
	}
	return fecha(d)
}

// labelled is "sello S-1", or nothing without a text.
func labelled(label, text string) string { return join(" ", labelIf(label, text), text) }

// withText leaves out the fields that say nothing.
func withText(fields []field) []field {
	var some []field
	for _, f := range fields {
		if f.text = legible(f.text); f.text != "" {
			some = append(some, f)
		}
	}
	return some
}
