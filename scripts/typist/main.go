//go:build linux

// Command typist is a scanner without hands: it reads codes, one per line, and types them into whatever window has the
// focus, through the XTEST extension, at an exact pace. Each code ends with Enter. With -eye it also looks at a part of the
// screen, and says how long it took from each Enter until that part changed.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"image"
	"os"
	"time"

	"github.com/ebitengine/purego"
)

const keyReturn = 0xff0d // keysymdef.h

// keyboard is the display's, as XTEST plays it.
type keyboard struct {
	display uintptr
	x11     uintptr
	keycode func(display uintptr, keysym uintptr) uint8
	fake    func(display uintptr, keycode uint32, press int32, delay uintptr) int32
	flush   func(display uintptr) int32
}

func openKeyboard() (*keyboard, error) {
	x11, err := purego.Dlopen("libX11.so.6", purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, err
	}
	xtest, err := purego.Dlopen("libXtst.so.6", purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, err
	}
	k := &keyboard{x11: x11}
	var open func(name *byte) uintptr
	purego.RegisterLibFunc(&open, x11, "XOpenDisplay")
	purego.RegisterLibFunc(&k.keycode, x11, "XKeysymToKeycode")
	purego.RegisterLibFunc(&k.flush, x11, "XFlush")
	purego.RegisterLibFunc(&k.fake, xtest, "XTestFakeKeyEvent")
	if k.display = open(nil); k.display == 0 {
		return nil, fmt.Errorf("no display %q", os.Getenv("DISPLAY"))
	}
	return k, nil
}

func (k *keyboard) stroke(keysym uintptr) {
	code := uint32(k.keycode(k.display, keysym))
	k.fake(k.display, code, 1, 0)
	k.fake(k.display, code, 0, 0)
	k.flush(k.display)
}

func main() {
	pace := flag.Duration("pace", time.Millisecond, "from one character to the next")
	every := flag.Duration("every", 200*time.Millisecond, "from one code to the next")
	var at image.Rectangle
	flag.Func("eye", "x,y,width,height: the part of the screen that each code changes", func(s string) (err error) {
		at, err = parseRectangle(s)
		return err
	})
	flag.Parse()
	k, err := openKeyboard()
	if err != nil {
		fmt.Fprintln(os.Stderr, "typist:", err)
		os.Exit(1)
	}
	enter, report := func() { k.stroke(keyReturn) }, func() {}
	if !at.Empty() {
		e := openEye(k.display, k.x11, at)
		enter = func() { e.time(func() { k.stroke(keyReturn) }) }
		report = func() { fmt.Println(e.report()) }
	}
	codes, character := time.NewTicker(*every), time.NewTicker(*pace)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		<-codes.C
		for _, r := range in.Text() {
			<-character.C
			k.stroke(uintptr(r))
		}
		<-character.C
		enter()
	}
	report()
}

func parseRectangle(s string) (image.Rectangle, error) {
	var x, y, width, height int
	if _, err := fmt.Sscanf(s, "%d,%d,%d,%d", &x, &y, &width, &height); err != nil {
		return image.Rectangle{}, fmt.Errorf("%q is not x,y,width,height", s)
	}
	return image.Rect(x, y, x+width, y+height), nil
}
