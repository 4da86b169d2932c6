package dte

import "strings"

// normalized is the draft as it will be written: text normalised, what the type implies filled in, and fields that the
// type's format does not have left out. It shares nothing with d.
func (d Draft) normalized() Draft {
	d.Detalle = own(d.Detalle)
	d.DscRcg = own(d.DscRcg)
	d.Referencia = own(d.Referencia)
	d.MntPagos = own(d.MntPagos)
	d.Informados = own(d.Informados)
	for _, field := range []*string{&d.MedioPago, &d.TpoCtaPago, &d.NumCtaPago, &d.BcoPago, &d.TermPagoCdg, &d.TermPagoGlosa} {
		*field = Normalize(*field)
	}
	for i := range d.MntPagos {
		d.MntPagos[i].Glosa = Normalize(d.MntPagos[i].Glosa)
	}
	d.Transporte = d.Transporte.normalized()
	d.Exportacion = d.Exportacion.normalized()
	d.Emisor = d.Emisor.normalized()
	d.Receptor = d.Receptor.normalized()
	for i := range d.Detalle {
		d.Detalle[i] = d.Detalle[i].normalized()
		if d.Tipo.EsExento() && d.Detalle[i].IndExe == Afecto {
			d.Detalle[i].IndExe = Exento
		}
		if !d.Tipo.EsExportacion() {
			d.Detalle[i].Divisa = 0
		}
	}
	for i := range d.DscRcg {
		d.DscRcg[i].Glosa = Normalize(d.DscRcg[i].Glosa)
		if !d.Tipo.EsExportacion() {
			d.DscRcg[i].Divisa = 0
		}
		if d.Tipo.EsExento() && d.DscRcg[i].IndExe == Afecto {
			d.DscRcg[i].IndExe = Exento // without it the movement would reach no line
		}
	}
	for i := range d.Referencia {
		d.Referencia[i] = d.Referencia[i].normalized()
	}
	if d.Tipo.EsBoleta() {
		d.asBoleta()
	} else {
		d.asFactura()
	}
	return d
}

// asBoleta leaves out what the boleta's format does not have.
func (d *Draft) asBoleta() {
	if d.IndServicio == 0 {
		d.IndServicio = 3 // sales and services
	}
	if d.Receptor.RUT == 0 {
		d.Receptor.RUT = RUTAnonimo
	}
	d.MntBruto, d.FmaPago = false, 0
	d.IndNoRebaja, d.TipoDespacho, d.IndTraslado, d.TpoTranCompra, d.TpoTranVenta = false, 0, 0, 0, 0
	d.FchCancel, d.MntCancel, d.SaldoInsol, d.MntPagos = Date{}, 0, 0, nil
	d.TpoCtaPago, d.NumCtaPago, d.BcoPago, d.TermPagoCdg, d.TermPagoGlosa, d.TermPagoDias = "", "", "", "", "", 0
	d.RUTMandante, d.RUTSolicita, d.Transporte, d.Exportacion = 0, 0, nil, nil
	d.Emisor.Telefono, d.Emisor.Correo, d.Emisor.Acteco, d.Emisor.Sucursal, d.Emisor.CdgVendedor = nil, "", nil, "", ""
	d.Receptor.Giro = ""
	for i := range d.Referencia {
		r := &d.Referencia[i]
		r.FchRef, r.CodRef, r.IndGlobal, r.RUTOtr = Date{}, 0, false, 0
	}
	for i := range d.Detalle {
		l := &d.Detalle[i]
		l.Retenedor, l.MntBaseFaena, l.QtyRef, l.UnidadRef, l.PrcRef = false, 0, 0, "", 0
		l.FchElabor, l.FchVencim = Date{}, Date{}
	}
}

// asFactura leaves out what only boletas have.
func (d *Draft) asFactura() {
	d.Receptor.Telefono = ""
	if d.Tipo != GuiaDespacho {
		d.IndTraslado = 0
	}
	if d.Tipo.EsExportacion() {
		d.asExportacion()
	} else {
		d.Exportacion = nil
	}
	for i := range d.Referencia {
		r := &d.Referencia[i]
		r.CodRefBoleta, r.CodVndor, r.CodCaja = "", "", ""
	}
}

// asExportacion leaves out what the node Exportaciones does not have.
func (d *Draft) asExportacion() {
	if d.Receptor.RUT == 0 {
		d.Receptor.RUT = RUTExtranjero
	}
	d.IndNoRebaja, d.MntBruto, d.TpoTranCompra, d.TpoTranVenta, d.SaldoAnterior = false, false, 0, 0, 0
	d.RUTMandante, d.RUTSolicita = 0, 0
	if t := d.Transporte; t != nil {
		t.PatenteCarro, t.FchSalida, t.HraSalida, t.FchLlegada = "", Date{}, "", Date{}
		if *t == (Transporte{}) {
			d.Transporte = nil
		}
	}
	for i := range d.Detalle {
		if l := &d.Detalle[i]; l.Qty != 0 && l.Prc != 0 {
			l.Divisa = 0
		}
	}
}

func (t *Transporte) normalized() *Transporte {
	if t == nil || *t == (Transporte{}) {
		return nil
	}
	c := *t
	for _, field := range []*string{&c.Patente, &c.PatenteCarro, &c.NombreChofer, &c.Direccion, &c.Comuna, &c.Ciudad, &c.HraSalida} {
		*field = Normalize(*field)
	}
	return &c
}

func (e *Exportacion) normalized() *Exportacion {
	if e == nil {
		return nil
	}
	c := *e
	c.TpoMoneda, c.Nacionalidad, c.NumID = Normalize(c.TpoMoneda), Normalize(c.Nacionalidad), Normalize(c.NumID)
	if e.Aduana != nil {
		a := *e.Aduana
		a.TipoBultos = own(a.TipoBultos)
		for _, field := range []*string{&a.NombreTransp, &a.NomCiaTransp, &a.Booking, &a.Operador} {
			*field = Normalize(*field)
		}
		for i := range a.TipoBultos {
			b := &a.TipoBultos[i]
			for _, field := range []*string{&b.Marcas, &b.IDContainer, &b.Sello, &b.EmisorSello} {
				*field = Normalize(*field)
			}
		}
		c.Aduana = &a
	}
	return &c
}

func (e Emisor) normalized() Emisor {
	e.Acteco = own(e.Acteco)
	e.Telefono = own(e.Telefono)
	for i, s := range e.Telefono {
		e.Telefono[i] = Normalize(s)
	}
	for _, field := range []*string{
		&e.RznSoc, &e.Giro, &e.Correo, &e.Sucursal, &e.Direccion, &e.Comuna, &e.Ciudad, &e.CdgVendedor,
	} {
		*field = Normalize(*field)
	}
	return e
}

func (r Receptor) normalized() Receptor {
	for _, field := range []*string{
		&r.CdgInt, &r.RznSoc, &r.Giro, &r.Contacto, &r.Correo, &r.Telefono, &r.Direccion, &r.Comuna, &r.Ciudad,
	} {
		*field = Normalize(*field)
	}
	return r
}

func (l Linea) normalized() Linea {
	l.Codigos = own(l.Codigos)
	l.CodImpAdic = own(l.CodImpAdic)
	l.UnidadRef = Normalize(l.UnidadRef)
	l.Retenedor = l.Retenedor || l.MntBaseFaena != 0 // the format has no base without the agent
	for i := range l.Codigos {
		l.Codigos[i].Tipo = Normalize(l.Codigos[i].Tipo)
		l.Codigos[i].Valor = Normalize(l.Codigos[i].Valor)
	}
	l.Nombre, l.Descripcion, l.Unidad = Normalize(l.Nombre), Normalize(l.Descripcion), Normalize(l.Unidad)
	if l.Qty != 0 && l.Prc != 0 {
		l.Monto = 0
	}
	return l
}

func (r Referencia) normalized() Referencia {
	for _, field := range []*string{&r.TpoDocRef, &r.FolioRef, &r.CodRefBoleta, &r.RazonRef, &r.CodVndor, &r.CodCaja} {
		*field = Normalize(*field)
	}
	r.TpoDocRef = strings.ToUpper(r.TpoDocRef)
	return r
}

// own is a copy; an empty list is nil, as it is when read back.
func own[T any](list []T) []T { return append([]T(nil), list...) }
