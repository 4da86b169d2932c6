package shop

import (
	"strings"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/store"
)

// This file says in the words of the wire what the till keeps in its own.

func wirePoint(p store.Point) api.Point { return api.Point{N: p.N, Hash: p.Hash} }

func ownPoint(p api.Point) store.Point { return store.Point{N: p.N, Hash: p.Hash} }

func wireEntry(e store.Entry) api.Entry {
	w := api.Entry{N: e.N, Hash: e.Hash, Fact: e.Bytes}
	switch {
	case e.Sold != nil:
		w.Sale = wireSale(*e.Sold)
		if e.Fact.Kind == store.FactRemedy { // the same sale in other bytes: what it moved was told with the first
			w.Sale.Replaces, w.Sale.Cash = e.Fact.Key, false
		}
	case e.Shift != nil:
		w.Shift = wireShift(*e.Shift)
	case e.Cash != nil && e.Cash.Amount != 0:
		w.Cash = wireCash(*e.Cash)
	case e.Movement != nil:
		w.Movement = wireMovement(*e.Movement)
	}
	return w
}

func wireSale(sold store.Sold) *api.Sale {
	r := sold.Record
	w := &api.Sale{
		ID: string(r.ID), At: r.At, Caja: r.Caja, Shift: r.Shift, Key: r.Key, Total: r.Total, SHA256: r.SHA256, XML: sold.XML,
		Receptor: r.Receptor, Lines: wireLines(r.Lines), Rounding: r.Payment.Rounding, Change: r.Payment.Change,
		Back: r.GivesBack(), Cash: r.MovesCash(), Taken: wireLines(r.Taken), Reason: r.Reason, Training: r.Training,
		Who: r.Who, Approved: r.Approved, Replaces: r.Replaces,
	}
	for _, t := range r.Payment.Tenders {
		w.Tenders = append(w.Tenders, api.Tender{Method: string(t.Method), Amount: t.Amount, Received: t.Received, Reference: t.Reference})
	}
	for _, l := range r.Returned {
		w.Returned = append(w.Returned, api.ReturnedLine{Of: l.Of, Line: l.Line, Qty: l.Qty, Restock: l.Restock, Worth: l.Worth})
	}
	if sold.State != nil {
		w.State = new(wireState(*sold.State))
	}
	return w
}

func wireLines(lines []sale.Line) (list []api.Line) {
	for _, l := range lines {
		list = append(list, api.Line{
			Codigo: l.Codigo, Nombre: l.Nombre, Unidad: l.Unidad, Qty: l.Qty, Prc: l.Prc, Exento: l.Exento, Total: l.Total,
			Off: l.Descuento, Contenido: l.Contenido,
		})
	}
	return list
}

func wireState(w store.Whereabouts) api.DocumentState {
	s := api.DocumentState{Key: w.Key, State: w.State, Sobre: w.Sobre, TrackID: w.TrackID}
	if w.Veredicto != (dte.Veredicto{}) {
		s.Veredicto = &w.Veredicto
	}
	return s
}

func ownState(s api.DocumentState) store.Whereabouts {
	w := store.Whereabouts{Key: s.Key, State: s.State, Sobre: s.Sobre, TrackID: s.TrackID}
	if s.Veredicto != nil {
		w.Veredicto = *s.Veredicto
	}
	return w
}

func wireShift(s sale.Shift) *api.Shift {
	return &api.Shift{
		Number: s.Number, OpenedAt: s.OpenedAt, ClosedAt: s.ClosedAt, OpenedBy: s.OpenedBy, ClosedBy: s.ClosedBy,
		Float: s.Float, Expected: s.Expected(), Counted: s.Counted, Difference: s.Difference, Sales: s.Sales,
		ByType: s.ByType, Paid: paidOf(s),
	}
}

// paidOf adds what came in for sales to what came in for debts.
func paidOf(s sale.Shift) map[string]money.Pesos {
	paid := map[string]money.Pesos{}
	for _, part := range []map[sale.Method]money.Pesos{s.Paid, s.Abonos} {
		for method, sum := range part {
			paid[string(method)] += sum
		}
	}
	return paid
}

func wireCash(m sale.CashMove) *api.CashMove {
	w := &api.CashMove{N: m.N, At: m.At, Amount: m.Amount, Why: m.Why, Who: m.Who, Shift: m.Shift}
	if m.Kind == sale.CashOut {
		w.Amount = -m.Amount
	}
	return w
}

// wireMovement is an entry of a customer's account; nil for one of a vale, which only sales move.
func wireMovement(m sale.Movement) *api.Movement {
	text, credit := strings.CutPrefix(string(m.Account), sale.CreditAccounts)
	rut, err := dte.ParseRUT(text)
	if !credit || err != nil {
		return nil
	}
	return &api.Movement{
		Customer: rut, ID: string(m.ID), At: m.At, Kind: string(m.Kind), Amount: m.Amount, Limit: m.Limit, Method: string(m.Method),
		Received: m.Received, Reference: m.Reference, Shift: m.Shift, Who: m.Who,
	}
}
