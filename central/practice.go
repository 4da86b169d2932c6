package central

import (
	"mostrador/dte"
	"mostrador/dte/sii"
)

// Practice is the authority of companies in training: a simulator. Config.Training is its key.
type Practice interface {
	// Endpoints are where it answers.
	Endpoints() sii.Endpoints
	// IssueCAF authorises the next n folios of a type.
	IssueCAF(emisor dte.RUT, rznSoc string, tipo dte.TipoDTE, n int) ([]byte, error)
	// Certificate is a certificate file of that person, worth nothing, and its password.
	Certificate(rut dte.RUT, name string) (pfx []byte, password string, err error)
}

// practiceSigner signs for the companies in training.
const practiceSigner dte.RUT = 11111111

// practiceFolios are what a company in training begins with, and gets again when they run out.
const practiceFolios = 1000

// practises says whether the call's company is in training and there is somebody to practise with.
func (c *Call) practises() bool { return c.Ambiente == dte.Capacitacion && c.db.Practice != nil }

// equip gives a company in training what a real one gets from the SII and from who sells certificates, so that it can sell at
// once. It may be repeated.
func (c *Call) equip() error {
	if !c.practises() {
		return nil
	}
	if err := c.certifyPractice(); err != nil {
		return err
	}
	for _, t := range append(SaleTipos(), dte.NotaCredito, dte.NotaDebito) {
		var held bool
		if err := c.tx.QueryRow(c.ctx, "select exists (select from caf where tipo = $1 and till_id is null)", int(t)).Scan(&held); err != nil {
			return err
		}
		if held {
			continue
		}
		if err := c.practiceCAF(t, practiceFolios); err != nil {
			return err
		}
	}
	return nil
}

func (c *Call) certifyPractice() error {
	if _, err := c.signer(); !isRefusal(err, Conflict) {
		return err
	}
	pfx, password, err := c.db.Practice.Certificate(practiceSigner, "PERSONA DE PRUEBA")
	if err != nil {
		return err
	}
	_, err = c.UploadCertificate(pfx, password)
	return err
}

// practiceCAF takes in folios from the simulator. Those of a transaction that is rolled back are a gap, as at the SII.
func (c *Call) practiceCAF(t dte.TipoDTE, n int) error {
	var name string
	if err := c.tx.QueryRow(c.ctx, "select razon_social from issuer").Scan(&name); err != nil {
		return err
	}
	file, err := c.db.Practice.IssueCAF(c.RUT, clip(name, 100), t, n)
	if err != nil {
		return &RefusalError{Kind: Unprocessable, Text: err.Error()}
	}
	_, err = c.UploadCAF(file)
	return err
}

// supply has the simulator authorise more folios of a type that has run out; false if there is none, and a person must ask.
// Of sales that find none at the same time the first one asks, and the others find what it got.
func (c *Call) supply(t dte.TipoDTE, day dte.Date) (bool, error) {
	if !c.practises() {
		return false, nil
	}
	if _, err := c.tx.Exec(c.ctx, "select from issuer for update"); err != nil {
		return false, err
	}
	got, err := c.readyFolios(t, day)
	if err == nil && !got {
		err = c.practiceCAF(t, practiceFolios)
	}
	return err == nil, err
}
