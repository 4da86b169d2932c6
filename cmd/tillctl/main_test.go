package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mostrador/assets"
	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii/siisim"
	"mostrador/sale"
)

// alone makes the test binary be tillctl.
const alone = "MOSTRADOR_TILLCTL"

// TestMain lets the test binary be tillctl: the demo starts itself as a second process.
func TestMain(m *testing.M) {
	if os.Getenv(alone) != "" || len(os.Args) > 1 && os.Args[1] == "demo" {
		main()
		return
	}
	os.Exit(m.Run())
}

// till is a shop on disk and the command on it.
type till struct {
	t      *testing.T
	dir    string
	office shop.Office // where servers are reached; nil: over HTTP
}

// do runs tillctl and returns what it printed and its failure.
func (c *till) do(args ...string) (string, error) {
	c.t.Helper()
	var out bytes.Buffer
	words := strings.Fields(args[0])
	full := append(words, "-dir", c.dir, "-llave", "archivo")
	err := runOn(c.t.Context(), append(full, args[1:]...), streams{strings.NewReader(""), &out, &out}, shop.Options{Now: time.Now, Office: c.office})
	return out.String(), err
}

// must runs tillctl and demands success and a word in what it prints.
func (c *till) must(word string, args ...string) string {
	c.t.Helper()
	out, err := c.do(args...)
	if err != nil || !strings.Contains(out, word) {
		c.t.Fatalf("tillctl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// refused demands failure and a sentence that says why; nothing may have changed in the book.
func (c *till) refused(why string, args ...string) {
	c.t.Helper()
	before, _ := c.do("docs", "-json")
	out, err := c.do(args...)
	if err == nil || !strings.Contains(err.Error(), why) {
		c.t.Errorf("tillctl %s: %v\nwant «%s»\n%s", strings.Join(args, " "), err, why, out)
	}
	if after, _ := c.do("docs", "-json"); after != before {
		c.t.Errorf("tillctl %s: the refusal changed the book", strings.Join(args, " "))
	}
}

func (c *till) file(name string, content []byte) string {
	c.t.Helper()
	name = filepath.Join(c.t.TempDir(), name)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		c.t.Fatal(err)
	}
	return name
}

func (c *till) json(name string, v any) string {
	c.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.file(name, b)
}

// practice is a practice shop; its simulator lives and dies with each command.
func practice(t *testing.T) *till {
	t.Helper()
	c := &till{t: t, dir: filepath.Join(t.TempDir(), "tienda")}
	if err := shop.CreateDemo(shop.Options{Dir: c.dir, Keys: "archivo", Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	return c
}

func order(tipo dte.TipoDTE, id string) sale.Order {
	o := sale.Order{ID: sale.ID(id), Draft: dtetest.Draft(tipo, dte.Date{})}
	o.Draft.Emisor = dte.Emisor{} // the shop's
	return o
}

func TestADayWithoutAWindow(t *testing.T) {
	c := practice(t)
	f := c.json("venta.json", order(dte.Boleta, "venta-1"))
	c.must("Boleta Electrónica N° 1", "issue", "-f", f)
	c.must("Boleta Electrónica N° 1", "issue", "-f", f) // the same sale twice is issued once
	c.must("Factura Electrónica N° 1", "issue", "-f", c.json("f.json", order(dte.Factura, "venta-2")))
	if out := c.must("por enviar", "docs"); strings.Count(out, "Boleta") != 1 {
		t.Errorf("%s", out)
	}
	c.must("Todo tiene veredicto", "sync", "-espera", "60s")
	if out := c.must("aceptado", "docs"); strings.Count(out, "aceptado") != 2 {
		t.Errorf("%s", out)
	}
	c.must("Todo cuadra", "audit")
	out := filepath.Join(t.TempDir(), "salida")
	c.must("2 documentos", "export", "-out", out)
	c.must("QUEDAN HOY", "caf list")

	pub := filepath.Join(t.TempDir(), "sim.pem")
	if o, err := exec.Command("openssl", "rsa", "-in", filepath.Join(c.dir, "simulador", "llave.pem"), "-pubout", "-out", pub).CombinedOutput(); err != nil {
		t.Skipf("openssl: %s", o)
	}
	xml := filepath.Join(out, "T39F1.xml")
	c.must("firma, timbre y CAF correctos", "verify", "-caf-key", pub, xml)
	c.refused("no está firmado por el SII", "verify", xml)
	b, err := os.ReadFile(xml)
	if err != nil {
		t.Fatal(err)
	}
	bad := c.file("alterado.xml", bytes.Replace(b, []byte("<Folio>1<"), []byte("<Folio>2<"), 1))
	c.refused("la firma electrónica no es válida", "verify", "-caf-key", pub, bad)

	copyTo := filepath.Join(t.TempDir(), "respaldo.db")
	c.must("Todo cuadra", "backup", copyTo)
	r := &till{t: t, dir: filepath.Join(t.TempDir(), "otra")}
	r.must("Antes de vender", "restore", copyTo)
	r.refused("", "issue", "-f", f+"no") // and without its key and a person's word it does not sell
}

// Every bad file and wish gets a sentence and changes nothing.
func TestBadInput(t *testing.T) {
	c := practice(t)
	rut := dte.RUT(76543210)
	cafOf := func(emisor dte.RUT, tipo dte.TipoDTE, desde, hasta dte.Folio, fa dte.Date) string {
		_, file := dtetest.CAF(emisor, tipo, desde, hasta, fa)
		return c.file("caf.xml", file)
	}
	today := dte.DateOf(time.Now())
	real := shopCAF(t, c)

	c.refused("no está firmado por el SII de este ambiente", "caf import", c.file("caf.xml", bytes.Replace(real(dte.Boleta, 5000), []byte("<IDK>999"), []byte("<IDK>300"), 1)))
	c.refused("fue alterado", "caf import", c.file("caf.xml", bytes.Replace(real(dte.Boleta, 5000), []byte("<H>"), []byte("<H>9"), 1)))
	c.refused("fue alterado", "caf import", cafOf(rut, dte.Boleta, 9001, 9010, today)) // another authority's key
	c.refused("de otra empresa", "caf import", c.file("caf.xml", realFor(t, c, 77777777, dte.Boleta, today)))
	c.refused("vencido", "caf import", c.file("caf.xml", realFor(t, c, rut, dte.Factura, today.AddMonths(-7))))
	c.refused("no emite", "caf import", c.file("caf.xml", realFor(t, c, rut, 43, today)))
	c.refused("repite folios", "caf import", c.file("caf.xml", overlapping(t, c)))
	c.refused("no es un CAF", "caf import", c.file("hola.txt", []byte("hola")))
	c.refused("no es un CAF", "caf import", c.file("doctype.xml", []byte("<!DOCTYPE a [<!ENTITY b \"c\">]><AUTORIZACION>&b;</AUTORIZACION>")))
	c.refused("mide más de", "caf import", c.file("grande.xml", bytes.Repeat([]byte("<a/>"), 3<<20)))
	c.refused("no se pudo leer", "caf import", "no-existe.xml")

	pfx := c.file("x.pfx", []byte("hola"))
	clave := c.file("clave", []byte("prueba\n"))
	c.refused("no sirve", "pfx import", "-clave-file", clave, pfx)
	c.refused("no se escribió la clave", "pfx import", pfx)
	c.refused("mide más de", "pfx import", c.file("grande.pfx", make([]byte, 2<<20)))

	c.refused("no se entiende", "issue", "-f", c.file("venta.json", []byte("{")))
	c.refused("no se entiende", "issue", "-f", c.file("venta.json", []byte(`{"precio": 1}`)))
	c.refused("después de los datos", "issue", "-f", c.file("venta.json", []byte(`{} {}`)))
	c.refused("no tiene líneas", "issue", "-f", c.file("venta.json", []byte(`{"id":"a","draft":{"tipo":39}}`)))
	c.refused("no quedan folios", "issue", "-f", outOfFolios(c))
	emoji := order(dte.Boleta, "emoji")
	emoji.Draft.Detalle[0].Nombre = "Pan 🍞"
	c.refused("no acepta", "issue", "-f", c.json("venta.json", emoji))
	c.refused("no cuadra", "issue", "-f", c.json("venta.json", withPayment(order(dte.Boleta, "pago"))))
	c.refused("falta -f", "issue")

	c.refused("filas con errores", "productos import", c.file("p.csv", []byte("codigo;nombre;precio\n1;Pan;990\n2;Queso;mil\n")))
	c.refused("", "productos import", c.file("p.csv", []byte("hola")))
	c.refused("no se entiende", "balanza", c.file("b.json", []byte("{")))
	c.refused("debe empezar con 02", "balanza", c.file("b.json", []byte(`[{"nombre":"x","prefijo":"78"}]`)))
	c.refused("no se entiende", "impresora", "http://x")
	c.refused("de 1 a 500", "envios", "-boletas", "501")
	c.refused("de 0 a 60", "envios", "-minutos", "61")
	c.refused("80 o de 58", "impresora", "-papel", "70", "ninguna")
	c.refused("ya hay una caja", "init", "-f", c.json("t.json", saleShop()), "-frase-file", c.file("frase", []byte("una frase larga")))
	c.refused("no es un documento", "verify", c.file("x.xml", []byte("hola")))
	c.refused("TIPO=FOLIO", "resume", "hola")
	c.refused("no existe la orden", "vender")
	if _, err := (&till{t: t, dir: t.TempDir()}).do("docs"); err == nil || !strings.Contains(err.Error(), "no hay una caja") {
		t.Errorf("an empty folder: %v", err)
	}
	c.must("Todo cuadra", "audit")
}

func saleShop() sale.Shop {
	return sale.Shop{Emisor: dtetest.Emisor(), Resolucion: dtetest.Resolucion(), Ambiente: dte.Certificacion, Caja: "CAJA1"}
}

// A new shop of the certification environment: no file of the simulator is accepted, and what is missing is said.
func TestInit(t *testing.T) {
	c := &till{t: t, dir: filepath.Join(t.TempDir(), "tienda")}
	phrase := c.file("frase", []byte("una frase larga\n"))
	c.refused("8 caracteres", "init", "-f", c.json("t.json", saleShop()), "-frase-file", c.file("corta", []byte("abc")))
	bad := saleShop()
	bad.Emisor.Giro = ""
	c.refused("el giro del emisor", "init", "-f", c.json("t.json", bad), "-frase-file", phrase)
	c.dir = filepath.Join(t.TempDir(), "otra")
	c.must("creada", "init", "-f", c.json("t.json", saleShop()), "-frase-file", phrase)
	c.refused("falta el certificado", "issue", "-f", c.json("v.json", order(dte.Boleta, "v")))
	c.refused("no está firmado por el SII", "caf import", c.file("caf.xml", realFor(t, practice(t), 76543210, dte.Boleta, dte.DateOf(time.Now()))))
	info, err := os.Stat(filepath.Join(c.dir, "mostrador.db"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the store is %v", info.Mode())
	}
}

// The scripted day, with its second process and its kill, as make demo runs it.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("the scripted day takes several seconds")
	}
	var out, trouble bytes.Buffer // the second process writes its troubles beside us
	dir := filepath.Join(t.TempDir(), "demo")
	err := run(t.Context(), []string{"demo", "-out", dir}, streams{strings.NewReader(""), &out, &trouble})
	if err != nil || !strings.Contains(out.String(), "Los 47 terminaron aceptados") {
		t.Fatalf("%v\n%s\n%s", err, out.String(), trouble.String())
	}
	for _, pattern := range []string{"T39F40.xml", "T33F5.pdf", "T61F2.png", "T61F2.bin", "sobres/S000000001.xml"} {
		if _, err := os.Stat(filepath.Join(dir, pattern)); err != nil {
			t.Error(err)
		}
	}
	if err := run(t.Context(), []string{"demo", "-out", t.TempDir() + "/.."}, streams{strings.NewReader(""), &out, &out}); err == nil {
		t.Error("the demo would have removed somebody's folder")
	}
}

// From a backup on another machine to the next sale: the key, a person's word on the last papers, and no folio twice.
func TestRestoreUnlockResumeSell(t *testing.T) {
	const phrase = "dos perros y un gato"
	c := &till{t: t, dir: filepath.Join(t.TempDir(), "tienda")}
	info, err := assets.DemoShop()
	if err != nil {
		t.Fatal(err)
	}
	secret := c.file("frase", []byte(phrase+"\n"))
	c.must("creada", "init", "-f", c.json("t.json", info), "-frase-file", secret)
	pfx, _, err := siisim.NewSigner(rand.Reader, 11111111, "PERSONA DE PRUEBA", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c.refused("falta el certificado", "issue", "-f", c.json("v.json", order(dte.Boleta, "v")))
	c.must("sellado", "pfx import", "-clave-file", c.file("clave", []byte(siisim.SignerPassword)), c.file("x.pfx", pfx))
	c.must("agregados", "caf import", c.file("b.xml", shopCAF(t, c)(dte.Boleta, 1)), c.file("f.xml", shopCAF(t, c)(dte.Factura, 1)))
	sell := func(c *till, id, folio string) {
		t.Helper()
		c.must("N° "+folio+" ", "issue", "-f", c.json("v.json", order(dte.Boleta, id)))
	}
	sell(c, "uno", "1")
	sell(c, "dos", "2")
	saved := filepath.Join(t.TempDir(), "respaldo.db")
	c.must("Todo cuadra", "backup", saved)
	sell(c, "tres", "3")
	sell(c, "cuatro", "4")

	// The machine burns down. The new one has the backup, the phrase and the last papers.
	n := &till{t: t, dir: filepath.Join(t.TempDir(), "nueva")}
	n.must("Antes de vender", "restore", saved)
	if err := os.CopyFS(filepath.Join(n.dir, "simulador"), os.DirFS(filepath.Join(c.dir, "simulador"))); err != nil {
		t.Fatal(err)
	}
	venta := n.json("v.json", order(dte.Boleta, "cinco"))
	n.refused("secretos de la caja están cerrados", "issue", "-f", venta)
	n.refused("secretos de la caja están cerrados", "sync")
	n.refused("no corresponde", "unlock", "-frase-file", n.file("mala", []byte("otra frase cualquiera")))
	n.must("abiertos", "unlock", "-frase-file", secret)
	n.refused("fue restaurada", "issue", "-f", venta)
	n.refused("falta decir", "resume", "-quien", "Ana", "39=4")
	n.refused("ningún CAF", "resume", "-quien", "Ana", "39=999", "33=0")
	n.refused("falta -quien", "resume", "39=4", "33=0")
	n.must("puede volver a emitir", "resume", "-quien", "Ana", "39=4", "33=0")
	sell(n, "dos", "2") // known before the backup
	sell(n, "cinco", "5")
	n.must("Todo cuadra", "audit")
	n.must("Todo tiene veredicto", "sync", "-espera", "60s")
	n.refused("ya hay un archivo", "restore", saved)
}

// A till that sold with a clock that ran ahead refuses to sell afterwards, and says the way out.
func TestClockThatRanAhead(t *testing.T) {
	c := practice(t)
	now := time.Now()
	ahead := &env{ctx: t.Context(), opt: shop.Options{Dir: c.dir, Keys: "archivo", Now: func() time.Time { return now.AddDate(0, 0, 40) }}}
	err := ahead.withShop(func(s *shop.Shop) error {
		d, err := s.Deps()
		if err != nil {
			return err
		}
		_, err = sale.IssueOrder(d, order(dte.Boleta, "futura"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	f := c.json("v.json", order(dte.Boleta, "hoy"))
	c.refused("tillctl reloj", "issue", "-f", f)
	c.refused("-quien", "reloj")
	c.must("acepta", "reloj", "-quien", "Ana")
	c.must("N° 2 ", "issue", "-f", f)
	c.must("Todo cuadra", "audit")
}

// A real shop and a simulator never meet, whatever the flags say.
func TestRealShopRefusesTheSimulator(t *testing.T) {
	c := &till{t: t, dir: filepath.Join(t.TempDir(), "tienda")}
	c.must("creada", "init", "-f", c.json("t.json", saleShop()), "-frase-file", c.file("frase", []byte("una frase larga\n")))
	c.refused("ésta es real", "sync", "-simulador", "http://127.0.0.1:1")
}

// A full disk refuses the sale in words, keeps what is stored, and sells the same sale when there is room again.
func TestIssueOnAFullDisk(t *testing.T) {
	c := practice(t)
	c.must("N° 1 ", "issue", "-f", c.json("v.json", order(dte.Boleta, "uno")))
	info, err := os.Stat(filepath.Join(c.dir, "mostrador.db"))
	if err != nil {
		t.Fatal(err)
	}
	full := fmt.Sprint(info.Size() >> 10) // it may not grow, and what it has room for is soon used
	for n := 2; ; n++ {
		long := order(dte.Boleta, fmt.Sprint("larga", n))
		long.Draft.Detalle = slices.Repeat(long.Draft.Detalle[:1], 900)
		f := c.json("v.json", long)
		cmd := exec.Command("bash", "-c", `ulimit -f "$0"; exec "$@"`, full, os.Args[0], "issue", "-dir", c.dir, "-llave", "archivo", "-f", f)
		cmd.Env = append(os.Environ(), alone+"=1")
		out, err := cmd.CombinedOutput()
		if err == nil && n < 50 {
			continue
		}
		if err == nil || !strings.Contains(string(out), "disco está lleno") || !strings.Contains(string(out), "a salvo") {
			t.Errorf("%v: %s", err, out)
		}
		c.must(fmt.Sprintf("N° %d ", n), "issue", "-f", f)
		break
	}
	c.must("Todo cuadra", "audit")
}

func TestScaleTableIsShownTriedAndChanged(t *testing.T) {
	c := practice(t)
	const label = "2001001005009"
	c.must(`"prefijo": "20"`, "balanza")
	c.must("Sería: Marraqueta, 0,5 kg × $2.290 = $1.145", "balanza", "-probar", label)
	const table = `[{"nombre":"Mía","prefijo":"20","tipo":"precio","codigo":{"desde":4,"largo":4},"valor":{"desde":8,"largo":5}}]`
	file := c.file("b.json", []byte(table))
	c.must("Regla «Mía»", "balanza", "-probar", label, file)
	c.must("Peso en gramos", "balanza") // trying changes nothing
	c.must("1 reglas", "balanza", file)
	c.must("precio $500", "balanza", "-probar", label)
}

func TestSendingIsChosenInParts(t *testing.T) {
	c := practice(t)
	for _, step := range []struct {
		args []string
		want string
	}{
		{nil, "hasta 50 por envío, la más antigua espera 1 min"},
		{[]string{"-boletas", "100"}, "hasta 100 por envío, la más antigua espera 1 min"},
		{[]string{"-minutos", "0"}, "hasta 100 por envío, la más antigua espera 0 min"},
		{nil, "hasta 100 por envío, la más antigua espera 0 min"},
	} {
		c.must(step.want, append([]string{"envios"}, step.args...)...)
	}
}

// Rules of price come from files, all or none, and rule the next sale.
func TestPricesAreImported(t *testing.T) {
	c := practice(t)
	c.must(`"reglas"`, "precios show")
	good := c.file("p.json", []byte(`{"version":1,"reglas":[{"nombre":"Todo a mitad","tipo":"descuento","todo":true,"pct":"50"}]}`))
	list := c.file("lista.csv", []byte("codigo;lista;desde cantidad;precio\n7801;Mayorista;12;990\n"))
	c.must("2 reglas de precio", "precios import", good, list)
	c.must("Todo a mitad", "precios show")
	c.refused("No se cambió nada", "precios import", good, c.file("malo.csv", []byte("codigo;precio\n7801;mil\n")))
	c.refused("No se cambió nada", "precios import", c.file("malo.json", []byte(`{"version":1,"reglas":[{"nombre":"x","tipo":"regalo"}]}`)))
	c.refused("No se cambió nada", "precios import", c.file("nada.json", []byte("hola")))
	c.must("Mayorista", "precios show")
}

// The shop's data can be put right, but its RUT and environment stay with its folios.
func TestShopDataAreCorrected(t *testing.T) {
	c := practice(t)
	var info sale.Shop
	if err := json.Unmarshal([]byte(c.must("emisor", "tienda show")), &info); err != nil {
		t.Fatal(err)
	}
	c.must("", "modelo", "voucher")
	moved := info // from before the model was chosen
	moved.Emisor.Direccion = "AV. NUEVA 123"
	c.must("guardados", "tienda set", "-f", c.json("tienda.json", moved))
	if out := c.must("AV. NUEVA 123", "tienda show"); !strings.Contains(out, `"modeloEmision": "voucher"`) {
		t.Errorf("the modelo is gone: %s", out)
	}
	for why, edit := range map[string]func(*sale.Shop){
		"No se cambió nada":   func(s *sale.Shop) { s.Caja = "" },
		"ya no se pueden":     func(s *sale.Shop) { s.Emisor.RUT = 76192083 },
		"ambiente de esta ca": func(s *sale.Shop) { s.Ambiente = dte.Certificacion },
	} {
		bad := moved
		edit(&bad)
		c.refused(why, "tienda set", "-f", c.json("mala.json", bad))
	}
	c.refused("falta -f", "tienda set")
	c.must("AV. NUEVA 123", "tienda show")
}
