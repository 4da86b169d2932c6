package posintegrado

// The control bytes. A frame is STX, text, ETX and the exclusive or of all bytes from behind STX up to ETX.
const (
	stx = 0x02
	etx = 0x03
	ack = 0x06
	nak = 0x15
)

// longest is more than any message needs: the longest carries a voucher of two copies, some 2,000 characters.
const longest = 8192

// frame wraps a command.
func frame(text string) []byte {
	b := append(make([]byte, 0, len(text)+3), stx)
	b = append(append(b, text...), etx)
	return append(b, check(b[1:]))
}

func check(b []byte) byte {
	var lrc byte
	for _, c := range b {
		lrc ^= c
	}
	return lrc
}

// event is what the line said.
type event struct {
	kind eventKind
	text []byte // of gotFrame
}

type eventKind int

const (
	gotACK eventKind = iota + 1
	gotNAK
	gotFrame
	gotDamaged // a frame whose check byte is wrong, or that stopped halfway
)

// decoder finds the events in a stream of bytes. What lies between them is noise and is skipped.
type decoder struct {
	text []byte
	at   position
}

type position int

const (
	outside position = iota
	inText
	atCheck
)

// inside reports that a frame has begun and not ended.
func (d *decoder) inside() bool { return d.at != outside }

func (d *decoder) reset() { d.at, d.text = outside, nil }

// feed takes the next byte and reports whether it ends an event. Behind ETX every value is a check byte; before it STX
// begins anew, for no text holds one.
func (d *decoder) feed(c byte) (event, bool) {
	switch {
	case d.at == atCheck:
		text := d.text
		d.reset()
		if c != check(text)^etx {
			return event{kind: gotDamaged}, true
		}
		return event{kind: gotFrame, text: text}, true
	case c == stx:
		d.at, d.text = inText, nil
	case d.at == inText && c == etx:
		d.at = atCheck
	case d.at == inText && len(d.text) == longest:
		d.reset()
		return event{kind: gotDamaged}, true
	case d.at == inText:
		d.text = append(d.text, c)
	case c == ack:
		return event{kind: gotACK}, true
	case c == nak:
		return event{kind: gotNAK}, true
	}
	return event{}, false
}
