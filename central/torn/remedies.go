package torn

import (
	"mostrador/central"
	"mostrador/dte"
)

// remedyNotes say what each act is for.
const remedyNotes = "reenviar: los mismos bytes en otro sobre, si la causa no era del documento. corregir: el mismo folio, con los datos del " +
	"cliente y del emisor como están ahora, y otras referencias si se indican. otro-folio: la misma venta con el folio siguiente, si el " +
	"folio ya no sirve. El veredicto del SII dice cuál sirve (acciones). Pagos, stock y montos no se mueven; lo rechazado se conserva. "

func remedyRoutes() []route {
	acts := keyed(in("POST", "/sales/{id}/rechazo", "Resolver el rechazo del SII de un documento", holding(central.PerformReturns), 200, remedySale))
	acts.notes = remedyNotes + acts.notes
	return tagged("ventas",
		in("GET", "/sales/{id}/rechazo", "Qué objetó el SII, qué sirve hacer, y qué se hizo antes", people, 200, saleVerdict), acts)
}

type remedyOut struct {
	Accion    dte.Act  `json:"accion"`
	Folio     int64    `json:"folio" doc:"Del documento rechazado"`
	Codigo    string   `json:"codigo_sii"`
	Glosa     string   `json:"glosa_sii"`
	Motivo    string   `json:"motivo"`
	Persona   string   `json:"persona"`
	CreatedAt Instante `json:"created_at"`
}

func remedyOf(r central.Remedy) remedyOut {
	return remedyOut{r.Act, r.Folio, r.Veredicto.Codigo, r.Veredicto.Glosa, r.Why, r.Who, Instante(r.At)}
}

type verdictOut struct {
	SaleID    int64       `json:"sale_id"`
	TipoDTE   dte.TipoDTE `json:"tipo_dte"`
	Folio     int64       `json:"folio"`
	Estado    dte.State   `json:"estado"`
	Codigo    string      `json:"codigo_sii"`
	Glosa     string      `json:"glosa_sii"`
	Significa string      `json:"significa" doc:"El veredicto en palabras; vacío si no hay"`
	Acciones  []dte.Act   `json:"acciones" doc:"Lo que sirve, lo más probable primero: reenviar, corregir, otro-folio; o nota, que se hace en /sales/return"`
	Hechas    []remedyOut `json:"hechas" doc:"Lo que ya se hizo por rechazos anteriores"`
}

func saleVerdict(c *central.Call, in saleID) (verdictOut, error) {
	s, err := c.Sale(in.ID)
	if err != nil {
		return verdictOut{}, err
	}
	out := verdictOut{SaleID: s.ID, TipoDTE: s.Tipo, Folio: s.Folio, Estado: s.State, Acciones: []dte.Act{}}
	if v := s.Veredicto; v != nil && v.State != dte.Accepted {
		_, means := v.Meaning()
		out.Codigo, out.Glosa, out.Significa, out.Acciones = v.Codigo, v.Glosa, "El SII "+means, append(out.Acciones, v.Acts()...)
	}
	done, err := c.Remedies(in.ID)
	out.Hechas = each(done, remedyOf)
	return out, err
}

func remedySale(c *central.Call, in struct {
	ID   int64  `path:"id"`
	Key  string `header:"Idempotency-Key" maxLength:"256"`
	Body struct {
		Accion      string             `json:"accion" required:"true" enum:"reenviar,corregir,otro-folio"`
		Motivo      string             `json:"motivo" required:"true" minLength:"1" maxLength:"200" doc:"Por qué se hace; queda con la venta"`
		Referencias Opt[[]referenceIn] `json:"referencias" maxItems:"40" doc:"Con corregir, en lugar de las del documento"`
	}
},
) (saleOut, error) {
	b := in.Body
	n := central.NewRemedy{Sale: in.ID, Act: dte.Act(b.Accion), Why: b.Motivo, Key: in.Key, Referred: b.Referencias.Set}
	n.Request = fingerprint([]any{"rechazo", in.ID, b})
	if n.Referred {
		s, err := c.Sale(in.ID)
		if err != nil {
			return saleOut{}, err
		}
		if n.References, err = references(s.Tipo, b.Referencias.Or(nil)); err != nil {
			return saleOut{}, err
		}
	}
	made, err := c.Remedy(n)
	return saleOf(made), err
}
