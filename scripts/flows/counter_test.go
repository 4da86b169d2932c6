//go:build linux

package flows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

// counter is a till in a window of its own, with hands on its keyboard and eyes on its glass. Its shop is a fresh copy of
// the practice shop.
type counter struct {
	t    *testing.T
	flow string
	dir  string // for everything of this flow
	home string // of its shop, in dir
	size string // of the window

	till    *exec.Cmd
	ended   chan error
	log     *os.File
	window  string
	env     []string // for the till, beyond ours
	rows    []string // of the table in docs/screens
	strokes []string // since the last picture, as the table of docs/screens tells them
}

// patience is how long anything may take on a machine with much else to do.
const patience = 30 * time.Second

// until waits for something that another program does.
func (c *counter) until(what string, ok func() bool) {
	c.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); !ok(); {
		select {
		case <-limit:
			c.fail("waited in vain: %s", what)
		case err := <-c.ended:
			c.ended <- err
			c.fail("the till ended (%v) while this waited: %s", err, what)
		case <-tick.C:
		}
	}
}

// fail says what the window shows, and leaves a picture of it.
func (c *counter) fail(format string, a ...any) {
	c.t.Helper()
	if c.window != "" && c.till != nil {
		name := filepath.Join(broken, c.flow+".png")
		if err := c.shoot(name); err == nil {
			format += "\nsee " + strings.ReplaceAll(name, "%", "%%")
		}
	}
	s := c.seen()
	c.t.Fatalf(format+"\nplace %s, dialogue %v, typed %q, it says:\n%s", append(a, s.Place, s.Dialog, s.Typed, strings.Join(s.Words, "\n"))...)
}

// seen is what the window says of itself.
type seen struct {
	Place  string   `json:"lugar"`
	Dialog bool     `json:"dialogo"`
	Typed  string   `json:"escrito"`
	Size   string   `json:"medida"`
	Words  []string `json:"palabras"`
}

func (s seen) says(words string) bool {
	return slices.ContainsFunc(s.Words, func(w string) bool { return strings.Contains(w, words) })
}

func (c *counter) path(name string) string { return filepath.Join(c.dir, name) }
func (c *counter) shop() string            { return c.path(c.home) }

func (c *counter) seen() (s seen) {
	b, err := os.ReadFile(c.path("pantalla.json"))
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.t.Fatal(err)
	}
	return s
}

// see waits until the window says all of this.
func (c *counter) see(words ...string) {
	c.t.Helper()
	for _, w := range words {
		c.until(fmt.Sprintf("the window says %q", w), func() bool { return c.seen().says(w) })
	}
}

// gone waits until the window no longer says it.
func (c *counter) gone(words string) {
	c.t.Helper()
	c.until(fmt.Sprintf("the window no longer says %q", words), func() bool { return !c.seen().says(words) })
}

// at waits until the window is there, with nothing over it.
func (c *counter) at(place string) {
	c.t.Helper()
	c.until("the window is at "+place, func() bool { s := c.seen(); return s.Place == place && !s.Dialog })
}

// shows waits for words in one piece of text as they stand, and not as a part of others.
func (c *counter) shows(words string) {
	c.t.Helper()
	c.until(fmt.Sprintf("the window shows just %q", words), func() bool { return slices.Contains(c.seen().Words, words) })
}

// open starts the till of the flow's shop and waits for its window.
func (c *counter) open(flags ...string) {
	c.t.Helper()
	c.start(append([]string{"-demo", "-tono", "claro", "-dir", c.shop()}, flags...)...)
}

// start starts the till and waits for its window.
func (c *counter) start(flags ...string) {
	c.t.Helper()
	_ = os.Remove(c.path("pantalla.json"))
	var err error
	if c.log, err = os.OpenFile(c.path("till.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.till = exec.Command(program("till"), append([]string{
		"-llave", "archivo", "-screen-file", c.path("pantalla.json"), "-status-file", c.path("estado.json"),
	}, flags...)...)
	c.till.Env = append(os.Environ(), c.env...)
	c.till.Stdout, c.till.Stderr = c.log, c.log
	if err := c.till.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.ended = make(chan error, 1)
	go func(till *exec.Cmd, ended chan<- error) { ended <- till.Wait() }(c.till, c.ended)
	c.window = ""
	c.another()
}

// another waits for a window that is not the one of before, and gives it the focus.
func (c *counter) another() {
	c.t.Helper()
	before := c.window
	c.until("the window opens", func() bool {
		out, err := exec.Command("xdotool", "search", "--onlyvisible", "--pid", fmt.Sprint(c.till.Process.Pid)).Output()
		if err != nil {
			return false
		}
		all := slices.DeleteFunc(strings.Fields(string(out)), func(id string) bool { return id == before })
		if len(all) > 0 {
			c.window = all[len(all)-1]
		}
		return len(all) > 0
	})
	c.resize(c.size)
}

// resize gives the window another size: "1280x800".
func (c *counter) resize(size string) {
	c.t.Helper()
	wide, high, _ := strings.Cut(size, "x")
	asked := 0
	c.until("the window takes "+size, func() bool { // asked again until it holds: it sets its own size when it opens or gets another scale
		if asked%50 == 0 {
			c.x("windowmove", c.window, "0", "0", "windowsize", c.window, wide, high)
		}
		asked++
		return c.seen().Size == size
	})
	c.x("windowfocus", "--sync", c.window)
}

// x has xdotool do something.
func (c *counter) x(args ...string) {
	c.t.Helper()
	if out, err := exec.Command("xdotool", args...).CombinedOutput(); err != nil {
		c.fail("xdotool %q: %v %s", args, err, out)
	}
}

// shut closes the till as the desktop does, and looks through its log.
func (c *counter) shut() {
	c.t.Helper()
	ended := c.end(syscall.SIGTERM)
	b, err := os.ReadFile(c.path("till.log"))
	if err != nil {
		c.t.Fatal(err)
	}
	if ended != nil {
		c.t.Errorf("the till ended with %v", ended)
	}
	for _, bad := range []string{"Error in Fyne call thread", "panic:", "DATA RACE"} {
		if bytes.Contains(b, []byte(bad)) {
			c.t.Errorf("the till's log says %q:\n%s", bad, b)
		}
	}
}

// cutPower ends it without a word.
func (c *counter) cutPower() { _ = c.end(syscall.SIGKILL) }

// end sends a signal and waits; the error is how the till ended.
func (c *counter) end(with syscall.Signal) (ended error) {
	c.t.Helper()
	if c.till == nil {
		return nil
	}
	if err := c.till.Process.Signal(with); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.t.Error(err)
	}
	select {
	case ended = <-c.ended:
	case <-time.After(patience):
		_ = c.till.Process.Kill()
		c.t.Error("the till does not end")
	}
	c.till = nil
	c.log.Close()
	return ended
}

// keysyms are the keys by the names that a Chilean keyboard has for them.
var keysyms = map[string]string{
	"Enter": "Return", "Esc": "Escape", "Supr": "Delete", "Ins": "Insert", "Tab": "Tab", "↑": "Up", "↓": "Down", "RePág": "Prior", "AvPág": "Next",
	"+": "plus", "-": "minus", "←": "BackSpace",
}

// press strikes keys one after another.
func (c *counter) press(keys ...string) {
	c.t.Helper()
	args := []string{"key", "--delay", "30", "--"}
	for _, k := range keys {
		c.strokes = append(c.strokes, k)
		sym := k
		if s, ok := keysyms[k]; ok {
			sym = s
		}
		args = append(args, sym)
	}
	c.x(args...)
}

// scan types a code as a scanner does, and its Enter.
func (c *counter) scan(codes ...string) {
	c.t.Helper()
	for _, code := range codes {
		c.strokes = append(c.strokes, "⫴"+code)
		c.x("type", "--delay", "1", "--", code)
		c.x("key", "--", "Return")
	}
}

// scanned is a scan of something that the window then names.
func (c *counter) scanned(code, name string) {
	c.t.Helper()
	c.scan(code)
	c.see(name)
}

// write types as a finger does, each character after the one before is seen in the field.
func (c *counter) write(text string) {
	c.t.Helper()
	if text != "" {
		c.strokes = append(c.strokes, text)
	}
	for i, r := range text {
		c.x("type", "--delay", "1", "--", string(r))
		want := text[:i] + string(r)
		c.until(fmt.Sprintf("%q is typed", want), func() bool { return strings.HasSuffix(c.seen().Typed, want) })
	}
}

// secret writes what the window does not tell: it is seen by its length.
func (c *counter) secret(text string) {
	c.t.Helper()
	c.strokes = append(c.strokes, strings.Repeat("•", len(text)))
	for i, r := range text {
		c.x("type", "--delay", "1", "--", string(r))
		c.until(fmt.Sprintf("%d figures are typed", i+1), func() bool { return c.seen().Typed == strings.Repeat("•", i+1) })
	}
}

// instead writes in the place of what stands in the line.
func (c *counter) instead(text string) {
	c.t.Helper()
	if n := utf8.RuneCountInString(c.seen().Typed); n > 0 {
		c.press(slicesOf("←", n)...)
		c.until("the line is empty", func() bool { return c.seen().Typed == "" })
	}
	c.write(text)
}

// enter writes and presses Enter.
func (c *counter) enter(text string) {
	c.t.Helper()
	c.write(text)
	c.press("Enter")
}

// choose takes a row of a list by its number, and waits for what comes of it.
func (c *counter) choose(number, then string) {
	c.t.Helper()
	c.press(number)
	c.see(then)
}

// menu takes an entry of the menu.
func (c *counter) menu(entry string) {
	c.t.Helper()
	c.press("F11")
	c.see("Menú")
	c.pick(entry)
}

// pick takes a row of a list by the number before it. The rows behind the tenth have none: from below they are near.
func (c *counter) pick(entry string) {
	c.t.Helper()
	c.see(entry)
	words := c.seen().Words
	i := slices.Index(words, entry)
	if i < 1 {
		c.fail("%q is no row", entry)
	}
	if len(words[i-1]) == 1 {
		c.press(words[i-1])
		return
	}
	end := slices.Index(words, "Volver")
	c.press(append(slicesOf("↑", (end-i+1)/2), "Enter")...) // each row has its name and what it is
}

// fields fills in the lines of a form; each is left with Enter, the last one too.
func (c *counter) fields(lines ...string) {
	c.t.Helper()
	for _, line := range lines {
		c.write(line)
		c.press("Enter")
		if line != "" {
			c.until("the next line has the typing", func() bool { return c.seen().Typed != line })
		}
	}
}

// ctl asks tillctl, which needs the till to be closed.
func (c *counter) ctl(args ...string) string {
	c.t.Helper()
	words := 1
	for _, group := range []string{"tienda", "pfx", "caf", "productos", "clientes", "precios", "fiado", "terminal", "proxy", "sii", "contingencia", "personas", "correo", "servidor"} {
		if args[0] == group && len(args) > 1 && !strings.HasPrefix(args[1], "-") {
			words = 2
		}
	}
	all := append(slices.Clone(args[:words]), "-dir", c.shop(), "-llave", "archivo")
	out, err := exec.Command(program("tillctl"), append(all, args[words:]...)...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("tillctl %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// paper is what an exported document says.
type paper struct {
	tipo, total string
	xml, ticket string
}

var elements = regexp.MustCompile(`<(TipoDTE|MntTotal)>([^<]*)<`)

// books closes the till and has others look at what it left: everything tallies, every document is right by law, and these
// are all that there are, each as "39 4770".
func (c *counter) books(want ...string) []paper {
	c.t.Helper()
	c.shut()
	if out := c.ctl("audit"); !strings.Contains(out, "Todo cuadra") {
		c.t.Errorf("the audit says: %s", out)
	}
	dir := c.path("papeles")
	if len(want) == 0 {
		if out := c.ctl("docs"); strings.Count(out, "\n") != 1 {
			c.t.Errorf("there are documents, and none was expected:\n%s", out)
		}
		return nil
	}
	c.ctl("export", "-out", dir)
	files, err := filepath.Glob(filepath.Join(dir, "*.xml"))
	if err != nil {
		c.t.Fatal(err)
	}
	var papers []paper
	var got []string
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			c.t.Fatal(err)
		}
		p := paper{xml: string(b)}
		for _, m := range elements.FindAllStringSubmatch(p.xml, -1) {
			switch {
			case m[1] == "TipoDTE" && p.tipo == "":
				p.tipo = m[2]
			case m[1] == "MntTotal" && p.total == "":
				p.total = m[2]
			}
		}
		p.ticket = c.words(strings.TrimSuffix(file, ".xml") + "-ticket.pdf")
		papers, got = append(papers, p), append(got, p.tipo+" "+p.total)
	}
	sorted := slices.Sorted(slices.Values(want))
	if found := slices.Sorted(slices.Values(got)); !slices.Equal(sorted, found) {
		c.t.Errorf("the documents are %q, want %q\n%s", found, sorted, c.ctl("docs"))
	}
	c.byLaw(files)
	return papers
}

// words are those of a PDF.
func (c *counter) words(file string) string {
	out, err := exec.Command("pdftotext", "-layout", file, "-").Output()
	if err != nil {
		c.t.Errorf("pdftotext %s: %v", file, err)
	}
	return string(out)
}

// byLaw asks the independent verifier, where it is at hand.
func (c *counter) byLaw(files []string) {
	c.t.Helper()
	const verifier = "../../../shared/sii/check-dte"
	for _, need := range []string{verifier, "xmllint", "xmlsec1", "openssl", "python3"} {
		if _, err := exec.LookPath(need); err != nil {
			c.t.Logf("not checked by %s: %s is not here", verifier, need)
			return
		}
	}
	pub := c.path("sim.pem")
	if out, err := exec.Command("openssl", "rsa", "-in", filepath.Join(c.shop(), "simulador", "llave.pem"), "-pubout", "-out", pub).CombinedOutput(); err != nil {
		c.t.Fatalf("openssl: %s", out)
	}
	out, err := exec.Command(verifier, append([]string{"-q", "--caf-key", pub}, files...)...).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(" ok, 0 warn, 0 FAIL")) {
		c.t.Errorf("check-dte: %v\n%s", err, out)
	}
}

// paid fails unless a document's ticket says all of this.
func (c *counter) paid(p paper, words ...string) {
	c.t.Helper()
	for _, w := range words {
		if !strings.Contains(squeeze(p.ticket), w) {
			c.t.Errorf("the ticket does not say %q:\n%s", w, p.ticket)
		}
	}
}

// squeeze makes one blank of many, and none after the sign of the peso.
func squeeze(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "$ ", "$")
}
