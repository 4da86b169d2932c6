package torn

import (
	"time"

	"mostrador/central"
	"mostrador/dte"
)

func folioRoutes() []route {
	admin := holding(central.Administer)
	return tagged("folios",
		in("GET", "/folios/status", "Cuántos folios quedan de cada tipo", people, 200, folioStatus),
		in("POST", "/folios/request", "Pedir folios", admin, 200, requestFolios),
		in("GET", "/folios/requests/history", "Las solicitudes de folios, las últimas primero", admin, 200, folioHistory),
		in("POST", "/folios/requests/{id}/error", "Terminar una solicitud que no resultará, con su motivo", admin, 200, failRequest),
		in("GET", "/folios/alerts", "Qué folios pedir, y cuántos", people, 200, folioAlerts),
		in("GET", "/folios/annul", "Los folios anulados, los últimos primero", admin, 200, annulledFolios),
		in("POST", "/folios/annul", "Anular folios que no se usarán; en el SII los anula una persona", admin, 201, annulFolios),
		in("POST", "/folios/annul/{id}/sii", "Anotar que esos folios ya se anularon también en el SII", admin, 200, toldSII),
		in("POST", "/folios/upload", "Cargar un CAF", admin, 201, uploadCAF),
		in("POST", "/folios/certificate", "Cargar el certificado digital", admin, 201, uploadCertificate),
	)
}

type folioOut struct {
	DTEType          dte.TipoDTE `json:"dte_type"`
	Available        int64       `json:"available"`
	Total            int64       `json:"total"`
	LatestFolioHasta int64       `json:"latest_folio_hasta"`
	LatestFolioDesde int64       `json:"latest_folio_desde"`
	FechaVencimiento Fecha       `json:"fecha_vencimiento"`
	Alert            *string     `json:"alert" doc:"agotado, critico, renovar, reponer o vencidos; null si está bien"`
}

func folioOf(s central.FolioStatus) folioOut {
	out := folioOut{s.Tipo, s.Available, s.Total, s.Hasta, s.Desde, Fecha(s.Vence), nil}
	if a := s.Alert(); a.Level != "" {
		out.Alert = &a.Level
	}
	return out
}

func folioStatus(c *central.Call, in struct{ pageQuery }) ([]folioOut, error) {
	list, err := c.FolioStatuses()
	list = slice(list, in.pageQuery)
	out := make([]folioOut, len(list))
	for i, s := range list {
		out[i] = folioOf(s)
	}
	return out, err
}

func uploadCAF(c *central.Call, in struct {
	Form struct {
		File []byte `file:"file" required:"true"`
	}
},
) (folioOut, error) {
	tipo, err := c.UploadCAF(in.Form.File)
	if err != nil {
		return folioOut{}, err
	}
	list, err := folioStatus(c, struct{ pageQuery }{})
	for _, row := range list {
		if row.DTEType == tipo {
			return row, err
		}
	}
	return folioOut{DTEType: tipo}, err
}

type folioRequestOut struct {
	ID              int64       `json:"id"`
	DTEType         dte.TipoDTE `json:"dte_type"`
	AmountRequested int32       `json:"amount_requested"`
	Status          string      `json:"status" doc:"PENDING, COMPLETED o ERROR"`
	Timestamp       Instante    `json:"timestamp"`
	AmountReceived  int32       `json:"amount_received" doc:"Los que ya llegaron en los CAF cargados desde entonces; faltan los demás"`
	Reason          string      `json:"reason" doc:"Por qué terminó en ERROR"`
	EndedAt         Instante    `json:"ended_at"`
}

func folioRequestOf(r central.FolioRequest) folioRequestOut {
	return folioRequestOut{r.ID, r.Tipo, r.Amount, r.Status, Instante(r.CreatedAt), r.Received, r.Reason, instantOrNone(r.EndedAt)}
}

// instantOrNone is a moment that may not have come.
func instantOrNone(t *time.Time) Instante {
	if t == nil {
		return Instante{}
	}
	return Instante(*t)
}

func requestFolios(c *central.Call, in struct {
	Body struct {
		DTEType dte.TipoDTE `json:"dte_type" required:"true"`
		Amount  int32       `json:"amount_requested" required:"true" maximum:"100000"`
	}
},
) (folioRequestOut, error) {
	made, err := c.RequestFolios(in.Body.DTEType, in.Body.Amount)
	return folioRequestOf(made), err
}

// folioDates is on every list of things that have a day: Chilean days, both included.
type folioDates struct {
	FromDate Opt[Fecha] `query:"from_date" doc:"Desde este día"`
	ToDate   Opt[Fecha] `query:"to_date" doc:"Hasta este día, incluido"`
}

func (q folioDates) days() (from, to dte.Date) {
	return dte.Date(q.FromDate.Or(Fecha{})), dte.Date(q.ToDate.Or(Fecha{}))
}

func folioHistory(c *central.Call, in struct {
	Skip  int64 `query:"skip" minimum:"0" doc:"Cuántas filas saltar"`
	Limit int64 `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"Cuántas filas a lo más"`
	folioDates
},
) ([]folioRequestOut, error) {
	from, to := in.days()
	list, err := c.FolioHistory(central.Page{Skip: in.Skip, Limit: in.Limit}, from, to)
	return each(list, folioRequestOf), err
}

// each turns what central knows into what the wire carries.
func each[A, B any](list []A, of func(A) B) []B {
	out := make([]B, len(list))
	for i, a := range list {
		out[i] = of(a)
	}
	return out
}

func failRequest(c *central.Call, in struct {
	ID   int64 `path:"id"`
	Body struct {
		Reason string `json:"reason" required:"true" minLength:"1" maxLength:"200"`
	}
},
) (folioRequestOut, error) {
	ended, err := c.FailRequest(in.ID, in.Body.Reason)
	return folioRequestOf(ended), err
}

type alertOut struct {
	folioOut
	Text           string `json:"text"`
	RecommendedMin int32  `json:"recommended_min"`
	RecommendedMax int32  `json:"recommended_max"`
	ExpiringSoon   int64  `json:"expiring_soon" doc:"Cuántos vencen dentro de dos semanas"`
	ExpiredUnused  int64  `json:"expired_unused" doc:"Cuántos vencieron sin usarse"`
	FirstExpiry    Fecha  `json:"first_expiry" doc:"Cuándo vencen los primeros que quedan"`
}

func alertOf(a central.Alert) alertOut {
	return alertOut{folioOf(a.FolioStatus), a.Text, a.AskFrom, a.AskTo, a.Expiring, a.Expired, Fecha(a.FirstVence)}
}

func folioAlerts(c *central.Call, in struct{ pageQuery }) ([]alertOut, error) {
	list, err := c.FolioAlerts()
	return each(slice(list, in.pageQuery), alertOf), err
}

// slice is the part of a short list that was asked for.
func slice[T any](list []T, q pageQuery) []T {
	list = list[min(q.Skip, int64(len(list))):]
	if q.Limit > 0 {
		list = list[:min(q.Limit, int64(len(list)))]
	}
	return list
}

type annulledOut struct {
	ID        int64       `json:"id"`
	DTEType   dte.TipoDTE `json:"dte_type"`
	Desde     int64       `json:"desde"`
	Hasta     int64       `json:"hasta"`
	Reason    string      `json:"reason"`
	CreatedAt Instante    `json:"created_at"`
	ToldSII   Instante    `json:"told_sii" doc:"Cuándo se anotó que el SII también los anuló; null si falta hacerlo"`
}

func annulledOf(a central.Annulled) annulledOut {
	return annulledOut{a.ID, a.Tipo, a.Desde, a.Hasta, a.Reason, Instante(a.CreatedAt), instantOrNone(a.ToldSII)}
}

func toldSII(c *central.Call, in byID) (annulledOut, error) {
	a, err := c.ToldSII(in.ID)
	return annulledOf(a), err
}

func annulledFolios(c *central.Call, in struct {
	pageQuery
	folioDates
	ToldSII Opt[bool] `query:"told_sii" doc:"Solo los que el SII también anuló, o solo los que faltan"`
},
) ([]annulledOut, error) {
	from, to := in.days()
	list, err := c.AnnulledFolios(in.ToldSII.Ptr(), in.page(), from, to)
	return each(list, annulledOf), err
}

func annulFolios(c *central.Call, in struct {
	Body struct {
		DTEType dte.TipoDTE `json:"dte_type" required:"true" minimum:"1" maximum:"999"`
		Desde   int64       `json:"desde" required:"true" minimum:"1" maximum:"9999999999"`
		Hasta   Opt[int64]  `json:"hasta" minimum:"1" maximum:"9999999999" doc:"Sin él, solo el folio desde"`
		Reason  string      `json:"reason" required:"true" minLength:"1" maxLength:"200"`
	}
},
) (annulledOut, error) {
	b := in.Body
	made, err := c.AnnulFolios(b.DTEType, b.Desde, b.Hasta.Or(b.Desde), b.Reason)
	return annulledOf(made), err
}

type certificateOut struct {
	RUT      RUT      `json:"rut"`
	Subject  string   `json:"subject"`
	NotAfter Instante `json:"valid_until"`
}

func uploadCertificate(c *central.Call, in struct {
	Form struct {
		File     []byte `file:"file" required:"true"`
		Password string `json:"password" maxLength:"1024"`
	}
},
) (certificateOut, error) {
	made, err := c.UploadCertificate(in.Form.File, in.Form.Password)
	return certificateOut{RUT(made.RUT), made.Subject, Instante(made.NotAfter)}, err
}
