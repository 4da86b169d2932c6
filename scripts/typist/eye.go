//go:build linux

package main

import (
	"fmt"
	"hash/maphash"
	"image"
	"os"
	"slices"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"
)

// glance is how often the eye looks. What it tells is late by two glances at most, and never early.
const glance = 500 * time.Microsecond

// patience is how long a code may take to be seen.
const patience = 5 * time.Second

const mostMissed = 5

// eye looks at a part of the screen, as it is after the X server has drawn it, and knows nothing of the till.
type eye struct {
	display, root uintptr
	at            image.Rectangle
	seed          maphash.Seed
	picture       func(display, drawable uintptr, x, y int32, width, height uint32, planes uintptr, format int32) *ximage
	forget        func(*ximage) int32
	took          []time.Duration
	missed        int
}

// ximage is the beginning of Xlib's XImage.
type ximage struct {
	_            int32
	height       int32
	_            [2]int32
	data         *byte
	_            [5]int32
	bytesPerLine int32
}

const (
	allPlanes = ^uintptr(0)
	zPixmap   = 2
)

func openEye(display, x11 uintptr, at image.Rectangle) *eye {
	e := &eye{display: display, at: at, seed: maphash.MakeSeed()}
	var root func(display uintptr) uintptr
	purego.RegisterLibFunc(&root, x11, "XDefaultRootWindow")
	purego.RegisterLibFunc(&e.picture, x11, "XGetImage")
	purego.RegisterLibFunc(&e.forget, x11, "XDestroyImage")
	e.root = root(display)
	return e
}

// look is a number that changes with the picture.
func (e *eye) look() uint64 {
	size := e.at.Size()
	i := e.picture(e.display, e.root, int32(e.at.Min.X), int32(e.at.Min.Y), uint32(size.X), uint32(size.Y), allPlanes, zPixmap)
	if i == nil {
		return 0
	}
	defer e.forget(i)
	return maphash.Bytes(e.seed, unsafe.Slice(i.data, int(i.bytesPerLine*i.height)))
}

// time does press and measures until the picture is another one.
func (e *eye) time(press func()) {
	clock := time.NewTicker(glance)
	defer clock.Stop()
	before := e.look()
	start := next(clock)
	press()
	for {
		changed := e.look() != before
		now := next(clock)
		switch {
		case changed:
			e.took = append(e.took, now.Sub(start))
			return
		case now.Sub(start) > patience:
			if e.missed++; e.missed == mostMissed {
				fmt.Fprintln(os.Stderr, "typist: the eye looks in the wrong place, or nothing moves")
				os.Exit(1)
			}
			return
		}
	}
}

// next is a tick that was sent after the call: one of before may lie ready.
func next(clock *time.Ticker) time.Time {
	select {
	case <-clock.C:
	default:
	}
	return <-clock.C
}

// report says how long it took, and how many were never seen.
func (e *eye) report() string {
	if len(e.took) == 0 {
		return fmt.Sprintf("nothing seen, %d missed", e.missed)
	}
	slices.Sort(e.took)
	part := func(percent int) time.Duration {
		return e.took[(len(e.took)-1)*percent/100].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("%d seen, %d missed; p50 %v p95 %v p99 %v max %v", len(e.took), e.missed, part(50), part(95), part(99), part(100))
}
