package xmltree

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var wide = Limits{Bytes: 1 << 20, Nodes: 50_000, Depth: 64}

func mustParse(t testing.TB, s string) *Doc {
	t.Helper()
	d, err := Parse([]byte(s), UTF8, wide)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return d
}

func TestReads(t *testing.T) {
	d := mustParse(t, "<?xml version='1.0' encoding=\"ISO-8859-1\"?>\n<!-- hola --><a:R xmlns:a=\"urn:x\" ID='1'>\n<b>\xd1and\xfa &amp; C\xeda</b><b/><c>x<!-- no -->y<![CDATA[<&]]></c></a:R>\n")
	if d.Root.Local() != "R" || d.Root.Namespace() != "urn:x" || d.Root.Attr("ID") != "1" {
		t.Errorf("root: %+v", d.Root)
	}
	if got := d.Text(d.Root.Child("b")); got != "Ñandú & Cía" {
		t.Errorf("text %q", got)
	}
	if got := d.Text(d.Root.Path("c")); got != "xy<&" {
		t.Errorf("comments do not cut a text and CDATA is text: %q", got)
	}
	if n := len(d.Root.All("b")); n != 2 {
		t.Errorf("%d b", n)
	}
	if got := string(d.Bytes(d.Root.Children[1])); got != "<b/>" {
		t.Errorf("bytes %q", got)
	}
	if d.Root.Path("x", "y", "z") != nil || d.Text(nil) != "" {
		t.Error("a path that does not exist is nil, and its text empty")
	}
}

func TestRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"empty":                   "",
		"not XML":                 "hola",
		"JSON":                    `{"a":1}`,
		"doctype":                 `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`,
		"unknown entity":          `<a>&x;</a>`,
		"bare ampersand":          `<a>a & b</a>`,
		"null reference":          `<a>&#0;</a>`,
		"surrogate reference":     `<a>&#xD800;</a>`,
		"beyond Unicode":          `<a>&#x110000;</a>`,
		"signed reference":        `<a>&#+65;</a>`,
		"duplicate attribute":     `<a x="1" x="2"/>`,
		"attributes not spaced":   `<a x="1"y="2"/>`,
		"unquoted":                `<a x=1/>`,
		"< in attribute":          `<a x="<"/>`,
		"open":                    `<a><b></b>`,
		"crossed":                 `<a><b></a></b>`,
		"two roots":               `<a/><b/>`,
		"text after":              `<a/>x`,
		"text before":             `x<a/>`,
		"instruction":             `<a><?php ?></a>`,
		"instruction before":      `<?x ?><a/>`,
		"stylesheet":              `<?xml-stylesheet href="x"?><a/>`,
		"declaration inside":      `<a><!ELEMENT b></a>`,
		"control character":       "<a>\x01</a>",
		"control in CDATA":        "<a><![CDATA[\x00]]></a>",
		"]]> in text":             `<a>]]></a>`,
		"open comment":            `<a><!-- </a>`,
		"-- in comment":           `<a><!-- a -- b --></a>`,
		"xml:lang":                `<a xml:lang="es"/>`,
		"two colons":              `<a:b:c/>`,
		"name begins with digit":  `<1a/>`,
		"bad UTF-8":               "<a>\xff</a>",
		"UTF-16 declared":         `<?xml version="1.0" encoding="UTF-16"?><a/>`,
		"endless declaration":     "<?xml " + strings.Repeat(" ", 300) + "?><a/>",
		"too deep":                strings.Repeat("<a>", 65) + strings.Repeat("</a>", 65),
		"too many attributes":     "<a " + strings.Repeat("x", 1) + manyAttrs(40) + "/>",
		"space before close name": "<a></ a>",
	} {
		if d, err := Parse([]byte(s), UTF8, wide); err == nil {
			t.Errorf("%s was accepted: %q → %s", name, s, d.Root.Name)
		} else if e := new(Error); !errors.As(err, &e) {
			t.Errorf("%s: %T", name, err)
		}
	}
}

func manyAttrs(n int) string {
	var b strings.Builder
	b.WriteString(`="1"`)
	for i := range n {
		b.WriteString(" a" + strings.Repeat("b", i) + `="1"`)
	}
	return b.String()
}

// Ten megabytes of empty elements end at the limit of elements, not of memory.
func TestBounds(t *testing.T) {
	many := []byte("<r>" + strings.Repeat("<a/>", 2_500_000) + "</r>")
	limits := Limits{Bytes: len(many), Nodes: 1000, Depth: 64}
	allocs := testing.AllocsPerRun(1, func() {
		if _, err := Parse(many, UTF8, limits); err == nil {
			t.Error("2.5 million elements were accepted")
		}
	})
	if allocs > 10_000 {
		t.Errorf("%v allocations before refusing", allocs)
	}
	if _, err := Parse(many, UTF8, wide); err == nil || !strings.Contains(err.Error(), "máximo") {
		t.Errorf("10 MB: %v", err)
	}
}

func TestCanonical(t *testing.T) {
	for _, c := range []struct{ name, in, path, want string }{
		{"empty element", `<a><b/></a>`, "", `<a><b></b></a>`},
		{"attribute order", `<a c="1" b="2" xmlns:y="urn:a" y:z="3" xmlns:x="urn:b" x:a="4"/>`, "", `<a xmlns:x="urn:b" xmlns:y="urn:a" b="2" c="1" y:z="3" x:a="4"></a>`},
		{"quotes", `<a b='say "x"'/>`, "", `<a b="say &quot;x&quot;"></a>`},
		{"references", `<a>&apos;&quot;&#65;&#xD;&gt;</a>`, "", `<a>'"A&#xD;&gt;</a>`},
		{"line ends", "<a>\r\nx\ry</a>", "", "<a>\nx\ny</a>"},
		{"CDATA", `<a><![CDATA[<b>&]]></a>`, "", `<a>&lt;b&gt;&amp;</a>`},
		{"comments", `<a>x<!-- y -->z</a>`, "", `<a>xz</a>`},
		{"a comment that begins with >", `<a>1<!-->00-->2</a>`, "", `<a>12</a>`},
		{"a comment that begins with ->", `<a>1<!--->00-->2</a>`, "", `<a>12</a>`},
		{"attribute spaces", "<a b='1\n2\t3&#10;'/>", "", `<a b="1 2 3&#xA;"></a>`},
		{"namespaces once", `<a xmlns="urn:a"><b xmlns="urn:a"><c xmlns="urn:c"/></b></a>`, "", `<a xmlns="urn:a"><b><c xmlns="urn:c"></c></b></a>`},
		{"undeclared default", `<a xmlns="urn:a"><b xmlns=""><c xmlns="urn:a"/></b></a>`, "", `<a xmlns="urn:a"><b xmlns=""><c xmlns="urn:a"></c></b></a>`},
		{"empty default above nothing", `<a xmlns=""><b/></a>`, "", `<a><b></b></a>`},
		{"inherited, used or not", `<a xmlns="urn:a" xmlns:x="urn:x"><b i="1"><c/></b></a>`, "b", `<b xmlns="urn:a" xmlns:x="urn:x" i="1"><c></c></b>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := mustParse(t, c.in)
			n := d.Root
			if c.path != "" {
				n = n.Child(c.path)
			}
			if got := string(d.Canonical(n, true)); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
	d := mustParse(t, `<a xmlns="urn:a"><b>1</b><c/></a>`)
	if got := string(d.Canonical(d.Root.Child("b"), false)); got != "<b>1</b>" {
		t.Errorf("cut out: %s", got)
	}
	if got := string(d.Canonical(d.Root, true, d.Root.Child("c"))); got != `<a xmlns="urn:a"><b>1</b></a>` {
		t.Errorf("without c: %s", got)
	}
}

// xmllint is the independent judge of the canonical form.
func TestHashCanonicalIsTheHashOfCanonical(t *testing.T) {
	for _, n := range []int{0, 1, 5_000} {
		d := mustParse(t, `<a xmlns="urn:a"><s x="1">`+strings.Repeat("<b>ñ &amp; 1</b>", n)+`</s><f/></a>`)
		h := sha256.New()
		d.HashCanonical(h, d.Root, true, d.Root.Child("f"))
		if want := sha256.Sum256(d.Canonical(d.Root, true, d.Root.Child("f"))); !bytes.Equal(h.Sum(nil), want[:]) {
			t.Errorf("with %d elements the hash is another", n)
		}
	}
}

func TestCanonicalAgreesWithXmllint(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skip("xmllint is not installed (Debian package libxml2-utils)")
	}
	samples := []string{
		`<a xmlns:b="urn:b" b:z="1" a="2"><b:c xmlns:b="urn:c" b:d="1" e="&lt;&#9;"/>&#xD;<d xmlns="urn:d"><e xmlns=""/></d></a>`,
		"<a x='1'  y = \"2\" >\r\n<b   ></b  ><![CDATA[ ]] > ]]>&apos;</a>",
	}
	files, _ := filepath.Glob("../../../shared/sii/generado/sobres/*.xml")
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, string(data))
	}
	for _, s := range samples {
		d, err := Parse([]byte(s), UTF8, Limits{1 << 22, 100_000, 64})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("xmllint", "--c14n", "-")
		cmd.Stdin = strings.NewReader(s)
		want, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Canonical(d.Root, true); !bytes.Equal(got, want) {
			t.Errorf("differs from xmllint:\n got %.300s\nwant %.300s", got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`<a b="1"><c/>&amp;x</a>`, "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a>\xd1</a>", `<a><![CDATA[x]]></a>`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data, Latin1, Limits{1 << 16, 1000, 32})
		if err != nil {
			return
		}
		once := d.Canonical(d.Root, true)
		again, err := Parse(once, UTF8, Limits{1 << 20, 1000, 32})
		if err != nil {
			t.Fatalf("the canonical form of %q does not parse: %q: %v", data, once, err)
		}
		if twice := again.Canonical(again.Root, true); !bytes.Equal(once, twice) {
			t.Errorf("canonical is not a fixed point:\n%q\n%q", once, twice)
		}
	})
}
