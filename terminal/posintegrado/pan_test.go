package posintegrado

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The numbers are of no bank. Each stands once in every field of every answer, and whole or in groups.
var pans = []string{
	"4539578763621486", "4539 5787 6362 1486", "4539-5787-6362-1486", "453957876362148", "6767700000059", "676770000005",
	"3000000000000000000", ";4539578763621486=25121010000000000000?", "  4539578763621486   ", "453957******1486",
}

// TestNoCardNumberLeavesTheParser puts card numbers everywhere and looks for them in everything that a message, a result
// or a refusal can be turned into.
func TestNoCardNumberLeavesTheParser(t *testing.T) {
	for _, function := range []string{fnSold, fnLastSold, fnRefunded, fnClosed, fnTotal, fnProgress, "0261", "9999"} {
		for field := range fieldVoucher + 4 {
			without := allOf(t, answerWith(function, field, ""))
			for _, pan := range pans {
				if field == fieldCommerce && len(pan) == commerceLen {
					continue // the shop's own number has the length of the shortest card
				}
				if leak := leaked(allOf(t, answerWith(function, field, pan)), without, pan); leak != "" {
					t.Errorf("%s, field %d: %q came out as %q", function, field, pan, leak)
				}
			}
		}
	}
}

// answerWith is an answer with one field replaced.
func answerWith(function string, field int, value string) []byte {
	fields := strings.Split(function+"|00|597000000123|SIM00001|ABC123|875395|1000|00|0|3331|000140|DB|000000||DB|03032026|093106|||"+
		strings.Repeat("VOUCHER ", 6)+"|||", "|")
	fields[field] = value
	return []byte(strings.Join(fields, "|"))
}

// allOf is everything that a message can be turned into.
func allOf(t *testing.T, text []byte) string {
	m := parse(text)
	r := m.sold(time.UTC)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%+v %q %+v %s %s %s", m, m.fields, r, b, m.code(), m.commerce())
}

// leaked finds five digits in a row of a card number other than its last four, which are not there without it; with
// spaces between them they count too.
func leaked(out, without, pan string) string {
	bare := strings.NewReplacer(" ", "", "-", "").Replace
	number := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.Split(pan, "=")[0])
	for i := 0; i+9 <= len(number); i++ {
		if part := number[i : i+5]; strings.Contains(bare(out), part) && !strings.Contains(bare(without), part) {
			return part
		}
	}
	return ""
}

// A card number that is broken at the end of a line of the voucher is still one.
func TestVoucherIsRedactedBeforeItIsCut(t *testing.T) {
	text := strings.Repeat(" ", 32) + "4539578763621486" + strings.Repeat(" ", 32)
	m := parse([]byte(fnSold + "|00|597000000123|SIM00001|ABC123|875395|1000|00|0|3331|000140|DB|000000||DB|03032026|093106|||" + text + "|"))
	lines := m.sold(time.UTC).Voucher
	if len(lines) != 2 || strings.TrimSpace(lines[0]) != "********" || lines[1] != "****1486" {
		t.Errorf("%q", lines)
	}
}
