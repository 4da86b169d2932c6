package torn

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// Example is a call that was made: a test of this package calls every route on a new shop and keeps what was asked and what
// was answered. What is secret, or other at every run, stands there as a word in angle brackets.
type Example struct {
	Call    string          `json:"call"` // "GET /sales/?limit=2"
	Request json.RawMessage `json:"request,omitempty"`
	Status  int             `json:"status"`
	// Answer of a page is its first line.
	Answer json.RawMessage `json:"answer,omitempty"`
}

//go:embed examples
var exampleFiles embed.FS

// Examples are those of every operation, by its name, and one of every refusal, by its status.
func Examples() map[string]Example {
	files, err := exampleFiles.ReadDir("examples")
	if err != nil {
		panic(err) // it is in this program
	}
	examples := map[string]Example{}
	for _, file := range files {
		content, err := exampleFiles.ReadFile("examples/" + file.Name())
		if err != nil {
			panic(err)
		}
		var e Example
		if err := json.Unmarshal(content, &e); err != nil {
			panic(fmt.Sprintf("%s: %v", file.Name(), err)) // every test of this package fails
		}
		examples[strings.TrimSuffix(file.Name(), ".json")] = e
	}
	return examples
}

// address is what was called, without the method.
func (e Example) address() *url.URL {
	_, address, _ := strings.Cut(e.Call, " ")
	u, err := url.Parse(address)
	if err != nil {
		return &url.URL{}
	}
	return u
}

// inPath are the values of the path's parameters.
func (e Example) inPath(rt route) map[string]string {
	values, parts := map[string]string{}, strings.Split(e.address().Path, "/")
	for i, name := range strings.Split(rt.path, "/") {
		if strings.HasPrefix(name, "{") && i < len(parts) {
			values[strings.Trim(name, "{}")] = parts[i]
		}
	}
	return values
}

// inQuery are the values of the query's.
func (e Example) inQuery() map[string]string {
	values := map[string]string{}
	for name, all := range e.address().Query() {
		values[name] = all[0]
	}
	return values
}
