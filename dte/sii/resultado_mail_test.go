package sii_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/quotedprintable"
	"strings"
	"testing"

	"mostrador/dte/sii"
)

// mailed is a mail with these parts.
func mailed(parts ...string) string {
	return "From: siidte@sii.cl\r\nSubject: =?ISO-8859-1?Q?Resultado_de_Revisi=F3n?=\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=\"xyz\"\r\n\r\n--xyz\r\n" + strings.Join(parts, "\r\n--xyz\r\n") + "\r\n--xyz--\r\n"
}

func attachment(kind, encoding, body string) string {
	return fmt.Sprintf("Content-Type: %s\r\nContent-Transfer-Encoding: %s\r\nContent-Disposition: attachment; filename=x\r\n\r\n%s", kind, encoding, body)
}

func inBase64(s string) string {
	text := base64.StdEncoding.EncodeToString([]byte(s))
	var b strings.Builder
	for len(text) > 76 {
		b.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	return b.String() + text
}

func inQuoted(s string) string {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

// The file is found in whatever a person saved, byte for byte but for the line ends.
func TestResultadosInAMail(t *testing.T) {
	file := resultado("EPR", statistics(subtotal(33, 2, 1, 0, 1))+revisions(revised(33, 2, "RCH - DTE Rechazado", "(CAF-3-517) CAF Vencido a\xf1o")))
	other := strings.Replace(file, "251552460", "251552461", 1)
	words := attachment("text/plain; charset=utf-8", "8bit", "Estimado contribuyente: adjuntamos el resultado.")
	inMail := mailed(words, attachment("text/xml", "base64", inBase64(file)))
	for name, c := range map[string]struct {
		saved string
		want  []string
	}{
		"the file":             {file, []string{file}},
		"the file after a BOM": {"\ufeff" + file, []string{"\ufeff" + file}},
		"base64":               {inMail, []string{file}},
		"quoted-printable":     {mailed(words, attachment("application/octet-stream", "Quoted-Printable", inQuoted(file))), []string{file}},
		"plain":                {mailed(attachment("text/xml; charset=ISO-8859-1", "8bit", file)), []string{file}},
		"no type at all":       {mailed("\r\n" + file), []string{file}},
		"as its text":          {"From: a@b\r\nSubject: x\r\n\r\nEstimado: \r\n" + file + "\r\nSaludos", []string{file}},
		"forwarded":            {mailed(words, attachment("message/rfc822", "7bit", inMail)), nil},
		"two in one":           {mailed(attachment("text/xml", "base64", inBase64(file)), attachment("text/xml", "base64", inBase64(other))), []string{file, other}},
	} {
		if c.want == nil { // the boundary within must be another
			c.saved, c.want = strings.Replace(c.saved, inMail, strings.ReplaceAll(inMail, "xyz", "abc"), 1), []string{file}
		}
		got, err := sii.ResultadosIn([]byte(c.saved))
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %d files, %v", name, len(got), err)
			continue
		}
		for i := range got {
			if strings.ReplaceAll(string(got[i]), "\r\n", "\n") != c.want[i] { // a mail has its own line ends
				t.Errorf("%s: got %q", name, got[i])
			}
			if _, err := sii.ReadResultadoEnvio(got[i]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestMailsWithoutAResultado(t *testing.T) {
	file := resultado("EPR", statistics(subtotal(33, 1, 0, 0, 1)))
	deep := "Content-Type: text/xml\r\n\r\n" + file
	for i := range 10 {
		deep = fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n%s\r\n--b%d--\r\n", i, i, deep, i)
	}
	for name, saved := range map[string]string{
		"nothing": "", "words": "Estimado contribuyente", "a binary": "\x00\x01\x02", "another mail": mailed(attachment("text/plain", "7bit", "hola")),
		"too deep": "From: a@b\r\n" + deep + "\r\n", "too many parts": mailed(append(strings.Split(strings.Repeat("\r\nx|", 200), "|"), "\r\n"+file)...),
		"cut in the attachment": mailed(attachment("text/xml", "base64", inBase64(file)))[:600],
		"base64 that is none":   mailed(attachment("text/xml", "base64", "****"+file)),
		"too large":             "From: a@b\r\n\r\n" + strings.Repeat("x", 33<<20),
	} {
		_, err := sii.ResultadosIn([]byte(saved))
		if e := wantError(t, err, sii.Person); e.Code != "archivo" {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func FuzzResultadosIn(f *testing.F) {
	file := resultado("EPR", statistics(subtotal(33, 1, 0, 0, 1)))
	f.Add([]byte(file))
	f.Add([]byte(mailed(attachment("text/xml", "base64", inBase64(file)))))
	f.Add([]byte(mailed(attachment("message/rfc822", "7bit", strings.ReplaceAll(mailed("\r\n"+file), "xyz", "abc")))))
	f.Fuzz(func(t *testing.T, saved []byte) {
		found, err := sii.ResultadosIn(saved)
		if (err == nil) != (len(found) > 0) {
			t.Fatalf("%d files, %v", len(found), err)
		}
		for _, file := range found {
			_, _ = sii.ReadResultadoEnvio(file)
		}
	})
}
