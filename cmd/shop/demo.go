package shop

import (
	"crypto/rand"
	"encoding/hex"
	"errors"

	"mostrador/assets"
	"mostrador/dte"
	"mostrador/dte/sii/siisim"
)

// demoFolios is how many folios of each type a practice shop begins with.
var demoFolios = map[dte.TipoDTE]int{
	dte.Boleta: 2000, dte.BoletaExenta: 200, dte.Factura: 200, dte.FacturaExenta: 50, dte.NotaCredito: 100, dte.NotaDebito: 50,
	dte.GuiaDespacho: 50,
}

// CreateDemo makes the practice shop: fictitious company, fictitious certificate, folios of its own simulator. Nothing in
// it is worth anything, so its passphrase is drawn and forgotten.
func CreateDemo(o Options) error {
	info, err := assets.DemoShop()
	if err != nil {
		return err
	}
	var phrase [16]byte
	if _, err := rand.Read(phrase[:]); err != nil {
		return err
	}
	return o.whole(func(o Options) error {
		if err := create(o, info, hex.EncodeToString(phrase[:])); err != nil {
			return err
		}
		s, err := Open(o)
		if err != nil {
			return err
		}
		return errors.Join(s.furnish(), s.Close())
	})
}

func (s *Shop) furnish() error {
	pfx, _, err := siisim.NewSigner(rand.Reader, 11111111, "PERSONA DE PRUEBA", s.opt.Now())
	if err != nil {
		return err
	}
	if _, err := s.ImportPFX(pfx, siisim.SignerPassword); err != nil {
		return err
	}
	products, err := assets.DemoProducts()
	if err != nil {
		return err
	}
	if err := s.Store.ReplaceProducts(products); err != nil {
		return err
	}
	sim, _, stop, err := StartSimulator(s.opt)
	if err != nil {
		return err
	}
	defer stop()
	for _, tipo := range append(dte.TiposMostrador(), dte.GuiaDespacho) {
		file, err := sim.IssueCAF(s.Info.Emisor.RUT, s.Info.Emisor.RznSoc, tipo, demoFolios[tipo])
		if err != nil {
			return err
		}
		if _, err := s.ImportCAF(file); err != nil {
			return err
		}
	}
	return nil
}

// StartSimulator runs the practice authority of a folder on this machine, for a program that plays both sides.
func StartSimulator(o Options) (sim *siisim.Sim, url string, stop func(), err error) {
	authority, err := o.authority()
	if err != nil {
		return nil, "", nil, err
	}
	if sim, err = o.simulator(authority); err != nil {
		return nil, "", nil, err
	}
	url, end, err := sim.Start()
	if err != nil {
		return nil, "", nil, errors.Join(err, sim.Close())
	}
	return sim, url, func() { end(); _ = sim.Close() }, nil
}
