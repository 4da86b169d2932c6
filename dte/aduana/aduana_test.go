package aduana

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestCodigo(t *testing.T) {
	for _, c := range []struct {
		tabla  Tabla
		nombre string
		want   int
	}{
		{Paises, "ARGENTINA", 224},
		{Paises, "Estados Unidos", 225},
		{Puertos, "sidney", 811},
		{Puertos, "Sydney", 811},
		{Puertos, "Buenos  Aires", 262},
		{Modalidades, "BAJO CONDICION", 2},
		{Modalidades, "bajo condición", 2},
		{Clausulas, "FOB", 5},
		{FormasPago, "ACRED", 11},
		{FormasPago, "cobranza", 2},
		{Transportes, "CARRETERO/TERRESTRE", 7},
		{Transportes, "Aéreo", 4},
		{Unidades, "KN", 6},
		{TiposDeBultos, "CONTENEDOR REFRIGERADO", 75},
		{TiposDeBultos, "80", 80},
	} {
		if got, err := c.tabla.Codigo(c.nombre); got != c.want || err != nil {
			t.Errorf("%s %q: %d, %v; want %d", c.tabla, c.nombre, got, err, c.want)
		}
	}
	for _, c := range []struct {
		tabla       Tabla
		nombre, why string
	}{
		{Paises, "ATLANTIDA", "no está"},
		{Paises, "", "no está"},
		{Puertos, "SAN FRANCISCO", "más de un código"},
		{Unidades, "7 leguas", "no está"},
	} {
		if got, err := c.tabla.Codigo(c.nombre); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s %q: %d, %v; want an error with %q", c.tabla, c.nombre, got, err, c.why)
		}
	}
}

func TestNombre(t *testing.T) {
	if got, ok := Puertos.Nombre(811); got != "SIDNEY" || !ok {
		t.Errorf("%q %v: the customs service's own name comes first", got, ok)
	}
	if got, ok := Puertos.Nombre(1); ok {
		t.Errorf("port 1 is %q", got)
	}
}

func TestMoneda(t *testing.T) {
	for nombre, want := range map[string]string{"DOLAR USA": "DOLAR USA", "dólar usa": "DOLAR USA", "USD": "DOLAR USA", "Euro": "EURO", "YUAN CN": "RENMINBI"} {
		if got, err := Moneda(nombre); got != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", nombre, got, err, want)
		}
	}
	if got, err := Moneda("doblón"); err == nil {
		t.Errorf("doblón is %q", got)
	}
}

// The tables against the reference lists, both ways for the code.
func TestTablesAgreeWithTheReference(t *testing.T) {
	for tabla, name := range map[Tabla]string{
		Paises: "paises", Puertos: "puertos", Modalidades: "modalidades_venta", Clausulas: "clausulas_venta", FormasPago: "formas_pago",
		Transportes: "transportes", Unidades: "unidades", TiposDeBultos: "tipos_bulto",
	} {
		b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "sii", "tablas", "aduana_"+name+".json"))
		if err != nil {
			t.Skip("the reference tables of ../shared are not here")
		}
		var want map[string]string
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		for code, nombre := range want {
			n, _ := strconv.Atoi(code)
			if got, ok := tabla.Nombre(n); !ok || !Igual(got, nombre) {
				t.Errorf("%s %s: %q, want %q", tabla, code, got, nombre)
			}
		}
	}
}
