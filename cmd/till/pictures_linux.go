package main

import (
	"os"
	"syscall"
)

// Fyne keeps the picture of every text for a minute after it was last drawn, which is 55 MiB while a scanner works five times a
// second. It takes another time only from the environment, and only before main: so the program starts once more in its own
// place, with the same process number. Where that fails, pictures stay a minute.
const picturesFor = "FYNE_CACHE"

func keepPicturesShort() {
	if _, chosen := os.LookupEnv(picturesFor); chosen {
		return
	}
	self, err := os.Executable()
	if err != nil {
		return
	}
	_ = syscall.Exec(self, os.Args, append(os.Environ(), picturesFor+"=5s")) // it only comes back when it failed
}
