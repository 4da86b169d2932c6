package torn_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// openTab asks as a plain tab of a browser does: with a cookie at most.
func (h *house) openTab(path string, cookies ...*http.Cookie) answer {
	h.t.Helper()
	q, err := http.NewRequestWithContext(h.t.Context(), "GET", h.url+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, cookie := range cookies {
		q.AddCookie(cookie)
	}
	return h.nobody().send(q)
}

func cookieOf(a answer) *http.Cookie {
	a.t.Helper()
	list := (&http.Response{Header: a.header}).Cookies()
	if len(list) != 1 || !list[0].HttpOnly || list[0].SameSite != http.SameSiteLaxMode {
		a.t.Fatalf("cookies %v", list)
	}
	return list[0]
}

// Torn's print page opened in a tab and answered 401, always.
func TestPaperOpensInAPlainTab(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/sales/", boleta(2, "2", 10000)).want(201)
	pass := cookieOf(c.get("/auth/validate").want(200))
	got := c.openTab("/sales/1/pdf", pass).want(200)
	for _, want := range []string{"Boleta", "Libro &amp; lápiz", "10.000", "Res. 0 de 2026", "data:image/png;base64,", "window.print()"} {
		if !strings.Contains(string(got.body), want) {
			t.Errorf("the page does not say %q: %s", want, got.body)
		}
	}
	c.openTab("/api/sales/1/pdf/", pass).want(200)
	c.openTab("/sales/2/pdf", pass).refused(404, "Venta ID 2 no encontrada")
	c.openTab("/sales/1/pdf").refused(401, "Not authenticated")
	c.openTab("/sales/1/pdf", &http.Cookie{Name: pass.Name, Value: c.token}).want(401) // a token is no pass
	c.openTab("/sales/1", pass).want(401)                                              // a pass opens pages, nothing else
	(&client{house: c.house, token: pass.Value, tenant: c.tenant}).get("/sales/1").want(401)

	link := c.get("/sales/1/enlace").want(200).text("url")
	c.openTab(link).want(200)
	c.openTab(strings.Replace(link, "/sales/1/", "/sales/2/", 1)).want(401)

	// Another company's pass opens the other company.
	_, other := c.shop(77777777)
	c.openTab("/sales/1/pdf", cookieOf(other.get("/auth/validate"))).refused(404, "Venta ID 1 no encontrada")

	c.post("/auth/logout", nil).want(204)
	c.openTab("/sales/1/pdf", pass).want(401)
	c.openTab(link).want(401)
}

func TestPaperIsATruePDF(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/sales/", boleta(1, "2", 2380)).want(201)
	c.post("/sales/return", giveBack(1, 1, "1")).want(201)
	sizes := map[string]bool{}
	for _, paper := range []string{"80mm", "58mm", "carta"} {
		for _, sale := range []string{"1", "2"} {
			got := c.get("/sales/" + sale + "/pdf?format=pdf&papel=" + paper).want(200)
			if got.header.Get("Content-Type") != "application/pdf" || !bytes.HasPrefix(got.body, []byte("%PDF-")) || len(got.body) < 3000 {
				t.Errorf("%s: %s, %d bytes", paper, got.header.Get("Content-Type"), len(got.body))
			}
			_, box, _ := strings.Cut(string(got.body), "/MediaBox [0 0 ")
			wide, _, _ := strings.Cut(box, " ")
			sizes[wide] = true
		}
	}
	if len(sizes) != 3 {
		t.Errorf("widths %v", sizes)
	}
	c.get("/sales/1/pdf?papel=a4").want(422)
}
