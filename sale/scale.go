package sale

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mostrador/money"
)

// ScaleRules is the shop's table of how to read the labels that scales print: EAN-13 codes that begin with 02 or 20 to 29,
// whose other figures every shop cuts as it likes. No prefix begins another one, so at most one rule reads a code. The
// zero value reads none.
type ScaleRules []ScaleRule

// ScaleRule reads the labels of one prefix.
type ScaleRule struct {
	Nombre  string    `json:"nombre"`
	Prefijo string    `json:"prefijo"`
	Tipo    ScaleKind `json:"tipo"`
	Codigo  Figures   `json:"codigo"` // the product
	Valor   Figures   `json:"valor"`  // its weight or its price
	// Decimales of the value: 3 for a weight in grams, 0 for a price in pesos.
	Decimales int `json:"decimales,omitempty"`
	// Control is the place of the value's own check digit, by GS1's rule for prices; 0 is none. It is looked at only if
	// Revisa says so: many scales print something else there.
	Control int  `json:"control,omitempty"`
	Revisa  bool `json:"revisa,omitempty"`
	// The product's code in the catalogue is Codigo's figures, without the zeros in front if SinCeros, after Antepone.
	SinCeros bool   `json:"sinCeros,omitempty"`
	Antepone string `json:"antepone,omitempty"`
}

// Figures is a part of the thirteen figures of a label, counted from 1.
type Figures struct {
	Desde int `json:"desde"`
	Largo int `json:"largo"`
}

// ScaleKind is what a label's value is.
type ScaleKind string

// What a label says of what was weighed.
const (
	ScaleWeight ScaleKind = "peso"   // kilos
	ScalePrice  ScaleKind = "precio" // pesos to pay
)

// DefaultScaleRules are layouts that many scales are delivered with. No standard says which prefix is which, so each shop
// tries a label of its own in Preview and edits the table.
func DefaultScaleRules() ScaleRules {
	five, value := Figures{3, 5}, Figures{8, 5}
	return ScaleRules{
		{Nombre: "Peso en gramos", Prefijo: "20", Tipo: ScaleWeight, Codigo: five, Valor: value, Decimales: 3, SinCeros: true},
		{Nombre: "Precio", Prefijo: "21", Tipo: ScalePrice, Codigo: five, Valor: value, SinCeros: true},
		{Nombre: "Precio con control", Prefijo: "22", Tipo: ScalePrice, Codigo: Figures{3, 4}, Control: 7, Revisa: true, Valor: value, SinCeros: true},
		{Nombre: "Precio, balanzas UPC", Prefijo: "02", Tipo: ScalePrice, Codigo: five, Valor: value, SinCeros: true},
	}
}

// Limits of a table.
const (
	maxRules     = 50
	maxRuleName  = 40
	labelFigures = 13
	maxPrefix    = 7
	maxValue     = 9 // figures
)

// ParseScaleRules reads a table as JSON and checks it.
func ParseScaleRules(b []byte) (ScaleRules, error) {
	var rules ScaleRules
	if err := json.Unmarshal(b, &rules); err != nil {
		return nil, fmt.Errorf("la tabla de etiquetas de balanza no se entiende: %w", err)
	}
	return rules, rules.Check()
}

// Check says in words what is wrong with the table; nil if nothing is.
func (s ScaleRules) Check() error {
	if len(s) > maxRules {
		return fmt.Errorf("la tabla de etiquetas tiene %d reglas: caben %d", len(s), maxRules)
	}
	for i, r := range s {
		reason := r.problem()
		for _, other := range s[:i] {
			if reason == "" && (strings.HasPrefix(r.Prefijo, other.Prefijo) || strings.HasPrefix(other.Prefijo, r.Prefijo)) {
				reason = fmt.Sprintf("su prefijo %s se confunde con el %s de «%s»", r.Prefijo, other.Prefijo, other.Nombre)
			}
		}
		if reason != "" {
			return fmt.Errorf("etiquetas de balanza, regla %d «%s»: %s", i+1, shorten(r.Nombre), reason)
		}
	}
	return nil
}

// problem is empty or says what is wrong with the rule.
func (r ScaleRule) problem() string {
	switch {
	case r.Nombre == "":
		return "falta el nombre"
	case checkText("nombre", r.Nombre, maxRuleName) != "":
		return checkText("nombre", r.Nombre, maxRuleName)
	case !scalePrefix(r.Prefijo):
		return fmt.Sprintf("el prefijo «%s» debe empezar con 02 o con 20 a 29, y tener hasta %d cifras", shorten(r.Prefijo), maxPrefix)
	case r.Tipo != ScaleWeight && r.Tipo != ScalePrice:
		return fmt.Sprintf("el tipo «%s» no existe: es peso o precio", shorten(string(r.Tipo)))
	case r.Valor.Largo > maxValue:
		return fmt.Sprintf("el valor tiene a lo más %d cifras", maxValue)
	case r.Decimales < 0 || r.Decimales > min(r.Valor.Largo, r.maxDecimals()):
		return fmt.Sprintf("los decimales de un %s son de 0 a %d, y no más que sus cifras", r.Tipo, r.maxDecimals())
	case r.Control < 0 || r.Revisa && r.Control == 0:
		return "falta la posición del dígito de control"
	case r.Revisa && r.Valor.Largo != 4 && r.Valor.Largo != 5:
		return "sólo un valor de 4 o 5 cifras tiene dígito de control"
	case r.Antepone != "" && (len(r.Antepone) > maxCodigo-labelFigures || checkCodigo(r.Antepone) != "" || checkText("código", r.Antepone, maxCodigo) != ""):
		return fmt.Sprintf("«%s» no puede ir delante de un código", shorten(r.Antepone))
	}
	return r.overlap()
}

// overlap says which parts of the rule share a figure of the label or lie outside it.
func (r ScaleRule) overlap() string {
	owner := map[int]string{}
	for _, part := range []struct {
		name string
		Figures
	}{{"el prefijo", Figures{1, len(r.Prefijo)}}, {"el código", r.Codigo}, {"el valor", r.Valor}, {"el control", Figures{r.Control, min(r.Control, 1)}}} {
		optional := part.name == "el control"
		if part.Desde < 1 && !optional || part.Largo < 1 && !optional || max(part.Desde, part.Largo) > labelFigures || part.Desde+part.Largo > labelFigures {
			return fmt.Sprintf("%s ocupa cifras que no hay: son de la 1 a la 12, y la 13 es el control de la etiqueta", part.name)
		}
		for i := part.Desde; i < part.Desde+part.Largo; i++ {
			if owner[i] != "" {
				return fmt.Sprintf("%s y %s ocupan la misma cifra, la %d", owner[i], part.name, i)
			}
			owner[i] = part.name
		}
	}
	return ""
}

func (r ScaleRule) maxDecimals() int {
	if r.Tipo == ScalePrice {
		return 2
	}
	return 6
}

func scalePrefix(p string) bool {
	return allDigits(p) && len(p) >= 2 && len(p) <= maxPrefix && (strings.HasPrefix(p, "02") || p[0] == '2')
}

// label is what a code says before any product is looked up.
type label struct {
	code, item string
	qty        money.Qty   // of a weight label
	total      money.Pesos // of a price label
	rule       ScaleRule
}

// errNoLabel: no rule reads the code.
var errNoLabel = fmt.Errorf("no es una etiqueta de balanza: %w", ErrNotFound)

// read cuts a code by the rule of its prefix. Whatever is said of the label before it failed is returned, too.
func (s ScaleRules) read(code string) (l label, err error) {
	code = canonical(strings.TrimSpace(code))
	if len(code) != labelFigures || !allDigits(code) {
		return l, errNoLabel
	}
	i := slices.IndexFunc(s, func(r ScaleRule) bool { return strings.HasPrefix(code, r.Prefijo) })
	if i < 0 || s[i].problem() != "" {
		return l, errNoLabel
	}
	r := s[i]
	l = label{rule: r, code: code, item: r.item(code)}
	if CodeKind(code) != CodeEAN13 {
		return l, errors.New("la última cifra no calza con las demás: escanee la etiqueta otra vez. Nada se agregó")
	}
	value := r.Valor.of(code)
	if r.Revisa && priceCheck(value) != code[r.Control-1] {
		return l, errors.New("el control del precio no calza: escanee la etiqueta otra vez. Nada se agregó")
	}
	if r.Tipo == ScaleWeight {
		l.qty = money.Qty(scaled(value, 6-r.Decimales))
	} else {
		cents, _ := strconv.ParseInt(value, 10, 64) // nine figures
		unit := int64(pow10(r.Decimales))
		l.total = money.Pesos((cents + unit/2) / unit)
	}
	if l.qty == 0 && l.total == 0 {
		return l, fmt.Errorf("la etiqueta dice %s cero: pese de nuevo. Nada se agregó", r.Tipo)
	}
	return l, nil
}

func (f Figures) of(code string) string { return code[f.Desde-1 : f.Desde-1+f.Largo] }

// item is the product's code in the catalogue.
func (r ScaleRule) item(code string) string {
	item := r.Codigo.of(code)
	if r.SinCeros {
		if item = strings.TrimLeft(item, "0"); item == "" {
			item = "0"
		}
	}
	return r.Antepone + item
}

func scaled(figures string, zeros int) int64 {
	n, _ := strconv.ParseInt(figures, 10, 64) // nine figures and six zeros always fit
	return n * int64(pow10(zeros))
}

func pow10(n int) int {
	p := 1
	for range n {
		p *= 10
	}
	return p
}

// priceCheck is the check digit of a price of four or five figures (GS1 General Specifications, 7.9): each figure is
// changed by the weight of its place, and the sum gives the digit.
func priceCheck(price string) byte {
	var (
		twoMinus  = [10]int{0, 2, 4, 6, 8, 9, 1, 3, 5, 7}
		three     = [10]int{0, 3, 6, 9, 2, 5, 8, 1, 4, 7}
		fivePlus  = [10]int{0, 5, 1, 6, 2, 7, 3, 8, 4, 9}
		fiveMinus = [10]int{0, 5, 9, 4, 8, 3, 7, 2, 6, 1}
	)
	weights := [][10]int{fivePlus, twoMinus, fiveMinus, fivePlus, twoMinus}
	if len(price) == 4 {
		weights = [][10]int{twoMinus, twoMinus, three, fiveMinus}
	}
	sum := 0
	for i, w := range weights {
		sum += w[price[i]-'0']
	}
	if len(price) == 4 {
		return '0' + byte(3*sum%10)
	}
	return '0' + byte(slices.Index(fiveMinus[:], (10-sum%10)%10))
}

// Match finds what a label is of. ErrNotFound if no rule reads the code or the product is not in the catalogue; any other
// error says in words what is wrong with the label. The line of the match has exactly the weight or the price of the label.
func (s ScaleRules) Match(code string, in Catalogue) (Match, error) {
	l, err := s.read(code)
	if err != nil {
		return Match{}, err
	}
	return l.match(in)
}

func (l label) match(in Catalogue) (m Match, err error) {
	found, ok := in.ByCode(l.item)
	if !ok {
		return m, fmt.Errorf("la etiqueta es del producto %s, que %w. Nada se agregó", l.item, ErrNotFound)
	}
	m = found.Product.match()
	m.Code, m.Etiqueta = l.code, true
	if l.rule.Tipo == ScaleWeight {
		return l.weighed(m)
	}
	return l.priced(m)
}

func (l label) weighed(m Match) (Match, error) {
	switch {
	case !strings.EqualFold(m.Product.Unidad, "kg"):
		return Match{}, fmt.Errorf("la etiqueta trae peso y %s no se vende por kg: revise el producto. Nada se agregó", m.Nombre)
	case m.Product.PrecioLibre:
		return Match{}, OpenPriceError{Product: m.Product, Qty: l.qty}
	}
	m.Qty = l.qty
	return m, nil
}

// priced makes the line cost what the label says. By kilo, the weight is worked out from the price, to the gram where that
// gives the price to the peso and finer where it does not; only a kilo of more than a million pesos may need its price
// adjusted. What is sold by unit is one piece at the label's price.
func (l label) priced(m Match) (Match, error) {
	p, total := m.Product, money.PerUnit(l.total)
	switch {
	case p.PrecioLibre && p.Unidad == "":
		typed, err := p.AtPrice(total)
		m.Product, m.Prc = typed, total
		return m, err
	case p.Unidad == "":
		m.Prc = total
		return m, nil
	case p.Prc <= 0 || p.PrecioLibre:
		return Match{}, fmt.Errorf("la etiqueta trae precio y %s no tiene precio por %s: póngaselo en el catálogo. Nada se agregó", p.Nombre, p.Unidad)
	}
	var exact bool
	if m.Qty, exact = p.Prc.QtyFor(l.total); !exact {
		m.Prc, exact = m.Qty.PriceFor(l.total)
	}
	if !exact {
		return Match{}, fmt.Errorf("la etiqueta dice $%s y el %s de %s vale $%s: no puede ser. Nada se agregó", l.total, p.Unidad, p.Nombre, p.Prc)
	}
	return m, nil
}

// Preview tells in words how a code is read, for whoever edits the table: what each part says and what the line would be,
// or why there would be none.
func (s ScaleRules) Preview(code string, in Catalogue) (words string, m Match, err error) {
	l, err := s.read(code)
	switch {
	case errors.Is(err, errNoLabel):
		return "Ninguna regla lee este código: debe tener 13 cifras y empezar con uno de los prefijos de la tabla.", m, err
	case err != nil:
		return l.words() + " " + sentence(err), m, err
	}
	if m, err = l.match(in); err != nil {
		return l.words() + " " + sentence(err), m, err
	}
	line := m.line()
	if err = line.add(m.Qty); err != nil {
		return l.words() + " " + sentence(err), Match{}, err
	}
	quantity := strings.TrimSpace(m.Qty.String() + " " + line.Unidad)
	return fmt.Sprintf("%s Sería: %s, %s × $%s = $%s.", l.words(), m.Nombre, quantity, m.Prc, line.Total), m, nil
}

// words is what the label says.
func (l label) words() string {
	said := "Regla «" + l.rule.Nombre + "», prefijo " + l.rule.Prefijo + ": producto " + l.item
	switch {
	case l.qty > 0:
		said += ", peso " + l.qty.String() + " kg"
	case l.total > 0:
		said += ", precio $" + l.total.String()
	}
	return said + "."
}

// sentence is an error as one: it begins with a capital and ends with a point.
func sentence(err error) string {
	words := []rune(strings.TrimSuffix(err.Error(), ". Nada se agregó"))
	return strings.ToUpper(string(words[:1])) + string(words[1:]) + "."
}
