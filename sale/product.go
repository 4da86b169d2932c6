package sale

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"mostrador/money"
)

// Product is an article of the catalogue. A variant ("M rojo" of "Polera básica") is an article of its own, with its own
// code and price; its family is only a name and is not sold.
type Product struct {
	Codigo    string      `json:"codigo"` // SKU or bar code, unique among all codes of all products
	Nombre    string      `json:"nombre"`
	Unidad    string      `json:"unidad,omitempty"` // "kg" and such are sold by weight; empty is by unit
	Prc       money.Price `json:"prc"`              // gross, IVA included
	Exento    bool        `json:"exento,omitempty"`
	Categoria string      `json:"categoria,omitempty"`
	Favorito  bool        `json:"favorito,omitempty"`

	// Codigos are further codes of the same article, some of which may stand for a pack of it.
	Codigos []Code `json:"codigos,omitempty"`
	// Familia and Variante are both there or neither.
	Familia  string `json:"familia,omitempty"`
	Variante string `json:"variante,omitempty"`
	// PrecioLibre: the cashier types the price, within PrcMin and PrcMax; zero is no limit. Prc is then a suggestion and
	// may be zero.
	PrecioLibre bool        `json:"precioLibre,omitempty"`
	PrcMin      money.Price `json:"prcMin,omitempty"`
	PrcMax      money.Price `json:"prcMax,omitempty"`
}

// Code is a further code of a product.
type Code struct {
	Codigo string    `json:"codigo"`
	Qty    money.Qty `json:"qty,omitempty"` // how much of the product it stands for; zero is one
	// A pack with a price of its own is a line of its own, under Nombre if there is one. Without a price it is so many
	// units of the product, and Nombre only helps to find it.
	Nombre string      `json:"nombre,omitempty"`
	Prc    money.Price `json:"prc,omitempty"` // of the whole pack, gross
}

// Match is what a code stands for: a product, so much of it, and what the line says.
type Match struct {
	Product Product
	Code    string // as the catalogue writes it; of a scale's label, as it was read
	Nombre  string
	// Qty is how much one reading adds to the line: 1, the units of a pack, the weight on a label.
	Qty money.Qty
	Prc money.Price // of one unit of Qty
	// Contenido is how many units of the product each one of Qty holds, when the line counts packs; else zero.
	Contenido money.Qty
	// Etiqueta marks a label of a scale: it is always a line of its own, so that the line's total is what the label says.
	Etiqueta bool
}

// Catalogue finds products, from memory, without blocking.
type Catalogue interface {
	// ByCode finds what has this exact code, be it the product's own or a further one. A UPC-A of twelve digits and the
	// EAN-13 with a zero in front are the same code.
	ByCode(code string) (Match, bool)
	// Search finds up to limit products whose name or codes have every word of text, best first; those that have it but
	// for a slip of the finger come last. Accents and case do not matter.
	Search(text string, limit int) []Product
	// Favourites are the products of the quick keys, in the shop's order.
	Favourites() []Product
	// Categories are the parts of the grid of products, and InCategory up to limit products of one, without the first
	// ones; both in the shop's order. Of a family only its first article is there, for all of them.
	Categories() []Category
	InCategory(name string, first, limit int) []Product
	// Variants are the articles of a family, in the shop's order.
	Variants(family string) []Product
	// With is this catalogue and these products, quickly enough for a product made at the counter; or an error in words,
	// if one of them cannot be or has another one's code. One with a known code of its own replaces it and keeps its
	// place. This catalogue stays as it is.
	With(products ...Product) (Catalogue, error)
}

// Decimals is how many decimals a quantity of the product may have: grams of a kilo, and none of what is sold by unit.
func (p Product) Decimals() int { return decimals(p.Unidad) }

func decimals(unidad string) int {
	if unidad == "" {
		return 0
	}
	return 3
}

// ErrOpenPrice: the price of the product is typed at the counter; see Product.AtPrice.
var ErrOpenPrice = errors.New("es de precio libre: escriba el precio")

// OpenPriceError is ErrOpenPrice with what was chosen, and how much of it, so that the counter can ask for its price.
type OpenPriceError struct {
	Product Product
	Qty     money.Qty
}

// Error says what to do.
func (e OpenPriceError) Error() string {
	return fmt.Sprintf("%s %s. Nada se agregó", e.Product.Nombre, ErrOpenPrice)
}

// Unwrap lets errors.Is find ErrOpenPrice.
func (e OpenPriceError) Unwrap() error { return ErrOpenPrice }

// AtPrice is an open-price product once its price was typed: like any other, for this sale.
func (p Product) AtPrice(prc money.Price) (Product, error) {
	switch {
	case !p.PrecioLibre:
		return p, fmt.Errorf("%s no es de precio libre: vale $%s. Nada se agregó", p.Nombre, p.Prc)
	case prc <= 0:
		return p, fmt.Errorf("el precio de %s debe ser mayor que cero. Nada se agregó", p.Nombre)
	case prc < p.PrcMin:
		return p, fmt.Errorf("el precio de %s es a lo menos $%s. Nada se agregó", p.Nombre, p.PrcMin)
	case p.PrcMax > 0 && prc > p.PrcMax:
		return p, fmt.Errorf("el precio de %s es a lo más $%s. Nada se agregó", p.Nombre, p.PrcMax)
	}
	p.Prc, p.PrecioLibre, p.PrcMin, p.PrcMax = prc, false, 0, 0
	return p, nil
}

// match is the product itself, one of it.
func (p Product) match() Match {
	return Match{Product: p, Code: p.Codigo, Nombre: p.Nombre, Qty: money.One, Prc: p.Prc}
}

// matchCode is what the product's further code c stands for.
func (p Product) matchCode(c Code) Match {
	m := p.match()
	m.Code = c.Codigo
	if c.Qty > 0 {
		m.Qty = c.Qty
	}
	if c.Prc > 0 {
		m.Qty, m.Prc, m.Contenido = money.One, c.Prc, m.Qty
		if m.Nombre = c.Nombre; m.Nombre == "" {
			m.Nombre = packName(p, m.Contenido)
		}
	}
	return m
}

// packName says of what and how many, within the length of a document's line.
func packName(p Product, content money.Qty) string {
	suffix := " × " + content.String()
	if p.Unidad != "" {
		suffix += " " + p.Unidad
	}
	name := []rune(p.Nombre)
	return string(name[:min(len(name), maxNombre-utf8.RuneCountInString(suffix))]) + suffix
}

// line is the cart's line of the match, still without quantity.
func (m Match) line() Line {
	l := Line{
		Codigo: m.Product.Codigo, Nombre: m.Nombre, Unidad: m.Product.Unidad, Prc: m.Prc, Exento: m.Product.Exento, Contenido: m.Contenido,
		Base: m.Prc, Categoria: m.Product.Categoria,
	}
	if m.Contenido > 0 {
		l.Unidad = "" // packs are counted
	}
	if m.Etiqueta {
		l.Etiqueta = m.Code
	}
	return l
}

// times is the quantity of n readings.
func (m Match) times(n money.Qty) (money.Qty, error) {
	switch {
	case n <= 0:
		return 0, errQty
	case n > maxLineQty:
		return 0, errTooMuch(n)
	case m.Etiqueta && n != money.One:
		return 0, errors.New("las etiquetas de la balanza se escanean una por una. Nada se agregó")
	case m.Qty == money.One:
		return n, nil
	case n%money.One != 0:
		return 0, fmt.Errorf("el código %s es de un pack: la cantidad debe ser entera. Nada se agregó", m.Code)
	}
	return m.Qty.Times(int64(n / money.One))
}

// Kind is the kind of a code by its digits.
type Kind string

// The kinds of codes. All but CodeFree have a check digit that is right.
const (
	CodeEAN13 Kind = "EAN-13"
	CodeEAN8  Kind = "EAN-8"
	CodeUPCA  Kind = "UPC-A"
	CodeITF14 Kind = "ITF-14"
	CodeFree  Kind = "libre"
)

// CodeKind tells what kind of code text is. Length decides, and the check digit: with a wrong one it is CodeFree.
func CodeKind(text string) Kind {
	kinds := map[int]Kind{8: CodeEAN8, 12: CodeUPCA, 13: CodeEAN13, 14: CodeITF14}
	if kind, ok := kinds[len(text)]; ok && allDigits(text) && checkDigit(text[:len(text)-1]) == text[len(text)-1] {
		return kind
	}
	return CodeFree
}

// checkDigit is the digit that makes a code of these digits right: weights 3 and 1 from the right, up to the next ten.
func checkDigit(digits string) byte {
	sum := 0
	for i := range len(digits) {
		weight := 1
		if (len(digits)-i)%2 == 1 {
			weight = 3
		}
		sum += weight * int(digits[i]-'0')
	}
	return '0' + byte((10-sum%10)%10)
}

func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// canonical is the code under which equal codes are equal: a UPC-A is an EAN-13 whose leading zero some readers leave out.
func canonical(code string) string {
	if len(code) == 12 && CodeKind(code) == CodeUPCA {
		return "0" + code
	}
	return code
}

// CanonicalCode is the code under which two that are read the same are the same.
func CanonicalCode(code string) string { return canonical(code) }

// IsPack reports a code that says more than another name of the product: how much, or at which price.
func (c Code) IsPack() bool { return c.Qty != 0 || c.Prc != 0 || c.Nombre != "" }
