package sale_test

import (
	"errors"
	"strings"
	"testing"

	"mostrador/money"
	"mostrador/sale"
)

// A product made at the counter is sold at once and found from then on; what cannot be kept is not sold either.
func TestCreate(t *testing.T) {
	d, _ := newDeps(t)
	var kept []sale.Product
	var full error
	d.AddProduct = func(c sale.Catalogue, p sale.Product) (sale.Catalogue, error) {
		next, err := c.With(p)
		if err == nil {
			err = full
		}
		if err == nil {
			kept = append(kept, p)
		}
		return next, err
	}
	r, err := sale.NewRegister(d)
	if err != nil {
		t.Fatal(err)
	}
	p := sale.Product{Codigo: "7800000000019", Nombre: "Mermelada de mora", Prc: money.PerUnit(2490)}
	line, err := r.Create(p)
	if err != nil || line.Codigo != p.Codigo || line.Total != 2490 || len(kept) != 1 {
		t.Fatalf("%+v %v, kept %v", line, err, kept)
	}
	if line, err = r.Scan(p.Codigo); err != nil || line.Total != 4980 {
		t.Errorf("scanned again: %+v %v", line, err)
	}
	if _, err := r.Create(sale.Product{Codigo: "1", Prc: 1}); err == nil {
		t.Error("a product without a name was taken")
	}
	full = errors.New("el disco está lleno")
	if _, err := r.Create(sale.Product{Codigo: "7800000000026", Nombre: "Miel", Prc: money.PerUnit(1)}); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	if _, err := r.Scan("7800000000026"); !errors.Is(err, sale.ErrNotFound) {
		t.Errorf("what was not kept is sold: %v", err)
	}
	if err := r.Charge(); err != nil {
		t.Fatal(err)
	}
	full = nil
	if _, err := r.Create(sale.Product{Codigo: "7800000000033", Nombre: "Té", Prc: money.PerUnit(1)}); err == nil || !strings.Contains(err.Error(), "se está cobrando") || len(kept) != 1 {
		t.Errorf("while paying: %v, kept %d", err, len(kept))
	}
}
