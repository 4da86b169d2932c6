package saletest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mostrador/dte"
	"mostrador/sale"
)

// Buyer is a customer who may have a factura.
func Buyer() sale.Customer {
	return sale.Customer{
		RUT: 76192083, RznSoc: "Comercial Los Aromos Limitada", Giro: "Venta de abarrotes", Direccion: "Av. Matta 123", Comuna: "Santiago",
		Ciudad: "Santiago", Correo: "compras@losaromos.cl", Telefono: "+56 9 8765 4321", Lists: []string{"Mayorista", "Socios"}, Notes: "Paga a 30 días",
	}
}

// RunCustomers is the conformance suite of sale.Customers. Each part opens an empty one.
func RunCustomers(t *testing.T, open func(t *testing.T) sale.Customers) {
	for name, run := range map[string]func(*testing.T, sale.Customers){
		"gives back what was put":           givesBack,
		"counts versions":                   countsVersions,
		"refuses what cannot be kept":       refusesCustomers,
		"puts all or none":                  putsAllOrNone,
		"finds by the beginning of the RUT": findsByRUT,
		"finds by words":                    findsByWords,
		"forgives one slip":                 forgivesSlips,
		"finds by telephone":                findsByPhone,
		"forgets the old name":              forgetsOldName,
		"offers giros, the commonest first": offersGiros,
		"keeps many as it keeps one":        keepsMany,
		"finds whatever was put":            findsWhatWasPut,
		"shares no customer":                sharesNoCustomer,
		"serves many at once":               servesMany,
	} {
		t.Run(name, func(t *testing.T) { run(t, open(t)) })
	}
}

func put(t testing.TB, c sale.Customers, list ...sale.Customer) {
	t.Helper()
	if err := c.PutCustomers(Now, list...); err != nil {
		t.Fatal(err)
	}
}

func named(rut dte.RUT, name string) sale.Customer { return sale.Customer{RUT: rut, RznSoc: name} }

// found are the names that a search gives, in its order.
func found(t testing.TB, c sale.Customers, text string, limit int) []string {
	t.Helper()
	list, err := c.FindCustomers(text, limit)
	if err != nil {
		t.Fatalf("find %q: %v", text, err)
	}
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.RznSoc
	}
	return names
}

func wantFound(t *testing.T, c sale.Customers, text string, want ...string) {
	t.Helper()
	if got := found(t, c, text, 10); !slices.Equal(got, want) {
		t.Errorf("find %q: got %q, want %q", text, got, want)
	}
}

func givesBack(t *testing.T, c sale.Customers) {
	if _, err := c.Customer(Buyer().RUT); !errors.Is(err, sale.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	put(t, c, Buyer())
	got, err := c.Customer(Buyer().RUT)
	if err != nil || !got.Same(Buyer()) || got.Version != 1 || !got.Updated.Equal(Now) {
		t.Errorf("got %+v, %v", got, err)
	}
	if all := found(t, c, "", 10); !slices.Equal(all, []string{Buyer().RznSoc}) {
		t.Errorf("no text finds %q", all)
	}
	if none := found(t, c, "", 0); len(none) != 0 {
		t.Errorf("limit 0 finds %q", none)
	}
}

func countsVersions(t *testing.T, c sale.Customers) {
	b := Buyer()
	put(t, c, b, b)
	b.Giro, b.Version = "  Transporte   de carga ", 77
	later := Now.Add(time.Hour)
	if err := c.PutCustomers(later, b); err != nil {
		t.Fatal(err)
	}
	got, err := c.Customer(b.RUT)
	if err != nil || got.Version != 3 || got.Giro != "Transporte de carga" || !got.Updated.Equal(later) {
		t.Errorf("third version: %+v, %v", got, err)
	}
}

func refusesCustomers(t *testing.T, c sale.Customers) {
	for _, bad := range []struct {
		field sale.Field
		spoil func(*sale.Customer)
	}{
		{sale.FieldRUT, func(c *sale.Customer) { c.RUT = 0 }},
		{sale.FieldRUT, func(c *sale.Customer) { c.RUT = dte.RUTAnonimo }},
		{sale.FieldRznSoc, func(c *sale.Customer) { c.RznSoc = " \t" }},
		{sale.FieldRznSoc, func(c *sale.Customer) { c.RznSoc = strings.Repeat("ñ", 101) }},
		{sale.FieldRznSoc, func(c *sale.Customer) { c.RznSoc = "Ventas 😀" }},
		{sale.FieldGiro, func(c *sale.Customer) { c.Giro = strings.Repeat("g", 41) }},
		{sale.FieldDireccion, func(c *sale.Customer) { c.Direccion = strings.Repeat("d", 71) }},
		{sale.FieldComuna, func(c *sale.Customer) { c.Comuna = strings.Repeat("c", 21) }},
		{sale.FieldCiudad, func(c *sale.Customer) { c.Ciudad = strings.Repeat("c", 21) }},
		{sale.FieldTelefono, func(c *sale.Customer) { c.Telefono = strings.Repeat("1", 21) }},
		{sale.FieldCorreo, func(c *sale.Customer) { c.Correo = "losaromos.cl" }},
		{sale.FieldCorreo, func(c *sale.Customer) { c.Correo = "ventas@losaromos" }},
		{sale.FieldCorreo, func(c *sale.Customer) { c.Correo = "Ventas <ventas@losaromos.cl>" }},
		{sale.FieldLists, func(c *sale.Customer) { c.Lists = []string{"a,b"} }},
		{sale.FieldLists, func(c *sale.Customer) { c.Lists = strings.Fields("1 2 3 4 5 6 7 8 9 10 11") }},
		{sale.FieldNotes, func(c *sale.Customer) { c.Notes = strings.Repeat("n", 501) }},
	} {
		b := Buyer()
		bad.spoil(&b)
		var field sale.FieldError
		if err := c.PutCustomers(Now, b); !errors.As(err, &field) || field.Field != bad.field {
			t.Errorf("%+v: %v, want a fault in %s", b, err, bad.field)
		}
	}
	if all := found(t, c, "", 10); len(all) != 0 {
		t.Errorf("kept all the same: %q", all)
	}
}

func putsAllOrNone(t *testing.T, c sale.Customers) {
	if err := c.PutCustomers(Now, Buyer(), named(77777777, "")); err == nil {
		t.Error("one without a name was taken")
	}
	if _, err := c.Customer(Buyer().RUT); !errors.Is(err, sale.ErrNotFound) {
		t.Errorf("the good one of a refused pair: %v", err)
	}
}

func findsByRUT(t *testing.T, c sale.Customers) {
	put(t, c, named(76192083, "Aromos"), named(76192084, "Azul"), named(7619208, "Corto"), named(96192083, "Otro"))
	wantFound(t, c, "76192083", "Aromos")
	wantFound(t, c, "76.192.083-9", "Aromos")
	wantFound(t, c, "761920839", "Aromos")
	wantFound(t, c, "76.192.08", "Corto", "Aromos", "Azul") // 7.619.208-1 begins so too
	wantFound(t, c, "9619", "Otro")
	wantFound(t, c, "5")
	if got := found(t, c, "7", 2); len(got) != 2 {
		t.Errorf("limit 2 finds %q", got)
	}
	put(t, c, named(10000013, "Con K"))
	wantFound(t, c, named(10000013, "").RUT.Dotted(), "Con K")
	wantFound(t, c, strings.ToLower(named(10000013, "").RUT.String()), "Con K")
}

func findsByWords(t *testing.T, c sale.Customers) {
	put(t, c, named(1, "Peñalolén Áridos SpA"), named(2, "Áridos del Maipo S.A."), named(3, "Constructora Aridos y Peña"), named(4, "Sociedad Arriendos"),
		named(5, "3M Chile"))
	wantFound(t, c, "aridos", "Áridos del Maipo S.A.", "Constructora Aridos y Peña", "Peñalolén Áridos SpA")
	wantFound(t, c, "ÁRIDOS pena", "Constructora Aridos y Peña", "Peñalolén Áridos SpA")
	wantFound(t, c, "pena ari", "Constructora Aridos y Peña", "Peñalolén Áridos SpA")
	wantFound(t, c, "3m", "3M Chile")
	wantFound(t, c, "nadie")
	wantFound(t, c, "…")
}

func forgivesSlips(t *testing.T, c sale.Customers) {
	put(t, c, named(1, "Ferretería Lautaro"), named(2, "Farmacia Lontué"))
	for _, slip := range []string{"ferreteria latuaro", "feretería", "ferreterria", "ferrateria lautaro", "farmasia lon"} {
		want := "Ferretería Lautaro"
		if strings.HasPrefix(slip, "fa") {
			want = "Farmacia Lontué"
		}
		wantFound(t, c, slip, want)
	}
	wantFound(t, c, "lautoro", "Ferretería Lautaro")
	wantFound(t, c, "fexxeteria")
	wantFound(t, c, "lat") // short words mean what they say
}

func findsByPhone(t *testing.T, c sale.Customers) {
	put(t, c, Buyer())
	for _, text := range []string{"987654321", "9 8765", "+56 9 8765 4321", "56987654321"} {
		wantFound(t, c, text, Buyer().RznSoc)
	}
	wantFound(t, c, "98766")
}

func forgetsOldName(t *testing.T, c sale.Customers) {
	put(t, c, Buyer(), named(2, "Otra"))
	b := Buyer()
	b.RznSoc, b.Giro, b.Telefono = "Distribuidora Nueva", "Bodegaje", ""
	put(t, c, b)
	wantFound(t, c, "aromos")
	wantFound(t, c, "987654321")
	wantFound(t, c, "distri", "Distribuidora Nueva")
	wantFound(t, c, "", "Distribuidora Nueva", "Otra")
	if giros, err := c.Giros("", 5); err != nil || !slices.Equal(giros, []string{"Bodegaje"}) {
		t.Errorf("giros %q, %v", giros, err)
	}
}

func offersGiros(t *testing.T, c sale.Customers) {
	for i, giro := range []string{"Panadería", "Construcción", "Construcción", "Venta de pan", ""} {
		b := named(dte.RUT(100+i), "Cliente")
		b.Giro = giro
		put(t, c, b)
	}
	for text, want := range map[string][]string{
		"": {"Construcción", "Panadería", "Venta de pan"}, "pan": {"Panadería", "Venta de pan"}, "CONSTRUCCION": {"Construcción"}, "zzz": {},
	} {
		if got, err := c.Giros(text, 5); err != nil || !slices.Equal(got, want) {
			t.Errorf("giros %q: %q, %v; want %q", text, got, err, want)
		}
	}
	if got, _ := c.Giros("", 1); len(got) != 1 {
		t.Errorf("limit 1 gives %q", got)
	}
}

// keepsMany: a file of customers and one at a time lead to the same.
func keepsMany(t *testing.T, c sale.Customers) {
	var many []sale.Customer
	for i := range 200 {
		many = append(many, named(dte.RUT(1000+i), fmt.Sprintf("Cliente %03d %s", 199-i, []string{"Norte", "Sur"}[i%2])))
	}
	put(t, c, named(1000, "Viejo nombre"), named(9, "Aparte"))
	put(t, c, many...)
	put(t, c, named(1001, "Cliente 500 Este"))
	wantFound(t, c, "viejo")
	wantFound(t, c, "cliente 500", "Cliente 500 Este")
	wantFound(t, c, "cliente 199", "Cliente 199 Norte")
	if got := found(t, c, "norte", 1000); len(got) != 100 || !slices.IsSorted(got) {
		t.Errorf("%d of 100, sorted %v", len(got), slices.IsSorted(got))
	}
	if got := found(t, c, "", 1000); len(got) != 201 || !slices.IsSorted(got) {
		t.Errorf("%d of 201, sorted %v", len(got), slices.IsSorted(got))
	}
}

// findsWhatWasPut: by any beginning of his RUT and by the beginnings of any words of his name, whoever was put is found.
func findsWhatWasPut(t *testing.T, c sale.Customers) {
	words := []string{"Comercial", "Áridos", "Ñuble", "S.A.", "y", "Cía.", "O'Higgins", "3M", "Pérez", "Perez", "Güiña"}
	base := dte.RUT(1000)
	rapid.Check(t, func(t *rapid.T) {
		var names []string
		for range rapid.IntRange(1, 5).Draw(t, "words") {
			names = append(names, rapid.SampledFrom(words).Draw(t, "word"))
		}
		base++
		who := named(base*97, strings.Join(names, " "))
		if err := c.PutCustomers(Now, who); err != nil {
			t.Fatal(err)
		}
		rut := who.RUT.String()
		query := rut[:rapid.IntRange(1, len(rut)).Draw(t, "cut")]
		if rapid.Bool().Draw(t, "by name") {
			query = ""
			for _, w := range names {
				letters := []rune(w)
				query += " " + strings.ToUpper(string(letters[:rapid.IntRange(1, len(letters)).Draw(t, "letters")]))
			}
		}
		list, err := c.FindCustomers(query, 1<<20)
		if err != nil || !slices.ContainsFunc(list, func(f sale.Customer) bool { return f.RUT == who.RUT }) {
			t.Fatalf("%q does not find %s %q among %d: %v", query, who.RUT, who.RznSoc, len(list), err)
		}
	})
}

func sharesNoCustomer(t *testing.T, c sale.Customers) {
	b := Buyer()
	put(t, c, b)
	b.Lists[0] = "otra"
	got, _ := c.Customer(b.RUT)
	got.Lists[0] = "otra"
	list, _ := c.FindCustomers("aromos", 1)
	if len(list) != 1 || list[0].Lists[0] != "Mayorista" {
		t.Fatalf("the lists are shared: %+v", list)
	}
	list[0].Lists[0] = "otra"
	if got, _ = c.Customer(b.RUT); got.Lists[0] != "Mayorista" {
		t.Error("the lists of a search are shared")
	}
}

func servesMany(t *testing.T, c sale.Customers) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for k := range 10 {
				if err := c.PutCustomers(Now, named(dte.RUT(1+i*10+k), "Cliente")); err != nil {
					t.Error(err)
				}
				if _, err := c.FindCustomers("cli", 5); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := found(t, c, "cliente", 100); len(got) != 80 {
		t.Errorf("%d of 80", len(got))
	}
}
