package torn

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Requests are bound to structs whose tags are huma's (required, minLength, maxLength, minimum, exclusiveMinimum, maximum,
// enum, minItems, maxItems), so that the OpenAPI document and the reading of requests cannot disagree. The reading itself is
// ours: the clients were written against Pydantic, which takes "12" for 12 and answers in a form of its own.

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// defaultMaxLength of a text without a length of its own: no text grows without bound.
const defaultMaxLength = 500

// optional is how the binder sees an Opt of any type.
type optional interface {
	mark(null bool)
	target() reflect.Value
}

func (o *Opt[T]) mark(null bool)        { o.Set, o.Null = true, null }
func (o *Opt[T]) target() reflect.Value { return reflect.ValueOf(&o.Value).Elem() }

// bindObject reads the members of o into the struct v. Members that no field takes are refused, unless the answers for the
// same thing carry them: clients send back what they were given.
func bindObject(f *faults, loc []any, o *object, v reflect.Value, echoed map[string]bool) {
	known := map[string]bool{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name := field.Tag.Get("json")
		if field.Anonymous {
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		known[name] = true
		value, present := o.values[name]
		bindField(f, append(loc, name), field, v.Field(i), value, present, o)
	}
	for _, name := range o.names {
		if !known[name] && !echoed[name] {
			f.add(append(loc, name), "extra_forbidden", "Extra inputs are not permitted", o.values[name])
		}
	}
}

func bindField(f *faults, loc []any, field reflect.StructField, v reflect.Value, value any, present bool, parent any) {
	required := field.Tag.Get("required") == "true"
	if opt, ok := v.Addr().Interface().(optional); ok {
		if !present {
			return
		}
		if _, isDay := opt.target().Addr().Interface().(*Fecha); isDay && value == "" {
			value = nil // a form whose day was not filled in
		}
		opt.mark(value == nil)
		if value != nil {
			bind(f, loc, value, opt.target(), field.Tag)
		}
		return
	}
	if !present {
		if required {
			f.add(loc, "missing", "Field required", parent)
			return
		}
		if preset := field.Tag.Get("default"); preset != "" {
			bind(f, loc, preset, v, field.Tag)
		}
		return
	}
	bind(f, loc, value, v, field.Tag)
}

// bind reads one value into v.
func bind(f *faults, loc []any, value any, v reflect.Value, tag reflect.StructTag) {
	switch target := v.Addr().Interface().(type) {
	case spelled:
		text, ok := value.(string)
		if !ok {
			f.add(loc, "string_type", "Input should be a valid string", value)
			return
		}
		if kind, msg := target.spell(text); kind != "" {
			var ctx []any
			if kind == "value_error" {
				ctx = []any{"error", map[string]any{}}
			}
			f.add(loc, kind, msg, value, ctx...)
		}
		return
	case taken:
		if !target.take(value) {
			f.add(loc, "value_error", "Value error, no es un valor aceptado", value, "error", map[string]any{})
		}
		return
	case parsed:
		bindDecimal(f, loc, value, target, tag)
		return
	}
	switch v.Kind() {
	case reflect.String:
		bindText(f, loc, value, v, tag)
	case reflect.Int, reflect.Int32, reflect.Int64:
		bindInt(f, loc, value, v, tag)
	case reflect.Bool:
		bindBool(f, loc, value, v)
	case reflect.Slice:
		bindList(f, loc, value, v, tag)
	case reflect.Struct:
		o, ok := value.(*object)
		if !ok {
			f.add(loc, "model_attributes_type", "Input should be a valid dictionary or object to extract fields from", value)
			return
		}
		bindObject(f, loc, o, v, nil)
	case reflect.Map:
		o, ok := value.(*object)
		if !ok {
			f.add(loc, "dict_type", "Input should be a valid dictionary", value)
			return
		}
		v.Set(reflect.ValueOf(plain(o)))
	default:
		panic("torn: no request holds a " + v.Type().String())
	}
}

// plain is an object as a map, for what we keep without reading it.
func plain(value any) any {
	switch t := value.(type) {
	case *object:
		m := make(map[string]any, len(t.values))
		for name, member := range t.values {
			m[name] = plain(member)
		}
		return m
	case []any:
		list := make([]any, len(t))
		for i := range t {
			list[i] = plain(t[i])
		}
		return list
	}
	return value
}

func bindText(f *faults, loc []any, value any, v reflect.Value, tag reflect.StructTag) {
	text, ok := value.(string)
	if !ok {
		f.add(loc, "string_type", "Input should be a valid string", value)
		return
	}
	if !utf8.ValidString(text) {
		f.value(loc, "", "el texto no es UTF-8")
		return
	}
	text = strings.TrimSpace(text)
	least, most := number(tag, "minLength", 0), number(tag, "maxLength", defaultMaxLength)
	switch n := int64(utf8.RuneCountInString(text)); {
	case n < least:
		f.add(loc, "string_too_short", fmt.Sprintf("String should have at least %d character%s", least, plural(least)), value, "min_length", least)
		return
	case n > most:
		f.add(loc, "string_too_long", fmt.Sprintf("String should have at most %d characters", most), value, "max_length", most)
		return
	}
	if allowed := tag.Get("enum"); allowed != "" && !slices.Contains(strings.Split(allowed, ","), text) {
		words := "'" + strings.ReplaceAll(allowed, ",", "', '") + "'"
		f.add(loc, "literal_error", "Input should be "+words, value, "expected", words)
		return
	}
	if strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
		f.value(loc, "", "el texto lleva el carácter nulo o no es UTF-8")
		return
	}
	v.SetString(text)
}

func plural(n int64) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// scalar is the text of a string or a number.
func scalar(value any) (text string, ok bool) {
	switch t := value.(type) {
	case string:
		return strings.TrimSpace(t), true
	case json.Number:
		return t.String(), true
	}
	return "", false
}

func bindInt(f *faults, loc []any, value any, v reflect.Value, tag reflect.StructTag) {
	text, ok := scalar(value)
	if !ok {
		f.add(loc, "int_type", "Input should be a valid integer", value)
		return
	}
	n, err := strconv.ParseInt(wholeNumeral(text), 10, 64)
	switch {
	case err == nil && v.OverflowInt(n), err != nil && strings.Trim(text, "-0123456789") == "" && text != "":
		f.add(loc, "int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size", value)
		return
	case err != nil && isNumber(value):
		f.add(loc, "int_from_float", "Input should be a valid integer, got a number with a fractional part", value)
		return
	case err != nil:
		f.add(loc, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", value)
		return
	}
	if inRange(f, loc, value, tag, n, 1) {
		v.SetInt(n)
	}
}

func isNumber(value any) bool { _, ok := value.(json.Number); return ok }

func bindDecimal(f *faults, loc []any, value any, target parsed, tag reflect.StructTag) {
	text, ok := scalar(value)
	if !ok {
		f.add(loc, "decimal_type", "Decimal input should be an integer, float, string or Decimal object", value)
		return
	}
	if err := target.parse(text); err != nil {
		f.add(loc, "decimal_parsing", "Input should be a valid decimal", value)
		return
	}
	n, unit := int64(0), int64(1)
	switch t := target.(type) {
	case *Pesos:
		n = int64(*t)
	case *Cantidad:
		n, unit = int64(*t), 1_000_000
	case *Existencia:
		n, unit = int64(*t), 1_000_000
	case *Costo:
		n, unit = int64(*t), 1_000_000
	case *Tasa:
		n, unit = int64(*t), 10_000
	}
	inRange(f, loc, value, tag, n, unit)
}

// inRange compares n units with the limits of the tag.
func inRange(f *faults, loc []any, value any, tag reflect.StructTag, n, unit int64) bool {
	for _, limit := range []struct {
		tag, kind, msg, ctx string
		broken              func(order int) bool
	}{
		{"exclusiveMinimum", "greater_than", "greater than", "gt", func(o int) bool { return o <= 0 }},
		{"minimum", "greater_than_equal", "greater than or equal to", "ge", func(o int) bool { return o < 0 }},
		{"maximum", "less_than_equal", "less than or equal to", "le", func(o int) bool { return o > 0 }},
	} {
		if tag.Get(limit.tag) == "" {
			continue
		}
		bound := number(tag, limit.tag, 0)
		if limit.broken(compareUnits(n, bound, unit)) {
			f.add(loc, limit.kind, fmt.Sprintf("Input should be %s %d", limit.msg, bound), value, limit.ctx, bound)
			return false
		}
	}
	return true
}

// compareUnits compares n/unit with a whole bound.
func compareUnits(n, bound, unit int64) int {
	if bound > math.MaxInt64/unit {
		return -1
	}
	return cmp.Compare(n, bound*unit)
}

// number is the whole number of a tag.
func number(tag reflect.StructTag, name string, other int64) int64 {
	n, err := strconv.ParseInt(tag.Get(name), 10, 64)
	if err != nil {
		return other
	}
	return n
}

func bindBool(f *faults, loc []any, value any, v reflect.Value) {
	switch t := value.(type) {
	case bool:
		v.SetBool(t)
		return
	case string, json.Number:
		text, _ := scalar(t)
		switch strings.ToLower(text) {
		case "true", "1", "yes", "y", "on", "t":
			v.SetBool(true)
			return
		case "false", "0", "no", "n", "off", "f":
			return
		}
		f.add(loc, "bool_parsing", "Input should be a valid boolean, unable to interpret input", value)
		return
	}
	f.add(loc, "bool_type", "Input should be a valid boolean", value)
}

// defaultMaxItems of a list without a length of its own.
const defaultMaxItems = 1000

func bindList(f *faults, loc []any, value any, v reflect.Value, tag reflect.StructTag) {
	list, ok := value.([]any)
	if !ok {
		f.add(loc, "list_type", "Input should be a valid list", value)
		return
	}
	least, most := number(tag, "minItems", 0), number(tag, "maxItems", defaultMaxItems)
	switch n := int64(len(list)); {
	case n < least:
		f.add(loc, "too_short", fmt.Sprintf("List should have at least %d item%s after validation, not %d", least, plural(least), n), value,
			"field_type", "List", "min_length", least, "actual_length", n)
		return
	case n > most:
		f.add(loc, "too_long", fmt.Sprintf("List should have at most %d items after validation, not %d", most, n), nil,
			"field_type", "List", "max_length", most, "actual_length", n)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
	for i, item := range list {
		bind(f, append(loc, i), item, v.Index(i), tag)
	}
}
