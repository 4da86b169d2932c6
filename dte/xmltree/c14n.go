package xmltree

import (
	"hash"
	"slices"
	"strings"
	"unicode/utf8"
)

// Canonical is Canonical XML 1.0 without comments of the subtree at n, in UTF-8.
//
// With inContext it is n where it stands: the namespaces declared above are in scope and appear on n. Without, it is
// n cut out and standing alone, which is how the SII signs a DTE. The subtrees in omit are left out (the
// enveloped-signature transform).
func (d *Doc) Canonical(n *Node, inContext bool, omit ...*Node) []byte {
	w := canonicalWriter{doc: d, omit: omit}
	w.b = make([]byte, 0, n.End-n.Start+256)
	w.root(n, inContext)
	return w.b
}

// HashCanonical writes Canonical to h in pieces, without holding the whole.
func (d *Doc) HashCanonical(h hash.Hash, n *Node, inContext bool, omit ...*Node) {
	w := canonicalWriter{doc: d, omit: omit, h: h}
	w.b = make([]byte, 0, min(n.End-n.Start+256, 2*piece))
	w.root(n, inContext)
	h.Write(w.b)
}

const piece = 32 << 10

type canonicalWriter struct {
	doc  *Doc
	omit []*Node
	b    []byte
	h    hash.Hash // where full pieces of b go; nil keeps them all
}

func (w *canonicalWriter) root(n *Node, inContext bool) {
	var above []Attr
	if inContext {
		above = namespacesAbove(n)
	}
	w.element(n, above, nil)
}

// element writes n. inScope are the namespaces declared above n that count; rendered those already written above it.
func (w *canonicalWriter) element(n *Node, inScope, rendered []Attr) {
	if slices.Contains(w.omit, n) {
		return
	}
	inScope = declaredAt(n, inScope)
	fresh := notRendered(inScope, rendered)
	w.b = append(append(w.b, '<'), n.Name...)
	for _, ns := range fresh {
		w.attr(ns)
	}
	for _, a := range ordinaryAttrs(n, inScope) {
		w.attr(a)
	}
	w.b = append(w.b, '>')
	if len(fresh) > 0 {
		rendered = inScope
	}
	if inner := w.doc.Data[n.Inner:n.InnerEnd]; len(n.Children) == 0 && isPlain(inner) {
		w.text(inner, false)
	} else {
		w.doc.content(n, w.text, func(c *Node) { w.element(c, inScope, rendered) })
	}
	w.b = append(append(append(w.b, "</"...), n.Name...), '>')
	if w.h != nil && len(w.b) >= piece {
		w.h.Write(w.b)
		w.b = w.b[:0]
	}
}

func (w *canonicalWriter) attr(a Attr) {
	w.b = append(append(append(w.b, ' '), a.Name...), `="`...)
	for _, r := range a.Value {
		if s := escapeInAttr(r); s != "" {
			w.b = append(w.b, s...)
		} else {
			w.b = utf8.AppendRune(w.b, r)
		}
	}
	w.b = append(w.b, '"')
}

func (w *canonicalWriter) text(chunk []byte, literal bool) {
	if !literal && isPlain(chunk) && !slices.Contains(chunk, '>') {
		w.b = append(w.b, chunk...)
		return
	}
	w.b = decode(w.b, chunk, w.doc.Encoding, literal, escapeInText)
}

func escapeInText(r rune) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '\r':
		return "&#xD;"
	}
	return ""
}

func escapeInAttr(r rune) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '"':
		return "&quot;"
	case '\t':
		return "&#x9;"
	case '\n':
		return "&#xA;"
	case '\r':
		return "&#xD;"
	}
	return ""
}

func isNamespace(a Attr) bool { return a.Name == "xmlns" || strings.HasPrefix(a.Name, "xmlns:") }

// namespacesAbove are the declarations in scope at n that stand on its ancestors.
func namespacesAbove(n *Node) []Attr {
	var path []*Node
	for e := n.Parent; e != nil; e = e.Parent {
		path = append(path, e)
	}
	slices.Reverse(path)
	var scope []Attr
	for _, e := range path {
		scope = declaredAt(e, scope)
	}
	return scope
}

// declaredAt is scope with n's own declarations, sorted by name: xmlns first, then by prefix. The list above is never
// changed.
func declaredAt(n *Node, scope []Attr) []Attr {
	owned := false
	for _, a := range n.Attrs {
		if !isNamespace(a) {
			continue
		}
		if !owned {
			scope, owned = slices.Clone(scope), true
		}
		if i := indexByName(scope, a.Name); i >= 0 {
			scope[i] = a
		} else {
			scope = append(scope, a)
		}
	}
	if owned {
		slices.SortFunc(scope, func(a, b Attr) int { return strings.Compare(a.Name, b.Name) })
	}
	return scope
}

// notRendered are the declarations that differ from those written above. An empty default namespace is written only to
// undo another one.
func notRendered(scope, rendered []Attr) []Attr {
	var fresh []Attr
	for _, a := range scope {
		i := indexByName(rendered, a.Name)
		switch {
		case i >= 0 && rendered[i].Value == a.Value:
		case i < 0 && a.Name == "xmlns" && a.Value == "":
		default:
			fresh = append(fresh, a)
		}
	}
	return fresh
}

// ordinaryAttrs are n's attributes but the declarations, ordered by namespace URI and then by local name.
func ordinaryAttrs(n *Node, scope []Attr) []Attr {
	var attrs []Attr
	for _, a := range n.Attrs {
		if !isNamespace(a) {
			attrs = append(attrs, a)
		}
	}
	if len(attrs) < 2 {
		return attrs
	}
	key := func(a Attr) (uri, local string) {
		prefix, local, found := strings.Cut(a.Name, ":")
		if !found {
			return "", a.Name
		}
		if i := indexByName(scope, "xmlns:"+prefix); i >= 0 {
			uri = scope[i].Value
		}
		return uri, local
	}
	slices.SortFunc(attrs, func(a, b Attr) int {
		uriA, localA := key(a)
		uriB, localB := key(b)
		if c := strings.Compare(uriA, uriB); c != 0 {
			return c
		}
		return strings.Compare(localA, localB)
	})
	return attrs
}

func indexByName(attrs []Attr, name string) int {
	return slices.IndexFunc(attrs, func(a Attr) bool { return a.Name == name })
}
