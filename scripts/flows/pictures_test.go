//go:build linux

package flows

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// shot is a picture with the keys that lead to it.
type shot struct {
	flow, file, keys, words string
}

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
	album = append(album, shot{c.flow, file, strings.Join(c.strokes, " "), words})
	c.strokes = nil
}

// shoot waits until the window stands still: what is drawn in software is seen a little after it is said.
func (c *counter) shoot(file string) error {
	var last []byte
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	for range 100 {
		<-tick.C
		now, err := exec.Command("import", "-window", c.window, "ppm:-").Output()
		if err != nil {
			return err
		}
		if bytes.Equal(now, last) {
			return reduced(now, file)
		}
		last = now
	}
	return fmt.Errorf("the window does not stand still")
}

// reduced writes a picture with few colours: a window has no more.
func reduced(ppm []byte, file string) error {
	cmd := exec.Command("convert", "ppm:-", "-strip", "+dither", "-colors", "48", "-define", "png:compression-level=9",
		"-define", "png:compression-filter=0", "-define", "png:compression-strategy=0", "png8:"+file)
	cmd.Stdin = bytes.NewReader(ppm)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// album is all that was taken, in the order of the table.
var album []shot

// table writes the list of flows, keys and pictures.
func table() error {
	var b strings.Builder
	b.WriteString("# Pantallas\n\n" +
		"Cada flujo de la caja, hecho sólo con el teclado en una ventana de verdad (`make flows`), sobre la tienda de práctica. " +
		"⫴ es el lector de códigos; lo demás son teclas o lo que se escribe. Al final de cada flujo, `tillctl audit`, los documentos " +
		"exportados y un verificador independiente dicen si quedó bien.\n\n" +
		"| Flujo | Teclas | Imagen |\n|---|---|---|\n")
	for _, s := range album {
		keys := strings.NewReplacer("|", "\\|", "*", "\\*").Replace(s.keys)
		fmt.Fprintf(&b, "| %s | %s | [%s](%s) |\n", s.words, keys, strings.TrimSuffix(s.file, ".png"), s.file)
	}
	return os.WriteFile(filepath.Join(pictures, "README.md"), []byte(b.String()), 0o644)
}
