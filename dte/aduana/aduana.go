// Package aduana knows the codes of the Chilean customs service (Servicio Nacional de Aduanas) that export documents
// carry, by their names: countries, ports, clauses and forms of sale, ways of transport, units and packages; and the
// names of currencies that the SII's schema accepts.
//
// Owns: the tables, and how a name written by a person is matched with one of them.
//
// Invariants: case, accents and punctuation do not count; a name that stands for two codes is refused, never guessed.
//
// Imports nothing of ours.
package aduana

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// Tabla is one of the customs tables.
type Tabla string

// The tables. In a set de pruebas and in the Formato DTE they belong to the fields named beside them.
const (
	Paises        Tabla = "pais"       // CodPaisRecep, CodPaisDestin, Nacionalidad
	Puertos       Tabla = "puerto"     // CodPtoEmbarque, CodPtoDesemb
	Modalidades   Tabla = "modalidad"  // CodModVenta
	Clausulas     Tabla = "clausula"   // CodClauVenta
	FormasPago    Tabla = "pago"       // FmaPagExp
	Transportes   Tabla = "transporte" // CodViaTransp
	Unidades      Tabla = "unidad"     // CodUnidMedTara, CodUnidPesoBruto, CodUnidPesoNeto
	TiposDeBultos Tabla = "bulto"      // CodTpoBultos
)

var spoken = map[Tabla]string{
	Paises: "país", Puertos: "puerto", Modalidades: "modalidad de venta", Clausulas: "cláusula de venta", FormasPago: "forma de pago",
	Transportes: "vía de transporte", Unidades: "unidad de medida", TiposDeBultos: "tipo de bulto",
}

//go:embed aduana.csv
var file string

type entry struct {
	codigo int
	nombre string
}

// tables reads the file once: a table's entries in their order. The first name of a code is the customs service's own,
// the others are what people call it.
var tables = sync.OnceValue(func() map[Tabla][]entry {
	all := map[Tabla][]entry{}
	for line := range strings.Lines(file) {
		f := strings.Split(strings.TrimSpace(line), ";")
		if codigo, err := strconv.Atoi(f[1]); err == nil { // the heading has no code
			all[Tabla(f[0])] = append(all[Tabla(f[0])], entry{codigo, f[2]})
		}
	}
	return all
})

// Codigo is the code of a name in a table. The code itself, in digits, is accepted as a name.
func (t Tabla) Codigo(nombre string) (int, error) {
	var found []int
	for _, e := range tables()[t] {
		if (Igual(e.nombre, nombre) || strconv.Itoa(e.codigo) == strings.TrimSpace(nombre)) && !slices.Contains(found, e.codigo) {
			found = append(found, e.codigo)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return 0, fmt.Errorf("«%s» no está en la tabla de Aduana (%s)", nombre, spoken[t])
	}
	return 0, fmt.Errorf("«%s» es el nombre de más de un código de Aduana (%s: %v): escriba el código", nombre, spoken[t], found)
}

// Nombre is the customs service's own name of a code; false for a code that it does not have.
func (t Tabla) Nombre(codigo int) (string, bool) {
	for _, e := range tables()[t] {
		if e.codigo == codigo {
			return e.nombre, true
		}
	}
	return "", false
}

// monedas are the names that the schema accepts (TipMonType) of currencies that still exist, each with its ISO code and
// what the customs service calls it where that differs.
var monedas = [][]string{
	{"DOLAR USA", "USD", "DOLAR"},
	{"EURO", "EUR"},
	{"PESO CL", "CLP"},
	{"PESO", "ARS", "PESO AR"},
	{"PESO COL", "COP", "PESO CO"},
	{"PESO MEX", "MXN", "PESO MX"},
	{"PESO URUG", "UYU", "PESO UY"},
	{"NUEVO SOL", "PEN"},
	{"BOLIVIANO", "BOB"},
	{"BOLIVAR", "VES"},
	{"GUARANI", "PYG"},
	{"LIBRA EST", "GBP"},
	{"FRANCO SZ", "CHF"},
	{"YEN", "JPY"},
	{"RENMINBI", "CNY", "YUAN CN"},
	{"DOLAR AUST", "AUD"},
	{"DOLAR CAN", "CAD"},
	{"DOLAR HK", "HKD"},
	{"DOLAR NZ", "NZD"},
	{"DOLAR SIN", "SGD"},
	{"DOLAR TAI", "TWD"},
	{"CORONA DIN", "DKK"},
	{"CORONA NOR", "NOK"},
	{"CORONA SC", "SEK"},
	{"DIRHAM", "AED"},
	{"RAND", "ZAR"},
	{"RUPIA", "INR", "RUPIA IN"},
	{"OTRAS MONEDAS"},
}

// Moneda is the name that the SII's schema gives a currency (TpoMoneda): "dólar USA" and "USD" are "DOLAR USA".
func Moneda(nombre string) (string, error) {
	for _, names := range monedas {
		if slices.ContainsFunc(names, func(n string) bool { return Igual(n, nombre) }) {
			return names[0], nil
		}
	}
	return "", fmt.Errorf("«%s» no está entre las monedas del SII", nombre)
}

// Igual reports that two names differ at most in case, accents and punctuation.
func Igual(a, b string) bool { return plain(a) == plain(b) }

// accents are the letters of Spanish that have one, and what they are without it.
var accents = strings.NewReplacer("Á", "A", "É", "E", "Í", "I", "Ó", "O", "Ú", "U", "Ü", "U", "Ñ", "N")

// plain is a name in capitals without accents, its words separated by one space.
func plain(s string) string {
	words := strings.FieldsFunc(accents.Replace(strings.ToUpper(s)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(words, " ")
}
