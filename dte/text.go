package dte

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// lookalikes are what people and other programs type that ISO-8859-1 cannot say, and how it is said. The two straight
// quotes are in Latin-1 but are written by some programs as references and digested as such, so two readings of one
// signature would exist; the acute accent is what Chilean documents use in their place.
var lookalikes = strings.NewReplacer(
	"“", "´´", "”", "´´", "„", "´´", `"`, "´´", "‘", "´", "’", "´", "‚", "´", "'", "´", "′", "´", "″", "´´",
	"–", "-", "—", "-", "‐", "-", "‑", "-", "−", "-", "…", "...", "•", "·", "€", "EUR", "™", "(TM)", "\u00a0", " ",
	"\u200b", "", "\ufeff", "", "\u00ad", "",
)

// Normalize is how free text goes into a document: composed characters, look-alikes replaced, runs of white space as one
// space, nothing at the ends. It does not make text valid: an emoji stays and is refused by Validate.
func Normalize(s string) string {
	if isNormal(s) {
		return s
	}
	return norm.NFC.String(strings.Join(strings.Fields(lookalikes.Replace(s)), " "))
}

// isNormal reports the usual case, which needs no work: characters of ISO-8859-1 without quotes (none of them composes with
// another), and single spaces between words.
func isNormal(s string) bool {
	before := ' '
	for _, r := range s {
		switch {
		case r == ' ' && before == ' ', r == '"', r == '\'', r == '\u00ad', r < ' ', r > '~' && r <= '\u00a0', r > 'ÿ':
			return false
		}
		before = r
	}
	return before != ' ' || s == ""
}

// latin1 encodes s, or names the first character that the SII does not take (ENV-3-0).
func latin1(s string) ([]byte, error) {
	if r, bad := badCharacter(s); bad {
		return nil, fmt.Errorf("el carácter «%c» no se puede usar en documentos del SII (ENV-3-0)", r)
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = append(b, byte(r)) // none is above 255
	}
	return b, nil
}

// badCharacter finds what cannot stand in a document: controls, and all that ISO-8859-1 lacks.
func badCharacter(s string) (rune, bool) {
	for _, r := range s {
		if r < ' ' || r > 0xff || (r >= 0x7f && r < 0xa0) || r == utf8.RuneError {
			return r, true
		}
	}
	return 0, false
}

// truncate keeps the first n characters.
func truncate(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// escapeText writes Latin-1 text as canonical XML does: & < > and nothing else.
func escapeText(b *bytes.Buffer, latin []byte) {
	start := 0
	for i, c := range latin {
		var entity string
		switch c {
		case '&':
			entity = "&amp;"
		case '<':
			entity = "&lt;"
		case '>':
			entity = "&gt;"
		default:
			continue
		}
		b.Write(latin[start:i])
		b.WriteString(entity)
		start = i + 1
	}
	b.Write(latin[start:])
}

// utf8Of is Latin-1 text as UTF-8: the bytes over which an XML signature is computed.
func utf8Of(latin []byte) []byte {
	extra := 0
	for _, c := range latin {
		if c >= 0x80 {
			extra++
		}
	}
	if extra == 0 {
		return latin
	}
	out := make([]byte, 0, len(latin)+extra)
	start := 0
	for i, c := range latin {
		if c >= 0x80 {
			out = utf8.AppendRune(append(out, latin[start:i]...), rune(c))
			start = i + 1
		}
	}
	return append(out, latin[start:]...)
}
