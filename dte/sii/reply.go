package sii

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Limits of an answer. The authority's are a few kilobytes; what is larger is not its.
const (
	maxReply  = 1 << 20
	maxDepth  = 32
	maxFields = 10_000
	maxText   = 300
)

// Field is a leaf element of an answer or of a request: the local names of its parent and its own, and its trimmed text.
type Field struct{ Parent, Name, Text string }

// Fields are the leaves in the order of the text.
type Fields []Field

// ReadFields reads the leaves of an unsigned XML message, leniently: prefixes do not matter, the declared encoding does
// not matter (UTF-8 if it is that, otherwise ISO-8859-1), and the XML that SOAP answers carry escaped in …Return is read
// in its place. It is strict about the end: a message that was cut is an error, so that half a track id is never one.
func ReadFields(body []byte) (Fields, error) {
	if len(body) > maxReply {
		return nil, errors.New("XML demasiado grande")
	}
	return readFields(toUTF8(body), false)
}

func readFields(body []byte, inner bool) (Fields, error) {
	type open struct {
		name string
		text strings.Builder
		leaf bool
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var (
		fields Fields
		path   []*open
		roots  int
	)
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("XML ilegible: %w", err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, errors.New("XML con DOCTYPE")
		case xml.StartElement:
			if len(path) > 0 {
				path[len(path)-1].leaf = false
			} else if roots++; roots > 1 {
				return nil, errors.New("XML con más de una raíz")
			}
			if len(path) >= maxDepth {
				return nil, errors.New("XML demasiado profundo")
			}
			path = append(path, &open{name: t.Name.Local, leaf: true})
		case xml.CharData:
			if len(path) > 0 {
				path[len(path)-1].text.Write(t)
			}
		case xml.EndElement:
			last := path[len(path)-1]
			path = path[:len(path)-1]
			if !last.leaf {
				continue
			}
			if len(fields) >= maxFields {
				return nil, errors.New("XML con demasiados elementos")
			}
			f := Field{Name: last.name, Text: strings.TrimSpace(last.text.String())}
			if len(path) > 0 {
				f.Parent = path[len(path)-1].name
			}
			if !inner && strings.HasSuffix(f.Name, "Return") && strings.HasPrefix(f.Text, "<") {
				nested, err := readFields([]byte(f.Text), true)
				if err != nil {
					return nil, err
				}
				fields = append(fields, nested...)
				continue
			}
			fields = append(fields, f)
		}
	}
	if roots == 0 {
		return nil, errors.New("no es XML")
	}
	return fields, nil
}

// Get is the text of the first field of that name, or "".
func (f Fields) Get(name string) string {
	for _, field := range f {
		if field.Name == name {
			return field.Text
		}
	}
	return ""
}

// In is the text of the first field of that name inside that parent, or "".
func (f Fields) In(parent, name string) string {
	for _, field := range f {
		if field.Name == name && field.Parent == parent {
			return field.Text
		}
	}
	return ""
}

// First is the first text found under any of the names, or "". The authority is not constant: GLOSA, GLOSA_ESTADO.
func (f Fields) First(names ...string) string {
	for _, name := range names {
		if text := f.Get(name); text != "" {
			return text
		}
	}
	return ""
}

// All are the texts of every field of that name.
func (f Fields) All(name string) []string {
	var texts []string
	for _, field := range f {
		if field.Name == name {
			texts = append(texts, field.Text)
		}
	}
	return texts
}

// readJSON decodes an answer of the REST services, which is ISO-8859-1 when it is not UTF-8.
func readJSON(body []byte, into any) error {
	if err := json.Unmarshal(toUTF8(body), into); err != nil {
		return fmt.Errorf("JSON ilegible: %w", err)
	}
	return nil
}

// flexible is a JSON value that the authority writes now as a number, now as a string.
type flexible string

func (f *flexible) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(f))
	}
	if string(b) == "null" {
		*f = ""
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	*f = flexible(n)
	return nil
}

// toUTF8 decodes ISO-8859-1 unless the bytes already are UTF-8; headers and declarations are not to be trusted.
func toUTF8(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	out := make([]byte, 0, len(b)+len(b)/8)
	for _, c := range b {
		out = utf8.AppendRune(out, rune(c))
	}
	return out
}

// looksHTML reports a web page: its first element is html, or it opens like one.
func looksHTML(body []byte) bool {
	start := strings.ToLower(string(body[:min(len(body), 1024)]))
	start = strings.TrimSpace(strings.TrimPrefix(start, "\ufeff"))
	if strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html") {
		return true
	}
	return strings.HasPrefix(start, "<") && !strings.HasPrefix(start, "<?xml") && strings.Contains(start, "<html")
}

var (
	htmlHidden = regexp.MustCompile(`(?is)<!--.*?-->|<(script|style|head|title|a)\b.*?</(script|style|head|title|a)\s*>`)
	htmlTag    = regexp.MustCompile(`(?s)<[^>]*>`)
)

// pageHeading opens every page with which DTEUpload refuses something.
const pageHeading = "RESULTADO DEL UPLOAD DE DOCUMENTOS TRIBUTARIOS ELECTRONICOS"

// htmlText is what a person would read on a page, on one line, without the authority's heading and links.
func htmlText(page []byte) string {
	visible := htmlTag.ReplaceAllString(htmlHidden.ReplaceAllString(string(toUTF8(page)), " "), " ")
	text := strings.Join(strings.Fields(html.UnescapeString(visible)), " ")
	return clip(strings.TrimSpace(strings.ReplaceAll(text, pageHeading, "")))
}

// clip bounds a text that comes from outside, on one line.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}
