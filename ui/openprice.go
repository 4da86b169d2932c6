package ui

import (
	"strings"

	"mostrador/money"
	"mostrador/sale"
)

// askPrice asks for the price of what has none in the catalogue, and then adds it. A code that is scanned meanwhile waits.
func (w *Window) askPrice(open sale.OpenPriceError) {
	p, sought := open.Product, w.unknown.sought
	w.beep(BeepWaiting)
	d := newAskDialog(w, "Precio de "+clip(p.Nombre, 40), priceLimits(p), "Agregar", func(text string) error {
		prc, err := typedPrice(text, p)
		if err != nil {
			return err
		}
		priced, err := p.AtPrice(prc)
		if err != nil {
			return err
		}
		line, err := w.counter.Add(priced, open.Qty)
		if err != nil {
			return err
		}
		w.unknown.drop(sought)
		w.tellScan(p.Codigo, line, nil)
		return nil
	}).forMoney()
	if p.Prc > 0 {
		d.answer.prompt("$" + p.Prc.String())
	}
	w.openDialog(d)
}

// typedPrice is what was typed, or with nothing typed the price that the shop suggests.
func typedPrice(text string, p sale.Product) (money.Price, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "$")
	if text == "" && p.Prc > 0 {
		return p.Prc, nil
	}
	return money.ParsePrice(text)
}

// priceLimits say what may be typed.
func priceLimits(p sale.Product) string {
	words := "Cualquier precio mayor que cero"
	switch {
	case p.PrcMin > 0 && p.PrcMax > 0:
		words = "De $" + p.PrcMin.String() + " a $" + p.PrcMax.String()
	case p.PrcMin > 0:
		words = "Desde $" + p.PrcMin.String()
	case p.PrcMax > 0:
		words = "Hasta $" + p.PrcMax.String()
	}
	if p.Unidad != "" {
		words += " por " + p.Unidad
	}
	words += ", con IVA."
	if p.Exento {
		words = strings.TrimSuffix(words, ", con IVA.") + ", exento."
	}
	if p.Prc > 0 {
		words += " Con Enter solo, $" + p.Prc.String() + "."
	}
	return words
}
