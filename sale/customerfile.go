package sale

import (
	"fmt"
	"io"
	"strings"

	"mostrador/dte"
	"mostrador/money"
)

// customerColumns are the headings that a customer file may have, in any order; the first spelling of each is ours.
var customerColumns = map[string]Field{
	"rut": FieldRUT, "rut cliente": FieldRUT,
	"razon social": FieldRznSoc, "razonsocial": FieldRznSoc, "nombre": FieldRznSoc, "cliente": FieldRznSoc,
	"giro": FieldGiro, "direccion": FieldDireccion, "comuna": FieldComuna, "ciudad": FieldCiudad,
	"correo": FieldCorreo, "email": FieldCorreo, "e mail": FieldCorreo, "mail": FieldCorreo,
	"telefono": FieldTelefono, "fono": FieldTelefono, "celular": FieldTelefono,
	"listas": FieldLists, "lista": FieldLists, "lista de precios": FieldLists, "listas de precios": FieldLists,
	"notas": FieldNotes, "observaciones": FieldNotes,
}

// customerHeading is the first row of a file that we write.
const customerHeading = "rut;razon social;giro;direccion;comuna;ciudad;correo;telefono;listas;notas"

// CustomerFile is what a customer file says.
type CustomerFile struct {
	Customers []Customer // the good rows, in the file's order
	Bad       []RowError // the refused ones
	// Doubtful are rows among the good ones that a person should look at: a commune that is not in the list.
	Doubtful []RowError
}

// ReadCustomers reads a customer file: CSV with semicolons (or tabs, or commas), a heading row with at least rut and razon
// social, and one customer per line; price lists are separated by |. Encodings are those of ReadProducts. Every bad row is
// reported with its line and reason: the caller decides whether good rows alone may be used. Communes are written as the
// list spells them. The error says that the file as a whole is not a customer file.
func ReadCustomers(r io.Reader, comunas *Names) (CustomerFile, error) {
	text, err := readText(r, "el archivo de clientes")
	if err != nil {
		return CustomerFile{}, err
	}
	heading, rest, _ := strings.Cut(text, "\n")
	sep := separator(heading)
	where, err := readCustomerHeading(heading, sep)
	if err != nil {
		return CustomerFile{}, err
	}
	var file CustomerFile
	lineOf := map[dte.RUT]int{}
	for line := 2; rest != ""; line++ {
		var row string
		row, rest, _ = strings.Cut(rest, "\n")
		if row = strings.TrimSuffix(row, "\r"); strings.Trim(row, string(sep)+" ") == "" {
			continue // spreadsheets leave empty rows at the end
		}
		if len(file.Customers)+len(file.Bad) == maxRows {
			return CustomerFile{}, fmt.Errorf("el archivo tiene más de %s líneas: no se cargó nada; divídalo", money.Pesos(maxRows))
		}
		c, reason := readCustomer(row, sep, where)
		if first, twice := lineOf[c.RUT]; reason == "" && twice {
			reason = fmt.Sprintf("el RUT %s ya está en la línea %d", c.RUT.Dotted(), first)
		}
		if reason != "" {
			file.Bad = append(file.Bad, RowError{line, reason})
			continue
		}
		lineOf[c.RUT] = line
		if official, known := comunas.Official(c.Comuna); known {
			c.Comuna = official
		} else if c.Comuna != "" {
			file.Doubtful = append(file.Doubtful, RowError{line, fmt.Sprintf("la comuna «%s» no está en la lista de comunas; se guardó así", c.Comuna)})
		}
		file.Customers = append(file.Customers, c)
	}
	return file, nil
}

func readCustomerHeading(heading string, sep rune) (map[Field]int, error) {
	names, reason := splitRow(strings.TrimSuffix(heading, "\r"), sep)
	if reason != "" {
		return nil, RowError{1, reason}
	}
	where := map[Field]int{}
	for i, name := range names {
		col, known := customerColumns[strings.TrimPrefix(fold(name), " ")]
		if !known {
			continue // other columns of the shop's spreadsheet are none of ours
		}
		if _, twice := where[col]; twice {
			return nil, RowError{1, fmt.Sprintf("la columna «%s» está repetida", strings.TrimSpace(name))}
		}
		where[col] = i
	}
	for _, need := range []struct {
		field Field
		name  string
	}{{FieldRUT, "rut"}, {FieldRznSoc, "razon social"}} {
		if _, there := where[need.field]; !there {
			return nil, RowError{1, fmt.Sprintf("falta la columna «%s»; la primera línea lleva los títulos: %s", need.name, customerHeading)}
		}
	}
	return where, nil
}

// readCustomer reads one; the reason is empty or says what is wrong.
func readCustomer(row string, sep rune, where map[Field]int) (c Customer, reason string) {
	cells, reason := splitRow(row, sep)
	if reason != "" {
		return c, reason
	}
	cell := func(f Field) string {
		if i, there := where[f]; there && i < len(cells) {
			return withoutMark(strings.Join(strings.Fields(cells[i]), " "))
		}
		return ""
	}
	if cell(FieldRUT) == "" {
		return c, "falta el RUT"
	}
	rut, err := dte.ParseRUT(cell(FieldRUT))
	if err != nil {
		return c, err.Error()
	}
	c = Customer{
		RUT: rut, RznSoc: cell(FieldRznSoc), Giro: cell(FieldGiro), Direccion: cell(FieldDireccion), Comuna: cell(FieldComuna),
		Ciudad: cell(FieldCiudad), Correo: cell(FieldCorreo), Telefono: cell(FieldTelefono), Notes: cell(FieldNotes),
		Lists: strings.Split(cell(FieldLists), "|"),
	}.tidy()
	if err := c.Check(); err != nil {
		return c, err.Error()
	}
	return c, ""
}

// WriteCustomers writes a file that ReadCustomers reads back the same, for a spreadsheet: UTF-8 with its mark, and no cell
// that could be taken for a formula.
func WriteCustomers(w io.Writer, list []Customer) error {
	if _, err := io.WriteString(w, "\ufeff"+customerHeading+"\r\n"); err != nil {
		return err
	}
	for _, c := range list {
		row := []string{
			c.RUT.String(), c.RznSoc, c.Giro, c.Direccion, c.Comuna, c.Ciudad, c.Correo, c.Telefono, strings.Join(c.Lists, "|"), c.Notes,
		}
		for i := range row {
			row[i] = `"` + strings.ReplaceAll(marked(row[i]), `"`, `""`) + `"`
		}
		if _, err := io.WriteString(w, strings.Join(row, ";")+"\r\n"); err != nil {
			return err
		}
	}
	return nil
}

// formulas are what a spreadsheet takes the beginning of a formula from.
const formulas = "=+-@"

// marked is a cell that is text for every spreadsheet; withoutMark is the way back.
func marked(s string) string {
	if s != "" && strings.ContainsAny(s[:1], formulas) {
		return "'" + s
	}
	return s
}

func withoutMark(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.ContainsAny(s[1:2], formulas) {
		return s[1:]
	}
	return s
}
