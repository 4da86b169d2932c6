package torn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// object is a JSON object whose members keep their order.
type object struct {
	names  []string
	values map[string]any
}

// maxDepth of a request's JSON; no shape of ours is deeper than four.
const maxDepth = 16

// parseJSON reads a body: nil, bool, json.Number, string, []any or *object. It refuses what the standard library lets
// through and nobody means: the same name twice, bytes that are no UTF-8, NUL (which PostgreSQL cannot keep), and more after
// the end.
func parseJSON(body []byte) (any, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("el texto no es UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	value, err := parseValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("hay algo más después del final")
	}
	return value, nil
}

func parseValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if depth == maxDepth {
			return nil, errors.New("está anidado demasiado hondo")
		}
		if t == '[' {
			return parseList(d, depth+1)
		}
		return parseObject(d, depth+1)
	case string:
		return t, checkText(t)
	}
	return token, nil
}

func parseList(d *json.Decoder, depth int) (any, error) {
	list := []any{}
	for d.More() {
		value, err := parseValue(d, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := d.Token()
	return list, err
}

func parseObject(d *json.Decoder, depth int) (any, error) {
	o := &object{values: map[string]any{}}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		if err := checkText(name); err != nil {
			return nil, err
		}
		if _, twice := o.values[name]; twice {
			return nil, fmt.Errorf("%q está dos veces", name)
		}
		if o.values[name], err = parseValue(d, depth); err != nil {
			return nil, err
		}
		o.names = append(o.names, name)
	}
	_, err := d.Token()
	return o, err
}

func checkText(s string) error {
	if strings.ContainsRune(s, 0) {
		return errors.New("un texto lleva el carácter nulo")
	}
	return nil
}

// MarshalJSON writes an object back, for the input of a fault.
func (o *object) MarshalJSON() ([]byte, error) { return json.Marshal(o.values) }
