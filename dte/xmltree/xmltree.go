// Package xmltree reads XML strictly and within bounds, keeps the byte position of every element, and canonicalises.
//
// It exists because signed documents must be verified and read by one parser: what was verified is what is read, and
// an element can be cut out of its envelope byte for byte.
//
// Owns: the tree, its limits, and Canonical XML 1.0 without comments (http://www.w3.org/TR/2001/REC-xml-c14n-20010315).
//
// Invariants: time and memory are bounded by Limits whatever the input; there is no DOCTYPE, no entity but the five
// predefined ones, no duplicate attribute and nothing but white space or comments around the root. A tree is read-only after
// Parse and safe for concurrent use.
//
// Imports nothing but the standard library.
package xmltree

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits bound what Parse accepts. All must be positive.
type Limits struct {
	Bytes int // size of the input
	Nodes int // number of elements
	Depth int // of nesting
}

// Encoding is how the bytes of a text become characters.
type Encoding int

// The encodings that tax documents use.
const (
	Latin1      Encoding = iota // ISO-8859-1: every byte is the character of that number
	Windows1252                 // what some programs declare: Latin1 but for 27 characters in 0x80 to 0x9F
	UTF8
)

// char is the character of a byte in an encoding of one byte each.
func (e Encoding) char(c byte) rune {
	if e == Windows1252 && c >= 0x80 && c < 0xa0 {
		return windows1252[c-0x80]
	}
	return rune(c)
}

// windows1252 are the characters of 0x80 to 0x9F. The five bytes without one stay controls, as in browsers.
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

// Attr is an attribute as written, namespace declarations included; Value has its references resolved, in UTF-8.
type Attr struct{ Name, Value string }

// Node is an element.
type Node struct {
	Name     string // as written, with its prefix
	Attrs    []Attr
	Parent   *Node
	Children []*Node
	// The element is Doc.Data[Start:End]; its content is Doc.Data[Inner:InnerEnd].
	Start, Inner, InnerEnd, End int
}

// Doc is a parsed text.
type Doc struct {
	Data     []byte
	Encoding Encoding
	// Declared is the encoding named in the XML declaration, in lower case; empty without one.
	Declared string
	Root     *Node

	text string // Data once more: names and plain texts are parts of it, which cost nothing
}

// Error says what is wrong and at which byte.
type Error struct {
	Offset int
	Why    string
}

func (e *Error) Error() string { return fmt.Sprintf("XML no válido (byte %d): %s", e.Offset, e.Why) }

const maxAttrs = 32

// Parse reads data. assumed is the encoding of a text that declares none.
func Parse(data []byte, assumed Encoding, limits Limits) (*Doc, error) {
	p := parser{doc: &Doc{Data: data, Encoding: assumed}, limits: limits}
	if len(data) > limits.Bytes {
		return nil, &Error{limits.Bytes, fmt.Sprintf("mide %d bytes y el máximo es %d", len(data), limits.Bytes)}
	}
	// Most elements have two tags. Where they have not, more is allocated as they come.
	likely := min(bytes.Count(data, []byte{'<'})/2+1, limits.Nodes)
	p.doc.text = string(data)
	p.free, p.lists = make([]Node, likely), make([]*Node, 0, likely)
	if err := p.document(); err != nil {
		return nil, err
	}
	return p.doc, nil
}

type parser struct {
	doc    *Doc
	limits Limits
	pos    int
	nodes  int
	depth  int

	// What a tree is made of comes in large pieces: most of the cost of a small element would be its allocation.
	free []Node // elements not yet used
	// open holds the children so far of the elements that are not closed, those of each behind those of its parent, and
	// marks where each one's begin; lists holds the children of the closed ones.
	open  []*Node
	marks []int
	lists []*Node
}

func (p *parser) node() *Node {
	if len(p.free) == 0 {
		p.free = make([]Node, 64)
	}
	n := &p.free[0]
	p.free = p.free[1:]
	return n
}

// closed gives n the children that were read since it was opened.
func (p *parser) closed(n *Node) {
	mark := p.marks[len(p.marks)-1]
	start := len(p.lists)
	p.lists = append(p.lists, p.open[mark:]...)
	n.Children = p.lists[start:len(p.lists):len(p.lists)]
	p.open, p.marks = p.open[:mark], p.marks[:len(p.marks)-1]
}

func (p *parser) fail(why string, args ...any) error {
	return &Error{p.pos, fmt.Sprintf(why, args...)}
}

func (p *parser) rest() []byte { return p.doc.Data[p.pos:] }

func (p *parser) document() error {
	if bytes.HasPrefix(p.doc.Data, []byte("\xef\xbb\xbf")) {
		p.pos, p.doc.Encoding = 3, UTF8
	}
	if err := p.declaration(); err != nil {
		return err
	}
	if p.doc.Encoding == UTF8 && !utf8.Valid(p.doc.Data) {
		return p.fail("el texto dice ser UTF-8 y no lo es")
	}
	if err := p.misc(); err != nil {
		return err
	}
	root, err := p.tree()
	if err != nil {
		return err
	}
	p.doc.Root = root
	if err := p.misc(); err != nil {
		return err
	}
	if p.pos != len(p.doc.Data) {
		return p.fail("hay contenido después del elemento raíz")
	}
	return nil
}

// declaration reads <?xml … ?> if it is there.
func (p *parser) declaration() error {
	if rest := p.rest(); !bytes.HasPrefix(rest, []byte("<?xml")) || len(rest) < 6 || !isSpace(rest[5]) {
		return nil // <?xml-stylesheet is an instruction like any other
	}
	end := bytes.Index(p.rest(), []byte("?>"))
	if end < 0 || end > 200 {
		return p.fail("la declaración XML no termina")
	}
	text := string(p.rest()[:end])
	p.pos += end + 2
	_, after, found := strings.Cut(text, "encoding")
	if !found {
		return nil
	}
	after = strings.TrimLeft(after, " \t\r\n=")
	if after == "" || (after[0] != '"' && after[0] != '\'') {
		return p.fail("la declaración XML no se entiende")
	}
	name, _, closed := strings.Cut(after[1:], after[:1])
	if !closed {
		return p.fail("la declaración XML no se entiende")
	}
	p.doc.Declared = strings.ToLower(name)
	switch p.doc.Declared {
	case "iso-8859-1", "latin1", "latin-1":
		p.doc.Encoding = Latin1
	case "windows-1252", "cp1252":
		p.doc.Encoding = Windows1252
	case "utf-8", "us-ascii", "ascii":
		p.doc.Encoding = UTF8
	default:
		return p.fail("la codificación %q no se admite", name)
	}
	return nil
}

// misc skips white space and comments around the root.
func (p *parser) misc() error {
	for {
		for p.pos < len(p.doc.Data) && isSpace(p.doc.Data[p.pos]) {
			p.pos++
		}
		switch {
		case bytes.HasPrefix(p.rest(), []byte("<!--")):
			if err := p.comment(); err != nil {
				return err
			}
		case bytes.HasPrefix(p.rest(), []byte("<!")):
			return p.fail("no se admite DOCTYPE")
		case bytes.HasPrefix(p.rest(), []byte("<?")):
			return p.fail("no se admiten instrucciones de proceso")
		default:
			return nil
		}
	}
}

func (p *parser) comment() error {
	end := bytes.Index(p.rest()[4:], []byte("--"))
	if end < 0 || !bytes.HasPrefix(p.rest()[4+end:], []byte("-->")) {
		return p.fail("un comentario no termina bien")
	}
	p.pos += 4 + end + 3
	return nil
}

// tree reads the root and everything in it, without recursion.
func (p *parser) tree() (*Node, error) {
	if p.pos >= len(p.doc.Data) || p.doc.Data[p.pos] != '<' {
		return nil, p.fail("no hay un elemento raíz: el archivo no es XML")
	}
	root, empty, err := p.startTag(nil)
	if err != nil || empty {
		return root, err
	}
	p.marks = append(p.marks, 0)
	for current := root; current != nil; {
		if err := p.text(); err != nil {
			return nil, err
		}
		var after byte // what follows '<'
		if p.pos+1 < len(p.doc.Data) {
			after = p.doc.Data[p.pos+1]
		}
		switch {
		case p.pos >= len(p.doc.Data):
			return nil, p.fail("falta cerrar <%s>", current.Name)
		case after == '/':
			if err := p.endTag(current); err != nil {
				return nil, err
			}
			p.closed(current)
			current = current.Parent
			p.depth--
		case after == '!' && bytes.HasPrefix(p.rest(), []byte("<!--")):
			if err := p.comment(); err != nil {
				return nil, err
			}
		case after == '!' && bytes.HasPrefix(p.rest(), []byte("<![CDATA[")):
			if err := p.cdata(); err != nil {
				return nil, err
			}
		case after == '!', after == '?':
			return nil, p.fail("no se admiten declaraciones ni instrucciones dentro del documento")
		default:
			child, empty, err := p.startTag(current)
			if err != nil {
				return nil, err
			}
			p.open = append(p.open, child)
			if !empty {
				p.marks = append(p.marks, len(p.open))
				current = child
			}
		}
	}
	return root, nil
}

// text checks character data up to the next '<'.
func (p *parser) text() error {
	data := p.doc.Data
	for {
		for p.pos < len(data) && isOrdinary[data[p.pos]] {
			p.pos++
		}
		if p.pos >= len(data) || data[p.pos] == '<' {
			return nil
		}
		switch c := data[p.pos]; {
		case c == '&':
			_, n, ok := reference(data[p.pos:])
			if !ok {
				return p.fail("una referencia & no es válida")
			}
			p.pos += n
			continue
		case c < ' ' && !isSpace(c):
			return p.fail("hay un carácter de control")
		case c == ']' && bytes.HasPrefix(data[p.pos:], []byte("]]>")):
			return p.fail("]]> fuera de lugar")
		}
		p.pos++
	}
}

// isOrdinary are the bytes of a text that need no second look.
var isOrdinary = func() (ordinary [256]bool) {
	for c := range ordinary {
		ordinary[c] = c >= ' ' && c != '<' && c != '&' && c != ']'
	}
	return ordinary
}()

func (p *parser) cdata() error {
	end := bytes.Index(p.rest(), []byte("]]>"))
	if end < 0 {
		return p.fail("una sección CDATA no termina")
	}
	for _, c := range p.rest()[:end] {
		if c < ' ' && !isSpace(c) {
			return p.fail("hay un carácter de control")
		}
	}
	p.pos += end + 3
	return nil
}

func (p *parser) startTag(parent *Node) (n *Node, empty bool, err error) {
	if p.nodes++; p.nodes > p.limits.Nodes {
		return nil, false, p.fail("tiene más de %d elementos", p.limits.Nodes)
	}
	if p.depth++; p.depth > p.limits.Depth {
		return nil, false, p.fail("tiene más de %d niveles", p.limits.Depth)
	}
	n = p.node()
	n.Parent, n.Start = parent, p.pos
	p.pos++ // '<'
	if n.Name = p.name(); n.Name == "" {
		return nil, false, p.fail("el nombre de un elemento no es válido")
	}
	for {
		if p.pos < len(p.doc.Data) && p.doc.Data[p.pos] == '>' {
			p.pos++
			n.Inner = p.pos
			return n, false, nil
		}
		spaced := p.space()
		switch {
		case bytes.HasPrefix(p.rest(), []byte("/>")):
			n.Inner, n.InnerEnd = p.pos, p.pos
			p.pos += 2
			n.End = p.pos
			p.depth--
			return n, true, nil
		case spaced && bytes.HasPrefix(p.rest(), []byte(">")):
			continue
		case !spaced:
			return nil, false, p.fail("la etiqueta <%s> no es válida", n.Name)
		}
		if err := p.attr(n); err != nil {
			return nil, false, err
		}
	}
}

func (p *parser) attr(n *Node) error {
	name := p.name()
	p.space()
	if name == "" || !bytes.HasPrefix(p.rest(), []byte("=")) {
		return p.fail("un atributo de <%s> no es válido", n.Name)
	}
	if strings.HasPrefix(name, "xml:") {
		return p.fail("el atributo %s no se admite", name)
	}
	p.pos++
	p.space()
	if p.pos >= len(p.doc.Data) || (p.doc.Data[p.pos] != '"' && p.doc.Data[p.pos] != '\'') {
		return p.fail("el valor de %s no está entre comillas", name)
	}
	quote := p.doc.Data[p.pos]
	p.pos++
	end := bytes.IndexByte(p.rest(), quote)
	if end < 0 || bytes.IndexByte(p.rest()[:end], '<') >= 0 {
		return p.fail("el valor de %s no termina", name)
	}
	value, ok := p.doc.text[p.pos:p.pos+end], true
	if !isPlainAttr(value) {
		value, ok = p.attrValue(p.rest()[:end])
	}
	if !ok {
		return p.fail("el valor de %s no es válido", name)
	}
	p.pos += end + 1
	for _, a := range n.Attrs {
		if a.Name == name {
			return p.fail("el atributo %s está repetido", name)
		}
	}
	if len(n.Attrs) == maxAttrs {
		return p.fail("<%s> tiene demasiados atributos", n.Name)
	}
	n.Attrs = append(n.Attrs, Attr{name, value})
	return nil
}

// isPlainAttr reports a value that stands for itself.
func isPlainAttr(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '&' || c >= 0x80 {
			return false
		}
	}
	return true
}

// attrValue resolves references and turns white space into spaces (XML 1.0, 3.3.3).
func (p *parser) attrValue(raw []byte) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '&':
			r, n, ok := reference(raw[i:])
			if !ok {
				return "", false
			}
			b.WriteRune(r)
			i += n
		case c == '\r' && i+1 < len(raw) && raw[i+1] == '\n':
			i++
		case isSpace(c):
			b.WriteByte(' ')
			i++
		case c < ' ':
			return "", false
		default:
			i += writeChar(&b, raw[i:], p.doc.Encoding)
		}
	}
	return b.String(), true
}

func (p *parser) endTag(n *Node) error {
	n.InnerEnd = p.pos
	rest := p.rest()[2:]
	if len(rest) < len(n.Name) || string(rest[:len(n.Name)]) != n.Name {
		return p.fail("se esperaba </%s>", n.Name)
	}
	p.pos += 2 + len(n.Name)
	p.space()
	if !bytes.HasPrefix(p.rest(), []byte(">")) {
		return p.fail("se esperaba </%s>", n.Name)
	}
	p.pos++
	n.End = p.pos
	return nil
}

func (p *parser) space() bool {
	start := p.pos
	for p.pos < len(p.doc.Data) && isSpace(p.doc.Data[p.pos]) {
		p.pos++
	}
	return p.pos > start
}

// name reads an ASCII qualified name: the only ones that tax documents have.
func (p *parser) name() string {
	data, start := p.doc.Data, p.pos
	end := start
	for end < len(data) && inName[data[end]] {
		end++
	}
	if end == start || data[start] <= ':' { // a digit, '-', '.' or ':' does not begin a name
		return ""
	}
	p.pos = end
	name := p.doc.text[start:end]
	if _, local, found := strings.Cut(name, ":"); found && (local == "" || strings.Contains(local, ":")) {
		return ""
	}
	return name
}

var inName = func() (in [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz0123456789-.:" {
		in[c] = true
	}
	return in
}()

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// reference reads &amp; and its like; n is its length.
func reference(b []byte) (r rune, n int, ok bool) {
	end := bytes.IndexByte(b[:min(len(b), 12)], ';')
	if end < 2 {
		return 0, 0, false
	}
	switch name := string(b[1:end]); name {
	case "amp":
		r = '&'
	case "lt":
		r = '<'
	case "gt":
		r = '>'
	case "quot":
		r = '"'
	case "apos":
		r = '\''
	default:
		if r, ok = numeric(name); !ok {
			return 0, 0, false
		}
	}
	return r, end + 1, true
}

func numeric(name string) (rune, bool) {
	digits, isRef := strings.CutPrefix(name, "#")
	base := 10
	if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hex, 16
	}
	v, err := strconv.ParseUint(digits, base, 32)
	if !isRef || err != nil {
		return 0, false
	}
	r := rune(v)
	switch {
	case r == '\t' || r == '\n' || r == '\r',
		r >= 0x20 && r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000 && r <= 0x10FFFF:
		return r, v <= utf8.MaxRune
	}
	return 0, false
}

// writeChar writes the character at the start of raw as UTF-8 and returns how many bytes of raw it took.
func writeChar(b *strings.Builder, raw []byte, enc Encoding) int {
	if enc != UTF8 {
		b.WriteRune(enc.char(raw[0]))
		return 1
	}
	_, n := utf8.DecodeRune(raw)
	b.Write(raw[:n])
	return n
}

// Local is the name without its prefix.
func (n *Node) Local() string {
	if _, local, found := strings.Cut(n.Name, ":"); found {
		return local
	}
	return n.Name
}

// Attr is the value of an attribute, or empty.
func (n *Node) Attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// Child is the first child element with this local name, or nil. It may be called on nil.
func (n *Node) Child(local string) *Node {
	if n == nil {
		return nil
	}
	for _, c := range n.Children {
		if c.isNamed(local) {
			return c
		}
	}
	return nil
}

// isNamed is n.Local() == local, without cutting.
func (n *Node) isNamed(local string) bool {
	switch colon := len(n.Name) - len(local) - 1; {
	case colon == -1:
		return n.Name == local
	case colon < 0:
		return false
	default:
		return n.Name[colon] == ':' && n.Name[colon+1:] == local
	}
}

// All are the child elements with this local name. It may be called on nil.
func (n *Node) All(local string) []*Node {
	if n == nil {
		return nil
	}
	var all []*Node
	for _, c := range n.Children {
		if c.isNamed(local) {
			all = append(all, c)
		}
	}
	return all
}

// Path follows Child from name to name: Path("Encabezado", "IdDoc", "Folio").
func (n *Node) Path(locals ...string) *Node {
	for _, local := range locals {
		n = n.Child(local)
	}
	return n
}

// Namespace is the URI of the element's namespace as declared at or above it, or empty.
func (n *Node) Namespace() string {
	prefix, _, found := strings.Cut(n.Name, ":")
	declaration := "xmlns:" + prefix
	if !found {
		declaration = "xmlns"
	}
	for e := n; e != nil; e = e.Parent {
		for _, a := range e.Attrs {
			if a.Name == declaration {
				return a.Value
			}
		}
	}
	return ""
}

// Bytes are the element as written.
func (d *Doc) Bytes(n *Node) []byte { return d.Data[n.Start:n.End] }

// Text is the character data directly in n, in UTF-8 with references resolved and line ends as LF; empty for nil.
func (d *Doc) Text(n *Node) string {
	if n == nil {
		return ""
	}
	raw := d.Data[n.Inner:n.InnerEnd]
	if isPlain(raw) {
		return d.text[n.Inner:n.InnerEnd]
	}
	var b []byte
	d.content(n, func(chunk []byte, literal bool) {
		b = decode(b, chunk, d.Encoding, literal, nil)
	}, nil)
	return string(b)
}

// isPlain reports text that stands for itself.
func isPlain(raw []byte) bool {
	for _, c := range raw {
		if c == '&' || c == '<' || c == '\r' || c >= 0x80 {
			return false
		}
	}
	return true
}

// content walks what is directly in n: runs of character data (literal inside CDATA) and child elements, in order.
func (d *Doc) content(n *Node, text func(chunk []byte, literal bool), child func(*Node)) {
	pos, next := n.Inner, 0
	for pos < n.InnerEnd {
		switch {
		case next < len(n.Children) && pos == n.Children[next].Start:
			if child != nil {
				child(n.Children[next])
			}
			pos = n.Children[next].End
			next++
		case d.Data[pos] != '<':
			end := n.InnerEnd
			if i := bytes.IndexByte(d.Data[pos:n.InnerEnd], '<'); i >= 0 {
				end = pos + i
			}
			text(d.Data[pos:end], false)
			pos = end
		case bytes.HasPrefix(d.Data[pos:n.InnerEnd], []byte("<!--")):
			pos += 4 + bytes.Index(d.Data[pos+4:n.InnerEnd], []byte("-->")) + 3
		default: // <![CDATA[
			end := pos + bytes.Index(d.Data[pos:n.InnerEnd], []byte("]]>"))
			text(d.Data[pos+9:end], true)
			pos = end + 3
		}
	}
}

// decode appends raw to b as UTF-8, resolving references unless literal, and normalising line ends. escape, if given, says
// what to write instead of a character.
func decode(b, raw []byte, enc Encoding, literal bool, escape func(r rune) string) []byte {
	put := func(r rune) {
		if escape != nil {
			if s := escape(r); s != "" {
				b = append(b, s...)
				return
			}
		}
		b = utf8.AppendRune(b, r)
	}
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '&' && !literal:
			r, n, _ := reference(raw[i:])
			put(r)
			i += n
		case c == '\r':
			if i+1 >= len(raw) || raw[i+1] != '\n' {
				put('\n')
			}
			i++
		case enc != UTF8 || c < 0x80:
			put(enc.char(c))
			i++
		default:
			r, n := utf8.DecodeRune(raw[i:])
			put(r)
			i += n
		}
	}
	return b
}
