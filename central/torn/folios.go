package torn

import (
	"mostrador/central"
	"mostrador/dte"
)

func folioRoutes() []route {
	admin := holding(central.Administer)
	return tagged("folios",
		in("GET", "/folios/status", "Cuántos folios quedan de cada tipo", people, 200, folioStatus),
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
}

func folioStatus(c *central.Call, _ none) ([]folioOut, error) {
	list, err := c.FolioStatuses()
	out := make([]folioOut, len(list))
	for i, s := range list {
		out[i] = folioOut{s.Tipo, s.Available, s.Total, s.Hasta, s.Desde, Fecha(s.Vence)}
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
	list, err := folioStatus(c, none{})
	for _, row := range list {
		if row.DTEType == tipo {
			return row, err
		}
	}
	return folioOut{DTEType: tipo}, err
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
