package torn

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/png"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"mostrador/central"
	"mostrador/dte"
	"mostrador/printer"
)

func pageRoutes() []route {
	return tagged("papel",
		tab(in("GET", "/sales/{id}/pdf", "El papel de una venta: página, o PDF con format=pdf", people, 200, salePage)),
		routeOf[saleID, linkOut]("GET", "/sales/{id}/enlace", "Un enlace al papel que se abre sin token, por diez minutos", people, 200, saleLink),
		tab(in("GET", "/purchases/{id}/pdf", "La página de una compra", people, 200, purchasePage)),
	)
}

// tab says that a route opens from a plain tab of a browser, which sends no token.
func tab(r route) route {
	r.tab = true
	r.notes = "Se abre también desde una pestaña del navegador, sin token, con la cookie que deja el inicio de sesión o con un enlace firmado."
	return r
}

// passCookie is the cookie of a pass; linkLife is how long a link opens.
const (
	passCookie = "mostrador_paginas"
	linkLife   = 10 * time.Minute
)

// passOf reads the pass of a tab: the link's, or the cookie's. The company is the pass's, whatever else the request says.
func (s *Server) passOf(r *http.Request) (uuid.UUID, error) {
	signed := r.URL.Query().Get("pase")
	if cookie, err := r.Cookie(passCookie); signed == "" && err == nil {
		signed = cookie.Value
	}
	if signed == "" {
		return uuid.Nil, &central.RefusalError{Kind: central.Unauthorized, Text: "Not authenticated"}
	}
	pass, err := s.Tokens.ReadPass(signed)
	if err != nil || pass.Path != "" && pass.Path != r.URL.Path {
		return uuid.Nil, central.ErrSession
	}
	r.Header.Set("X-Tenant-ID", fmt.Sprint(pass.Company))
	return pass.Session, nil
}

// leavePass gives the browser a pass to the pages of a company: the one that is asked for, or the only one there is.
func (q *request) leavePass(session uuid.UUID, list []central.Membership) error {
	company, _ := tenantOf(q.Request) // a wrong one is none
	if company == 0 && len(list) == 1 {
		company = list[0].Company
	}
	if company == 0 {
		return nil
	}
	signed, until, err := q.server.Tokens.SignPass(central.Pass{Session: session, Company: company}, 12*time.Hour)
	if err != nil {
		return err
	}
	q.cookie = &http.Cookie{
		Name: passCookie, Value: signed, Path: "/", Expires: until, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: q.TLS != nil || q.Header.Get("X-Forwarded-Proto") == "https",
	}
	return nil
}

type linkOut struct {
	URL       string   `json:"url"`
	ExpiresAt Instante `json:"expires_at"`
}

func saleLink(q *request) (any, error) {
	paper, err := q.call.PaperOf(q.in.(*saleID).ID) //nolint:errcheck // made from the same type
	if err != nil {
		return nil, err
	}
	path := fmt.Sprintf("/sales/%d/pdf", paper.Sale.ID)
	signed, until, err := q.server.Tokens.SignPass(central.Pass{Session: q.call.Session, Company: q.call.Tenant.ID, Path: path}, linkLife)
	return linkOut{path + "?pase=" + url.QueryEscape(signed), Instante(until)}, err
}

func salePage(c *central.Call, in struct {
	saleID
	Format string `query:"format" enum:"html,pdf" doc:"html si no se dice"`
	Papel  string `query:"papel" enum:"57mm,58mm,80mm,carta" doc:"El de los ajustes si no se dice"`
	Accept string `header:"Accept" maxLength:"1000"`
},
) (raw, error) {
	p, err := c.PaperOf(in.ID)
	if err != nil {
		return raw{}, err
	}
	if in.Papel != "" {
		p.Format = in.Papel
	}
	if in.Format == "pdf" || in.Format == "" && strings.HasPrefix(in.Accept, "application/pdf") {
		body, err := pdfOf(p, c.Ambiente)
		return raw{contentType: "application/pdf", body: body}, err
	}
	return saleHTML(p)
}

// pdfOf lays the document out as the till does.
func pdfOf(p central.Paper, ambiente dte.Ambiente) ([]byte, error) {
	job := printer.Job{Document: p.Document}
	job.Record.Key, job.Shop.Ambiente, job.Shop.Resolucion = p.Document.Key(), ambiente, p.Resolucion
	switch p.Format {
	case "carta":
		return printer.LetterPDF(job)
	case "57mm", "58mm":
		return printer.TicketPDF(job, printer.Paper58)
	}
	return printer.TicketPDF(job, printer.Paper80)
}

//go:embed pages.html
var pagesHTML string

var pages = template.Must(template.New("pages").Funcs(template.FuncMap{
	"fecha": func(d dte.Date) string { return d.String() },
}).Parse(pagesHTML))

// stampModules is how wide the stamp of a page may be: what fits on a roll of 80 mm.
const stampModules = 270

func saleHTML(p central.Paper) (raw, error) {
	picture := ""
	if s, err := printer.WidestPDF417(p.Document.TED, printer.TimbreLevel, stampModules); err == nil {
		var b bytes.Buffer
		if err := png.Encode(&b, s.Image(2, 6, false)); err != nil {
			return raw{}, err
		}
		picture = base64.StdEncoding.EncodeToString(b.Bytes())
	}
	return page("sale", map[string]any{"Paper": p, "Doc": p.Document, "Sale": p.Sale, "Wide": p.Format == "carta", "Stamp": picture})
}

func page(name string, data any) (raw, error) {
	var b bytes.Buffer
	err := pages.ExecuteTemplate(&b, name, data)
	return raw{contentType: "text/html; charset=utf-8", body: b.Bytes()}, err
}

func purchasePage(c *central.Call, in struct {
	ID int64 `path:"id"`
},
) (raw, error) {
	p, err := c.Purchase(in.ID)
	if err != nil {
		return raw{}, err
	}
	return page("purchase", p)
}
