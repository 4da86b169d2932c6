package api

import (
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// What a till tells repeats itself: a day of sales has a tenth of its size when it is compressed. Both ways it is zstd, which
// costs both sides a fraction of gzip's time; what is smaller than a packet goes as it is.

// Encoding is the name of the compression in HTTP.
const Encoding = "zstd"

// worthPacking is the size from which a body is compressed.
const worthPacking = 1400

// ErrTooLarge: a body is larger than anybody of ours sends.
var ErrTooLarge = errors.New("es más grande de lo que se acepta")

// packer and unpacker are made once. The windows are small: they rest in the memory of old tills, too.
var (
	packer = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	})
	unpacker = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderMaxMemory(MaxBody), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderConcurrency(2), zstd.WithDecoderLowmem(true))
	})
)

// Pack compresses a body if that is worth the while.
func Pack(body []byte) (packed []byte, encoding string) {
	if len(body) < worthPacking {
		return body, ""
	}
	z, err := packer()
	if err != nil {
		return body, ""
	}
	return z.EncodeAll(body, make([]byte, 0, len(body)/4)), Encoding
}

// Unpack is the body again, if it has no more than MaxBody bytes.
func Unpack(packed []byte, encoding string) ([]byte, error) {
	switch encoding {
	case "", "identity":
		return packed, nil
	case Encoding:
	default:
		return nil, fmt.Errorf("compresión %.20q desconocida", encoding)
	}
	z, err := unpacker()
	if err != nil {
		return nil, err
	}
	body, err := z.DecodeAll(packed, nil)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return nil, ErrTooLarge
	case len(body) > MaxBody:
		return nil, ErrTooLarge
	}
	return body, err
}
