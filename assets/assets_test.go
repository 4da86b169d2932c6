package assets

import (
	"bytes"
	"image/png"
	"maps"
	"strings"
	"testing"
)

func TestIcon(t *testing.T) {
	img, err := png.Decode(bytes.NewReader(Icon()))
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() != 512 || b.Dy() != 512 {
		t.Errorf("the icon is %d × %d", b.Dx(), b.Dy())
	}
}

// The practice shop can never be taken for a real one, and a document of it has every datum that the law asks for.
func TestDemoShop(t *testing.T) {
	shop, err := DemoShop()
	if err != nil {
		t.Fatal(err)
	}
	if !shop.Training() {
		t.Errorf("the practice shop sells in %q", shop.Ambiente)
	}
	if shop.Emisor.RUT.String() != "76543210-3" || shop.Resolucion.Fch.IsZero() || shop.Caja == "" {
		t.Errorf("shop: %+v", shop)
	}
	for name, field := range map[string]struct {
		text  string
		limit int // of DTE v1.0
	}{
		"RznSoc": {shop.Emisor.RznSoc, 100}, "GiroEmis": {shop.Emisor.Giro, 80}, "DirOrigen": {shop.Emisor.Direccion, 70},
		"CmnaOrigen": {shop.Emisor.Comuna, 20}, "CiudadOrigen": {shop.Emisor.Ciudad, 20}, "CodCaja": {shop.Caja, 8},
	} {
		if n := len([]rune(field.text)); n == 0 || n > field.limit {
			t.Errorf("%s has %d characters, of 1 to %d", name, n, field.limit)
		}
	}
	if office, ok := OficinaSII(shop.Emisor.Comuna); !ok || office != shop.UnidadSII {
		t.Errorf("the office of %s is %q, the shop prints %q", shop.Emisor.Comuna, office, shop.UnidadSII)
	}
}

func TestDemoProducts(t *testing.T) {
	products, err := DemoProducts()
	if err != nil {
		t.Fatal(err)
	}
	var favourites, exempt, byWeight int
	for _, p := range products {
		if len(p.Codigo) == 13 {
			if !strings.HasPrefix(p.Codigo, "780") || !validEAN(p.Codigo) {
				t.Errorf("%s is not a Chilean EAN-13 (%s)", p.Codigo, p.Nombre)
			}
		}
		if p.Categoria == "" {
			t.Errorf("%s has no category", p.Nombre)
		}
		if p.Favorito {
			favourites++
		}
		if p.Exento {
			exempt++
		}
		if p.Unidad == "kg" {
			byWeight++
		}
	}
	if len(products) < 120 || favourites < 8 || exempt == 0 || byWeight == 0 {
		t.Errorf("%d products, %d favourites, %d exempt, %d by weight", len(products), favourites, exempt, byWeight)
	}
}

// validEAN: the figures weigh 1 and 3 in turn and add up to a multiple of ten.
func validEAN(code string) bool {
	sum := 0
	for i, r := range code {
		weight := 1 + 2*(i%2)
		sum += weight * int(r-'0')
	}
	return sum%10 == 0
}

func TestComunas(t *testing.T) {
	list, err := Comunas()
	if err != nil {
		t.Fatal(err)
	}
	regions, names := map[string]int{}, map[string]bool{}
	for _, c := range list {
		regions[c.Region]++
		names[c.Nombre] = true
		if c.Nombre == "" || c.Region == "" || c.Oficina == "" || len([]rune(c.Nombre)) > 20 { // CmnaRecep has 20
			t.Errorf("incomplete or too long: %+v", c)
		}
	}
	want := map[string]int{
		"Arica y Parinacota": 4, "Tarapacá": 7, "Antofagasta": 9, "Atacama": 9, "Coquimbo": 15, "Valparaíso": 38, "Metropolitana": 52, "O'Higgins": 33,
		"Maule": 30, "Ñuble": 21, "Biobío": 33, "La Araucanía": 32, "Los Ríos": 12, "Los Lagos": 30, "Aysén": 10, "Magallanes": 11,
	}
	if len(names) != 346 || !maps.Equal(regions, want) {
		t.Errorf("%d communes of 346, by region %v", len(names), regions)
	}
}

func TestOficinaSII(t *testing.T) {
	for comuna, want := range map[string]string{
		"Santiago": "SANTIAGO CENTRO", "ñuñoa": "ÑUÑOA", " NUNOA ": "ÑUÑOA", "Vina del mar": "VALPARAÍSO", "Coihueco": "CHILLÁN",
	} {
		if got, ok := OficinaSII(comuna); !ok || got != want {
			t.Errorf("OficinaSII(%q) = %q, %v; want %q", comuna, got, ok, want)
		}
	}
	if got, ok := OficinaSII("Macondo"); ok {
		t.Errorf("Macondo belongs to %q", got)
	}
}

func TestWhatIsReturnedIsACopy(t *testing.T) {
	Icon()[0] = 0
	if Icon()[0] == 0 {
		t.Error("the icon was changed from outside")
	}
}
