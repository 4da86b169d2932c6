package sound

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// heard plays a tone through ALSA, whose default device writes to a file, and returns what came out.
func heard(t *testing.T, tone Tone, volume int) []int16 {
	t.Helper()
	dir := t.TempDir()
	out, config := filepath.Join(dir, "out.raw"), filepath.Join(dir, "asound.conf")
	text := fmt.Sprintf("pcm.!default {\n type file\n slave.pcm \"silence\"\n file %q\n format \"raw\"\n}\npcm.silence { type null }\n", out)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALSA_CONFIG_PATH", config)
	if _, err := loadALSA(); err != nil {
		t.Skipf("ALSA is missing here: %v", err)
	}
	p := NewPlayer()
	p.Play(tone, volume)
	p.Close()
	if err := p.Problem(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, len(raw)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	return pcm
}

// measure tells a sound's loudest sample, how long it can be heard, and its pitch, by how often the wave rises through
// zero between the first and the last time.
func measure(pcm []int16) (peak int, length time.Duration, hertz float64) {
	for _, v := range pcm {
		peak = max(peak, int(math.Abs(float64(v))))
	}
	first, last := -1, -1
	for i, v := range pcm {
		if math.Abs(float64(v)) > 0.02*float64(peak) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	rises, from, to := 0, -1, -1
	for i := 1; i < len(pcm); i++ {
		if pcm[i-1] < 0 && pcm[i] >= 0 {
			if from < 0 {
				from = i
			} else {
				rises++
			}
			to = i
		}
	}
	return peak, time.Duration(last-first) * time.Second / rate, float64(rises) * rate / float64(to-from)
}

func TestEveryToneIsReallyPlayed(t *testing.T) {
	for _, c := range []struct {
		name   string
		tone   Tone
		hertz  float64
		length time.Duration
	}{
		{"added: short and high", Added, 1760, 80 * time.Millisecond},
		{"failed: long and low", Failed, 330, 450 * time.Millisecond},
		{"waiting: soft", Waiting, 880, 120 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			peak, length, hertz := measure(heard(t, c.tone, MaxVolume))
			if math.Abs(hertz-c.hertz) > c.hertz/100 {
				t.Errorf("it sounds at %.1f Hz, want %.0f", hertz, c.hertz)
			}
			if d := length - c.length; d < -5*time.Millisecond || d > 5*time.Millisecond {
				t.Errorf("it sounds for %v, want %v", length, c.length)
			}
			if soft := peak < math.MaxInt16/2; soft != (c.tone == Waiting) {
				t.Errorf("its loudest sample is %d", peak)
			}
		})
	}
}

func TestVolume(t *testing.T) {
	loud, _, _ := measure(heard(t, Added, 100))
	half, _, _ := measure(heard(t, Added, 50))
	if ratio := float64(loud) / float64(half); ratio < 3.9 || ratio > 4.1 {
		t.Errorf("100 %% is %d, 50 %% is %d", loud, half)
	}
	if n := len(samples(Added, 1000)); n != frames(80*time.Millisecond) || samples(Added, 1000)[200] != samples(Added, 100)[200] {
		t.Error("there is something louder than the loudest")
	}
}

// A computer without a sound card: the real ALSA, with nothing behind it.
func TestNoSoundCard(t *testing.T) {
	config := filepath.Join(t.TempDir(), "asound.conf")
	if err := os.WriteFile(config, []byte("pcm.!default { type hw card 31 }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALSA_CONFIG_PATH", config)
	if _, err := loadALSA(); err != nil {
		t.Skipf("ALSA is missing here: %v", err)
	}
	p := NewPlayer()
	p.Play(Added, 50)
	p.Close()
	if err := p.Problem(); err == nil {
		t.Error("there is no sound card, and no problem")
	}
}
