//go:build linux

// Command typist is a scanner without hands: it reads codes, one per line, and types them into whatever window has the
// focus, through the XTEST extension, at an exact pace. Each code ends with Enter.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/ebitengine/purego"
)

const keyReturn = 0xff0d // keysymdef.h

// keyboard is the display's, as XTEST plays it.
type keyboard struct {
	display uintptr
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
	k := &keyboard{}
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
	flag.Parse()
	k, err := openKeyboard()
	if err != nil {
		fmt.Fprintln(os.Stderr, "typist:", err)
		os.Exit(1)
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
		k.stroke(keyReturn)
	}
}
