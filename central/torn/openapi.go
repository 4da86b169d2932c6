package torn

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/swaggest/swgui/v5emb"
)

// document is the description on its way. Requests and answers have schemas of their own: an amount comes in as a string or as
// a number, and goes out as a string with its decimals.
type document struct {
	*huma.OpenAPI
	requests, answers huma.Registry
	examples          map[string]Example
}

// No list is null, coming or going, unless it says so.
func init() { huma.DefaultArrayNullable = false }

const (
	schemasPrefix   = "#/components/schemas/"
	responsesPrefix = "#/components/responses/"
)

func newSchemas() huma.Registry {
	return huma.NewMapRegistry(schemasPrefix, func(t reflect.Type, hint string) string {
		name := huma.DefaultSchemaNamer(t, hint)
		return strings.ToUpper(name[:1]) + name[1:]
	})
}

// Document describes the API, from the route table, the types that it names and the examples that the tests execute.
func (s *Server) Document() *huma.OpenAPI {
	d := &document{requests: newSchemas(), answers: newSchemas(), examples: Examples()}
	d.OpenAPI = &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{Title: "Mostrador", Version: "1", Description: "API de la central de Mostrador, compatible con la de Torn. " +
			"Los ejemplos son llamadas hechas: lo que se pidió y lo que se respondió. Toda ruta responde también con /api delante y " +
			"con o sin la barra final. Lo que una respuesta trae puede volver en la solicitud: lo que no se lee se pasa por alto."},
		Paths: map[string]*huma.PathItem{},
		Components: &huma.Components{
			Schemas: d.answers, Responses: map[string]*huma.Response{},
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
				"pase":   {Type: "apiKey", In: "cookie", Name: passCookie, Description: "La deja el inicio de sesión; abre solo las páginas de papel."},
				"enlace": {Type: "apiKey", In: "query", Name: "pase", Description: "De /sales/{id}/enlace; abre una página por diez minutos."},
			},
		},
	}
	for _, r := range refusals {
		d.Components.Responses[r.name] = d.refusalOf(r)
	}
	for _, rt := range s.routes {
		item := d.Paths[rt.path]
		if item == nil {
			item = &huma.PathItem{}
			d.Paths[rt.path] = item
		}
		*operationOf(item, rt.method) = d.describe(rt)
	}
	d.joinSchemas()
	return d.OpenAPI
}

func operationOf(item *huma.PathItem, method string) **huma.Operation {
	switch method {
	case http.MethodPost:
		return &item.Post
	case http.MethodPut:
		return &item.Put
	case http.MethodPatch:
		return &item.Patch
	case http.MethodDelete:
		return &item.Delete
	}
	return &item.Get
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// operationID names an operation after its method and path.
func operationID(rt route) string {
	return strings.Trim(notWord.ReplaceAllString(strings.ToLower(rt.method+" "+rt.path), "-"), "-")
}

func (d *document) describe(rt route) *huma.Operation {
	example := d.examples[operationID(rt)]
	op := &huma.Operation{
		OperationID: operationID(rt), Summary: rt.summary, Description: rt.notes, Tags: []string{rt.tag},
		Responses: map[string]*huma.Response{strconv.Itoa(rt.status): d.answerOf(rt, example)},
	}
	for _, field := range reflect.VisibleFields(rt.in) {
		switch {
		case field.Tag.Get("path") != "":
			op.Parameters = append(op.Parameters, d.param(field, "path", example.inPath(rt)))
		case field.Tag.Get("query") != "":
			op.Parameters = append(op.Parameters, d.param(field, "query", example.inQuery()))
		case field.Tag.Get("header") != "" && field.Tag.Get("header") != "Accept": // which OpenAPI has elsewhere
			op.Parameters = append(op.Parameters, d.param(field, "header", nil))
		case field.Name == "Body":
			op.RequestBody = d.bodyOf(rt, field.Type, "application/json", example)
		case field.Name == "Form":
			op.RequestBody = d.bodyOf(rt, field.Type, formKind(field.Type), example)
		}
	}
	switch {
	case rt.tab:
		op.Security = []map[string][]string{{"bearer": {}}, {"pase": {}}, {"enlace": {}}}
	case rt.access.level != public:
		op.Security = []map[string][]string{{"bearer": {}}}
	}
	if rt.access.level == member {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: "X-Tenant-ID", In: "header", Description: "La empresa. Puede faltar si la cuenta pertenece a una sola.",
			Schema: &huma.Schema{Type: huma.TypeInteger},
		})
	}
	for _, r := range refusals {
		if r.of(rt) {
			op.Responses[strconv.Itoa(r.status)] = &huma.Response{Ref: responsesPrefix + r.name}
		}
	}
	return op
}

func (d *document) param(field reflect.StructField, in string, example map[string]string) *huma.Param {
	p := &huma.Param{
		Name: field.Tag.Get(in), In: in, Required: in == "path", Description: field.Tag.Get("doc"),
		Schema: huma.SchemaFromField(d.requests, field, field.Name),
	}
	if value, there := example[p.Name]; there {
		p.Example = value
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && p.Schema.Type == huma.TypeInteger {
			p.Example = n
		}
	}
	return p
}

func formKind(t reflect.Type) string {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("file") != "" {
			return "multipart/form-data"
		}
	}
	return "application/x-www-form-urlencoded"
}

func (d *document) bodyOf(rt route, t reflect.Type, kind string, example Example) *huma.RequestBody {
	media := &huma.MediaType{Schema: d.requests.Schema(t, true, operationID(rt)+"-body")}
	if kind == "multipart/form-data" {
		media.Schema = d.uploadOf(t)
	}
	if example.Request != nil {
		media.Example = example.Request
	}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{kind: media}}
}

// uploadOf is a form with a file. A file is any bytes, which JSON Schema has no word for.
func (d *document) uploadOf(t reflect.Type) *huma.Schema {
	schema := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}}
	for i := range t.NumField() {
		field := t.Field(i)
		name := field.Tag.Get("file")
		if name != "" {
			schema.Properties[name] = &huma.Schema{Type: huma.TypeString, Extensions: map[string]any{"contentMediaType": "application/octet-stream"}}
		} else {
			name = field.Tag.Get("json")
			schema.Properties[name] = huma.SchemaFromField(d.requests, field, name)
		}
		if field.Tag.Get("required") == "true" {
			schema.Required = append(schema.Required, name)
		}
	}
	return schema
}

func (d *document) answerOf(rt route, example Example) *huma.Response {
	r := &huma.Response{Description: http.StatusText(rt.status)}
	media := &huma.MediaType{}
	if example.Answer != nil {
		media.Example = example.Answer
	}
	switch {
	case rt.out == typeOf[none]():
	case rt.out == typeOf[raw]():
		media.Schema = &huma.Schema{Type: huma.TypeString}
		r.Content = map[string]*huma.MediaType{"text/html": media, "application/pdf": {}}
	default:
		media.Schema = d.answers.Schema(rt.out, true, operationID(rt)+"-answer")
		r.Content = map[string]*huma.MediaType{"application/json": media}
	}
	return r
}

// refusal is an answer that any of several operations may give.
type refusal struct {
	status     int
	name, text string
	body       any
	headers    []string
	of         func(route) bool
}

// refusalOut is a refusal in words; the other members are for programs, where Torn's clients read them.
type refusalOut struct {
	Detail           string `json:"detail" doc:"Qué pasó y qué hacer, en castellano"`
	Error            string `json:"error,omitempty"`
	Action           string `json:"action,omitempty"`
	FechaVencimiento string `json:"fecha_vencimiento,omitempty"`
}

// faultsOut is what is wrong with the values of a request.
type faultsOut struct {
	Detail []fault `json:"detail"`
	Error  string  `json:"error,omitempty"`
}

func writes(rt route) bool  { return rt.method != http.MethodGet }
func logsIn(rt route) bool  { return rt.path == "/auth/login" || rt.path == "/auth/token" }
func inPath(rt route) bool  { return strings.Contains(rt.path, "{") }
func hasBody(rt route) bool { return fieldNamed(rt, "Body") || fieldNamed(rt, "Form") }

func fieldNamed(rt route, name string) bool {
	_, there := rt.in.FieldByName(name)
	return there
}

var refusals = []refusal{
	{400, "Invalida", "La solicitud no tiene sentido como un todo, o llegó incompleta", refusalOut{}, nil, func(rt route) bool { return writes(rt) }},
	{401, "SinSesion", "No hay token, venció o fue revocado", refusalOut{}, []string{"WWW-Authenticate"}, func(rt route) bool { return rt.access.level != public || logsIn(rt) }},
	{403, "SinPermiso", "Quien llama no pertenece a la empresa o no tiene el permiso", refusalOut{}, nil, func(rt route) bool {
		return rt.access.level == member || rt.access.level == superuser || rt.path == "/auth/password"
	}},
	{404, "NoExiste", "No existe, o la empresa está cerrada", refusalOut{}, nil, func(rt route) bool { return rt.access.level == member || inPath(rt) }},
	{409, "Conflicto", "Algo se opone ahora: ya existe, falta stock, no hay folios, no hay turno. No se guardó nada", refusalOut{}, nil, func(rt route) bool {
		return writes(rt) && rt.access.level >= superuser
	}},
	{413, "Grande", "La solicitud es demasiado grande", refusalOut{}, nil, hasBody},
	{422, "Faltas", "Hay valores que no sirven; están todos en detail, cada uno con su lugar", faultsOut{}, nil, func(rt route) bool {
		return rt.access.level == member || rt.in.NumField() > 0
	}},
	{429, "Espere", "Demasiados intentos desde esta dirección", refusalOut{}, []string{"Retry-After"}, logsIn},
	{500, "Falla", "Falló el servidor. No se guardó nada", refusalOut{}, nil, func(route) bool { return true }},
	{503, "Ocupado", "El servidor está ocupado y no hizo nada, o no sabe si quedó hecho: el texto lo dice", refusalOut{}, []string{"Retry-After"}, func(route) bool { return true }},
}

func (d *document) refusalOf(r refusal) *huma.Response {
	media := &huma.MediaType{Schema: d.answers.Schema(reflect.TypeOf(r.body), true, r.name)}
	if example, there := d.examples[strconv.Itoa(r.status)]; there {
		media.Example = example.Answer
	}
	out := &huma.Response{Description: r.text, Content: map[string]*huma.MediaType{"application/json": media}}
	for _, name := range r.headers {
		if out.Headers == nil {
			out.Headers = map[string]*huma.Param{}
		}
		out.Headers[name] = &huma.Param{Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return out
}

// joinSchemas makes one set of both: those of answers in the form in which they go out.
func (d *document) joinSchemas() {
	all := d.answers.Map()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t := d.answers.TypeFromRef(schemasPrefix + name)
		d.embed(all[name], t)
		outgoing(all[name], t)
	}
	for _, item := range d.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			for _, response := range op.Responses {
				for _, media := range response.Content {
					outgoing(media.Schema, nil)
				}
			}
		}
	}
	for name, schema := range d.requests.Map() {
		incoming(schema, d.requests.TypeFromRef(schemasPrefix+name))
		if all[name] == nil {
			all[name] = schema
		}
	}
}

// embed adds what a struct has of a struct inside it whose name is not exported: huma passes it over, JSON does not.
func (d *document) embed(s *huma.Schema, t reflect.Type) {
	if t.Kind() != reflect.Struct {
		return
	}
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.Anonymous || field.IsExported() {
			continue
		}
		inner := d.answers.Schema(field.Type, false, "")
		maps.Copy(s.Properties, inner.Properties)
		s.Required = append(s.Required, inner.Required...)
	}
}

// outgoing is a schema as answers have it: amounts are strings with their decimals, and what points to nothing is null.
func outgoing(s *huma.Schema, t reflect.Type) {
	if s == nil {
		return
	}
	if places, there := s.Extensions[placesKey]; there && s.AnyOf != nil {
		s.Type, s.Pattern, s.AnyOf = huma.TypeString, fmt.Sprintf(`^-?\d+\.\d{%d}$`, places), nil
	}
	outgoing(s.Items, nil)
	for _, property := range s.Properties {
		outgoing(property, nil)
	}
	if t == nil || t.Kind() != reflect.Struct {
		return
	}
	for _, field := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); field.Type.Kind() == reflect.Pointer && s.Properties[name] != nil {
			s.Properties[name] = orNull(s.Properties[name])
		}
	}
}

// incoming is a schema as requests have it: only what says so is required.
func incoming(s *huma.Schema, t reflect.Type) {
	if t.Kind() != reflect.Struct {
		return
	}
	s.Required = nil
	for i := range t.NumField() {
		if field := t.Field(i); field.Tag.Get("required") == "true" {
			s.Required = append(s.Required, field.Tag.Get("json"))
		}
	}
}

// orNull lets a schema be null, too.
func orNull(s *huma.Schema) *huma.Schema {
	switch {
	case s.Ref != "":
		return &huma.Schema{AnyOf: []*huma.Schema{s, {Type: "null"}}}
	case s.AnyOf != nil:
		s.AnyOf = append(s.AnyOf, &huma.Schema{Type: "null"})
	default:
		s.Nullable = true
	}
	return s
}

//go:embed reference.html
var referenceHTML string

// refusalShown is a refusal as the reference page shows it.
type refusalShown struct {
	Status  int
	Text    string
	Example Example
}

// referencePage shows a document with its examples.
func referencePage(doc *huma.OpenAPI) *template.Template {
	examples := Examples()
	return template.Must(template.New("reference").Funcs(template.FuncMap{
		"example": func(op *huma.Operation) *Example {
			if e, there := examples[op.OperationID]; there {
				return &e
			}
			return nil
		},
		"said": func(r *huma.Response) string {
			if name, found := strings.CutPrefix(r.Ref, responsesPrefix); found {
				return doc.Components.Responses[name].Description
			}
			return r.Description
		},
		"refused": func() (list []refusalShown) {
			for _, r := range refusals {
				list = append(list, refusalShown{r.status, r.text, examples[strconv.Itoa(r.status)]})
			}
			return list
		},
		"pretty": func(text json.RawMessage) (string, error) {
			var b bytes.Buffer
			err := json.Indent(&b, text, "", "  ")
			return b.String(), err
		},
	}).Parse(referenceHTML))
}

// addDocs serves the document and the two pages that show it. Everything they need is in this program.
func (s *Server) addDocs() {
	doc := s.Document()
	body, err := json.Marshal(doc)
	if err != nil {
		panic(err) // the table does not describe itself: every test of this package fails
	}
	var reference bytes.Buffer
	if err := referencePage(doc).Execute(&reference, doc); err != nil {
		panic(err)
	}
	s.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // nobody is left to tell
	})
	s.mux.Handle("GET /docs", asPage(v5emb.New("Mostrador", "/openapi.json", "/docs")))
	s.mux.Handle("GET /docs/", asPage(v5emb.New("Mostrador", "/openapi.json", "/docs")))
	s.mux.HandleFunc("GET /redoc", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", pagePolicy)
		_, _ = w.Write(reference.Bytes()) // nobody is left to tell
	})
}

// asPage lets a page of ours show and run what is ours.
func asPage(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", pagePolicy)
		h.ServeHTTP(w, r)
	})
}
