package sii

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"mostrador/dte"
)

// UploadAEC registers a cession: it sends the exact bytes of an AEC to the SII's register of transfers (RTC), with the
// session of ChannelDTE. cedente is the company that cedes; the SII writes its verdict to the address mail, and no
// service tells it. name is only a label.
//
// After an *Error with MaybeReceived look for the cession in the register before calling it again, and then with the
// same bytes only: a second cession of the same credit would be refused.
func (c *Client) UploadAEC(ctx context.Context, cedente dte.RUT, mail, name string, aec []byte) (Receipt, error) {
	if err := c.ready(ChannelDTE); err != nil {
		return Receipt{}, err
	}
	if cedente == 0 || len(aec) == 0 || !strings.Contains(mail, "@") || strings.ContainsAny(mail, " \r\n") {
		return Receipt{}, person("dato", "Falta la empresa que cede, el contenido de la cesión o un correo para la respuesta del SII.")
	}
	contentType, body := cesionForm(cedente, mail, name, aec)
	r := request{
		method: http.MethodPost, url: c.at.DTE + "/cgi_rtc/RTC/RTCAnotEnvio.cgi", accept: "*/*",
		contentType: contentType, body: body, upload: true,
	}
	var receipt Receipt
	err := c.withToken(ctx, ChannelDTE, func(token string) error {
		r.token = token
		answer, err := c.send(ctx, r)
		if err != nil {
			return err
		}
		receipt, err = readRecepcionAEC(answer.body)
		return err
	})
	if err != nil {
		return Receipt{}, err
	}
	return receipt, nil
}

// cesionForm is the multipart form of the register: equal files give equal requests.
func cesionForm(cedente dte.RUT, mail, name string, aec []byte) (contentType string, body []byte) {
	sum := sha256.Sum256(aec) // a boundary that cannot occur inside
	boundary := "----sii" + hex.EncodeToString(sum[:12])
	name = notInName.ReplaceAllString(strings.TrimSuffix(name, ".xml"), "_")
	if name = name[:min(len(name), 60)]; name == "" {
		name = "cesion"
	}
	var b bytes.Buffer
	for _, field := range [][2]string{
		{"emailNotif", mail}, {"rutCompany", cedente.Number()}, {"dvCompany", string(cedente.DV())},
	} {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", boundary, field[0], field[1])
	}
	fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"archivo\"; filename=\"%s.xml\"\r\nContent-Type: text/xml\r\n\r\n", boundary, name)
	b.Write(aec)
	fmt.Fprintf(&b, "\r\n--%s--\r\n", boundary)
	return "multipart/form-data; boundary=" + boundary, b.Bytes()
}

// readRecepcionAEC reads what the register answers. Its STATUS 0, 1, 2, 5 and 6 mean what they do in DTEUpload; 4 is a
// form that lacks something, 9 and 10 are errors of the SII's own, after which the file may have been taken.
func readRecepcionAEC(body []byte) (Receipt, error) {
	fields, err := ReadFields(body)
	if err != nil {
		return Receipt{}, unreadable(true, err)
	}
	status, detail := fields.Get("STATUS"), strings.Join(fields.All("ERROR"), "; ")
	switch strings.TrimLeft(status, "0") {
	case "":
		track := fields.Get("TRACKID")
		if status == "" || !isTrackID(track) {
			return Receipt{}, unreadable(true, errors.New("RECEPCIONAEC sin STATUS o sin TRACKID"))
		}
		return Receipt{TrackID: track}, nil
	case "4":
		return Receipt{}, person(status, "El SII dice que al envío de la cesión le faltan datos. Nada se registró; avise a soporte.")
	case "9", "10":
		e := later(status, "El SII tuvo un error interno al recibir la cesión. Antes de repetirla, búsquela en el registro de sii.cl.")
		e.MaybeReceived = true
		return Receipt{}, e
	}
	return Receipt{}, uploadStatus(strings.TrimLeft(status, "0"), detail)
}
