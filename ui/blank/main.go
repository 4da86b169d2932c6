// Command blank is the emptiest window that Fyne can show: a surface that changes its colour with every Enter. What the
// till's window costs, in time and in memory, is measured against it on the same screen.
package main

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/canvas"
)

func main() {
	w := app.NewWithID("cl.mostrador.blank").NewWindow("blank")
	surface := canvas.NewRectangle(color.White)
	w.SetPadded(false)
	w.SetContent(surface)
	w.Resize(fyne.NewSize(1280, 800))
	w.Canvas().SetOnTypedKey(func(k *fyne.KeyEvent) {
		if k.Name != fyne.KeyReturn {
			return
		}
		if surface.FillColor == color.White {
			surface.FillColor = color.Black
		} else {
			surface.FillColor = color.White
		}
		surface.Refresh()
	})
	w.ShowAndRun()
}
