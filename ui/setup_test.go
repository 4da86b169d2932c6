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
	if one, two := s.explanation("Una línea."), s.explanation(s.welcome().words); one.lines != 1 || two.lines != 2 {
		t.Errorf("what explains takes %d and %d lines", one.lines, two.lines)
	}
	for _, line := range s.page.lines {
		frame := line.frame.Size()
		if inside := line.entry.Size(); inside != frame || frame.Height < 56 {
			t.Errorf("%s: %v in a frame of %v", line.label, inside, frame)
		}
	}
}
