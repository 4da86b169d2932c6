package terminal

import "strings"

// A card number has 12 to 19 digits.
const (
	shortestPAN = 12
	shownDigits = 4
)

// Redact hides whatever could be a card number in a text, but for its last four digits: a run of 12 or more digits, also
// with single spaces, dots or dashes between them, or with some of them already starred. A run that is exactly keep, the
// acquirer's number of the shop, stays.
func Redact(text, keep string) string {
	out := []byte(text)
	for i := 0; i < len(out); {
		end, figures := run(out, i)
		if len(figures) >= shortestPAN && string(out[i:end]) != keep {
			for _, f := range figures[:len(figures)-shownDigits] {
				out[f] = '*'
			}
		}
		i = max(end, i+1)
	}
	return string(out)
}

// run returns the end of the run of figures that begins at i, and where its figures are; none if none begins there.
func run(b []byte, i int) (end int, figures []int) {
	end = i
	for i < len(b) {
		switch {
		case isFigure(b[i]):
			figures = append(figures, i)
			end = i + 1
		case len(figures) == 0 || end != i || !strings.ContainsRune(" .-", rune(b[i])):
			return end, figures
		}
		i++
	}
	return end, figures
}

// isFigure: a digit, or what stands for a hidden one.
func isFigure(c byte) bool { return isDigit(c) || c == '*' || c == 'x' || c == 'X' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// LooksLikeCard reports a text that holds what could be a whole card number: 13 to 19 digits, or 12 that end in the
// check digit of one. What a person types is refused with this; a machine's message is redacted.
func LooksLikeCard(text string) bool {
	for i := 0; i < len(text); {
		end, figures := run([]byte(text), i)
		digits := make([]byte, 0, len(figures))
		for _, f := range figures {
			if isDigit(text[f]) {
				digits = append(digits, text[f])
			}
		}
		if len(digits) > shortestPAN || len(digits) == shortestPAN && luhn(digits) {
			return true
		}
		i = max(end, i+1)
	}
	return false
}

// luhn is the check of ISO/IEC 7812.
func luhn(digits []byte) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}
