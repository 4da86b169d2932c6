package shop

import (
	"reflect"
	"strings"
	"testing"

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
