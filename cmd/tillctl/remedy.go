package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"strconv"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/sale"
)

var documentName = regexp.MustCompile(`^T?(\d{2,3})[F-](\d{1,10})$`)

// documentNamed reads "T39F1204" or "39-1204", of this shop.
func documentNamed(s *shop.Shop, text string) (dte.Key, error) {
	parts := documentName.FindStringSubmatch(text)
	if parts == nil {
		return dte.Key{}, fmt.Errorf("«%s» no es un documento: escriba tipo y folio, como 39-1204. No se hizo nada", text)
	}
	tipo, _ := strconv.Atoi(parts[1]) // digits, as many as fit
	folio, _ := strconv.ParseInt(parts[2], 10, 64)
	return dte.Key{Emisor: s.Info.Emisor.RUT, Tipo: dte.TipoDTE(tipo), Folio: dte.Folio(folio)}, nil
}

// withRefused asks who acts and why, and opens the shop for an act about one document.
func (e *env) withRefused(flags *flag.FlagSet, args []string, act func(s *shop.Shop, key dte.Key, who, why string) error) error {
	who := flags.String("quien", "", "quién lo decide: queda en la bitácora")
	why := flags.String("motivo", "", "por qué: queda en la bitácora")
	names, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		key, err := documentNamed(s, names[0])
		if err != nil {
			return err
		}
		return act(s, key, *who, *why)
	})
}

func runResend(e *env, flags *flag.FlagSet, args []string) error {
	return e.withRefused(flags, args, func(s *shop.Shop, key dte.Key, who, why string) error {
		if err := s.Resend(key, who, why); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%s N° %d se envía de nuevo, tal cual, con el próximo «tillctl sync» o con la caja abierta.\n", key.Tipo, key.Folio)
		return nil
	})
}

func runReissue(e *env, flags *flag.FlagSet, args []string) error {
	return e.withRefused(flags, args, func(s *shop.Shop, key dte.Key, who, why string) error {
		r, err := s.Reissue(key, who, why)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "La misma venta es ahora %s N° %d por $%s. La N° %d queda rechazada; cambie el papel al cliente.\n",
			r.Key.Tipo, r.Key.Folio, r.Total, key.Folio)
		return nil
	})
}

// mended are the flags of a correction; what is not given stays.
type mended struct {
	rut, rznSoc, giro, direccion, comuna, ciudad string
	file                                         string
	show                                         bool
}

func (m *mended) flags(f *flag.FlagSet) {
	f.StringVar(&m.rut, "rut", "", "RUT del cliente")
	f.StringVar(&m.rznSoc, "razon", "", "su razón social")
	f.StringVar(&m.giro, "giro", "", "su giro")
	f.StringVar(&m.direccion, "direccion", "", "su dirección")
	f.StringVar(&m.comuna, "comuna", "", "su comuna")
	f.StringVar(&m.ciudad, "ciudad", "", "su ciudad")
	f.StringVar(&m.file, "f", "", "corrección en JSON, como la escribe -muestra: también referencias y glosa")
	f.BoolVar(&m.show, "muestra", false, "sólo muestra lo que se puede corregir, en JSON")
}

func (m *mended) apply(c *sale.Correction) error {
	if m.file != "" {
		key := c.Key
		*c = sale.Correction{}
		if err := shop.ReadJSON(m.file, c); err != nil {
			return err
		}
		if c.Key != key {
			return fmt.Errorf("%s corrige otro documento, %s. No se hizo nada", m.file, c.Key.ID())
		}
	}
	if m.rut != "" {
		rut, err := dte.ParseRUT(m.rut)
		if err != nil {
			return err
		}
		c.Receptor.RUT = rut
	}
	for given, into := range map[*string]*string{
		&m.rznSoc: &c.Receptor.RznSoc, &m.giro: &c.Receptor.Giro, &m.direccion: &c.Receptor.Direccion,
		&m.comuna: &c.Receptor.Comuna, &m.ciudad: &c.Receptor.Ciudad,
	} {
		if *given != "" {
			*into = *given
		}
	}
	return nil
}

func runCorrect(e *env, flags *flag.FlagSet, args []string) error {
	var m mended
	m.flags(flags)
	return e.withRefused(flags, args, func(s *shop.Shop, key dte.Key, who, why string) error {
		c, err := s.CorrectionOf(key)
		if err != nil {
			return err
		}
		if m.show {
			enc := json.NewEncoder(e.out)
			enc.SetIndent("", "  ")
			return enc.Encode(c)
		}
		if err := m.apply(&c); err != nil {
			return err
		}
		r, err := s.Correct(c, who, why)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%s N° %d por $%s salió de nuevo, corregida, con el mismo folio. Cambie el papel al cliente.\n", r.Key.Tipo, r.Key.Folio, r.Total)
		return nil
	})
}

// runHistory tells what was done about a document, and exports what was refused of it.
func runHistory(e *env, flags *flag.FlagSet, args []string) error {
	out := flags.String("out", "", "carpeta donde dejar el XML de cada versión rechazada")
	names, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		key, err := documentNamed(s, names[0])
		if err != nil {
			return err
		}
		state, v, err := s.Store.DocumentState(key)
		if err != nil {
			return err
		}
		past, err := s.Store.Remedies(key)
		if err != nil {
			return err
		}
		for _, r := range past {
			fmt.Fprintf(e.out, "%d. %s: rechazada por %s %s (sobre %s, SHA-256 %s).\n", r.N, when(r.Veredicto.At), r.Veredicto.Codigo, r.Veredicto.Glosa, r.Sobre, r.Record.SHA256)
			fmt.Fprintf(e.out, "   %s: %s, por %s: %s (SHA-256 %s)%s.\n", when(r.At), r.Act, r.Who, r.Why, r.Next, replacedBy(r))
		}
		_, record, err := s.Store.Document(key)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%s N° %d: %s %s %s\n", key.Tipo, key.Folio, sale.StateWords(state), v.Codigo, v.Glosa)
		if record.Replaces != (dte.Key{}) {
			fmt.Fprintf(e.out, "Reemplaza a %s N° %d, rechazada.\n", record.Replaces.Tipo, record.Replaces.Folio)
		}
		if *out == "" {
			return nil
		}
		n, err := s.ExportRefused(key, *out)
		if n == 0 {
			return errors.Join(err, errors.New("no hay versiones rechazadas que exportar: sobre este documento no se ha hecho nada"))
		}
		fmt.Fprintf(e.out, "%d versiones rechazadas en %s\n", n, *out)
		return err
	})
}

func replacedBy(r sale.Remedy) string {
	if r.As == (dte.Key{}) {
		return ""
	}
	return fmt.Sprintf("; es ahora %s N° %d", r.As.Tipo, r.As.Folio)
}
