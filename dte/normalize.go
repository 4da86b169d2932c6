package dte

import "strings"

// normalized is the draft as it will be written: text normalised, what the type implies filled in, and fields that the
// type's format does not have left out. It shares nothing with d.
func (d Draft) normalized() Draft {
	d.Detalle = own(d.Detalle)
	d.DscRcg = own(d.DscRcg)
	d.Referencia = own(d.Referencia)
	d.MedioPago = Normalize(d.MedioPago)
	d.Emisor = d.Emisor.normalized()
	d.Receptor = d.Receptor.normalized()
	for i := range d.Detalle {
		d.Detalle[i] = d.Detalle[i].normalized()
		if d.Tipo.EsExento() && d.Detalle[i].IndExe == Afecto {
			d.Detalle[i].IndExe = Exento
		}
	}
	for i := range d.DscRcg {
		d.DscRcg[i].Glosa = Normalize(d.DscRcg[i].Glosa)
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
	d.Emisor.Telefono, d.Emisor.Correo, d.Emisor.Acteco, d.Emisor.Sucursal, d.Emisor.CdgVendedor = nil, "", nil, "", ""
	d.Receptor.Giro = ""
	for i := range d.Referencia {
		r := &d.Referencia[i]
		r.FchRef, r.CodRef = Date{}, 0
	}
}

// asFactura leaves out what only boletas have.
func (d *Draft) asFactura() {
	d.Receptor.Telefono = ""
	for i := range d.Referencia {
		r := &d.Referencia[i]
		r.CodRefBoleta, r.CodVndor, r.CodCaja = "", "", ""
	}
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
