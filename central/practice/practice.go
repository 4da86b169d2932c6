// Package practice is the authority of companies in training, inside the server: the simulator on a port of this machine that
// nobody else reaches, and certificates that are worth nothing.
//
// Owns: the simulator's folder, with its key and its memory.
//
// Promises: what was authorised and received is remembered; a company that is not in training never comes here, because
// central asks it for no other.
package practice

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"mostrador/dte"
	"mostrador/dte/sii"
	"mostrador/dte/sii/siisim"
)

// Practice implements central.Practice. Safe for concurrent use.
type Practice struct {
	*siisim.Sim
	url  string
	stop func()
	// One key serves all certificates: to make one takes long, and it protects nothing.
	key  *rsa.PrivateKey
	now  func() time.Time
	rand io.Reader
}

// Open starts the authority of a folder, which is made if it is not there.
func Open(dir string, now func() time.Time, rand io.Reader) (*Practice, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	authority, err := authorityIn(filepath.Join(dir, "llave.pem"), rand)
	if err != nil {
		return nil, err
	}
	return Start(siisim.Config{
		Authority: authority, Now: now, Rand: rand, StateFile: filepath.Join(dir, "estado.jsonl"), ProcessingTime: time.Second,
	})
}

// authorityIn is the key that signs the CAFs. It is worth nothing and rests in a plain file.
func authorityIn(file string, rand io.Reader) (*dte.Authority, error) {
	pem, err := os.ReadFile(file)
	if err == nil {
		return dte.OpenAuthority(dte.IDKSimulador, pem, rand)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	a, err := dte.NewAuthority(dte.IDKSimulador, rand)
	if err != nil {
		return nil, err
	}
	return a, os.WriteFile(file, a.PEM(), 0o600)
}

// Start starts a simulator of that configuration.
func Start(c siisim.Config) (*Practice, error) {
	key, err := rsa.GenerateKey(c.Rand, 2048)
	if err != nil {
		return nil, err
	}
	sim, err := siisim.New(c)
	if err != nil {
		return nil, err
	}
	url, stop, err := sim.Start()
	if err != nil {
		return nil, errors.Join(err, sim.Close())
	}
	return &Practice{Sim: sim, url: url, stop: stop, key: key, now: c.Now, rand: c.Rand}, nil
}

// Close ends it.
func (p *Practice) Close() error {
	p.stop()
	return p.Sim.Close()
}

// Endpoints implements central.Practice.
func (p *Practice) Endpoints() sii.Endpoints { return sii.Single(p.url) }

// years is how long a certificate is valid, like those that are sold.
const years = 3

// Certificate implements central.Practice.
func (p *Practice) Certificate(rut dte.RUT, name string) (pfx []byte, password string, err error) {
	now := p.now()
	der, err := siisim.Certificate(p.rand, p.key, rut, name, now.AddDate(0, 0, -1), now.AddDate(years, 0, 0))
	if err != nil {
		return nil, "", err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, "", err
	}
	pfx, err = pkcs12.Modern.WithRand(p.rand).Encode(p.key, cert, nil, siisim.SignerPassword)
	return pfx, siisim.SignerPassword, err
}
