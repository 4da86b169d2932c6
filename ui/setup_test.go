package ui

import (
	"testing"

	"fyne.io/fyne/v2/test"

	"mostrador/sale"
)

// A line of the assistant fills its frame, so that what Fyne draws around the one with the typing lies on the frame and not
// inside of it; the window has the colours that were asked for.
func TestTheAssistantsLinesFillTheirFrames(t *testing.T) {
	s := NewSetup(test.NewTempApp(t), SetupDeps{Comunas: sale.NewNames(nil), Tone: Contraste})
	if s.l.tone != Contraste {
		t.Errorf("it is drawn in %s", s.l.tone)
	}
	s.show(s.company())
	for _, line := range s.page.lines {
		frame := line.frame.Size()
		if inside := line.entry.Size(); inside != frame || frame.Height < 56 {
			t.Errorf("%s: %v in a frame of %v", line.label, inside, frame)
		}
	}
}
