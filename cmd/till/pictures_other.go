//go:build !linux

package main

// keepPicturesShort does nothing where a program cannot start in its own place.
func keepPicturesShort() {}
