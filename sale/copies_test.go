package sale_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"mostrador/dte"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

func TestPhonesAsPeopleWriteThem(t *testing.T) {
	for _, text := range []string{"912345678", "9 1234 5678", "+56 9 1234 5678", "56912345678", "0056 9 1234-5678", "09 12345678", "(9) 1234.5678", " +56912345678 "} {
		if got, err := sale.ParsePhone(text); got != "56912345678" || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "12345678", "22345678", "+54 9 1123 4567", "9123456789", "91234567", "9 1234 567a", "+912345678", "56812345678", "٩12345678"} {
		if got, err := sale.ParsePhone(text); !errors.Is(err, sale.ErrPhone) {
			t.Errorf("%q is %q", text, got)
		}
	}
}

// The names say what it is in words and numbers, and no two kinds have the same.
func TestPDFNames(t *testing.T) {
	seen := map[string]bool{}
	for _, tipo := range dte.Tipos() {
		for _, kind := range []sale.PDFKind{sale.PDFCarta, sale.PDFCedible, sale.PDFRollo} {
			name := sale.PDFName(dte.Key{Emisor: 1, Tipo: tipo, Folio: 1234}, kind)
			if seen[name] || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-0123456789") != "" {
				t.Errorf("%d: %q", tipo, name)
			}
			seen[name] = true
		}
	}
	for k, want := range map[dte.TipoDTE]string{dte.Boleta: "boleta-39-1234", dte.NotaCredito: "nota-de-credito-61-1234"} {
		if got := sale.PDFName(dte.Key{Tipo: k, Folio: 1234}, sale.PDFCarta); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTheTextOfACopy(t *testing.T) {
	shop := saletest.Shop()
	shop.Ambiente, shop.Verificacion = dte.Produccion, "boletas.tienda.cl"
	r := sale.Record{Key: dte.Key{Emisor: shop.Emisor.RUT, Tipo: dte.Boleta, Folio: 1234}, At: saletest.Now, Total: 12_990}
	text := sale.CopyText(shop, r)
	for _, part := range []string{shop.Emisor.RznSoc, shop.Emisor.RUT.Dotted(), "Boleta Electrónica N° 1234", saletest.Now.Format("02-01-2006"), "$12.990", "boletas.tienda.cl"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %q", part, text)
		}
	}
	r.Key.Tipo = dte.Factura
	if text := sale.CopyText(shop, r); strings.Contains(text, "tienda.cl") || !strings.Contains(text, "www.sii.cl") {
		t.Errorf("a factura is verified at the SII: %q", text)
	}
	shop.Ambiente = dte.Capacitacion
	if text := sale.CopyText(shop, r); !strings.HasPrefix(text, "CAPACITACIÓN: SIN VALIDEZ\n") {
		t.Errorf("practice passes for real: %q", text)
	}
}

// Nothing of the text can leave its parameter.
func TestTheLinkCarriesTheText(t *testing.T) {
	const text = "Ñandú & Cía #1 + 2% ?\nTotal: $12.990"
	link := sale.WhatsAppLink("56912345678", text)
	u, err := url.Parse(link)
	if err != nil || u.Host != "wa.me" || u.Path != "/56912345678" || u.Query().Get("text") != text || len(u.Query()) != 1 || u.Fragment != "" {
		t.Errorf("%q: %v", link, err)
	}
	if strings.Contains(link, "+") {
		t.Error("a plus is a plus to some telephones")
	}
}
