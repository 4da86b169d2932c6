//go:build linux

package flows

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// picture takes one of the window once it stands still, and notes which keys led there.
func (c *counter) picture(name, words string) {
	c.t.Helper()
	if pictures == "" {
		return
	}
	file := c.flow + "-" + name + ".png"
	if name == "" {
		file = c.flow + ".png"
	}
	if err := c.shoot(filepath.Join(pictures, file)); err != nil {
		c.fail("no picture: %v", err)
	}
	keys := strings.NewReplacer("|", "\\|", "*", "\\*").Replace(strings.Join(c.strokes, " "))
	keys = ofThisRun.ReplaceAllString(keys, "")
	c.rows = append(c.rows, fmt.Sprintf("| %s | %s | [%s](%s) |", words, keys, strings.TrimSuffix(file, ".png"), file))
	c.strokes = nil
}

// ofThisRun are the folders that a run makes for itself: the next one has others.
var ofThisRun = regexp.MustCompile(regexp.QuoteMeta(os.TempDir()) + `/(\S+/)?`)

// shoot waits until the window stands still: what is drawn in software is seen a little after it is said.
func (c *counter) shoot(file string) error {
	var last []byte
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	for range 100 {
		<-tick.C
		now := c.look()
		if now == nil {
			return errors.New("the window cannot be seen")
		}
		if bytes.Equal(now, last) {
			return reduced(now, file)
		}
		last = now
	}
	return fmt.Errorf("the window does not stand still")
}

// look is the window as it is drawn now; nothing if it cannot be seen.
func (c *counter) look() []byte {
	now, err := exec.Command("import", "-window", c.window, "ppm:-").Output()
	if err != nil {
		return nil
	}
	return now
}

// reduced writes a picture with few colours: a window has no more, but for the edges of its letters.
func reduced(ppm []byte, file string) error {
	cmd := exec.Command("convert", "ppm:-", "-strip", "+dither", "-colors", "128", "-define", "png:compression-level=9",
		"-define", "png:compression-filter=0", "-define", "png:compression-strategy=0", "png8:"+file)
	cmd.Stdin = bytes.NewReader(ppm)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// album are the rows of the flows that were done to their end, by their names.
var album = map[string][]string{}

func (c *counter) keep() { album[c.flow] = c.rows }

const preface = `# Pantallas

Cada flujo de la caja, hecho sólo con el teclado en una ventana de verdad (` + "`make flows`" + `), sobre la tienda de práctica. ⫴ es el
lector de códigos, ← borra, • es una clave, y lo demás son teclas o lo que se escribe. Sólo el teclado en pantalla se toca (☞). Al final
de cada flujo, ` + "`tillctl audit`" + `, los documentos exportados y un verificador independiente dicen si quedó bien; donde algo sale de la
caja, también lo que salió: el papel, el PDF, el correo, lo que el SII recibió.
`

const heading = `
## %s

| Qué | Teclas, desde la imagen anterior | Imagen |
|---|---|---|
`

// table writes the list of flows, keys and pictures. Flows that were not done this time keep their rows. A picture that no
// flow makes is an error.
func table() error {
	if pictures == "" {
		return nil
	}
	name := filepath.Join(pictures, "README.md")
	before, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var b strings.Builder
	b.WriteString(preface)
	for _, ch := range chapters {
		fmt.Fprintf(&b, heading, ch.title)
		for _, f := range ch.flows {
			rows, done := album[f.name]
			if !done {
				rows = rowsOf(f.name, string(before))
			}
			for _, row := range rows {
				fmt.Fprintln(&b, row)
			}
		}
	}
	return errors.Join(os.WriteFile(name, []byte(b.String()), 0o644), strays(b.String()))
}

// strays are pictures that the table does not show.
func strays(table string) (found error) {
	files, err := filepath.Glob(filepath.Join(pictures, "*.png"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if name := filepath.Base(file); !strings.Contains(table, "]("+name+")") {
			found = errors.Join(found, fmt.Errorf("no flow makes %s", name))
		}
	}
	return found
}

// rowsOf are a flow's rows in an older table: its pictures are named after it.
func rowsOf(flow, old string) (rows []string) {
	ours := regexp.MustCompile(`\]\(` + regexp.QuoteMeta(flow) + `(-[a-z0-9-]+)?\.png\) \|$`)
	for row := range strings.Lines(old) {
		if row = strings.TrimSpace(row); ours.MatchString(row) {
			rows = append(rows, row)
		}
	}
	return rows
}
