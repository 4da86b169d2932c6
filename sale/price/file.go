package price

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"mostrador/money"
)

// Limits of a file of rules.
const (
	maxFile     = 32 << 20
	maxRuleText = 1 << 20 // bytes of one rule
	fileVersion = 1
)

// Read reads a file of rules (JSON, docs/precios.md). Good rules are returned in the file's order, and every bad one is
// reported with its number and reason: the caller decides whether the good ones alone may be used. The error says that
// the file as a whole is not one of rules; then there are none.
func Read(r io.Reader) ([]Rule, []RuleError, error) {
	raw, err := readFile(r, "el archivo de reglas")
	if err != nil {
		return nil, nil, err
	}
	f := rulesFile{dec: json.NewDecoder(bytes.NewReader(raw))}
	if err := f.read(); err != nil {
		return nil, nil, fmt.Errorf("el archivo de reglas no se pudo leer cerca de la línea %d: %w. No se cargó nada",
			1+bytes.Count(raw[:f.dec.InputOffset()], []byte{'\n'}), jsonReason(err))
	}
	return f.rules, f.bad, nil
}

// Write writes rules as Read reads them.
func Write(w io.Writer, rules []Rule) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Version int    `json:"version"`
		Rules   []Rule `json:"reglas"`
	}{fileVersion, append([]Rule{}, rules...)}) // no rules are an empty list, not null
}

// readFile reads what people keep in files: text of a bounded size.
func readFile(r io.Reader, what string) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("no se pudo leer %s: %w", what, err)
	case len(raw) > maxFile:
		return nil, fmt.Errorf("%s pasa de %d MB: no se cargó nada; divídalo", what, maxFile>>20)
	case len(bytes.TrimSpace(raw)) == 0:
		return nil, fmt.Errorf("%s está vacío", what)
	case bytes.IndexByte(raw, 0) >= 0: // UTF-16, a real spreadsheet, a picture
		return nil, fmt.Errorf("%s no es texto", what)
	}
	return bytes.TrimPrefix(raw, []byte("\ufeff")), nil
}

// rulesFile is a file being read, one rule at a time: the whole of it is never in memory twice.
type rulesFile struct {
	dec     *json.Decoder
	version int
	rules   []Rule
	bad     []RuleError
}

func (f *rulesFile) read() error {
	if err := f.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for f.dec.More() {
		key, err := f.dec.Token()
		if err != nil {
			return err
		}
		name := fmt.Sprint(key)
		switch {
		case seen[name]:
			return fmt.Errorf("«%s» está dos veces", shorten(name))
		case name == "version":
			err = f.dec.Decode(&f.version)
		case name == "reglas":
			err = f.readRules()
		default:
			return fmt.Errorf("el campo «%s» no existe: van «version» y «reglas»", shorten(name))
		}
		if err != nil {
			return err
		}
		seen[name] = true
	}
	if err := f.delim('}'); err != nil {
		return err
	}
	if _, err := f.dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("hay texto después del final")
	}
	if f.version != fileVersion || !seen["reglas"] {
		return fmt.Errorf("deben venir «version» (%d) y «reglas»", fileVersion)
	}
	return nil
}

func (f *rulesFile) delim(want json.Delim) error {
	token, err := f.dec.Token()
	if err == nil && token != want {
		err = fmt.Errorf("se esperaba «%s»", want)
	}
	return err
}

func (f *rulesFile) readRules() error {
	if err := f.delim('['); err != nil {
		return err
	}
	for number := 1; f.dec.More(); number++ {
		if number > maxRules {
			return fmt.Errorf("tiene más de %s reglas", money.Pesos(maxRules))
		}
		var raw json.RawMessage
		if err := f.dec.Decode(&raw); err != nil {
			return err
		}
		f.readRule(raw, number)
	}
	return f.delim(']')
}

// readRule keeps a rule or the reason why not; its neighbours do not suffer.
func (f *rulesFile) readRule(raw json.RawMessage, number int) {
	if len(raw) > maxRuleText {
		f.bad = append(f.bad, RuleError{number, "", "es demasiado larga"})
		return
	}
	var r Rule
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields() // a wish that nobody fulfils is a slip of the pen
	reason := ""
	if err := dec.Decode(&r); err != nil {
		reason = jsonReason(err).Error()
	} else {
		reason = r.check()
	}
	if reason != "" {
		f.bad = append(f.bad, RuleError{number, r.Name, reason})
		return
	}
	f.rules = append(f.rules, r)
}

// jsonReason says in Spanish what the decoder says in English; our own words stay.
func jsonReason(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("en «%s» no va eso: precios, cantidades y porcentajes van entre comillas; lo demás, como en el manual", kind.Field)
	case errors.As(err, &kind):
		return errors.New("hay un valor que no va ahí: precios, cantidades y porcentajes van entre comillas; lo demás, como en el manual")
	case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("falta o sobra un signo (una coma, una comilla, una llave)")
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("el campo «%s» no existe", shorten(strings.Trim(name, `"`)))
	}
	return err
}
