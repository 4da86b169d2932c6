package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

func runModelo(e *env, flags *flag.FlagSet, args []string) error {
	chosen, err := parse(flags, args, 0, 1)
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		if len(chosen) == 1 {
			if err := s.Store.SetModelo(sale.Modelo(chosen[0]), e.opt.Now()); err != nil {
				return err
			}
		}
		m, err := s.Store.Modelo()
		if err == nil {
			fmt.Fprintf(e.out, "Modelo de emisión: %s.\n", m)
		}
		return err
	})
}

// runVouchers adds up the sales without boleta of a month, by day: the SII has them as type 48, from the card operator.
func runVouchers(e *env, flags *flag.FlagSet, args []string) error {
	chosen, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	from, err := time.ParseInLocation("2006-01", chosen[0], dte.Santiago)
	if err != nil {
		return fmt.Errorf("el mes «%s» no se entiende: se escribe como 2026-11", chosen[0])
	}
	return e.withShop(func(s *shop.Shop) error {
		list, err := s.Store.Vouchers(from, from.AddDate(0, 1, 0))
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "Día\tComprobantes (48)\tTotal\t")
		var n int
		var day, total money.Pesos
		for i, r := range list {
			n++
			if day, err = day.Add(r.Total); err == nil {
				total, err = total.Add(r.Total)
			}
			if err != nil {
				return err
			}
			if last := i == len(list)-1; last || dte.DateOf(list[i+1].At) != dte.DateOf(r.At) {
				fmt.Fprintf(w, "%s\t%d\t$%s\t\n", dte.DateOf(r.At), n, day)
				n, day = 0, 0
			}
		}
		fmt.Fprintf(w, "Mes\t%d\t$%s\t\n", len(list), total)
		return w.Flush()
	})
}

func runCredit(e *env, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		list, err := s.Store.Owing()
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "Cliente\tDebe\tCupo\tÚltimo movimiento\t")
		for _, m := range list {
			rut := strings.TrimPrefix(string(m.Account), sale.CreditAccounts)
			last := "en otra caja"
			if m.N > 0 {
				last = m.At.In(dte.Santiago).Format("2006-01-02")
			}
			fmt.Fprintf(w, "%s\t$%s\t$%s\t%s\t\n", rut, m.Owes(), m.Limit, last)
		}
		return w.Flush()
	})
}

func runStatement(e *env, flags *flag.FlagSet, args []string) error {
	limit := flags.Int("n", 100, "cuántos movimientos, del más nuevo al más viejo")
	who, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	rut, err := dte.ParseRUT(who[0])
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		list, err := s.Store.Statement(sale.CreditAccount(rut), *limit)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "Fecha\tMovimiento\tMonto\tDebe\tCupo\tDocumento\t")
		for _, m := range list {
			document := ""
			if m.Key != (dte.Key{}) {
				document = m.Key.ID()
			}
			fmt.Fprintf(w, "%s\t%s\t$%s\t$%s\t$%s\t%s\t\n", m.At.In(dte.Santiago).Format("2006-01-02 15:04"), m.Kind, m.Amount, m.Owes(), m.Limit, document)
		}
		return w.Flush()
	})
}

func runCreditLimit(e *env, flags *flag.FlagSet, args []string) error {
	who := flags.String("quien", "", "quién da el cupo")
	x, err := parse(flags, args, 2, 2)
	if err != nil {
		return err
	}
	rut, rutErr := dte.ParseRUT(x[0])
	limit, limitErr := money.ParsePesos(x[1])
	if err := errors.Join(rutErr, limitErr); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		id, err := sale.NewID(rand.Reader)
		if err != nil {
			return err
		}
		m, err := sale.SetCreditLimit(s.Store, id, e.opt.Now(), rut, limit, *who)
		if err == nil {
			fmt.Fprintf(e.out, "%s puede deber hasta $%s; hoy debe $%s.\n", rut.Dotted(), m.Limit, m.Owes())
		}
		return err
	})
}

func runAbono(e *env, flags *flag.FlagSet, args []string) error {
	method := flags.String("con", string(sale.Efectivo), "efectivo, débito, crédito o transferencia")
	reference := flags.String("op", "", "número de operación")
	who := flags.String("quien", "", "quién lo recibe")
	x, err := parse(flags, args, 2, 2)
	if err != nil {
		return err
	}
	rut, rutErr := dte.ParseRUT(x[0])
	amount, amountErr := money.ParsePesos(x[1])
	if err := errors.Join(rutErr, amountErr); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		id, err := sale.NewID(rand.Reader)
		if err != nil {
			return err
		}
		t := sale.Tender{Method: sale.Method(*method), Received: amount, Reference: *reference}
		m, err := sale.PayDebt(s.Store, sale.Abono{ID: id, At: e.opt.Now(), RUT: rut, Name: nameOf(s, rut), Tender: t, Who: *who})
		if err == nil {
			fmt.Fprintf(e.out, "Recibidos $%s. %s debe ahora $%s.\n", m.Received, rut.Dotted(), m.Owes())
		}
		return err
	})
}

// nameOf is how the shop calls a customer; empty if it does not know him.
func nameOf(s *shop.Shop, rut dte.RUT) string {
	c, err := s.Store.Customer(rut)
	if err != nil {
		return ""
	}
	return c.RznSoc
}
