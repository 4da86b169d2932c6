package central

import (
	"mostrador/central/api"
)

// idleSeconds is after how long a till that has nothing to tell asks again.
const idleSeconds = 60

// Sync takes in how the till that calls stands, and answers how the server does.
func (c *Call) Sync(r api.Report) (api.Answer, error) {
	if r.Protocol < api.Oldest {
		return api.Answer{}, errOldTill()
	}
	stock, err := c.ReportFolios(FolioReport{Epoch: r.Epoch, Folios: r.Folios})
	if err != nil {
		return api.Answer{}, err
	}
	a := api.Answer{Protocol: min(r.Protocol, api.Protocol), Now: c.now, Hold: api.Hold(stock.Hold), Why: stock.Hold.Words(), Seconds: idleSeconds}
	a.Till, a.Company = c.said()
	a.Folios.Short = stock.Short
	for _, l := range stock.Leases {
		a.Folios.Leases = append(a.Folios.Leases, api.Lease{ID: l.ID, Tipo: l.Tipo, CAF: l.CAF, Desde: l.Desde, Hasta: l.Hasta})
	}
	a.News, err = c.HasNews(r.Cursor)
	return a, err
}
