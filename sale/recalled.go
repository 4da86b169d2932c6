package sale

import (
	"slices"

	"mostrador/money"
	"mostrador/sale/price"
)

// PriceNews is what a sale that waited aside would cost today.
type PriceNews struct {
	Changes []PriceChange
	// Old and New are the sale as it was put aside, and at the prices of today.
	Old, New money.Pesos
}

// PriceChange is a line that costs something else today.
type PriceChange struct {
	Nombre   string
	Qty      money.Qty
	Old, New money.Pesos
}

// Any reports that there is something to choose.
func (n PriceNews) Any() bool { return len(n.Changes) > 0 || n.Old != n.New }

// PriceNews compares the open sale, as it was taken up, with the catalogue and the rules of today. It changes nothing.
func (r *Register) PriceNews() (n PriceNews, err error) {
	today, err := r.today()
	if err != nil {
		return n, err
	}
	for i, l := range r.cart.Lines {
		if now := today.Lines[i].Total; now != l.Total {
			n.Changes = append(n.Changes, PriceChange{Nombre: l.Nombre, Qty: l.Qty, Old: l.Total, New: now})
		}
	}
	if n.Old, err = r.total(); err != nil {
		return n, err
	}
	n.New, err = r.totalOf(today)
	return n, err
}

// totalOf is what another cart would come to.
func (r *Register) totalOf(c Cart) (money.Pesos, error) {
	other := *r
	other.cart = c
	return other.total()
}

// today is the open sale at the prices of today. Prices by hand, of labels and free ones stay.
func (r *Register) today() (Cart, error) {
	c := r.cart.clone()
	for i := range c.Lines {
		l := &c.Lines[i]
		m, found := r.d.Catalogue.ByCode(l.Codigo)
		switch {
		case !found || l.Etiqueta != "":
		case l.Contenido > 0:
			l.Base = m.Product.packPrice(*l)
		case !m.Product.PrecioLibre:
			l.Base, l.Categoria = m.Prc, m.Product.Categoria
		}
	}
	return c, r.reprice(&c)
}

// packPrice is what the pack of a line costs now; one that is not sold any more costs what it did. Among packs of the same
// size the name decides.
func (p Product) packPrice(l Line) money.Price {
	prc := l.base()
	for _, c := range p.Codigos {
		m := p.matchCode(c)
		if m.Contenido != l.Contenido {
			continue
		}
		if prc = m.Prc; m.Nombre == l.Nombre {
			break
		}
	}
	return prc
}

// TakeNewPrices makes the open sale cost what it costs today.
func (r *Register) TakeNewPrices() error {
	today, err := r.today()
	if err != nil {
		return err
	}
	return r.update(func(c *Cart) (int, error) {
		c.Lines = today.Lines
		return r.selected, nil
	})
}

// KeepPrices has the open sale cost what it did when it was put aside, whatever the rules say today. What the shop loses
// by it is kept in the log.
func (r *Register) KeepPrices() error {
	n, err := r.PriceNews()
	if err != nil || !n.Any() {
		return err
	}
	by := price.By{Who: r.d.Who, Why: "precio de la venta guardada"}
	ruled := r.cart.clone()
	if err := r.reprice(&ruled); err != nil {
		return err
	}
	kept := r.event(EventPrice, "se dejaron los precios de la venta guardada", n.New-n.Old)
	if slices.EqualFunc(ruled.Lines, r.cart.Lines, sameTotal) { // the next change of the cart changes nothing else
		return r.d.Journal.Log(kept)
	}
	return r.update(func(c *Cart) (int, error) {
		for i := range c.Lines {
			l := &c.Lines[i]
			if sameTotal(ruled.Lines[i], *l) {
				continue
			}
			l.Fijo, l.FijoPor = l.Prc, by
			if l.Off = (price.Off{}); l.Descuento > 0 {
				l.Off = price.Off{Pesos: l.Descuento, By: by}
			}
		}
		return r.selected, nil
	}, kept)
}

func sameTotal(a, b Line) bool { return a.Total == b.Total }
