package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"mostrador/dte"
	"mostrador/dte/setpruebas"
)

// libros makes the books that the sets ask for, and the statement of folios of the boletas. Each carries the number of
// the notification in its name: the SII wants a new one each time that a book is sent again.
func (c *certify) libros() error {
	var faults []error
	for _, s := range c.file.Sets {
		make, name := c.book(s)
		if make == nil {
			continue
		}
		n := certEnvio{Nombre: name + "-" + strconv.FormatInt(c.notification, 10), Notificacion: c.notification}
		if err := c.envio(n, make); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", n.Nombre, err))
		}
	}
	return errors.Join(faults...)
}

// book is how a set's book is made; nil for a set that asks for none.
func (c *certify) book(s setpruebas.Set) (make func() ([]byte, error), name string) {
	switch s.Clase {
	case setpruebas.LibroVentas:
		return c.libroVentas, "5-libro-ventas"
	case setpruebas.LibroCompras:
		return func() ([]byte, error) { return c.libroCompras(s) }, "6-libro-compras"
	case setpruebas.LibroGuias:
		return func() ([]byte, error) { return c.libroGuias(s) }, "7-libro-guias"
	case setpruebas.Boletas:
		return c.consumoFolios, "8-consumo-folios"
	}
	return nil, ""
}

// caratula: in certification every book is ESPECIAL and TOTAL.
func (c *certify) caratula() dte.CaratulaLibro {
	return dte.CaratulaLibro{
		Emisor: c.state.Emisor, Resolucion: c.company.Resolucion, Periodo: dte.Periodo{Year: c.state.Fecha.Year, Month: c.state.Fecha.Month},
		TipoLibro: dte.LibroEspecial, TipoEnvio: dte.EnvioTotal, FolioNotificacion: c.notification,
	}
}

// libroVentas: "construya el libro de ventas con los documentos con que generó el set básico o el set de factura exenta …
// si obtuvo ambos, utilice los del set básico".
func (c *certify) libroVentas() ([]byte, error) {
	_, docs := c.of(setpruebas.Basico)
	if len(docs) == 0 {
		_, docs = c.of(setpruebas.Exenta)
	}
	l := dte.LibroCV{CaratulaLibro: c.caratula(), Operacion: dte.LibroVentas}
	for _, d := range docs {
		l.Detalle = append(l.Detalle, dte.Venta(d))
	}
	return dte.NewLibroCV(l, c.signer, c.e.opt.Now())
}

// usos is what the set's words make of the IVA of a purchase.
var usos = map[setpruebas.Tratamiento]dte.UsoIVA{
	setpruebas.ConCredito:      dte.ConCredito,
	setpruebas.UsoComun:        dte.DeUsoComun,
	setpruebas.EntregaGratuita: dte.EntregaGratuita,
	setpruebas.RetencionTotal:  dte.RetenidoEnCompras,
}

// libroCompras: the set says type, folio and amounts; the supplier is the company's to choose.
func (c *certify) libroCompras(s setpruebas.Set) ([]byte, error) {
	supplier := c.company.Proveedor
	if supplier.RUT == 0 {
		supplier = c.company.Receptor
	}
	l := dte.LibroCV{CaratulaLibro: c.caratula(), Operacion: dte.LibroCompras, FctProp: s.FactorUsoComun}
	for _, b := range s.Compras {
		d, err := dte.Compra(dte.DetalleCV{
			TpoDoc: int(b.Tipo), NroDoc: b.Folio, FchDoc: c.state.Fecha, RUTDoc: supplier.RUT, RznSoc: supplier.RznSoc,
			Montos: dte.MontosCV{MntExe: b.MntExe, MntNeto: b.MntNeto},
		}, usos[b.Tratamiento])
		if err != nil {
			return nil, fmt.Errorf("línea %d: %w", b.Line, err)
		}
		l.Detalle = append(l.Detalle, d)
	}
	return dte.NewLibroCV(l, c.signer, c.e.opt.Now())
}

// libroGuias: the guías of the set, of which one was billed in the period and one annulled after it was sent.
func (c *certify) libroGuias(s setpruebas.Set) ([]byte, error) {
	l := dte.LibroGuia{CaratulaLibro: c.caratula()}
	for _, set := range c.file.Sets {
		if set.Clase != setpruebas.Guias {
			continue
		}
		for _, k := range set.Casos {
			d := c.docs[k.ID]
			t := d.Totales
			g := dte.DetalleGuia{
				Folio: d.Folio, TpoOper: d.IndTraslado, FchDoc: d.FchEmis, RUTDoc: d.Receptor.RUT, RznSoc: d.Receptor.RznSoc,
				MntNeto: t.MntNeto, IVA: t.IVA, MntTotal: t.MntTotal,
			}
			if slices.Contains(s.GuiasAnuladas, k.N) {
				g.Anulado = dte.GuiaNula
			}
			if slices.Contains(s.GuiasFacturadas, k.N) {
				var err error
				if g.Factura, err = c.billing(); err != nil {
					return nil, err
				}
			}
			l.Detalle = append(l.Detalle, g)
		}
	}
	return dte.NewLibroGuia(l, c.signer, c.e.opt.Now())
}

// billing is a factura of the period that can have billed a guía: the set does not say which, and any that was sent will do.
func (c *certify) billing() (dte.DocRef, error) {
	_, docs := c.of(setpruebas.Basico)
	for _, d := range docs {
		if d.Tipo == dte.Factura {
			return dte.DocRef{Tipo: d.Tipo, Folio: d.Folio, Fch: d.FchEmis}, nil
		}
	}
	return dte.DocRef{}, errors.New("una guía se facturó en el período y el archivo no trae el set básico, que tiene la factura: haga el libro con el archivo completo")
}

// consumoFolios is the statement of the boletas' folios (RCOF), which only certification still asks for.
func (c *certify) consumoFolios() ([]byte, error) {
	_, docs := c.of(setpruebas.Boletas)
	r := dte.ConsumoFolios{Emisor: c.state.Emisor, Resolucion: c.company.Resolucion, Desde: c.state.Fecha, Hasta: c.state.Fecha, SecEnvio: int(c.notification)}
	if err := r.Add(docs...); err != nil {
		return nil, err
	}
	return dte.NewConsumoFolios(r, c.signer, c.e.opt.Now())
}
