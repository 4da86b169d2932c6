package printer

import (
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// The documents of the tests. They are what dte.Parse gives for documents of this shape; the amounts are stated, as in
// the XML, and deliberately include one that no arithmetic gives, so that a layout which computes would be caught.

func shop() sale.Shop {
	return sale.Shop{
		Resolucion: dte.Resolucion{Nro: 80, Fch: dte.Date{Year: 2014, Month: 8, Day: 22}},
		Ambiente:   dte.Produccion, UnidadSII: "Santiago Oriente", Caja: "CAJA1", Verificacion: "www.sii.cl",
	}
}

func emisor() dte.Emisor {
	return dte.Emisor{
		RUT: 76543210, RznSoc: "COMERCIAL ÑANDÚ & CÍA LIMITADA", Giro: "Venta al por menor de abarrotes y ferretería",
		Telefono: []string{"+56 2 2345 6789"}, Correo: "ventas@example.invalid", Direccion: "Av. Irarrázaval 1234",
		Comuna: "Ñuñoa", Ciudad: "Santiago", Sucursal: "Casa matriz",
	}
}

func cliente() dte.Receptor {
	return dte.Receptor{
		RUT: 77777777, RznSoc: "CONSTRUCTORA PEÑA <SUR> & HIJOS SOCIEDAD ANÓNIMA CERRADA", Giro: "Construcción de obras menores",
		Direccion: "Calle Uno 234", Comuna: "Maipú", Ciudad: "Santiago",
	}
}

// at is 12:34:56 of 16 March 2026 in Santiago.
func at() time.Time { return time.Date(2026, 3, 16, 12, 34, 56, 0, dte.Santiago) }

// ted is a timbre of the usual size for a document; only its bytes matter here.
func ted(tipo, name string) []byte {
	s := `<TED version="1.0"><DD><RE>76543210-3</RE><TD>` + tipo + `</TD><F>1204</F><FE>2026-03-16</FE><RR>66666666-6</RR><RSR>` + name +
		`</RSR><MNT>29800</MNT><IT1>Café en grano 1 kg ñandú</IT1><CAF version="1.0"><DA><RE>76543210-3</RE><RS>COMERCIAL ÑANDÚ</RS>` +
		strings.Repeat("MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OQ==", 7) + `</TED>`
	latin1 := make([]byte, 0, len(s))
	for _, r := range s {
		latin1 = append(latin1, byte(r))
	}
	return latin1
}

func job(d dte.Document, p sale.Payment) Job {
	d.FchEmis, d.Folio = dte.Date{Year: 2026, Month: 3, Day: 16}, 1204
	d.Emisor = emisor()
	d.TED = ted("39", "PE\u00d1A")
	r := sale.Record{
		ID: "0123456789abcdef0123456789abcdef", At: at(), Caja: "CAJA1", Shift: 7, Key: d.Key(),
		Total: d.Totales.MntTotal, Payment: p, Receptor: d.Receptor,
	}
	return Job{Document: &d, Record: r, Shop: shop()}
}

func boleta() Job {
	d := dte.Document{
		Draft: dte.Draft{
			Tipo: dte.Boleta, Receptor: dte.Receptor{RUT: dte.RUTAnonimo},
			Detalle: []dte.Linea{
				{Nombre: "Café en grano “Ñandú” 1 kg", Qty: money.One, Prc: money.PerUnit(12990)},
				{Nombre: "Pan marraqueta", Qty: 455_000, Unidad: "kg", Prc: money.PerUnit(2190)},
				{
					Nombre: "Polera algodón piqué manga corta color azul petróleo talla XL", Qty: money.Units(2), Prc: money.PerUnit(9990),
					DescuentoPct: 1000,
				},
				{Nombre: "Libro escolar", Qty: money.One, Prc: money.PerUnit(5000), IndExe: dte.Exento},
			},
			Referencia: []dte.Referencia{{CodCaja: "CAJA1", CodVndor: "ANA"}},
		},
		Montos:     []money.Pesos{12990, 996, 17982, 5000},
		Descuentos: []money.Pesos{0, 0, 1998, 0},
		Totales:    dte.Totales{MntNeto: 26864, MntExe: 5000, IVA: 5105, MntTotal: 36969},
	}
	return job(d, sale.Payment{
		Tenders: []sale.Tender{
			{Method: sale.Tarjeta, Amount: 20000, Received: 20000, Reference: "123456"},
			{Method: sale.Efectivo, Amount: 16970, Received: 20000},
		},
		Rounding: 1, Change: 3030,
	})
}

func boletaExenta() Job {
	d := dte.Document{
		Draft: dte.Draft{
			Tipo: dte.BoletaExenta, Receptor: dte.Receptor{RUT: 12345678, RznSoc: "Íñigo Núñez"},
			Detalle: []dte.Linea{{Nombre: "Clase de guitarra", Qty: money.One, Prc: money.PerUnit(15000), IndExe: dte.Exento}},
		},
		Montos: []money.Pesos{15000}, Totales: dte.Totales{MntExe: 15000, MntTotal: 15000},
	}
	return job(d, sale.Payment{Tenders: []sale.Tender{{Method: sale.Transferencia, Amount: 15000}}})
}

func factura() Job {
	d := dte.Document{
		Draft: dte.Draft{
			Tipo: dte.Factura, Receptor: cliente(), FmaPago: 2, FchVenc: dte.Date{Year: 2026, Month: 4, Day: 15},
			Detalle: []dte.Linea{
				{
					Nombre: "Cemento especial 25 kg", Qty: money.Units(24), Unidad: "saco", Prc: money.PerUnit(4290),
					Codigos: []dte.Codigo{{Tipo: "EAN13", Valor: "7801234567894"}},
				},
				{Nombre: "Despacho a obra", Descripcion: "Entrega en faena, camión pluma, antes de las 10:00", Monto: 25000},
				{Nombre: "Clavo 2½″", Qty: 1_500_000, Unidad: "kg", Prc: 1_890_500_000, RecargoPct: 500},
				{Nombre: "Servicio exento de capacitación", Qty: money.One, Prc: money.PerUnit(15000), IndExe: dte.Exento},
			},
			DscRcg: []dte.DscRcgGlobal{{TpoMov: dte.DescuentoGlobal, Glosa: "cliente frecuente", Pct: 500}},
			Referencia: []dte.Referencia{{
				TpoDocRef: "801", FolioRef: "OC-4500", FchRef: dte.Date{Year: 2026, Month: 3, Day: 10},
				RazonRef: "compra de obra",
			}},
		},
		Montos:   []money.Pesos{102960, 25000, 2978, 15000},
		Recargos: []money.Pesos{0, 0, 142, 0},
		Totales:  dte.Totales{MntNeto: 124391, MntExe: 15000, TasaIVA: money.IVA, IVA: 23634, MntTotal: 163025},
	}
	return job(d, sale.Payment{})
}

func facturaExenta() Job {
	j := factura()
	d := *j.Document
	d.Tipo, d.Detalle, d.Montos, d.DscRcg = dte.FacturaExenta, d.Detalle[3:], []money.Pesos{15000}, nil
	d.Totales = dte.Totales{MntExe: 15000, MntTotal: 15000}
	return job(d, sale.Payment{})
}

func notaCredito() Job {
	d := dte.Document{
		Draft: dte.Draft{
			Tipo: dte.NotaCredito, Receptor: cliente(), MntBruto: true,
			Detalle: []dte.Linea{{Nombre: "Café en grano 1 kg", Qty: money.One, Prc: money.PerUnit(12996)}},
			Referencia: []dte.Referencia{{
				TpoDocRef: "39", FolioRef: "1187", FchRef: dte.Date{Year: 2026, Month: 3, Day: 14},
				CodRef: dte.Anula, RazonRef: "devolución de mercadería",
			}},
		},
		Montos:  []money.Pesos{12996},
		Totales: dte.Totales{MntNeto: 10921, TasaIVA: money.IVA, IVA: 2075, MntTotal: 12996},
	}
	return job(d, sale.Payment{Tenders: []sale.Tender{{Method: sale.Efectivo, Amount: 13000, Received: 13000}}, Rounding: 4})
}

func notaDebito() Job {
	j := notaCredito()
	d := *j.Document
	d.Tipo = dte.NotaDebito
	d.Referencia = []dte.Referencia{{TpoDocRef: "61", FolioRef: "12", FchRef: dte.Date{Year: 2026, Month: 3, Day: 15}, CodRef: dte.Anula}}
	return job(d, sale.Payment{})
}

// jobs are one of each kind, by name.
func jobs() map[string]Job {
	reprint := boleta()
	reprint.Copy = 2
	training := boletaExenta()
	training.Record.Training = true
	toCede := factura()
	toCede.Cedible = true
	return map[string]Job{
		"boleta": boleta(), "boleta-copia": reprint, "capacitacion": training, "factura": factura(), "factura-cedible": toCede,
		"factura-exenta": facturaExenta(), "nota-credito": notaCredito(), "nota-debito": notaDebito(),
	}
}

func mustTicket(t testing.TB, j Job, p Paper) Layout {
	t.Helper()
	l, err := Ticket(j, p)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
