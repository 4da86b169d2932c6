package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mostrador/dte"
)

// list is a flag that may be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, ", ") }

// Set adds one value.
func (l *list) Set(s string) error {
	*l = append(*l, s)
	return nil
}

// keyFiles are the files with which documents are stamped and signed outside a till.
type keyFiles struct {
	caf        list
	pfx, clave string
}

func addKeyFlags(flags *flag.FlagSet) *keyFiles {
	k := &keyFiles{}
	flags.Var(&k.caf, "caf", "archivo de folios (CAF), o carpeta con varios; puede repetirse")
	flags.StringVar(&k.pfx, "pfx", "", "certificado de quien firma")
	flags.StringVar(&k.clave, "clave-file", "", "archivo con la clave del certificado; si no, MOSTRADOR_PFX_CLAVE o se pregunta")
	return k
}

// signer opens the certificate.
func (k *keyFiles) signer(e *env) (*dte.Signer, error) {
	if k.pfx == "" {
		return nil, errors.New("falta -pfx con el certificado de quien firma")
	}
	pfx, err := readFile(k.pfx, maxSmall)
	if err != nil {
		return nil, err
	}
	secret, err := e.secret(k.clave, "MOSTRADOR_PFX_CLAVE", "Clave del certificado")
	if err != nil {
		return nil, err
	}
	return dte.OpenPFX(pfx, secret)
}

// cafs reads the files of folios. One that says to be the SII's must be.
func (k *keyFiles) cafs() ([]*dte.CAF, error) {
	if len(k.caf) == 0 {
		return nil, errors.New("falta -caf con el archivo de folios")
	}
	var cafs []*dte.CAF
	for _, name := range k.caf {
		files, err := filesIn(name)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			caf, err := readCAF(f)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f, err)
			}
			cafs = append(cafs, caf)
		}
	}
	return cafs, nil
}

func readCAF(name string) (*dte.CAF, error) {
	b, err := readFile(name, maxSmall)
	if err != nil {
		return nil, err
	}
	caf, err := dte.ParseCAF(b)
	if err != nil {
		return nil, err
	}
	if caf.Ambiente() == dte.Capacitacion {
		return caf, nil // of a simulator: worth nothing, whoever signed it
	}
	return caf, caf.Verify(dte.SII())
}

// filesIn is the file itself, or the XML files of a folder.
func filesIn(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("no se pudo leer %s: %w", name, err)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	return filepath.Glob(filepath.Join(name, "*.xml"))
}

// cafFor finds the folios of a type that hold one of them.
func cafFor(cafs []*dte.CAF, tipo dte.TipoDTE, folio dte.Folio) (*dte.CAF, error) {
	i := slices.IndexFunc(cafs, func(c *dte.CAF) bool { return c.Tipo == tipo && c.Desde <= folio && folio <= c.Hasta })
	if i < 0 {
		return nil, fmt.Errorf("ningún CAF de los dados trae el folio %d de %s", folio, tipo)
	}
	return cafs[i], nil
}
