package torn

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"mostrador/central/door"
)

// What a request may weigh. A CAF has a few kilobytes, the longest sale some tens.
const (
	maxBody   = 1 << 20
	maxUpload = 4 << 20
)

// body is the field of a request whose members come as JSON; all other fields come in the path, the query or a form, as
// their tags say.
//
//	type input struct {
//		ID    int64  `path:"id"`
//		Limit int64  `query:"limit" default:"50"`
//		Key   string `header:"Idempotency-Key"`
//		Body  sale   // JSON
//		Form  login  `form:"true"`
//		File  []byte `file:"file"`
//	}
func read(r *http.Request, rt route) (any, faults, error) {
	in := reflect.New(rt.in)
	var f faults
	err := readFields(&f, r, rt, in.Elem())
	return in.Interface(), f, err
}

func readFields(f *faults, r *http.Request, rt route, v reflect.Value) error {
	query := r.URL.Query()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		switch {
		case field.Anonymous:
			if err := readFields(f, r, rt, v.Field(i)); err != nil {
				return err
			}
		case field.Tag.Get("path") != "":
			name := field.Tag.Get("path")
			bindField(f, []any{"path", name}, field, v.Field(i), r.PathValue(name), true, nil)
		case field.Tag.Get("query") != "":
			name := field.Tag.Get("query")
			bindField(f, []any{"query", name}, field, v.Field(i), query.Get(name), query.Has(name), nil)
		case field.Tag.Get("header") != "":
			name := field.Tag.Get("header")
			bindField(f, []any{"header", name}, field, v.Field(i), r.Header.Get(name), r.Header.Get(name) != "", nil)
		case field.Name == "Body":
			if err := readJSON(f, r, v.Field(i), rt.echoes); err != nil {
				return err
			}
		case field.Name == "Form":
			if err := readForm(f, r, v.Field(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func readJSON(f *faults, r *http.Request, v reflect.Value, echoes map[string]bool) error {
	body, err := door.ReadAll(r, maxBody)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		f.add([]any{"body"}, "missing", "Field required", nil)
		return nil
	}
	value, err := parseJSON(body)
	if err != nil {
		f.add([]any{"body"}, "json_invalid", "JSON decode error", map[string]any{}, "error", err.Error())
		return nil
	}
	o, ok := value.(*object)
	if !ok {
		f.add([]any{"body"}, "model_attributes_type", "Input should be a valid dictionary or object to extract fields from", value)
		return nil
	}
	bindObject(f, []any{"body"}, o, v, echoes)
	return nil
}

// readForm reads a form, with files if it has any: a []byte field tagged file is one of them.
func readForm(f *faults, r *http.Request, v reflect.Value) error {
	r.Body = http.MaxBytesReader(nil, r.Body, maxUpload)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var err error
	if kind == "multipart/form-data" {
		err = r.ParseMultipartForm(maxUpload)
	} else {
		err = r.ParseForm()
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return door.ErrTooLarge
	}
	if err != nil {
		f.add([]any{"body"}, "form_invalid", "There was an error parsing the body", nil)
		return nil
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if name := field.Tag.Get("file"); name != "" {
			if err := readFile(f, r, name, v.Field(i)); err != nil {
				return err
			}
			continue
		}
		name := field.Tag.Get("json")
		text := r.PostForm.Get(name)
		if strings.ContainsRune(text, 0) {
			f.value([]any{"body", name}, nil, "el texto lleva el carácter nulo")
			continue
		}
		bindField(f, []any{"body", name}, field, v.Field(i), text, r.PostForm.Has(name), nil)
	}
	return nil
}

func readFile(f *faults, r *http.Request, name string, v reflect.Value) error {
	file, _, err := r.FormFile(name)
	if err != nil {
		f.add([]any{"body", name}, "missing", "Field required", nil)
		return nil
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("%w: %w", door.ErrBroken, err)
	}
	v.SetBytes(content)
	return nil
}
