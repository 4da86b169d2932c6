package ui

import (
	"fmt"

	"fyne.io/fyne/v2"
)

// sizesOffered are the scales that are offered, in per cent.
var sizesOffered = []int{100, 110, 125, 150, 175, 200}

// smallest is the least room that the screens need, at 100 %.
var smallest = fyne.NewSize(1024, 768)

// needs is the room that the screens need at a scale.
func needs(percent int) fyne.Size {
	n := float32(percent) / 100
	return fyne.NewSize(smallest.Width*n, smallest.Height*n)
}

// fits reports that everything can be seen at a scale, on a window of this size.
func fits(percent int, room fyne.Size) bool {
	n := needs(percent)
	return room.Width >= n.Width && room.Height >= n.Height
}

// largest is the chosen scale, or the largest one below it that fits: what sticks out of the screen cannot be touched, and
// that may be the very button that leads back. At 100 % nothing can be done any more.
func largest(chosen int, room fyne.Size) int {
	if fits(chosen, room) {
		return chosen
	}
	best := 100
	for _, percent := range sizesOffered {
		if percent < chosen && fits(percent, room) {
			best = percent
		}
	}
	return best
}

// roomy is the window's outermost layout. It asks for no more than the smallest room, whatever the scale, so that a screen
// may make the window smaller than the chosen scale needs; then the scale gives way.
type roomy struct{ w *Window }

// Layout implements fyne.Layout.
func (r roomy) Layout(objects []fyne.CanvasObject, room fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.NewPos(0, 0))
		o.Resize(room)
	}
	if r.w.room != room {
		r.w.room = room
		r.w.after(0, r.w.refit) // not while things are being laid out
	}
}

// MinSize implements fyne.Layout.
func (r roomy) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return stack(objects...).MinSize().Min(smallest)
}

// chosenPercent is the scale that the settings ask for, within what there is.
func (w *Window) chosenPercent() int { return newLook(w.settings.Look, false).percent }

// shownLook is the look with the scale that the window has room for.
func (w *Window) shownLook() Look {
	look := w.settings.Look
	look.Percent = w.chosenPercent()
	if w.room.Width > 0 {
		look.Percent = largest(look.Percent, w.room)
	}
	return look
}

// refit follows the size of the window with the scale, and says so. What is open is not torn away: it is done when the
// cashier is back at the screens. Only the lock opens itself again.
func (w *Window) refit() {
	look := w.shownLook()
	if w.dialog != nil && !w.s.Locked || look.Percent == w.l.percent {
		w.render() // how many pages there are depends on the room
		return
	}
	w.build()
	if chosen := w.chosenPercent(); look.Percent < chosen {
		w.say(warn, tooLarge(chosen, look.Percent))
		return
	}
	w.settle(nil)
}

func tooLarge(chosen, shown int) string {
	return fmt.Sprintf("El tamaño elegido, %d %%, no cabe en esta ventana: se ve a %d %%. La venta sigue igual. Agrande la ventana, o elija otro en Ajustes, Tamaño.", chosen, shown)
}
