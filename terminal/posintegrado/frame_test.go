package posintegrado

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"mostrador/terminal"
)

// The frames that Transbank's reference spells out in bytes. (Its examples for the close and for the last
// sale with a voucher have wrong check bytes.)
func TestFramesOfTheReference(t *testing.T) {
	for text, want := range map[string]string{
		"0200|123|": "02303230307c3132337c0331",
		"0250|":     "02303235307c0378",
		"1200|10|":  "02313230307c31307c0301",
		"0700||":    "02303730307c7c0304",
		"0800":      "0230383030030b",
		"0100":      "02303130300302",
		"0300":      "02303330300300",
	} {
		if got := hex.EncodeToString(frame(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func events(b []byte) (found []event) {
	var d decoder
	for _, c := range b {
		if e, ok := d.feed(c); ok {
			found = append(found, e)
		}
	}
	return found
}

func TestDecoder(t *testing.T) {
	good := string(frame("0210|00|"))
	bad := good[:len(good)-1] + "\x7e"
	for _, c := range []struct {
		name, in string
		want     []eventKind
	}{
		{"nothing", "", nil},
		{"ACK and NAK", "\x06\x15", []eventKind{gotACK, gotNAK}},
		{"noise", "\x00\xff~hola\x03", nil},
		{"a frame", good, []eventKind{gotFrame}},
		{"a frame behind an ACK", "\x06" + good + "\x15", []eventKind{gotACK, gotFrame, gotNAK}},
		{"a wrong check byte", bad + good, []eventKind{gotDamaged, gotFrame}},
		{"half a frame, then a whole one", "\x020210|00" + good, []eventKind{gotFrame}},
		{"control bytes in a text are text", string(frame("02\x06\x1510")), []eventKind{gotFrame}},
		{"a check byte that is an ACK", string(frame("\x05")), []eventKind{gotFrame}},
		{"a check byte that is STX", string(frame("\x01")), []eventKind{gotFrame}},
		{"too long", "\x02" + strings.Repeat("0", longest+1) + good, []eventKind{gotDamaged, gotFrame}},
		{"as long as can be", string(frame(strings.Repeat("0", longest))), []eventKind{gotFrame}},
	} {
		var kinds []eventKind
		for _, e := range events([]byte(c.in)) {
			kinds = append(kinds, e.kind)
		}
		if len(kinds) != len(c.want) {
			t.Errorf("%s: %v, want %v", c.name, kinds, c.want)
			continue
		}
		for i := range kinds {
			if kinds[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", c.name, kinds, c.want)
			}
		}
	}
}

// Answers as terminals give them, in both shapes of the fields that differ between versions.
func TestMessages(t *testing.T) {
	m := parse([]byte("0260|00|597000000123|IT000001|ABC123|875395|1000|03|0|3331|000140|DB|000000|  ********331      |DB|03032026|093106||||"))
	r := m.sold(time.UTC)
	want := terminal.Result{
		State: terminal.Approved, Amount: 1000, Ticket: "ABC123", Authorization: "875395", Operation: "000140",
		Card: terminal.Debit, Brand: "DB", Last4: "3331", Cuotas: 3, TerminalID: "IT000001", At: time.Date(2026, 3, 3, 9, 31, 6, 0, time.UTC),
	}
	if r.Mark() != want.Mark() || !r.At.Equal(want.At) || r.Card != want.Card || r.Brand != want.Brand || r.Last4 != want.Last4 ||
		r.Cuotas != want.Cuotas || r.Voucher != nil {
		t.Errorf("%+v, want %+v", r, want)
	}
	for _, function := range []string{fnSold, fnLastSold} {
		if account := parse(answerWith(function, fieldAccount, "12345678")).text(fieldAccount); account != "" {
			t.Errorf("%s: the account is kept: %q", function, account)
		}
	}
	for _, text := range []string{
		"0210|00|597000000123|IT000001|ABC123|875395||00", // no amount
		"0210|00|597000000123|IT000001|ABC123|875395|10x0|00",
		"0210|00|597000000123|IT000001|ABC123|875395|12345678901|00",
		"0210|07|597000000123|IT000001|ABC123||80000||||||||||||||",
		"0210", "0210|", "", "|||||||",
	} {
		if r := parse([]byte(text)).sold(time.UTC); r.State != terminal.Unknown {
			t.Errorf("%q: %+v", text, r)
		}
	}
	odd := parse([]byte("0210|0|597000000123|IT000001|ABCDEFG|87 5395|1000|xx||33310|1234567|ZZ|||V!|32132026|996106|"))
	if r := odd.sold(time.UTC); r.State != terminal.Approved || r.Ticket != "" || r.Authorization != "" || r.Last4 != "" || r.Operation != "" ||
		r.Card != "" || r.Brand != "" || !r.At.IsZero() || r.Cuotas != 0 {
		t.Errorf("what does not fit was kept: %+v", r)
	}
}

// FuzzDecoder: whatever comes, no panic; a frame that was sent is found again behind any noise that is not half a frame;
// and no text with a card number in it keeps one.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte("\x06\x020210|00|597000000123|SIM00001|ABC123|875395|1000|00|0|1486|000140|CR||4539578763621486|VI|03032026|093106||0||\x03\x00"))
	f.Add([]byte("\x15\x15\x02\x03\x03"))
	f.Add(frame("0900|78|"))
	f.Fuzz(func(t *testing.T, noise []byte) {
		for _, e := range events(noise) {
			m := parse(e.text)
			m.code()
			r := m.sold(time.UTC)
			for _, s := range append(r.Voucher, r.Ticket, r.Operation, r.Authorization, r.Brand, r.TerminalID, r.Last4) {
				if s != m.commerce() && terminal.LooksLikeCard(strings.ReplaceAll(s, m.commerce(), "")) {
					t.Errorf("a card number came out: %q", s)
				}
			}
		}
		clean := bytes.ReplaceAll(noise, []byte{stx}, nil)
		text := "0210|00|"
		found := events(append(clean, frame(text)...))
		if len(found) == 0 || found[len(found)-1].kind != gotFrame || string(found[len(found)-1].text) != text {
			t.Errorf("the frame behind %q was lost", clean)
		}
	})
}
