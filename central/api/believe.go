package api

import (
	"encoding/hex"
	"errors"
	"fmt"
	"unicode/utf8"

	"mostrador/dte"
)

// What a till believes of an answer: what makes no sense is refused whole, before anything of it is kept. Whether single news
// make sense is for who takes them in.

// Bounds of what an answer may carry.
const (
	maxName    = 200
	maxWords   = 4000
	maxToken   = 500
	maxCursor  = 4096
	maxLeases  = 200
	maxFolio   = 9_999_999_999 // ten figures, the law's
	maxTipo    = 999
	maxSeconds = 24 * 3600
)

func (j Joined) check() error {
	if j.Token == "" || len(j.Token) > maxToken {
		return errors.New("no trae la llave de la caja")
	}
	return errors.Join(j.Till.check(), j.Company.check())
}

func (t Till) check() error {
	if t.ID <= 0 || t.Name == "" || !text(t.Name, maxName) {
		return errors.New("no dice qué caja es")
	}
	return nil
}

func (c Company) check() error {
	if c.RUT == 0 || c.RznSoc == "" || !text(c.RznSoc, maxName) {
		return errors.New("no dice de qué empresa es")
	}
	return nil
}

func text(s string, most int) bool { return len(s) <= most && utf8.ValidString(s) }

func (p Point) check() error {
	if p.N == 0 && p.Hash == "" {
		return nil
	}
	if sum, err := hex.DecodeString(p.Hash); p.N <= 0 || err != nil || len(sum) != 32 || hex.EncodeToString(sum) != p.Hash {
		return fmt.Errorf("un lugar de los libros que no existe: %d", p.N)
	}
	return nil
}

// check does not know all holds of a later server: a reason that is not known holds as well.
func (a Answer) check() error {
	switch {
	case !text(string(a.Hold), 40), !text(a.Why, maxWords):
		return errors.New("un motivo desmedido")
	case a.Now.IsZero():
		return errors.New("no dice qué hora es")
	case a.Seconds < 0 || a.Seconds > maxSeconds:
		return fmt.Errorf("quiere que se pregunte en %d segundos", a.Seconds)
	case a.Hold != "" && len(a.Folios.Leases) > 0:
		return errors.New("da folios a quien no puede emitir")
	}
	return errors.Join(a.Till.check(), a.Company.check(), a.After.check(), a.Folios.check())
}

func (f FolioStock) check() error {
	if len(f.Leases) > maxLeases || len(f.Short) > maxLeases {
		return errors.New("trae demasiados tramos de folios")
	}
	for _, t := range f.Short {
		if !tipo(t) {
			return fmt.Errorf("el tipo %d no existe", t)
		}
	}
	for i, l := range f.Leases {
		if l.ID <= 0 || l.CAF <= 0 || !tipo(l.Tipo) || l.Desde < 1 || l.Hasta < l.Desde || l.Hasta > maxFolio {
			return fmt.Errorf("el tramo %d del tipo %d, folios %d a %d, no puede ser", l.ID, l.Tipo, l.Desde, l.Hasta)
		}
		for _, other := range f.Leases[:i] {
			if other.ID == l.ID || other.Tipo == l.Tipo && l.Desde <= other.Hasta && other.Desde <= l.Hasta {
				return fmt.Errorf("los tramos %d y %d se pisan", other.ID, l.ID)
			}
		}
	}
	return nil
}

func tipo(t dte.TipoDTE) bool { return t >= 1 && t <= maxTipo }

func (p Pushed) check() error {
	if !text(string(p.Hold), 40) || !text(p.Why, maxWords) || p.Alarms < 0 {
		return errors.New("un motivo desmedido")
	}
	return p.After.check()
}

func (n News) check() error {
	switch things := len(n.Products) + len(n.Customers) + len(n.People) + len(n.Verdicts); {
	case things > 2*MostNews:
		return fmt.Errorf("trae %d novedades de una vez", things)
	case n.Cursor == "" || len(n.Cursor) > maxCursor:
		return errors.New("no dice hasta dónde llegan las novedades")
	case n.At.IsZero():
		return errors.New("no dice de qué hora son las novedades")
	}
	return nil
}
