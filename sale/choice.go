package sale

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"mostrador/dte"
	"mostrador/money"
)

// Choice is who buys and which document he gets, decided together: no factura is without its buyer for a moment.
type Choice struct {
	// Tipo is Factura, GuiaDespacho, or 0 for a boleta. Which of the first and the last is exempt is decided by what is
	// sold.
	Tipo     dte.TipoDTE
	Receptor dte.Receptor
	// Lists are the price lists that the buyer belongs to.
	Lists []string
	// Vence is the day on which a factura on credit falls due; zero is paid on the spot.
	Vence dte.Date
	// Guia is how and why the goods of a guía travel.
	Guia Guia
	// Referencias are what a factura or a guía refers to: the buyer's order, the guías that it bills. A boleta has none.
	Referencias []dte.Referencia
}

// Guia is what a guía de despacho says besides what goes to whom.
type Guia struct {
	IndTraslado  int            `json:"indTraslado"`            // Formato DTE: see Traslados
	TipoDespacho int            `json:"tipoDespacho,omitempty"` // 1 the buyer fetches, 2 and 3 the issuer delivers
	Transporte   dte.Transporte `json:"transporte"`
}

// Traslado is a reason for which goods travel.
type Traslado struct {
	Code int
	Name string
}

// TrasladoInterno moves goods within the company: the receptor is the issuer himself.
const TrasladoInterno = 5

// Traslados lists the reasons that a counter has (Formato DTE, field IndTraslado); the two of exports are the back
// office's.
func Traslados() []Traslado {
	return []Traslado{
		{1, "Venta"},
		{2, "Venta por efectuar"},
		{3, "Consignación"},
		{4, "Entrega gratuita"},
		{TrasladoInterno, "Traslado interno"},
		{6, "Otro traslado que no es venta"},
		{7, "Devolución"},
	}
}

// The fields of a document besides its buyer's.
const (
	FieldVence         Field = "vence"
	FieldTraslado      Field = "traslado"
	FieldDestino       Field = "destino"
	FieldComunaDestino Field = "comunaDestino"
	FieldPatente       Field = "patente"
	FieldTransportista Field = "transportista"
	FieldRUTChofer     Field = "rutChofer"
	FieldChofer        Field = "chofer"
	FieldSalida        Field = "salida"
	FieldHora          Field = "hora"
	FieldTipoRef       Field = "tipoRef"
	FieldFolioRef      Field = "folioRef"
	FieldFechaRef      Field = "fechaRef"
	FieldRazonRef      Field = "razonRef"
)

// Unpaid says why a document was issued without a payment.
type Unpaid string

// The two documents that nobody pays at the counter. See EnCambio, too.
const (
	ACredito Unpaid = "crédito"
	PorGuia  Unpaid = "guía"
)

// Choose sets buyer and document, or nothing: a FieldError names what is missing and the cart is as it was. A factura
// needs a buyer with RUT, razón social, giro, dirección and comuna; a guía needs the same and where it goes.
func (r *Register) Choose(ch Choice) error { return r.choose(func(Choice) Choice { return ch }) }

// choose changes what the cart says of buyer and document.
func (r *Register) choose(change func(Choice) Choice) error {
	return r.update(func(c *Cart) (int, error) {
		ch := change(c.Choice())
		if ch.Guia.IndTraslado == TrasladoInterno && ch.Receptor.RUT == 0 {
			ch.Receptor = ownReceptor(r.d.Shop.Emisor)
		}
		if err := r.check(ch); err != nil {
			return 0, err
		}
		c.Tipo, c.Receptor, c.Vence, c.Guia = ch.Tipo, ch.Receptor, ch.Vence, nil
		c.Lists, c.Referencias = slices.Clone(ch.Lists), slices.Clone(ch.Referencias)
		if ch.Tipo == dte.GuiaDespacho {
			c.Guia = &ch.Guia
		}
		return r.selected, nil
	})
}

// Choice is what the cart says of buyer and document.
func (c Cart) Choice() Choice {
	ch := Choice{Tipo: c.Tipo, Receptor: c.Receptor, Lists: c.Lists, Vence: c.Vence, Referencias: c.Referencias}
	if c.Guia != nil {
		ch.Guia = *c.Guia
	}
	return ch
}

// SetReceptor sets the buyer and leaves the document. The zero Receptor is a buyer who is not identified; a factura
// refuses him. The price lists of another buyer go with him.
func (r *Register) SetReceptor(rec dte.Receptor) error {
	return r.choose(func(ch Choice) Choice {
		if ch.Receptor.RUT != rec.RUT {
			ch.Lists = nil
		}
		ch.Receptor = rec
		return ch
	})
}

// SetTipo chooses the document and leaves the buyer: Factura, GuiaDespacho if it is known where it goes, or 0 for a
// boleta. Which of them is exempt is decided by what is sold.
func (r *Register) SetTipo(t dte.TipoDTE) error {
	return r.choose(func(ch Choice) Choice {
		switch ch.Tipo = t; t {
		case dte.FacturaExenta:
			ch.Tipo = dte.Factura
		case 0, dte.Boleta, dte.BoletaExenta:
			ch.Tipo, ch.Vence = 0, dte.Date{}
		}
		return ch
	})
}

// ownReceptor is the company as the receiver of its own goods.
func ownReceptor(e dte.Emisor) dte.Receptor {
	giro := []rune(e.Giro)
	return dte.Receptor{
		RUT: e.RUT, RznSoc: e.RznSoc, Giro: string(giro[:min(len(giro), CustomerLimit(FieldGiro))]), Direccion: e.Direccion, Comuna: e.Comuna, Ciudad: e.Ciudad,
	}
}

func (r *Register) check(ch Choice) error {
	today := dte.DateOf(r.d.Now())
	switch {
	case r.cart.Exchange != nil && ch.Tipo != 0:
		return errWithBoleta
	case ch.Tipo != dte.Factura && !ch.Vence.IsZero():
		return FieldError{FieldVence, "sólo una factura se puede dejar a crédito"}
	case ch.Tipo == 0 && len(ch.Referencias) > 0:
		return errors.New("una boleta no lleva referencias: quítelas, o elija factura o guía")
	case ch.Tipo == 0:
		return nil
	case ch.Tipo != dte.Factura && ch.Tipo != dte.GuiaDespacho:
		return fmt.Errorf("%s no se emite desde la venta", ch.Tipo)
	}
	if err := CheckBuyer(ch.Receptor, ch.Tipo); err != nil {
		return err
	}
	if !ch.Vence.IsZero() && ch.Vence.Before(today) {
		return FieldError{FieldVence, fmt.Sprintf("el vencimiento %s ya pasó", ch.Vence)}
	}
	if ch.Tipo == dte.GuiaDespacho {
		if err := ch.Guia.check(ch.Receptor.RUT == r.d.Shop.Emisor.RUT, today); err != nil {
			return err
		}
	}
	return checkReferences(ch.Referencias, today)
}

// CheckBuyer names the first field that the law asks for in a factura or a guía and the buyer lacks (Formato DTE,
// Receptor): nil or a FieldError.
func CheckBuyer(rec dte.Receptor, tipo dte.TipoDTE) error {
	document := "factura"
	if tipo == dte.GuiaDespacho {
		document = "guía de despacho"
	}
	for _, need := range []struct {
		field   Field
		name    string
		missing bool
	}{
		{FieldRUT, "el RUT", rec.RUT == 0 || rec.RUT == dte.RUTAnonimo},
		{FieldRznSoc, "la razón social", dte.Normalize(rec.RznSoc) == ""},
		{FieldGiro, "el giro", dte.Normalize(rec.Giro) == ""},
		{FieldDireccion, "la dirección", dte.Normalize(rec.Direccion) == ""},
		{FieldComuna, "la comuna", dte.Normalize(rec.Comuna) == ""},
	} {
		if need.missing {
			return FieldError{need.field, fmt.Sprintf("para emitir %s falta %s del cliente", document, need.name)}
		}
	}
	return nil
}

var departure = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$`)

// check asks for what dte will ask for, field by field (Res. Ex. SII 154 of 2025 and Formato DTE, Transporte).
func (g Guia) check(own bool, today dte.Date) error {
	t := g.Transporte
	known := slices.ContainsFunc(Traslados(), func(t Traslado) bool { return t.Code == g.IndTraslado })
	switch {
	case !known:
		return FieldError{FieldTraslado, "falta el motivo del traslado"}
	case g.IndTraslado == TrasladoInterno && !own:
		return FieldError{FieldRUT, "en un traslado interno el cliente es la propia empresa: deje el cliente en blanco"}
	case dte.Normalize(t.Direccion) == "":
		return FieldError{FieldDestino, "falta la dirección de destino"}
	case dte.Normalize(t.Comuna) == "":
		return FieldError{FieldComunaDestino, "falta la comuna de destino"}
	case t.NombreChofer != "" && t.RUTChofer == 0:
		return FieldError{FieldRUTChofer, "falta el RUT del chofer"}
	case t.RUTChofer != 0 && dte.Normalize(t.NombreChofer) == "":
		return FieldError{FieldChofer, "falta el nombre del chofer"}
	case !t.FchSalida.IsZero() && t.FchSalida.Before(today):
		return FieldError{FieldSalida, fmt.Sprintf("la salida %s ya pasó", t.FchSalida)}
	case t.HraSalida != "" && !departure.MatchString(t.HraSalida):
		return FieldError{FieldHora, "la hora de salida se escribe 15:30"}
	}
	for _, f := range []struct {
		field Field
		name  string
		text  string
		limit int
	}{
		{FieldDestino, "dirección de destino", t.Direccion, 70},
		{FieldComunaDestino, "comuna de destino", t.Comuna, 20},
		{FieldPatente, "patente", t.Patente, 8},
		{FieldChofer, "nombre del chofer", t.NombreChofer, 30},
	} {
		if reason := checkText(f.name, dte.Normalize(f.text), f.limit); reason != "" {
			return FieldError{f.field, reason}
		}
	}
	return nil
}

// RefType is a document that a factura or a guía may refer to.
type RefType struct {
	Code string // Formato DTE, field TpoDocRef
	Name string
}

// RefTypes lists them, the commonest first. HES and HEM are not the SII's: large buyers ask for them.
func RefTypes() []RefType {
	return []RefType{
		{"801", "Orden de compra"},
		{"HES", "Hoja de entrada de servicio"},
		{"HEM", "Hoja de entrada de materiales"},
		{"52", "Guía de despacho"},
		{"802", "Nota de pedido"},
		{"803", "Contrato"},
		{"804", "Resolución"},
		{"805", "Proceso ChileCompra"},
		{"806", "Ficha ChileCompra"},
		{"33", "Factura"},
		{"34", "Factura exenta"},
		{"39", "Boleta"},
		{"50", "Guía de despacho en papel"},
	}
}

// MaxReferences is how many references fit in a document.
const MaxReferences = 40

// SetReferences sets what the document refers to and leaves the rest.
func (r *Register) SetReferences(refs []dte.Referencia) error {
	return r.choose(func(ch Choice) Choice {
		ch.Referencias = refs
		return ch
	})
}

func checkReferences(refs []dte.Referencia, today dte.Date) error {
	if len(refs) > MaxReferences {
		return fmt.Errorf("caben %d referencias", MaxReferences)
	}
	for _, ref := range refs {
		if err := CheckReference(ref, today); err != nil {
			return err
		}
	}
	return nil
}

// CheckReference names what a reference lacks: nil or a FieldError.
func CheckReference(ref dte.Referencia, today dte.Date) error {
	folio := dte.Normalize(ref.FolioRef)
	switch {
	case !slices.ContainsFunc(RefTypes(), func(t RefType) bool { return t.Code == ref.TpoDocRef }):
		return FieldError{FieldTipoRef, "falta el tipo de documento: elíjalo de la lista"}
	case folio == "":
		return FieldError{FieldFolioRef, "falta el número del documento"}
	case utf8.RuneCountInString(folio) > 18:
		return FieldError{FieldFolioRef, "el número del documento tiene hasta 18 caracteres"}
	case ref.FchRef.IsZero():
		return FieldError{FieldFechaRef, "falta la fecha del documento"}
	case today.Before(ref.FchRef):
		return FieldError{FieldFechaRef, fmt.Sprintf("la fecha %s todavía no llega", ref.FchRef)}
	}
	if reason := checkText("número", folio, 18); reason != "" {
		return FieldError{FieldFolioRef, reason}
	}
	if reason := checkText("motivo", dte.Normalize(ref.RazonRef), 90); reason != "" {
		return FieldError{FieldRazonRef, reason}
	}
	return nil
}

// Unpaid says why the cart's document will be issued without a payment; empty when it is paid.
func (c Cart) Unpaid() Unpaid {
	switch {
	case c.Tipo == dte.GuiaDespacho:
		return PorGuia
	case c.Tipo == dte.Factura && !c.Vence.IsZero():
		return ACredito
	}
	return ""
}

// dress puts into the draft what was chosen for the document.
func (c Cart) dress(draft *dte.Draft) {
	if c.Tipo != 0 {
		draft.Referencia = slices.Clone(c.Referencias)
	}
	if c.Unpaid() == ACredito {
		draft.FmaPago, draft.FchVenc, draft.MedioPago = 2, c.Vence, ""
	}
	if c.Tipo == dte.GuiaDespacho && c.Guia != nil {
		transport := c.Guia.Transporte
		draft.IndTraslado, draft.TipoDespacho, draft.Transporte = c.Guia.IndTraslado, c.Guia.TipoDespacho, &transport
		makeNet(draft)
	}
}

// makeNet takes the IVA out of prices and discounts: a guía has no MntBruto (Formato DTE, obligatoriedad), so its total may
// differ by some pesos from the sum of the gross lines.
func makeNet(draft *dte.Draft) {
	for i := range draft.Detalle {
		if l := &draft.Detalle[i]; l.IndExe == dte.Afecto {
			l.Prc, l.Descuento = netPrice(l.Prc), netPesos(l.Descuento)
		}
	}
	for i := range draft.DscRcg {
		if g := &draft.DscRcg[i]; g.IndExe == dte.Afecto {
			g.Monto = netPesos(g.Monto)
		}
	}
}

// netPrice is a price without IVA, to the millionth; netPesos is an amount.
func netPrice(gross money.Price) money.Price {
	const with, without = 119, 100
	return gross/with*without + (gross%with*without+with/2)/with
}

func netPesos(gross money.Pesos) money.Pesos { return money.Pesos(netPrice(money.Price(gross))) }

// issueUnpaid issues a document that nobody pays. If that fails and nothing was written, the till is selling again.
func (r *Register) issueUnpaid(why Unpaid) error {
	r.payment.Unpaid = why
	_, err := r.Issue()
	if err == nil {
		return nil
	}
	if r.Back(); r.stage == Done { // it was written all the same
		return nil
	}
	return err
}

// ParseDay reads the days that people write: "16-03-2026", "16/3/26", "2026-03-16".
func ParseDay(text string) (dte.Date, error) {
	text = strings.TrimSpace(text)
	if d, err := dte.ParseDate(text); err == nil {
		return d, nil
	}
	var day, month, year int
	if n, err := fmt.Sscanf(strings.NewReplacer("/", "-", ".", "-", " ", "-").Replace(text)+" ", "%d-%d-%d ", &day, &month, &year); err != nil || n != 3 {
		return dte.Date{}, fmt.Errorf("fecha «%s»: se escribe 16-03-2026", shorten(text))
	}
	if year < 100 {
		year += 2000
	}
	d, err := dte.ParseDate(fmt.Sprintf("%04d-%02d-%02d", year, month, day))
	if err != nil {
		return dte.Date{}, fmt.Errorf("la fecha «%s» no existe", shorten(text))
	}
	return d, nil
}
