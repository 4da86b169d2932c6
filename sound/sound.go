// Package sound plays the till's tones: one for a product that was added, one for a code that was not, one for a code that
// waits. Who scans looks at the goods and not at the screen.
//
// Owns: the tones, made from sine waves, and the way to the loudspeaker (ALSA on Linux, the multimedia service of
// Windows), which is looked for while the program runs: where there is none, nothing but the sound is missing.
//
// Invariants: Play never waits; of the tones that come while one sounds a single one follows, and it is a failure if there
// was a failure among them.
//
// Imports nothing of ours.
package sound

import (
	"math"
	"sync"
	"time"
)

// Tone is one of the till's tones. The later ones of this list matter more.
type Tone int

// The tones.
const (
	Waiting Tone = iota // soft: a code waits until a dialogue is closed
	Added               // short and high
	Failed              // long and low
)

// wave is how a tone sounds. The pitches are those that the small loudspeaker of a till can still play, and far enough
// from one another for ears that hear little of the high ones.
type wave struct {
	period time.Duration // of one swing
	length time.Duration
	level  int64 // per cent of the loudest that there is
}

var waves = map[Tone]wave{
	Waiting: {time.Second / 880, 120 * time.Millisecond, 35},
	Added:   {time.Second / 1760, 80 * time.Millisecond, 80},
	Failed:  {time.Second / 330, 450 * time.Millisecond, 90},
}

// rate is samples in a second: what every sound card plays without converting.
const rate = 48000

// Tones swell and fade, or their ends would be heard as clicks.
const swell, fade = 4 * time.Millisecond, 16 * time.Millisecond

// MaxVolume is the loudest.
const MaxVolume = 100

// samples is a tone as the sound card takes it. Ears hear in ratios, so that half of the volume is a quarter of the
// height of the wave.
func samples(t Tone, volume int) []int16 {
	w, loud := waves[t], int64(min(max(volume, 0), MaxVolume))
	pcm := make([]int16, frames(w.length))
	for i := range pcm {
		at := time.Duration(i) * time.Second / rate
		envelope := min(at.Seconds()/swell.Seconds(), (w.length-at).Seconds()/fade.Seconds(), 1)
		swing := math.Sin(2*math.Pi*at.Seconds()/w.period.Seconds()) * envelope
		pcm[i] = int16(int64(swing*math.MaxInt16) * w.level * loud * loud / (100 * MaxVolume * MaxVolume))
	}
	return pcm
}

func frames(d time.Duration) int { return int(d * rate / time.Second) }

// Player plays tones, on a goroutine of its own. Any number of goroutines may use it.
type Player struct {
	out     func(pcm []int16) error // plays to the end
	wake    chan struct{}
	stopped chan struct{}

	mu      sync.Mutex
	next    *order // what follows the tone that sounds
	problem error
	closed  bool
}

type order struct {
	tone   Tone
	volume int
}

// NewPlayer is a player on this computer's loudspeaker. It is not looked for before the first tone.
func NewPlayer() *Player { return newPlayer(play) }

func newPlayer(out func([]int16) error) *Player {
	p := &Player{out: out, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	go p.loop()
	return p
}

// Play plays a tone, from silence (0) to MaxVolume. It does not wait; while another tone sounds, only the one that
// matters most follows.
func (p *Player) Play(t Tone, volume int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || volume <= 0 || p.next != nil && p.next.tone > t {
		return
	}
	p.next = &order{t, volume}
	select {
	case p.wake <- struct{}{}:
	default: // it was called already
	}
}

// Problem is why the last tone was not heard; nil if it was.
func (p *Player) Problem() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.problem
}

// Close ends the player once the tone that sounds and the one after it are over.
func (p *Player) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.wake)
	}
	p.mu.Unlock()
	<-p.stopped
}

func (p *Player) loop() {
	defer close(p.stopped)
	for range p.wake {
		if o, ok := p.take(); ok {
			p.note(p.out(samples(o.tone, o.volume)))
		}
	}
}

func (p *Player) take() (order, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		return order{}, false
	}
	o := *p.next
	p.next = nil
	return o, true
}

func (p *Player) note(problem error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problem = problem
}
