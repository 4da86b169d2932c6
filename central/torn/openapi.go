package torn

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/swaggest/swgui/v5emb"
)

// Document describes the API, from the route table and the types that it names.
func (s *Server) Document() *huma.OpenAPI {
	schemas := huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, hint string) string {
		name := huma.DefaultSchemaNamer(t, hint)
		return strings.ToUpper(name[:1]) + name[1:]
	})
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "Mostrador", Version: "1", Description: "API de la central de Mostrador, compatible con la de Torn."},
		Paths:   map[string]*huma.PathItem{},
		Components: &huma.Components{
			Schemas:         schemas,
			SecuritySchemes: map[string]*huma.SecurityScheme{"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"}},
		},
	}
	for _, rt := range s.routes {
		item := doc.Paths[rt.path]
		if item == nil {
			item = &huma.PathItem{}
			doc.Paths[rt.path] = item
		}
		*operationOf(item, rt.method) = describe(schemas, rt)
	}
	return doc
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

func describe(schemas huma.Registry, rt route) *huma.Operation {
	op := &huma.Operation{
		OperationID: operationID(rt), Summary: rt.summary, Description: rt.notes, Tags: []string{rt.tag},
		Responses: map[string]*huma.Response{strconv.Itoa(rt.status): answerOf(schemas, rt)},
	}
	for _, field := range reflect.VisibleFields(rt.in) {
		switch {
		case field.Tag.Get("path") != "":
			op.Parameters = append(op.Parameters, &huma.Param{Name: field.Tag.Get("path"), In: "path", Required: true, Schema: fieldSchema(schemas, field)})
		case field.Tag.Get("query") != "":
			op.Parameters = append(op.Parameters, &huma.Param{Name: field.Tag.Get("query"), In: "query", Description: field.Tag.Get("doc"), Schema: fieldSchema(schemas, field)})
		case field.Tag.Get("header") != "":
			op.Parameters = append(op.Parameters, &huma.Param{Name: field.Tag.Get("header"), In: "header", Schema: fieldSchema(schemas, field)})
		case field.Name == "Body":
			op.RequestBody = bodyOf(schemas, rt, field.Type, "application/json")
		case field.Name == "Form":
			kind := "application/x-www-form-urlencoded"
			for j := range field.Type.NumField() {
				if field.Type.Field(j).Tag.Get("file") != "" {
					kind = "multipart/form-data"
				}
			}
			op.RequestBody = bodyOf(schemas, rt, field.Type, kind)
		}
	}
	if rt.access.level != public {
		op.Security = []map[string][]string{{"bearer": {}}}
		op.Responses["401"] = &huma.Response{Description: "Sin sesión: no hay token, venció o fue revocado"}
	}
	if rt.access.level == superuser || rt.access.right != 0 {
		op.Responses["403"] = &huma.Response{Description: "Sin permiso"}
	}
	if rt.access.level == member {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: "X-Tenant-ID", In: "header", Description: "La empresa. Puede faltar si la cuenta pertenece a una sola.",
			Schema: &huma.Schema{Type: huma.TypeInteger},
		})
	}
	if op.Parameters != nil || op.RequestBody != nil {
		op.Responses["422"] = &huma.Response{Description: "La solicitud tiene faltas; todas van en detail"}
	}
	return op
}

func fieldSchema(schemas huma.Registry, field reflect.StructField) *huma.Schema {
	return huma.SchemaFromField(schemas, field, field.Name)
}

func bodyOf(schemas huma.Registry, rt route, t reflect.Type, kind string) *huma.RequestBody {
	schema := schemas.Schema(t, true, operationID(rt)+"-body")
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{kind: {Schema: schema}}}
}

func answerOf(schemas huma.Registry, rt route) *huma.Response {
	r := &huma.Response{Description: http.StatusText(rt.status)}
	switch {
	case rt.out == typeOf[none]():
	case rt.out == typeOf[raw]():
		r.Content = map[string]*huma.MediaType{"*/*": {}}
	default:
		r.Content = map[string]*huma.MediaType{"application/json": {Schema: schemas.Schema(rt.out, true, operationID(rt)+"-answer")}}
	}
	return r
}

//go:embed reference.html
var referenceHTML string

var referencePage = template.Must(template.New("reference").Parse(referenceHTML))

// addDocs serves the document and the two pages that show it. Everything they need is in this program.
func (s *Server) addDocs() {
	doc := s.Document()
	body, err := json.Marshal(doc)
	if err != nil {
		panic(err) // the table does not describe itself: every test of this package fails
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
		if err := referencePage.Execute(w, doc); err != nil {
			s.Log.Error("la página de referencia", "error", err)
		}
	})
}

// asPage lets a page of ours show and run what is ours.
func asPage(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", pagePolicy)
		h.ServeHTTP(w, r)
	})
}
