//go:build linux

package flows

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The practice shop's goods that the flows sell.
const (
	milk    = "7809990005483" // $1.190
	cola    = "7809990030140" // $1.790
	oil     = "7809990064398" // $2.190
	bread   = "1001"          // Marraqueta, by weight, $2.290
	ticket  = "9001"          // Pasaje bus rural, exempt, $1.500
	nothing = "7800000000019" // right by its check digit, and of nobody
)

var selling = []flow{
	{"vender", sell},
	{"cantidades", quantities},
	{"demasiado", tooMuch},
	{"por-peso", byWeight},
	{"etiqueta-balanza", scaleLabel},
	{"precio-libre", openPrice},
	{"variantes", variants},
	{"buscar", search},
	{"codigo-desconocido", unknownCode},
	{"nota-y-descuentos", discounts},
	{"precio-a-mano", priceByHand},
	{"promocion", promotion},
	{"consultar-precio", priceCheck},
	{"guardar-y-retomar", holdAndRecall},
	{"corte-de-luz", powerCut},
	{"vaciar", void},
}

func sell(c *counter) {
	c.open()
	c.picture("lista", "La caja, lista para vender")
	c.scanned(milk, "Leche entera")
	c.scanned(oil, "Aceite vegetal")
	c.scanned(cola, "Bebida cola")
	c.scanned(cola, "2 × $1.790")
	c.picture("carro", "Pasar productos por el lector")
	c.press("F1")
	c.see("Teclas de esta pantalla")
	c.picture("ayuda", "Ver las teclas")
	c.press("Esc")
	c.at("selling")
	c.press("F12")
	c.at("paying")
	c.write("10000")
	c.see("VUELTO SI ES EFECTIVO", "$3.040")
	c.picture("billete", "Cobrar: lo que entrega el cliente y su vuelto")
	c.press("Enter")
	c.see("PAGADO", "$3.040")
	c.press("Enter")
	c.at("done")
	c.see("VUELTO", "$3.040", "Impresa")
	c.picture("fin", "Fin de la venta: el vuelto y el documento")
	c.scanned(milk, "1 × $1.190") // the next sale begins by itself
	c.at("selling")
	c.press("Supr")
	c.see("Sin productos")
	c.paid(c.books("39 6960")[0], "6.960", "Efectivo $10.000", "Vuelto $3.040")
}

// + and − and Supr on a line, and the quantity before a code, typed or scanned.
func quantities(c *counter) {
	c.open()
	c.write("3*")
	c.scan(milk)
	c.see("$3.570")
	c.press("+")
	c.see("$4.760")
	c.press("-", "-")
	c.see("$2.380")
	c.scanned(cola, "$4.170")
	c.press("↑")
	c.enter("5*")
	c.see("$7.740")
	c.picture("", "Cantidad: 3\\* antes del código; + y −; 5\\* y Enter en la línea marcada")
	c.press("Supr")
	c.see("1 línea")
	c.pay("$1.790")
	c.books("39 1790")
}

// pay pays exactly, in cash, and ends the sale.
func (c *counter) pay(total string) {
	c.t.Helper()
	c.press("F12")
	c.at("paying")
	c.see(total)
	c.exactly()
}

// A quantity that is most likely a slip is asked about, and Enter does not take it.
func tooMuch(c *counter) {
	c.open()
	c.enter("1500*2001")
	c.see("¿Está bien la cantidad?", "1.500 × Huevo blanco grande")
	c.picture("", "Una cantidad rara se pregunta antes de contarla")
	c.press("Enter")
	c.until("it is there to be corrected", func() bool { s := c.seen(); return !s.Dialog && s.Typed == "1500*2001" })
	c.press("Enter")
	c.see("¿Está bien la cantidad?")
	c.press("F12")
	c.at("selling")
	c.see("1.500", "$390.000")
	c.press("Supr")
	c.see("Sin productos")
	c.enter("15*2001") // as usual, and nobody asks
	c.see("$3.900")
	c.pay("$3.900")
	c.books("39 3900")
}

func byWeight(c *counter) {
	c.open()
	c.enter("0,75*" + bread)
	c.see("0,75 kg", "$1.718")
	c.picture("", "Por peso: 0,75\\* y el código")
	c.press("F12")
	c.at("paying")
	c.see("Redondeo Ley 20.956", "$2", "$1.720")
	c.exactly()
	c.books("39 1718")
}

// label is a scale's bar code: prefix, product, five figures of value, check digit.
func label(prefix, product string, value int) string {
	code := fmt.Sprintf("%s%05s%05d", prefix, product, value)
	sum := 0
	for i, r := range code {
		weight := 1
		if i%2 == 1 {
			weight = 3
		}
		sum += weight * int(r-'0')
	}
	return code + fmt.Sprint((10-sum%10)%10)
}

func scaleLabel(c *counter) {
	c.open()
	c.scanned(label("20", "01001", 1250), "1,25 kg") // by weight: 1,250 kg of bread
	c.see("$2.863")
	c.scanned(label("21", "04003", 990), "$990") // by price: $990 of tomatoes
	c.see("Tomate", "$3.853")
	c.picture("", "Etiquetas de la balanza, con el peso y con el precio")
	c.pay("$3.853")
	c.books("39 3853")
}

// catalogue adds goods of other kinds to those of the practice shop.
func (c *counter) catalogue(rows ...string) {
	c.t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "assets", "demo", "productos.csv"))
	if err != nil {
		c.t.Fatal(err)
	}
	head, rest, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	var all strings.Builder
	fmt.Fprintln(&all, strings.TrimSpace(head)+";familia;variante;precio libre;precio minimo;precio maximo")
	for line := range strings.Lines(rest) {
		fmt.Fprintln(&all, strings.TrimSpace(line)+";;;;;")
	}
	for _, row := range rows {
		fmt.Fprintln(&all, row)
	}
	c.ctl("productos", "import", c.file("productos.csv", all.String()))
}

// file is one with this content.
func (c *counter) file(name, content string) string {
	c.t.Helper()
	if err := os.WriteFile(c.path(name), []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return c.path(name)
}

func openPrice(c *counter) {
	c.catalogue("7000;Compostura de ropa;;3.000;n;Servicios;n;;;s;1.000;20.000")
	c.open()
	c.enter("7000")
	c.see("Precio de Compostura de ropa", "De $1.000 a $20.000")
	c.enter("500")
	c.see("es a lo menos $1.000")
	c.picture("", "Precio libre: la caja lo pide y cuida sus límites")
	c.press("←", "←", "←")
	c.enter("4500")
	c.at("selling")
	c.see("$4.500")
	c.pay("$4.500")
	c.books("39 4500")
}

func variants(c *counter) {
	c.catalogue("5001;;;9.990;n;Ropa;s;Polera;M roja;;;", "5002;;;9.990;n;Ropa;s;Polera;L roja;;;", "5003;;;10.990;n;Ropa;s;Polera;XL azul;;;")
	c.open()
	c.write("polera")
	c.see("Polera M roja", "Polera XL azul")
	c.press("↓")
	c.picture("", "Variantes: buscar la familia y elegir una")
	c.press("Enter")
	c.see("× $")
	c.gone("ENCONTRADOS")
	c.press("F4")
	c.see("Descuento a esta línea…")
	c.press("Esc")
	c.at("selling")
	if name := c.seen(); !name.says("Polera L roja") && !name.says("Polera M roja") && !name.says("Polera XL azul") {
		c.fail("no variant was added")
	}
	c.pay("$")
	c.shut()
}

// A name with a slip of the finger is found all the same, and accents do not matter.
func search(c *counter) {
	c.open()
	c.press("F2")
	c.see("Escriba parte del nombre o del código")
	c.write("lehce entera")
	c.see("Leche entera Valle Claro 1 L")
	c.picture("dedo", "Buscar con F2, también con un error de tipeo")
	c.press("Enter")
	c.see("1 línea", "1 × $1.190")
	c.write("cafe mol")
	c.see("Café molido Tostaduría Lira 250 g")
	c.press("Enter")
	c.see("$5.880")
	c.write("zzzz")
	c.see("Nada se parece a lo escrito")
	c.picture("nada", "Buscar lo que no existe")
	c.press("Esc")
	c.gone("Nada se parece")
	c.pay("$5.880")
	c.books("39 5880")
}

// A code that nobody knows stays in red until somebody creates its product, finds it by another name, or dismisses it.
func unknownCode(c *counter) {
	c.open()
	c.scanned(milk, "Leche entera")
	c.scanned(nothing, nothing+" no existe")
	c.picture("fila", "Un código que no existe: queda en rojo hasta resolverlo")
	c.press("Ins")
	c.see("Crear " + nothing)
	c.fields("Galletas de la casa", "1490", "")
	c.picture("crear", "Crear el producto con el cliente esperando")
	c.press("Enter")
	c.at("selling")
	c.see("quedó creado y agregado", "$2.680")
	c.gone("no existe")
	c.scanned("2233445566", "2233445566 no existe")
	c.press("ctrl+b")
	c.until("the code is in the field", func() bool { return c.seen().Typed == "2233445566" })
	c.press(slicesOf("←", len("2233445566"))...)
	c.write("mani")
	c.see("Maní salado")
	c.picture("buscar", "Buscar el producto de un código que no existe")
	c.press("Enter")
	c.see("$4.170")
	c.gone("no existe")
	c.scanned("9988776655", "9988776655 no existe")
	c.press("Supr")
	c.gone("9988776655 no existe")
	c.pay("$4.170")
	c.books("39 4170")
	if out := c.ctl("audit"); !strings.Contains(out, "Todo cuadra") {
		c.t.Error(out)
	}
}

// slicesOf is n strokes of a key.
func slicesOf(key string, n int) []string {
	return strings.Split(strings.Repeat(key+" ", n-1)+key, " ")
}

func discounts(c *counter) {
	c.open()
	c.scanned(milk, "Leche entera")
	c.scanned(cola, "Bebida cola")
	c.press("F4")
	c.see("Descuento a esta línea…", "¿Por qué este precio?")
	c.picture("menu", "Lo que se puede hacer con una línea")
	c.choose("1", "Escriba 10% o un monto")
	c.enter("10%")
	c.see("¿Por qué?", "Por vencer")
	c.picture("motivo", "Todo descuento dice por qué")
	c.press("2")
	c.at("selling")
	c.see("$1.611", "−$179")
	c.press("F4")
	c.choose("2", "Descuento a toda la venta")
	c.enter("301")
	c.see("¿Por qué?")
	c.press("3")
	c.at("selling")
	c.see("$2.500", "−$480")
	c.press("F4")
	c.choose("4", "Para quienes trabajan aquí")
	c.enter("sin bolsa")
	c.at("selling")
	c.picture("", "Descuento a la línea y al total")
	c.pay("$2.500")
	c.books("39 2500")
}

func priceByHand(c *counter) {
	c.open()
	c.scanned(oil, "Aceite")
	c.press("F4")
	c.choose("3", "Escriba el precio por unidad")
	c.enter("1990")
	c.see("¿Por qué?")
	c.press("4")
	c.at("selling")
	c.see("$1.990")
	c.press("F4")
	c.choose("5", "Total de la línea")
	c.see("Iguala otro precio")
	c.picture("", "Precio puesto a mano: queda dicho por quién y por qué")
	c.press("Esc")
	c.at("selling")
	c.pay("$1.990")
	c.books("39 1990")
}

func promotion(c *counter) {
	c.ctl("precios", "import", c.file("ofertas.json", `{"version": 1, "reglas": [
		{"nombre": "3×2 en bebidas", "tipo": "nxm", "categorias": ["Bebidas"], "lleve": 3, "pague": 2},
		{"nombre": "Aceite desde 2", "tipo": "precio", "productos": ["`+oil+`"], "precio": "1990", "desdeCantidad": "2"}]}`))
	c.open()
	c.scanned(oil, "Aceite")
	c.scan(oil)
	c.see("$3.980")
	c.write("3*")
	c.scan(cola)
	c.see("$7.560", "−$1.790")
	c.picture("carro", "Ofertas: se aplican solas")
	c.press("F4")
	c.choose("5", "3×2 en bebidas")
	c.picture("por-que", "¿Por qué este precio?")
	c.press("Esc")
	c.at("selling")
	c.pay("$7.560")
	c.books("39 7560")
}

func priceCheck(c *counter) {
	c.open()
	c.scanned(milk, "Leche entera")
	c.press("F7")
	c.see("Consultar un precio")
	c.scanned(cola, "Bebida cola Kolina 1,5 L")
	c.see("$1.790")
	c.picture("", "Consultar un precio sin venderlo")
	c.press("F7")
	c.at("selling")
	c.see("1 línea")
	c.pay("$1.190")
	c.books("39 1190")
}

// hold puts the sale aside under a name.
func (c *counter) hold(name string) {
	c.t.Helper()
	c.press("F5")
	c.see("Guardar esta venta")
	c.enter(name)
	c.at("selling")
	c.see("Sin productos")
}

func holdAndRecall(c *counter) {
	c.open()
	c.scanned(milk, "Leche entera")
	c.hold("señora del pan")
	c.scanned(cola, "Bebida cola")
	c.pay("$1.790")
	c.press("Enter")
	c.at("selling")
	c.press("F6")
	c.see("señora del pan", "$1.190")
	c.picture("", "Retomar una venta guardada")
	c.press("1")
	c.at("selling")
	c.see("Leche entera")
	c.pay("$1.190")
	c.books("39 1190", "39 1790")
}

// The power goes twice, with a sale in the cart and with a sale put aside; both are there afterwards.
func powerCut(c *counter) {
	c.open()
	c.scanned(oil, "Aceite")
	c.hold("don Luis")
	c.scanned(milk, "Leche entera")
	c.scanned(cola, "Bebida cola")
	c.see("$2.980")
	c.cutPower()
	c.open()
	c.see("Leche entera", "Bebida cola", "$2.980")
	c.picture("", "Después de un corte de luz: la venta sigue ahí")
	c.press("F12")
	c.at("paying")
	c.write("5000")
	c.press("Enter")
	c.see("PAGADO")
	c.cutPower() // paid, and not yet issued
	c.open()
	c.see("$2.980")
	c.pay("$2.980")
	c.press("Enter")
	c.at("selling")
	c.press("F6")
	c.see("don Luis")
	c.press("1")
	c.at("selling")
	c.pay("$2.190")
	c.books("39 2980", "39 2190")
}

func void(c *counter) {
	c.open()
	c.scanned(milk, "Leche entera")
	c.press("Esc", "Esc", "Esc")
	c.see("Leche entera") // Escape empties nothing
	c.press("F4")
	c.choose("6", "¿Por qué se vacía la venta?")
	c.see("Se quita 1 línea por $1.190.")
	c.picture("", "Vaciar la venta, con su motivo")
	c.press("2")
	c.at("selling")
	c.see("Sin productos")
	c.books()
}
