package torn_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"mostrador/central/centraltest"
	"mostrador/central/door"
	"mostrador/central/torn"
)

// contract is the OpenAPI document as somebody else reads it, to judge what the server says and what examples ask.
type contract struct {
	server   *torn.Server
	document []byte
	compiler *jsonschema.Compiler
	paths    map[string]map[string]struct{ Responses map[string]promise }
	shared   map[string]promise

	mu   sync.Mutex
	kept map[string]*jsonschema.Schema
}

var published = sync.OnceValue(func() *contract {
	server := torn.New(torn.Config{Door: door.New(door.Config{Log: slog.New(slog.DiscardHandler), Now: new(centraltest.Clock).Now})})
	document, err := json.Marshal(server.Document())
	if err != nil {
		panic(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		panic(err)
	}
	c := &contract{server: server, document: document, compiler: jsonschema.NewCompiler(), kept: map[string]*jsonschema.Schema{}}
	c.compiler.AssertFormat()
	said := struct {
		Paths      *map[string]map[string]struct{ Responses map[string]promise }
		Components struct{ Responses *map[string]promise }
	}{Paths: &c.paths}
	said.Components.Responses = &c.shared
	if err := json.Unmarshal(document, &said); err != nil {
		panic(err)
	}
	if err := c.compiler.AddResource("openapi.json", value); err != nil {
		panic(err)
	}
	return c
})

// schema at a place in the document.
func (c *contract) schema(steps ...string) (*jsonschema.Schema, error) {
	place := "openapi.json#"
	for _, step := range steps {
		place += "/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(step)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept[place] == nil {
		schema, err := c.compiler.Compile(place)
		if err != nil {
			return nil, err
		}
		c.kept[place] = schema
	}
	return c.kept[place], nil
}

// fits says whether a JSON text is as the schema at that place says.
func (c *contract) fits(body []byte, steps ...string) error {
	schema, err := c.schema(steps...)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// promise is what the document says of an answer.
type promise struct {
	Ref     string `json:"$ref"`
	Content map[string]json.RawMessage
}

// responseOf finds what the document says of a status of an operation: where, and of which kinds it may be.
func (c *contract) responseOf(row torn.RouteInfo, status int) (place []string, kinds map[string]bool, err error) {
	method, code := strings.ToLower(row.Method), strconv.Itoa(status)
	p, there := c.paths[row.Path][method].Responses[code]
	if !there {
		return nil, nil, fmt.Errorf("%d is not documented", status)
	}
	place = []string{"paths", row.Path, method, "responses", code}
	if name, ok := strings.CutPrefix(p.Ref, "#/components/responses/"); ok {
		p, place = c.shared[name], []string{"components", "responses", name}
	}
	kinds = map[string]bool{}
	for kind := range p.Content {
		kinds[kind] = true
	}
	return place, kinds, nil
}

// keepsTheContract judges every answer that any test of this package gets: its status is documented, and what it says has
// the documented form.
func (a answer) keepsTheContract(q *http.Request) {
	a.t.Helper()
	c := published()
	_, row, found := c.server.OperationOf(q)
	if !found || q.Method == http.MethodHead || a.status == http.StatusRequestHeaderFieldsTooLarge { // which net/http says
		return
	}
	place, kinds, err := c.responseOf(row, a.status)
	if err != nil {
		a.t.Errorf("%s: %v: %.300s", a.what, err, a.body)
		return
	}
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	switch {
	case len(kinds) == 0 && len(a.body) == 0:
		return
	case kind == "application/json" && kinds[kind]:
		if err := c.fits(a.body, append(place, "content", kind, "schema")...); err != nil {
			a.t.Errorf("%s: %d is not what the document says: %v\n%.2000s", a.what, a.status, err, a.body)
		}
	case !kinds[kind]:
		a.t.Errorf("%s: %d comes as %q, which is not documented", a.what, a.status, kind)
	}
}

// The document is one that other people's programs can read, and its examples are as it says.
func TestTheDocumentIsOpenAPI(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromData(published().document)
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaFormatValidation()); err != nil {
		t.Error(err)
	}
	if !document.IsOpenAPI31OrLater() {
		t.Errorf("it says it is %s", document.OpenAPI)
	}
}

// What clients fetch carries the examples, and the page for people shows them.
func TestThePublishedDocumentCarriesTheExamples(t *testing.T) {
	server := httptest.NewServer(published().server)
	t.Cleanup(server.Close)
	h := &house{t: t, server: published().server, url: server.URL}
	var d struct {
		Paths map[string]map[string]struct {
			OperationID string
			RequestBody *struct {
				Content map[string]struct{ Example json.RawMessage }
			}
			Responses map[string]struct {
				Content map[string]struct{ Example json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(h.nobody().get("/openapi.json").want(200).body, &d); err != nil {
		t.Fatal(err)
	}
	page, examples := string(h.nobody().get("/redoc").want(200).body), torn.Examples()
	for path, operations := range d.Paths {
		for method, operation := range operations {
			e := examples[operation.OperationID]
			if asks := operation.RequestBody != nil; asks != (e.Request != nil) {
				t.Errorf("%s %s: the example and the document do not agree whether it takes a body", method, path)
			} else if asks && !slices.ContainsFunc(slices.Collect(maps.Values(operation.RequestBody.Content)), func(m struct{ Example json.RawMessage }) bool { return m.Example != nil }) {
				t.Errorf("%s %s: no example of what it takes", method, path)
			}
			answered := slices.Collect(maps.Values(operation.Responses[strconv.Itoa(e.Status)].Content))
			if e.Answer != nil && !slices.ContainsFunc(answered, func(m struct{ Example json.RawMessage }) bool { return m.Example != nil }) {
				t.Errorf("%s %s: no example of its %d", method, path, e.Status)
			}
			if !strings.Contains(page, "Ejemplo: <code>"+html.EscapeString(e.Call)+"</code>") {
				t.Errorf("the reference does not show %s", e.Call)
			}
		}
	}
}
