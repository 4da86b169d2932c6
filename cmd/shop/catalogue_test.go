package shop

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"mostrador/money"
	"mostrador/sale"
)

func TestScaleRulesAreTheShopsChoice(t *testing.T) {
	s := opened(t, practice(t))
	scale := func() sale.ScaleRules {
		t.Helper()
		d, err := s.Deps()
		must(t, err)
		return d.Scale
	}
	if got := scale(); !reflect.DeepEqual(got, sale.DefaultScaleRules()) {
		t.Errorf("without a choice: %+v", got)
	}
	chosen := sale.DefaultScaleRules()[:1]
	chosen[0].Prefijo = "25"
	must(t, s.SetScaleRules(chosen))
	if got := scale(); !reflect.DeepEqual(got, chosen) {
		t.Errorf("chosen: %+v", got)
	}
	bad := sale.DefaultScaleRules()
	bad[0].Prefijo = "78"
	if err := s.SetScaleRules(bad); err == nil || !strings.Contains(err.Error(), "No se cambió nada") {
		t.Errorf("a wrong table: %v", err)
	}
	if got := scale(); !reflect.DeepEqual(got, chosen) {
		t.Errorf("after a wrong one: %+v", got)
	}
	must(t, s.SetScaleRules(sale.ScaleRules{}))
	if got := scale(); len(got) != 0 {
		t.Errorf("a shop without scales: %+v", got)
	}
	must(t, s.Store.PutValue(valueScale, []byte("{")))
	if got, err := s.ScaleRules(); err == nil || !reflect.DeepEqual(got, sale.DefaultScaleRules()) {
		t.Errorf("a broken table: %+v, %v", got, err)
	}
}

// What the cashier makes while a sale is open is sold in it, and is there the next day.
func TestAProductMadeAtTheCounterIsSoldAtOnce(t *testing.T) {
	s := opened(t, practice(t))
	d, err := s.Deps()
	must(t, err)
	r, err := sale.NewRegister(d)
	must(t, err)
	_, err = r.Scan("1001")
	must(t, err)
	p := sale.Product{Codigo: "7809999999993", Nombre: "Paraguas plegable", Prc: money.PerUnit(4990)}
	if _, err := r.Scan(p.Codigo); !errors.Is(err, sale.ErrNotFound) {
		t.Fatalf("before: %v", err)
	}
	next, err := s.AddProduct(d.Catalogue, p)
	must(t, err)
	r.SetCatalogue(next)
	_, err = r.Scan(p.Codigo)
	must(t, err)
	if lines := r.Snapshot().Cart.Lines; len(lines) != 2 || lines[1].Total != 4990 {
		t.Errorf("the cart has %+v", lines)
	}
	for what, bad := range map[string]sale.Product{
		"ya es de":  {Codigo: "z", Nombre: "Z", Prc: 1, Codigos: []sale.Code{{Codigo: "1001"}}},
		"el precio": {Codigo: "z", Nombre: "Z"},
	} {
		if got, err := s.AddProduct(next, bad); err == nil || got != nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	d, err = s.Deps() // as the next start does
	must(t, err)
	if m, ok := d.Catalogue.ByCode(p.Codigo); !ok || m.Nombre != p.Nombre {
		t.Errorf("the next day: %+v", m)
	}
	if _, ok := d.Catalogue.ByCode("z"); ok {
		t.Error("a refused product was kept")
	}
}
