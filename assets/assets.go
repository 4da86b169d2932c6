// Package assets carries what the program brings along: its icon, the practice shop and the tables of the authority.
//
// Owns: the files in this folder and how they are read.
//
// Invariants: every file here is our own work or a fact written out in our own form; the practice shop is fictitious and
// always in training mode. What is returned is a fresh copy: nobody can change it for others.
//
// Imports sale, for the types that the practice shop is made of; nothing that opens a file or a window.
package assets

import (
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"mostrador/sale"
)

var (
	//go:embed icon.png
	icon string
	//go:embed demo/tienda.json
	demoShop string
	//go:embed demo/productos.csv
	demoProducts string
	//go:embed tables/comunas.csv
	comunas string
)

// Icon is the program's mark, a PNG of 512 × 512. Its drawing is icon.svg.
func Icon() []byte { return []byte(icon) }

// DemoShop is the practice shop: a fictitious company in training mode.
func DemoShop() (sale.Shop, error) {
	var shop sale.Shop
	if err := json.Unmarshal([]byte(demoShop), &shop); err != nil {
		return sale.Shop{}, fmt.Errorf("assets: demo/tienda.json: %w", err)
	}
	return shop, nil
}

// DemoProducts are the articles of the practice shop, a Chilean minimarket: by bar code, by internal code, by weight, and
// some exempt of IVA (tickets for the transport of passengers, D.L. 825, art. 13 no. 3).
func DemoProducts() ([]sale.Product, error) {
	products, bad, err := sale.ReadProducts(strings.NewReader(demoProducts))
	if err == nil && len(bad) > 0 {
		err = bad[0]
	}
	if err != nil {
		return nil, fmt.Errorf("assets: demo/productos.csv: %w", err)
	}
	return products, nil
}

// Comuna is one of the 346 communes of Chile.
type Comuna struct {
	Nombre string
	Region string
	// Oficina is the SII's office for taxpayers whose head office is there; printed as "S.I.I. - ÑUÑOA" (in capitals)
	// under the box of a factura.
	Oficina string
}

// Comunas lists them all, in alphabetical order.
func Comunas() ([]Comuna, error) {
	r := csv.NewReader(strings.NewReader(comunas))
	r.Comma, r.FieldsPerRecord = ';', 3
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("assets: tables/comunas.csv: %w", err)
	}
	list := make([]Comuna, 0, len(rows))
	for _, row := range rows[1:] {
		list = append(list, Comuna{Nombre: row[0], Region: row[1], Oficina: row[2]})
	}
	return list, nil
}

// OficinaSII is the SII's regional office of a commune, in capitals as documents print it; false if there is no such
// commune. Accents and case do not matter.
func OficinaSII(comuna string) (string, bool) {
	list, err := Comunas()
	if err != nil {
		return "", false
	}
	wanted := plain(comuna)
	for _, c := range list {
		if plain(c.Nombre) == wanted {
			return strings.ToUpper(c.Oficina), true
		}
	}
	return "", false
}

// plain is a name without accents, in small letters.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(strings.TrimSpace(name)))
}
