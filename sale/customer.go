package sale

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mostrador/dte"
)

// Customer is a buyer whom the shop knows, by RUT. What a factura asks of him may be missing: a boleta needs none of it.
type Customer struct {
	RUT       dte.RUT `json:"rut"`
	RznSoc    string  `json:"rznSoc"`
	Giro      string  `json:"giro,omitempty"`
	Direccion string  `json:"direccion,omitempty"`
	Comuna    string  `json:"comuna,omitempty"`
	Ciudad    string  `json:"ciudad,omitempty"`
	Correo    string  `json:"correo,omitempty"`
	Telefono  string  `json:"telefono,omitempty"`
	// Lists are the price lists that he buys by, as the shop calls them; the first one that has a price counts.
	Lists []string `json:"lists,omitempty"`
	Notes string   `json:"notes,omitempty"`
	// Version counts the times that he was saved, Updated is the last of them. Both belong to Customers.
	Version int       `json:"version"`
	Updated time.Time `json:"updated,omitzero"`
}

// Customers are the buyers whom the shop knows. Two kinds exist, the file (store) and CustomerBook; both pass
// saletest.RunCustomers. All methods may be called from any goroutine. Nothing is learnt from a sale: who is not put is
// not there.
type Customers interface {
	// FindCustomers finds up to limit of them by the beginning of their RUT or telephone, or by the words of their name,
	// each from its beginning, best first. Accents and case do not matter; when nothing fits, one slip in a word of four
	// letters or more is forgiven. An empty text finds the first ones in alphabetical order.
	FindCustomers(text string, limit int) ([]Customer, error)
	// Customer is the one with this RUT, or ErrNotFound.
	Customer(rut dte.RUT) (Customer, error)
	// PutCustomers saves them as of a time, all or none; one with a known RUT replaces what was there. What Check refuses is
	// refused.
	PutCustomers(at time.Time, list ...Customer) error
	// Giros are up to limit lines of business that customers have and that begin with text, or have a word that does, the
	// commonest first.
	Giros(text string, limit int) ([]string, error)
}

// FieldError says what is missing or wrong in one field of what a person fills in.
type FieldError struct {
	Field  Field
	Reason string // a Spanish sentence
}

func (e FieldError) Error() string { return e.Reason }

// Field names what a person fills in.
type Field string

// The fields of a customer, and of the document that he gets.
const (
	FieldRUT       Field = "rut"
	FieldRznSoc    Field = "rznSoc"
	FieldGiro      Field = "giro"
	FieldDireccion Field = "direccion"
	FieldComuna    Field = "comuna"
	FieldCiudad    Field = "ciudad"
	FieldCorreo    Field = "correo"
	FieldTelefono  Field = "telefono"
	FieldLists     Field = "lists"
	FieldNotes     Field = "notes"
)

// Limits of a customer. The lengths are those of the document (Formato DTE, Receptor).
const (
	maxLists = 10
	maxList  = 40
	maxNotes = 500
)

// CustomerLimit is how many characters a field takes.
func CustomerLimit(f Field) int {
	switch f {
	case FieldRUT:
		return 12
	case FieldRznSoc:
		return 100
	case FieldGiro:
		return 40
	case FieldDireccion:
		return 70
	case FieldComuna, FieldCiudad, FieldTelefono:
		return 20
	case FieldCorreo:
		return 80
	case FieldLists:
		return maxLists * maxList
	}
	return maxNotes
}

// Receptor is the customer as a document names him.
func (c Customer) Receptor() dte.Receptor {
	return dte.Receptor{
		RUT: c.RUT, RznSoc: c.RznSoc, Giro: c.Giro, Correo: c.Correo, Direccion: c.Direccion, Comuna: c.Comuna, Ciudad: c.Ciudad,
	}
}

// Same reports that both say the same about the same buyer; when they were saved does not matter.
func (c Customer) Same(o Customer) bool {
	c, o = c.tidy(), o.tidy()
	return c.RUT == o.RUT && c.RznSoc == o.RznSoc && c.Giro == o.Giro && c.Direccion == o.Direccion && c.Comuna == o.Comuna &&
		c.Ciudad == o.Ciudad && c.Correo == o.Correo && c.Telefono == o.Telefono && c.Notes == o.Notes && slices.Equal(c.Lists, o.Lists)
}

// Check refuses what cannot be kept, or could not go into a document: nil or a FieldError. Of the fields of a factura only
// RUT and razón social must be there; CheckBuyer asks for all.
func (c Customer) Check() error {
	c = c.tidy()
	if c.RUT == 0 || c.RUT == dte.RUTAnonimo {
		return FieldError{FieldRUT, "falta el RUT del cliente"}
	}
	if c.RznSoc == "" {
		return FieldError{FieldRznSoc, "falta la razón social o el nombre del cliente"}
	}
	for _, f := range c.texts() {
		if reason := checkText(f.name, f.text, CustomerLimit(f.field)); reason != "" {
			return FieldError{f.field, reason}
		}
	}
	if !validMail(c.Correo) {
		return FieldError{FieldCorreo, fmt.Sprintf("el correo «%s» no es una dirección: se escribe nombre@empresa.cl", shorten(c.Correo))}
	}
	return c.checkLists()
}

func (c Customer) checkLists() error {
	if len(c.Lists) > maxLists {
		return FieldError{FieldLists, fmt.Sprintf("un cliente puede tener hasta %d listas de precios", maxLists)}
	}
	for _, name := range c.Lists {
		if utf8.RuneCountInString(name) > maxList || strings.ContainsAny(name, ",;|") {
			return FieldError{FieldLists, fmt.Sprintf("el nombre de una lista de precios tiene hasta %d letras y ninguna coma", maxList)}
		}
	}
	return nil
}

type customerText struct {
	field Field
	name  string
	text  string
}

func (c Customer) texts() []customerText {
	return []customerText{
		{FieldRznSoc, "razón social", c.RznSoc},
		{FieldGiro, "giro", c.Giro},
		{FieldDireccion, "dirección", c.Direccion},
		{FieldComuna, "comuna", c.Comuna},
		{FieldCiudad, "ciudad", c.Ciudad},
		{FieldCorreo, "correo", c.Correo},
		{FieldTelefono, "teléfono", c.Telefono},
		{FieldNotes, "notas", c.Notes},
	}
}

// validMail: empty, or one address and nothing else, at a domain that could exist.
func validMail(s string) bool {
	if s == "" {
		return true
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return false
	}
	_, domain, _ := strings.Cut(s, "@")
	return strings.Contains(strings.Trim(domain, "."), ".")
}

// tidy is the customer as he is kept: texts as documents write them, lists without repetitions.
func (c Customer) tidy() Customer {
	for _, s := range []*string{&c.RznSoc, &c.Giro, &c.Direccion, &c.Comuna, &c.Ciudad, &c.Correo, &c.Telefono, &c.Notes} {
		*s = dte.Normalize(*s)
	}
	var lists []string
	for _, name := range c.Lists {
		if name = dte.Normalize(name); name != "" && !slices.Contains(lists, name) {
			lists = append(lists, name)
		}
	}
	c.Lists = lists
	return c
}

// clone shares nothing with the customer.
func (c Customer) clone() Customer {
	c.Lists = slices.Clone(c.Lists)
	return c
}

// SavedOver is the customer as he is kept over what was there before, the zero Customer if nobody was.
func (c Customer) SavedOver(before Customer, at time.Time) Customer {
	c = c.tidy()
	c.Version, c.Updated = before.Version+1, at
	return c
}
