package sound

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/windows"
)

var playSound = windows.NewLazySystemDLL("winmm.dll").NewProc("PlaySoundW")

// The flags of PlaySound: a sound in memory, to its end, and silence rather than the system's own chime.
const sndMemory, sndNoDefault = 0x4, 0x2

// play plays to the end.
func play(pcm []int16) error {
	if err := playSound.Find(); err != nil {
		return fmt.Errorf("falta el sonido de Windows: %w", err)
	}
	wav := wavOf(pcm)
	ok, _, err := playSound.Call(uintptr(unsafe.Pointer(&wav[0])), 0, sndMemory|sndNoDefault)
	runtime.KeepAlive(wav)
	if ok == 0 {
		return fmt.Errorf("no se puede abrir el parlante (Windows: %w)", err)
	}
	return nil
}

// wavOf is the smallest file that PlaySound takes: one channel of 16 bits.
func wavOf(pcm []int16) []byte {
	var b bytes.Buffer
	put := func(parts ...any) {
		for _, part := range parts {
			_ = binary.Write(&b, binary.LittleEndian, part) // into memory
		}
	}
	size := uint32(2 * len(pcm))
	put([]byte("RIFF"), size+36, []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2*rate), uint16(2), uint16(16))
	put([]byte("data"), size, pcm)
	return b.Bytes()
}
