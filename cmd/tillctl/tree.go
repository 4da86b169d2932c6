package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// node is a value of a file in JSON or YAML: a text, a list or fields in their order.
type node struct {
	text   string
	list   []*node
	fields []field
	kind   nodeKind
}

type field struct {
	name  string
	value *node
}

type nodeKind int

const (
	leaf nodeKind = iota
	sequence
	object
)

// get is a field's value; nil when it is not there.
func (n *node) get(path ...string) *node {
	for _, name := range path {
		var next *node
		for _, f := range n.all() {
			if f.name == name {
				next = f.value
			}
		}
		if n = next; n == nil {
			return nil
		}
	}
	return n
}

func (n *node) all() []field {
	if n == nil {
		return nil
	}
	return n.fields
}

// set puts a text in a field, in place of what it held.
func (n *node) set(name, text string) {
	for i, f := range n.fields {
		if f.name == name {
			n.fields[i].value = &node{text: text}
			return
		}
	}
	n.fields = append(n.fields, field{name, &node{text: text}})
}

// rename gives a field the name that the format has for it, unless both are there.
func (n *node) rename(from, to string) {
	for i, f := range n.all() {
		if f.name == from && n.get(to) == nil {
			n.fields[i].name = to
		}
	}
}

// items are the values of a list; a value that is no list is one of one.
func (n *node) items() []*node {
	switch {
	case n == nil:
		return nil
	case n.kind == sequence:
		return n.list
	}
	return []*node{n}
}

const maxDepth = 20

// readTree reads JSON, or YAML with one or several documents.
func readTree(b []byte) ([]*node, error) {
	if trimmed := bytes.TrimSpace(b); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		return readJSONTree(b)
	}
	var all []*node
	for d := yaml.NewDecoder(bytes.NewReader(b)); ; {
		var y yaml.Node
		switch err := d.Decode(&y); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		}
		n, err := fromYAML(&y, 0)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
}

// fromYAML takes texts as they stand in the file: dates stay dates and 007 stays 007. Anchors are not followed, because a
// few lines of them can make a file as large as one likes.
func fromYAML(y *yaml.Node, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("línea %d: demasiados niveles", y.Line)
	}
	switch y.Kind {
	case yaml.DocumentNode:
		return fromYAML(y.Content[0], depth+1)
	case yaml.ScalarNode:
		switch y.Tag {
		case "!!null":
			return &node{}, nil
		case "!!int", "!!float":
			return &node{text: plainNumber(y.Value)}, nil
		}
		return &node{text: y.Value}, nil
	case yaml.SequenceNode:
		n := &node{kind: sequence}
		for _, c := range y.Content {
			child, err := fromYAML(c, depth+1)
			if err != nil {
				return nil, err
			}
			n.list = append(n.list, child)
		}
		return n, nil
	case yaml.MappingNode:
		n := &node{kind: object}
		for i := 0; i+1 < len(y.Content); i += 2 {
			name := y.Content[i].Value
			child, err := fromYAML(y.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			if err := n.add(name, child); err != nil {
				return nil, fmt.Errorf("línea %d: %w", y.Content[i].Line, err)
			}
		}
		return n, nil
	}
	return nil, fmt.Errorf("línea %d: no se aceptan anclas ni alias", y.Line)
}

func (n *node) add(name string, value *node) error {
	if n.get(name) != nil {
		return fmt.Errorf("el campo %s está dos veces", name)
	}
	n.fields = append(n.fields, field{name, value})
	return nil
}

func readJSONTree(b []byte) ([]*node, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var all []*node
	for {
		n, err := fromJSON(d, 0)
		switch {
		case errors.Is(err, io.EOF) && len(all) > 0:
			return all, nil
		case err != nil:
			return nil, err
		}
		all = append(all, n)
	}
}

func fromJSON(d *json.Decoder, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errors.New("demasiados niveles")
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case nil:
		return &node{}, nil
	case string:
		return &node{text: v}, nil
	case json.Number:
		return &node{text: plainNumber(v.String())}, nil
	case bool:
		return &node{text: fmt.Sprint(v)}, nil
	}
	n := &node{kind: object}
	if token == json.Delim('[') {
		n.kind = sequence
	}
	for d.More() {
		if err := n.next(d, depth+1); err != nil {
			return nil, whole(err)
		}
	}
	_, err = d.Token() // the closing bracket
	return n, whole(err)
}

// next reads an element of a list or a field.
func (n *node) next(d *json.Decoder, depth int) error {
	if n.kind == sequence {
		child, err := fromJSON(d, depth)
		n.list = append(n.list, child)
		return err
	}
	token, err := d.Token()
	if err != nil {
		return err
	}
	name, _ := token.(string) // the decoder accepts nothing else before a colon
	child, err := fromJSON(d, depth)
	if err != nil {
		return err
	}
	return n.add(name, child)
}

// whole: inside a value the end of the file is not an end.
func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

var zeroDecimals = regexp.MustCompile(`^(-?\d+)\.0+$`)

// plainNumber writes a whole number without decimals: 1190.0 is what other programs make of 1190.
func plainNumber(s string) string { return zeroDecimals.ReplaceAllString(s, "$1") }

// xml writes the tree as elements. A list is its element repeated; what is empty is left out.
func (n *node) xml(b *strings.Builder, name string) error {
	if !elementName.MatchString(name) {
		return fmt.Errorf("«%s» no es el nombre de un campo", name)
	}
	if n.kind == sequence {
		for _, item := range n.list {
			if item.kind == sequence {
				return fmt.Errorf("el campo %s es una lista de listas", name)
			}
			if err := item.xml(b, name); err != nil {
				return err
			}
		}
		return nil
	}
	if n.kind == leaf && n.text == "" {
		return nil
	}
	b.WriteString("<" + name + ">")
	if err := xmlText(b, n.text); err != nil {
		return fmt.Errorf("campo %s: %w", name, err)
	}
	for _, f := range n.fields {
		if err := f.value.xml(b, f.name); err != nil {
			return err
		}
	}
	b.WriteString("</" + name + ">")
	return nil
}

var elementName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,40}$`)

var xmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// xmlText refuses what XML cannot say at all; what the SII does not accept is the draft's to judge.
func xmlText(b *strings.Builder, s string) error {
	for _, r := range s {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0xFFFE || r == 0xFFFF || r == 0xFFFD {
			return fmt.Errorf("trae un carácter que no se puede escribir (%U)", r)
		}
	}
	_, err := xmlEscapes.WriteString(b, s)
	return err
}
