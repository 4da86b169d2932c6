package sii

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// Limits of a mail: one result with its signature pictures and all, forwarded a few times.
const (
	maxMail      = 32 << 20
	maxMailDepth = 6
	maxMailParts = 100
)

// resultadoTag is how a result file is known among the parts of a mail.
var resultadoTag = []byte("<RESULTADO_ENVIO")

// ResultadosIn finds the result files in what a person saved: the file itself, or the whole mail, forwarded or not, with the
// file as an attachment or in its text. They are for ReadResultadoEnvio. Without any the *Error has code "archivo" and needs
// a person.
func ResultadosIn(file []byte) ([][]byte, error) {
	trimmed := bytes.TrimPrefix(bytes.TrimSpace(file), []byte("\ufeff"))
	if bytes.HasPrefix(trimmed, []byte("<?xml")) || bytes.HasPrefix(trimmed, resultadoTag) {
		return [][]byte{file}, nil
	}
	found, err := inMail(file)
	if err == nil && len(found) == 0 {
		err = errors.New("ninguna parte trae RESULTADO_ENVIO")
	}
	if err != nil {
		return nil, &Error{
			Verdict: Person, Code: "archivo", cause: err,
			Message: "El archivo no es la respuesta del SII ni un correo que la traiga. Nada cambió; guarde el correo completo, o sólo su adjunto XML, e impórtelo.",
		}
	}
	return found, nil
}

func inMail(file []byte) ([][]byte, error) {
	if len(file) > maxMail {
		return nil, fmt.Errorf("archivo de más de %d bytes", maxMail)
	}
	m, err := mail.ReadMessage(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	var s mailSearch
	if err := s.part(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body, 0); err != nil {
		return nil, err
	}
	return s.found, nil
}

// mailSearch walks the parts of a mail.
type mailSearch struct {
	found [][]byte
	parts int
}

// part looks into one part and those within it. Names and types are not asked whether it is the file, since mail programs
// change both: its text is.
func (s *mailSearch) part(contentType, encoding string, body io.Reader, depth int) error {
	if s.parts++; s.parts > maxMailParts || depth > maxMailDepth {
		return errors.New("el correo tiene demasiadas partes")
	}
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body) // passes over line breaks
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	kind, params, err := mime.ParseMediaType(contentType)
	switch {
	case err == nil && strings.HasPrefix(kind, "multipart/"):
		return s.each(multipart.NewReader(body, params["boundary"]), depth)
	case err == nil && kind == "message/rfc822":
		m, err := mail.ReadMessage(body)
		if err != nil {
			return err
		}
		return s.part(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body, depth+1)
	}
	text, err := io.ReadAll(io.LimitReader(body, maxResultado+1))
	if bytes.Contains(text, resultadoTag) {
		if err != nil {
			return fmt.Errorf("el adjunto está cortado: %w", err)
		}
		s.found = append(s.found, resultadoIn(text))
	}
	return nil // a picture that cannot be read is none of ours
}

func (s *mailSearch) each(parts *multipart.Reader, depth int) error {
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("el correo está cortado: %w", err)
		}
		if err := s.part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p, depth+1); err != nil {
			return err
		}
	}
}

// resultadoIn cuts the file out of the words around it, which there are when it came as the text of a mail.
func resultadoIn(text []byte) []byte {
	const end = "</RESULTADO_ENVIO>"
	from := bytes.Index(text, resultadoTag)
	if declared := bytes.LastIndex(text[:from], []byte("<?xml")); declared >= 0 {
		from = declared
	}
	to := bytes.LastIndex(text, []byte(end))
	if to < from {
		return text[from:]
	}
	return text[from : to+len(end)]
}
