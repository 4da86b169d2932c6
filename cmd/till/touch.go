package main

import "github.com/go-gl/glfw/v3.4/glfw"

// clicksWithTheirMoves has a tap count where the finger is. A touch screen tells a tap as a move and a click at once, and Fyne
// (2.8) takes the moves of a turn up after its clicks: each would fall on what was touched before, so that a tap on another key
// is lost, and a quick one strikes the key before. Here every click waits until do comes to it, which is after the moves.
//
// It is called while the window is painted, for only then is it the current one.
func clicksWithTheirMoves(do func(f func())) {
	window := glfw.GetCurrentContext()
	if window == nil {
		return
	}
	var click glfw.MouseButtonCallback
	click = window.SetMouseButtonCallback(func(w *glfw.Window, button glfw.MouseButton, action glfw.Action, mods glfw.ModifierKey) {
		do(func() { click(w, button, action, mods) })
	})
}
