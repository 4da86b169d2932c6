package sound

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/ebitengine/purego"
)

// ALSA is loaded when the first tone is played and not linked, so that a till starts on a computer that has none.
type alsa struct {
	open      func(pcm *uintptr, name string, stream, mode int32) int32
	setParams func(pcm uintptr, format, access int32, channels, rate uint32, resample int32, latency uint32) int32
	write     func(pcm uintptr, samples *int16, frames uintptr) int
	recover   func(pcm uintptr, err, silent int32) int32
	drain     func(pcm uintptr) int32
	close     func(pcm uintptr) int32
	words     func(err int32) string
	onError   func(handler uintptr) int32
}

// The constants of ALSA's pcm.h.
const (
	playback    = 0
	littleS16   = 2
	interleaved = 3
	// latency is the room of the sound card, in microseconds: enough for the pauses of a busy computer.
	latency = 100_000
)

var loadALSA = sync.OnceValues(func() (*alsa, error) {
	lib, err := purego.Dlopen("libasound.so.2", purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("falta la biblioteca de sonido ALSA (libasound2): %w", err)
	}
	a := &alsa{}
	for name, f := range map[string]any{
		"snd_pcm_open": &a.open, "snd_pcm_set_params": &a.setParams, "snd_pcm_writei": &a.write, "snd_pcm_recover": &a.recover,
		"snd_pcm_drain": &a.drain, "snd_pcm_close": &a.close, "snd_strerror": &a.words, "snd_lib_error_set_handler": &a.onError,
	} {
		purego.RegisterLibFunc(f, lib, name)
	}
	// ALSA writes its complaints to the terminal, at every tone; what matters of them is returned to us.
	a.onError(purego.NewCallback(func() {}))
	return a, nil
})

// play plays to the end. The device is opened for each tone: a till shares its loudspeaker.
func play(pcm []int16) error {
	a, err := loadALSA()
	if err != nil {
		return err
	}
	var device uintptr
	if e := a.open(&device, "default", playback, 0); e < 0 {
		return a.problem("no se puede abrir el parlante", e)
	}
	defer a.close(device)
	if e := a.setParams(device, littleS16, interleaved, 1, rate, 1, latency); e < 0 {
		return a.problem("el parlante no acepta el sonido de la caja", e)
	}
	for len(pcm) > 0 {
		n := a.write(device, &pcm[0], uintptr(len(pcm)))
		if n < 0 {
			if e := a.recover(device, int32(n), 1); e < 0 {
				return a.problem("el parlante se detuvo", e)
			}
			continue
		}
		pcm = pcm[n:]
	}
	runtime.KeepAlive(pcm)
	a.drain(device)
	return nil
}

func (a *alsa) problem(what string, code int32) error {
	return fmt.Errorf("%s (ALSA: %s)", what, a.words(code))
}
