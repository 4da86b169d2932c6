package price

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"mostrador/money"
)

// Kind is what a rule does.
type Kind string

// The kinds of a rule. The first two set the unit price; the others are promotions, which take something off it.
const (
	Precio    Kind = "precio"    // a fixed unit price
	Rebaja    Kind = "rebaja"    // a percentage off the unit price
	NxM       Kind = "nxm"       // n units for the price of m
	Segunda   Kind = "segunda"   // of every two units, a percentage off the cheaper one
	Descuento Kind = "descuento" // a percentage or pesos off each unit, from n units on
	Combo     Kind = "combo"     // certain units together for a fixed price
)

// kindNames is the closed set, in the order of the manual.
var kindNames = []Kind{Precio, Rebaja, NxM, Segunda, Descuento, Combo}

// setsPrice reports a kind that sets the unit price.
func (k Kind) setsPrice() bool { return k == Precio || k == Rebaja }

// Rule is one line of the shop's price policy. Which fields a kind takes is said at each of them; docs/precios.md has an
// example of every kind.
type Rule struct {
	// Name is what the buyer is told: "Mayorista", "3×2 en bebidas".
	Name string `json:"nombre"`
	Kind Kind   `json:"tipo"`

	// Products (codes) and Categories say what the rule is about; All is everything in the shop. A combo says it in its
	// parts, and no fixed price holds for everything.
	Products   []string `json:"productos,omitempty"`
	Categories []string `json:"categorias,omitempty"`
	All        bool     `json:"todo,omitempty"`

	Price money.Price `json:"precio,omitempty"` // of one unit (Precio) or of the whole combo, in whole pesos
	// Pct is taken off: every unit (Rebaja, Descuento) or the cheaper of two (Segunda).
	Pct money.Rate `json:"pct,omitempty"`
	// Off is pesos off each unit, or off each kilo of what is weighed (Descuento).
	Off money.Price `json:"pesos,omitempty"`
	// From is the quantity from which the rule holds (Precio, Rebaja: of each product; Descuento: of all its products
	// together); the default is any quantity.
	From money.Qty `json:"desdeCantidad,omitempty"`
	Take int64     `json:"lleve,omitempty"` // n of NxM
	Pay  int64     `json:"pague,omitempty"` // m of NxM
	// Parts of a combo. A product belongs to the part that names it, else to the part that names its category.
	Parts []Part `json:"combo,omitempty"`
	// Weighed makes a Descuento hold for what is sold by weight, and From count kilos; otherwise promotions are for
	// products sold by unit.
	Weighed bool `json:"pesables,omitempty"`

	Lists []string `json:"listas,omitempty"` // customers' lists for which it holds; none is everybody
	When  When     `json:"vigencia,omitzero"`
	// Stackable makes a Descuento hold beside the other promotions, on what they leave to pay.
	Stackable bool `json:"acumulable,omitempty"`
	// Priority goes before saving: of two rules the one with the higher number counts. The base price has 0, so that a
	// list price above it needs a priority above 0.
	Priority int `json:"prioridad,omitempty"`
}

// Part is what a combo needs of some products or categories, mixed.
type Part struct {
	Products   []string `json:"productos,omitempty"`
	Categories []string `json:"categorias,omitempty"`
	Qty        int64    `json:"cantidad"`
}

// RuleError is a rule that was refused.
type RuleError struct {
	Number int    // from 1, in the order given
	Name   string // may be empty
	Reason string // in Spanish, for the person who keeps the rules
}

func (e RuleError) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("regla %d: %s", e.Number, e.Reason)
	}
	return fmt.Sprintf("regla %d «%s»: %s", e.Number, shorten(e.Name), e.Reason)
}

// Limits of a rule. Names and amounts are those that a document can carry.
const (
	maxName     = 40
	maxCodigo   = 35
	maxProducts = 10_000
	maxParts    = 20
	maxLists    = 100
	maxUnits    = 1000 // of one n×m or one combo
	maxPriority = 1000
	// maxAmount bounds every price and ticket, so that millionths of a peso fit in 64 bits.
	maxAmount = 1_000_000_000_000 * money.OnePeso
	maxQty    = 100_000_000 * money.One
)

// check is empty or says what is wrong with the rule.
func (r *Rule) check() string {
	for _, check := range []func() string{r.checkName, r.checkFields, r.checkNumbers, r.checkScope, r.checkParts, r.checkLists, r.When.check} {
		if reason := check(); reason != "" {
			return reason
		}
	}
	return ""
}

func (r *Rule) checkName() string {
	switch {
	case r.Name == "":
		return "falta el nombre, que es lo que se le muestra al cliente"
	case !slices.Contains(kindNames, r.Kind):
		return fmt.Sprintf("el tipo «%s» no existe: es uno de %s", shorten(string(r.Kind)), strings.Trim(fmt.Sprint(kindNames), "[]"))
	}
	return checkText("el nombre", r.Name, maxName)
}

// checkFields refuses a field that the kind does not take, which would be a wish that nobody fulfils, and asks for those
// that it needs.
func (r *Rule) checkFields() string {
	for _, f := range []struct {
		name         string
		given        bool
		takes, needs string // kinds
	}{
		{"precio", r.Price != 0, "precio combo", "precio combo"},
		{"pct", r.Pct != 0, "rebaja segunda descuento", "rebaja segunda"},
		{"pesos", r.Off != 0, "descuento", ""},
		{"desdeCantidad", r.From != 0, "precio rebaja descuento", ""},
		{"lleve", r.Take != 0, "nxm", "nxm"},
		{"pague", r.Pay != 0, "nxm", "nxm"},
		{"combo", len(r.Parts) > 0, "combo", "combo"},
		{"pesables", r.Weighed, "descuento", ""},
		{"acumulable", r.Stackable, "descuento", ""},
		{"productos", len(r.Products) > 0, "precio rebaja nxm segunda descuento", ""},
		{"categorias", len(r.Categories) > 0, "precio rebaja nxm segunda descuento", ""},
		{"todo", r.All, "rebaja nxm segunda descuento", ""},
	} {
		switch {
		case f.given && !hasWord(f.takes, string(r.Kind)):
			return fmt.Sprintf("«%s» no se usa en una regla de tipo «%s»", f.name, r.Kind)
		case !f.given && hasWord(f.needs, string(r.Kind)):
			return fmt.Sprintf("falta «%s» (o es cero)", f.name)
		}
	}
	if r.Kind == Descuento && (r.Pct != 0) == (r.Off != 0) {
		return "un descuento lleva «pct» o «pesos», uno de los dos"
	}
	return ""
}

func hasWord(words, word string) bool { return slices.Contains(strings.Fields(words), word) }

func (r *Rule) checkNumbers() string {
	switch {
	case r.Price < 0 || r.Price > maxAmount:
		return fmt.Sprintf("el precio %s no sirve: debe ser mayor que cero", r.Price)
	case r.Kind == Combo && r.Price%money.OnePeso != 0:
		return fmt.Sprintf("el precio %s de un combo va en pesos enteros", r.Price)
	case r.Off < 0 || r.Off > maxAmount:
		return fmt.Sprintf("el descuento de $%s no sirve: debe ser mayor que cero", r.Off)
	case r.Off%money.OnePeso != 0:
		return fmt.Sprintf("el descuento de $%s va en pesos enteros", r.Off)
	case r.Pct < 0 || r.Pct > whole:
		return fmt.Sprintf("%s %% no sirve: va de más de 0 a 100", r.Pct)
	case r.Kind == Rebaja && r.Pct == whole:
		return "una rebaja de 100 % dejaría el precio en cero"
	case r.From < 0 || r.From > maxQty:
		return fmt.Sprintf("desdeCantidad %s no sirve: debe ser mayor que cero", r.From)
	case r.From%money.One != 0 && !r.Kind.setsPrice() && !r.Weighed:
		return fmt.Sprintf("desdeCantidad %s: las unidades son enteras", r.From)
	case r.Kind == NxM && (r.Pay < 1 || r.Pay >= r.Take || r.Take > maxUnits):
		return fmt.Sprintf("lleve %d y pague %d no sirve: se paga al menos 1 y menos de lo que se lleva (hasta %d)", r.Take, r.Pay, maxUnits)
	case r.Priority < -maxPriority || r.Priority > maxPriority:
		return fmt.Sprintf("la prioridad %d no sirve: va de −%d a %d", r.Priority, maxPriority, maxPriority)
	}
	return ""
}

// checkScope: what the rule is about must be said; forgotten products are not the whole shop.
func (r *Rule) checkScope() string {
	named := len(r.Products) > 0 || len(r.Categories) > 0
	switch {
	case r.Kind == Combo:
		return ""
	case r.All && named:
		return "dice «todo» y además productos o categorías: elija"
	case !r.All && !named:
		return "no dice para qué productos o categorías es"
	}
	return checkNames(r.Products, r.Categories)
}

func checkNames(products, categories []string) string {
	if n := len(products) + len(categories); n > maxProducts {
		return fmt.Sprintf("nombra %s productos y categorías: a lo más %s", money.Pesos(n), money.Pesos(maxProducts))
	}
	for _, code := range products {
		if reason := checkCodigo(code); reason != "" {
			return reason
		}
	}
	for _, name := range categories {
		if reason := checkFolded("la categoría", name); reason != "" {
			return reason
		}
	}
	return ""
}

func checkCodigo(code string) string {
	if code == "" || strings.ContainsAny(code, "* ") {
		return fmt.Sprintf("código «%s»: no puede estar vacío ni llevar espacios o asteriscos", shorten(code))
	}
	return checkText("el código", code, maxCodigo)
}

func checkFolded(what, name string) string {
	if fold(name) == "" {
		return what + " está vacía"
	}
	return checkText(what, name, maxName)
}

func (r *Rule) checkParts() string {
	if len(r.Parts) > maxParts {
		return fmt.Sprintf("el combo tiene %d partes: a lo más %d", len(r.Parts), maxParts)
	}
	units := int64(0)
	seen := map[string]bool{}
	for _, p := range r.Parts {
		if p.Qty < 1 || p.Qty > maxUnits {
			return fmt.Sprintf("la cantidad %d en un combo no sirve: va de 1 a %d", p.Qty, maxUnits)
		}
		units += p.Qty
		if len(p.Products)+len(p.Categories) == 0 {
			return "una parte del combo no dice para qué productos o categorías es"
		}
		if reason := checkNames(p.Products, p.Categories); reason != "" {
			return reason
		}
		for _, key := range p.keys() {
			if seen[key] {
				return fmt.Sprintf("«%s» está en dos partes del combo", shorten(key[1:]))
			}
			seen[key] = true
		}
	}
	if r.Kind == Combo && units < 2 {
		return "un combo tiene al menos dos unidades"
	}
	return ""
}

// keys are the products and categories of the part, each once.
func (p Part) keys() []string {
	var keys []string
	for _, code := range p.Products {
		keys = append(keys, "p"+code)
	}
	for _, name := range p.Categories {
		keys = append(keys, "c"+fold(name))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (r *Rule) checkLists() string {
	if len(r.Lists) > maxLists {
		return fmt.Sprintf("nombra %d listas: a lo más %d", len(r.Lists), maxLists)
	}
	for _, name := range r.Lists {
		if reason := checkFolded("la lista", name); reason != "" {
			return reason
		}
	}
	return ""
}

// fold is how names of lists and categories are compared: capitals and spaces do not matter, accents do.
func fold(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }

// checkText refuses what a document or a ticket cannot carry: they are written in ISO-8859-1.
func checkText(what, text string, limit int) string {
	if n := utf8.RuneCountInString(text); n > limit {
		return fmt.Sprintf("%s tiene %d caracteres: a lo más %d", what, n, limit)
	}
	for _, r := range text {
		if (r < ' ' || r > '~') && (r < 0xa0 || r > 0xff) {
			return fmt.Sprintf("%s lleva un carácter que los documentos no aceptan (%U)", what, r)
		}
	}
	return ""
}

func shorten(s string) string {
	if runes := []rune(s); len(runes) > maxName {
		return string(runes[:maxName]) + "…"
	}
	return s
}
