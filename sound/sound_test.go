package sound

import (
	"errors"
	"math"
	"testing"
)

// A wave that stops in the middle clicks.
func TestTonesBeginAndEndSoftly(t *testing.T) {
	for tone := range waves {
		pcm := samples(tone, MaxVolume)
		first, last := math.Abs(float64(pcm[1])), math.Abs(float64(pcm[len(pcm)-1]))
		if first > math.MaxInt16/100 || last > math.MaxInt16/100 {
			t.Errorf("tone %d begins with %.0f and ends with %.0f", tone, first, last)
		}
	}
}

// A loudspeaker that plays when the test says so.
type speaker struct {
	begun chan []int16
	end   chan error
}

func (s speaker) play(pcm []int16) error {
	s.begun <- pcm
	return <-s.end
}

// Five codes a second for a minute, while a tone sounds: one follows, not three hundred.
func TestTonesDoNotQueue(t *testing.T) {
	s := speaker{make(chan []int16), make(chan error)}
	p := newPlayer(s.play)
	p.Play(Added, 50)
	<-s.begun
	for i := range 300 {
		p.Play([]Tone{Added, Waiting, Failed, Added}[i%4], 50)
	}
	s.end <- nil
	if pcm := <-s.begun; len(pcm) != len(samples(Failed, 50)) {
		t.Errorf("a failure among them is not heard: a tone of %d samples follows", len(pcm))
	}
	s.end <- nil
	p.Play(Waiting, 50)
	if pcm := <-s.begun; len(pcm) != len(samples(Waiting, 50)) {
		t.Errorf("tones queued: one of %d samples follows", len(pcm))
	}
	s.end <- nil
	p.Close()
	p.Play(Added, 50) // nobody listens any more
	p.Close()
}

func TestSilenceOpensNothing(t *testing.T) {
	p := newPlayer(func([]int16) error { panic("the loudspeaker was touched") })
	p.Play(Failed, 0)
	p.Play(Failed, -5)
	p.Close()
}

// Without sound the till says so and plays again as soon as it can.
func TestProblemIsToldAndForgotten(t *testing.T) {
	s := speaker{make(chan []int16), make(chan error)}
	p := newPlayer(s.play)
	p.Play(Added, 50)
	<-s.begun
	s.end <- errors.New("sin parlante")
	p.Play(Added, 50)
	<-s.begun // the first one is over
	if err := p.Problem(); err == nil || err.Error() != "sin parlante" {
		t.Errorf("problem: %v", err)
	}
	s.end <- nil
	p.Close()
	if err := p.Problem(); err != nil {
		t.Errorf("still a problem: %v", err)
	}
}
