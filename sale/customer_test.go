package sale_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mostrador/dte"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

func TestCustomerBookIsCustomers(t *testing.T) {
	saletest.RunCustomers(t, func(*testing.T) sale.Customers { return new(sale.CustomerBook) })
}

var comunas = sale.NewNames([]string{"Maipú", "Ñuñoa", "Santiago", "San Antonio", "Viña del Mar"})

func TestNames(t *testing.T) {
	for text, want := range map[string][]string{
		"nunoa": {"Ñuñoa"}, "SAN": {"Santiago", "San Antonio"}, "mar": {"Viña del Mar"}, "del m": {"Viña del Mar"}, "": {}, "macondo": {},
		"santaigo": {"Santiago"}, "mai": {"Maipú"},
	} {
		if got := comunas.Find(text, 5); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
	if got := comunas.Find("san", 1); len(got) != 1 {
		t.Errorf("limit 1: %q", got)
	}
	for text, want := range map[string]string{" VINA  DEL MAR": "Viña del Mar", "maipu": "Maipú", "vina": "", "": ""} {
		if got, ok := comunas.Official(text); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v; want %q", text, got, ok, want)
		}
	}
}

func TestReadCustomers(t *testing.T) {
	file, err := sale.ReadCustomers(strings.NewReader(strings.Join([]string{
		"Razón Social;RUT;Giro;Otra;Comuna;Correo;Listas",
		"Comercial Los Aromos;76.192.083-9;Abarrotes;x;maipu;a@b.cl;Mayorista| Socios |Mayorista",
		"Sin dígito;76.192.083-8;;;;;",
		";77.777.777-7;;;;;",
		"Repetido;76192083-9;;;;;",
		"Mal correo;9.999.999-3;;;;correo;",
		"",
		"Lejano;60803000-K;;;Macondo;;",
		`"Sin cerrar;1-9;;;;;`,
		"Sin RUT;;;;;;",
	}, "\r\n")), comunas)
	if err != nil {
		t.Fatal(err)
	}
	want := sale.Customer{RUT: 76192083, RznSoc: "Comercial Los Aromos", Giro: "Abarrotes", Comuna: "Maipú", Correo: "a@b.cl", Lists: []string{"Mayorista", "Socios"}}
	if len(file.Customers) != 2 || !file.Customers[0].Same(want) || file.Customers[1].Comuna != "Macondo" {
		t.Errorf("customers %+v", file.Customers)
	}
	wantRows(t, file.Bad, []sale.RowError{
		{Line: 3, Reason: "dígito verificador"},
		{Line: 4, Reason: "razón social"},
		{Line: 5, Reason: "ya está en la línea 2"},
		{Line: 6, Reason: "correo"},
		{Line: 9, Reason: "comilla"},
		{Line: 10, Reason: "falta el RUT"},
	})
	wantRows(t, file.Doubtful, []sale.RowError{{Line: 8, Reason: "Macondo"}})
	for _, bad := range []string{"", "nombre;giro\nx;y", "rut;giro\n1-9;y", "rut;rut;nombre\n"} {
		if _, err := sale.ReadCustomers(strings.NewReader(bad), comunas); err == nil {
			t.Errorf("%q is no customer file", bad)
		}
	}
}

func wantRows(t *testing.T, got, want []sale.RowError) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("rows %v, want %v", got, want)
	}
	for i, row := range got {
		if row.Line != want[i].Line || !strings.Contains(row.Reason, want[i].Reason) {
			t.Errorf("row %v, want %v", row, want[i])
		}
	}
}

// Whoever is kept and written for a spreadsheet is read back the same.
func TestCustomersThereAndBack(t *testing.T) {
	text := rapid.StringMatching(`[=+@'" a-zñÁ;,|0-9\-]{0,9}`)
	rapid.Check(t, func(t *rapid.T) {
		in := sale.Customer{
			RUT:    dte.RUT(rapid.Uint32Range(1, 99_999_999).Filter(func(n uint32) bool { return dte.RUT(n) != dte.RUTAnonimo }).Draw(t, "rut")),
			RznSoc: "A" + text.Draw(t, "name"), Giro: text.Draw(t, "giro"), Telefono: text.Draw(t, "phone"), Notes: text.Draw(t, "notes"),
			Comuna: "Maipú", Lists: rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,8}`), 0, 3).Draw(t, "lists"),
		}
		var book sale.CustomerBook
		if err := book.PutCustomers(saletest.Now, in); err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := sale.WriteCustomers(&file, book.All()); err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(file.String(), "\r\n")[1:] {
			for _, cell := range strings.Split(line, `";"`) {
				if cell = strings.TrimPrefix(cell, `"`); cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
					t.Fatalf("a spreadsheet takes %q for a formula", cell)
				}
			}
		}
		out, err := sale.ReadCustomers(&file, comunas)
		if err != nil || len(out.Customers) != 1 || !out.Customers[0].Same(in) {
			t.Fatalf("%+v comes back as %+v, %v", in, out, err)
		}
	})
}

func FuzzReadCustomers(f *testing.F) {
	f.Add([]byte("rut;nombre\n1-9;Uno\n"))
	f.Add([]byte("\xef\xbb\xbfrut,razon social,listas\n76192083-9,\"x \"\"y\"\"\",a|b\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := sale.ReadCustomers(bytes.NewReader(b), comunas)
		if err != nil {
			return
		}
		if err := new(sale.CustomerBook).PutCustomers(saletest.Now, file.Customers...); err != nil {
			t.Fatalf("a good row cannot be kept: %v", err)
		}
	})
}
