//go:build linux

package flows

import "strings"

var papers = []flow{
	{"factura-cliente-nuevo", invoice},
	{"factura-a-credito", onCredit},
	{"boleta-exenta", exempt},
	{"guia", guide},
	{"clientes", book},
}

// A customer whom nobody knows is written down without a line to the world, and gets his factura.
func invoice(c *counter) {
	c.open()
	c.scanned(oil, "Aceite")
	c.press("F3")
	c.see("Cliente y documento")
	c.press("F3")
	c.write("76.192.083-8")
	c.see("El dígito verificador no corresponde")
	c.picture("rut", "RUT mal escrito: se dice al escribirlo")
	c.press("←")
	c.write("9")
	c.see("es correcto. Cliente nuevo")
	c.press("Enter")
	c.fields("Peñaflor y Compañia Ltda.", "Barraca y herramientas", "Los Robles 45")
	c.write("nuno")
	c.see("Ñuñoa")
	c.picture("comuna", "Cliente nuevo: la comuna se elige de la lista")
	c.press("Enter")
	c.fields("Santiago")
	c.write("compras@tornillo.example")
	c.press("F8")
	c.see("quedó guardado")
	c.picture("", "Factura a un cliente creado sin internet")
	c.press("F12")
	c.at("selling")
	c.see("Factura", "Peñaflor y Compañia Ltda.")
	c.pay("$2.190")
	c.see("Factura 1")
	c.picture("fin", "Factura emitida")
	p := c.books("33 2190")
	if xml := p[0].xml; !strings.Contains(xml, "<RUTRecep>76192083-9<") || !strings.Contains(xml, "<CmnaRecep>\xd1u\xf1oa<") {
		c.t.Errorf("the factura is for somebody else:\n%s", xml)
	}
	c.ctl("clientes", "export", c.path("clientes.csv"))
}

// An order of the customer's is named, and the factura falls due in 30 days: it is issued unpaid.
func onCredit(c *counter) {
	c.ctl("clientes", "import", c.file("clientes.csv", customersFile))
	c.open()
	c.scanned(oil, "Aceite")
	c.customer("tornillo", "Ferretería El Tornillo Limitada")
	c.press("F3", "F7")
	c.see("A crédito: vence el")
	c.press("F6")
	c.see("Referencias del documento")
	c.fields("801", "OC-4512")
	c.press("F9")
	c.see("EN EL DOCUMENTO: 1 DE 40")
	c.fields("HES", "77")
	c.press("F9")
	c.see("EN EL DOCUMENTO: 2 DE 40")
	c.picture("referencias", "Referencias: la orden de compra y la HES")
	c.press("F12")
	c.see("Referencias (2)")
	c.picture("", "Factura a crédito")
	c.press("F12")
	c.at("selling")
	c.see("Factura a crédito", "EMITIR")
	c.press("F12")
	c.at("done")
	c.see("SIN PAGO", "A crédito")
	c.picture("fin", "A crédito no se cobra: se emite")
	p := c.books("33 2190")
	for _, want := range []string{"<FmaPago>2<", "<FchVenc>", "<TpoDocRef>801<", "<FolioRef>OC-4512<", "<TpoDocRef>HES<"} {
		if !strings.Contains(p[0].xml, want) {
			c.t.Errorf("the factura does not say %s", want)
		}
	}
}

func exempt(c *counter) {
	c.open()
	c.scanned(ticket, "Pasaje bus rural")
	c.see("Boleta exenta")
	c.picture("", "Lo exento solo lleva boleta exenta")
	c.pay("$1.500")
	c.scanned(ticket, "Pasaje bus rural")
	c.scanned(milk, "Leche entera")
	c.shows("Boleta")
	c.pay("$2.690") // mixed: one boleta, with its exempt part
	c.books("41 1500", "39 2690")
}

func guide(c *counter) {
	c.ctl("clientes", "import", c.file("clientes.csv", customersFile))
	c.open()
	c.write("2*")
	c.scan(oil)
	c.see("$4.380")
	c.press("F3")
	c.see("Cliente y documento")
	c.write("76192083-")
	c.press("9") // and it stands there with its dots
	c.see("Cliente guardado")
	c.press("F5", "F12")
	c.see("Por qué se traslada", "Patente")
	c.press("Tab", "Tab", "Tab", "Tab")
	c.write("ABCD12")
	c.picture("", "Guía de despacho: por qué y cómo viaja")
	c.press("F12")
	c.at("selling")
	c.see("Guía de despacho", "EMITIR")
	c.press("F12")
	c.at("done")
	c.see("Guía de despacho 1")
	p := c.books("52 4380")
	for _, want := range []string{"<IndTraslado>1<", "<Patente>ABCD12<", "<CmnaDest>\xd1u\xf1oa<"} {
		if !strings.Contains(p[0].xml, want) {
			c.t.Errorf("the guía does not say %s:\n%s", want, p[0].xml)
		}
	}
}

func book(c *counter) {
	c.ctl("clientes", "import", c.file("clientes.csv", customersFile))
	c.open()
	c.press("F11")
	c.see("Qué funciona ahora")
	c.picture("menu", "El menú")
	c.press("Esc")
	c.at("selling")
	c.menu("Clientes")
	c.see("Listas de precios")
	c.write("san")
	c.see("Comercial San Pedro SpA")
	c.picture("buscar", "Clientes: buscar")
	c.press("Enter")
	c.see("Los Aromos 123")
	c.picture("", "Clientes: corregir")
	c.press("Esc")
	c.at("selling")
	c.books()
}
