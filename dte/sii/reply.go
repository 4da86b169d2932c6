package sii

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
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
	return readFields(toUTF8(body), maxFields, false)
}

func readFields(body []byte, most int, inner bool) (Fields, error) {
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
		if errors.Is(err, io.EOF) {
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
			if len(fields) >= most {
				return nil, errors.New("XML con demasiados elementos")
			}
			f := Field{Name: last.name, Text: strings.TrimSpace(last.text.String())}
			if len(path) > 0 {
				f.Parent = path[len(path)-1].name
			}
			if !inner && strings.HasSuffix(f.Name, "Return") && strings.HasPrefix(f.Text, "<") {
				nested, err := readFields([]byte(f.Text), most, true)
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

// pageHeading opens every page with which DTEUpload refuses something.
const pageHeading = "RESULTADO DEL UPLOAD DE DOCUMENTOS TRIBUTARIOS ELECTRONICOS"

// htmlText is what a person would read on a page, on one line, without the authority's heading and links.
func htmlText(page []byte) string {
	text := strings.Join(strings.Fields(html.UnescapeString(visibleText(string(toUTF8(page))))), " ")
	return clip(strings.TrimSpace(strings.ReplaceAll(text, pageHeading, "")))
}

// visibleText drops tags, comments and the elements that are not read. It goes through the page once: a search that
// finds nothing ends it, so that no page is slow.
func visibleText(page string) string {
	lower := asciiLower(page)
	var b strings.Builder
	for {
		start := strings.IndexByte(lower, '<')
		if start < 0 {
			b.WriteString(page)
			return b.String()
		}
		b.WriteString(page[:start])
		b.WriteByte(' ')
		page, lower = page[start:], lower[start:]
		unread := unreadLength(lower)
		if unread < 0 {
			return b.String()
		}
		page, lower = page[unread:], lower[unread:]
	}
}

// unreadLength is how much of a page that starts with '<' nobody reads: a tag, a comment, or an element with all that is
// in it; -1 when it has no end.
func unreadLength(s string) int {
	if strings.HasPrefix(s, "<!--") {
		return after(s, "-->")
	}
	for _, name := range []string{"script", "style", "head", "title", "a"} {
		if rest, found := strings.CutPrefix(s[1:], name); !found || rest == "" || strings.IndexByte(" >\t\r\n", rest[0]) < 0 {
			continue
		}
		content := after(s, "</"+name)
		if content < 0 {
			return -1
		}
		if end := after(s[content:], ">"); end >= 0 {
			return content + end
		}
		return -1
	}
	return after(s, ">")
}

// after is the position behind the first mark, or -1.
func after(s, mark string) int {
	if i := strings.Index(s, mark); i >= 0 {
		return i + len(mark)
	}
	return -1
}

// asciiLower keeps every byte where it is, which strings.ToLower does not.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// clip bounds a text that comes from outside, on one line.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}
