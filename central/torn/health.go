package torn

import (
	"mostrador/central"
	"mostrador/dte"
)

func healthRoutes() []route {
	return tagged("administración",
		at("GET", "/saas/health", "Cómo está cada empresa: certificado, folios, cola de envío, últimas fallas", access{level: superuser}, 200, companyHealth),
	)
}

type healthOut struct {
	TenantID         int64       `json:"tenant_id"`
	Name             string      `json:"name"`
	RUT              RUT         `json:"rut"`
	Ambiente         string      `json:"ambiente"`
	IsActive         bool        `json:"is_active"`
	CertificateUntil Instante    `json:"certificate_valid_until"`
	FoliosUntil      Fecha       `json:"folios_first_expiry" doc:"Cuándo vencen los primeros folios que quedan"`
	FolioAlerts      []alertOut  `json:"folio_alerts"`
	Queue            healthQueue `json:"queue"`
	Rejected         int64       `json:"rejected" doc:"Documentos rechazados: esperan a una persona"`
	LastLook         Instante    `json:"last_look"`
	LineDownSince    Instante    `json:"line_down_since"`
	LastError        *string     `json:"last_error"`
	LastErrorSince   Instante    `json:"last_error_since"`
}

// healthQueue is what waits for the authority.
type healthQueue struct {
	Documents int      `json:"documents"`
	Oldest    Instante `json:"oldest"`
	Waiting   int      `json:"waiting" doc:"Sin sobre todavía"`
	Unknown   int      `json:"unknown" doc:"Enviados sin respuesta: se pregunta antes de reenviar"`
	Sent      int      `json:"sent" doc:"Recibidos por el SII, sin veredicto"`
}

func healthOf(h central.Health) healthOut {
	b := h.Backlog
	out := healthOut{
		TenantID: h.Company.ID, Name: h.Company.Name, RUT: RUT(h.Company.RUT), Ambiente: string(h.Company.Ambiente), IsActive: h.Company.IsActive,
		CertificateUntil: instantOrNone(h.CertificateUntil), FoliosUntil: Fecha(h.CAFUntil), FolioAlerts: each(h.Alerts, alertOf),
		Queue: healthQueue{
			b.Documents, Instante(b.Oldest), b.ByState[dte.Issued], b.ByState[dte.Sending] + b.ByState[dte.Unknown], b.ByState[dte.Sent],
		},
		Rejected: h.Rejected, LastLook: instantOrNone(h.LookedAt), LineDownSince: instantOrNone(h.DownSince), LastErrorSince: instantOrNone(h.ProblemAt),
	}
	if h.Problem != "" {
		out.LastError = &h.Problem
	}
	return out
}

func companyHealth(q *request, in struct{ pageQuery }) ([]healthOut, error) {
	list, err := q.server.DB.Healths(q.Context(), in.page())
	return each(list, healthOf), err
}
