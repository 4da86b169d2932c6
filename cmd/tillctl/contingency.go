package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// runContingency explains the three cases and what the SII says about each.
func runContingency(e *env, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	tell := func(title, what string, r sale.Rule) {
		fmt.Fprintf(e.out, "%s\n  %s\n  %s, actualizada el %s: %s\n\n", title, what, r.Source, r.Date, r.Says)
	}
	tell("1. Sin internet, o el SII no recibe", "No hay que hacer nada: siga vendiendo. La caja emite, guarda, envía sola al volver la línea y lleva el registro.", sale.RuleFor(sale.CauseLine))
	tell("2. Sin energía: no se pudo emitir", "Al volver, anote las ventas con «tillctl contingencia resumen». Antes, quien dejó sus datos recibe la suya con «tillctl contingencia copia».", sale.RuleFor(sale.CausePower))
	tell("3. Todo detenido y se hicieron boletas a mano", "Anote los números usados con «tillctl contingencia manual».", sale.RuleManual())
	fmt.Fprintln(e.out, sale.RuleConflict)
	return nil
}

func runContingencyList(e *env, flags *flag.FlagSet, args []string) error {
	n := flags.Int("n", 50, "cuántas, desde la más nueva")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		list, err := s.Outages(*n)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "N°\tCAUSA\tDESDE\tHASTA\tDOCUMENTOS\tQUÉ SE HIZO")
		for _, o := range list {
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d\t%s\n", o.Number, o.Cause.Words(), when(o.From), when(o.To), o.Documents, sale.OutageStory(o))
		}
		return w.Flush()
	})
}

func when(t time.Time) string {
	if t.IsZero() {
		return "en curso"
	}
	return t.In(dte.Santiago).Format("02-01-2006 15:04")
}

func runContingencyReport(e *env, flags *flag.FlagSet, args []string) error {
	n := flags.Int("n", 1000, "cuántas contingencias, desde la más nueva")
	out, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		pdf, err := s.OutageReport(*n)
		if err != nil {
			return err
		}
		if err := os.WriteFile(out[0], pdf, 0o644); err != nil {
			return fmt.Errorf("no se pudo escribir el informe: %w", err)
		}
		fmt.Fprintf(e.out, "Informe en %s.\n", out[0])
		return nil
	})
}

// told are the flags of everything that a person tells of a contingency.
type told struct {
	from, to, who, detail string
	all                   bool
}

func (t *told) flags(f *flag.FlagSet) {
	f.StringVar(&t.from, "desde", "", "cuándo empezó: 15:16 o «16-03-2026 15:16»")
	f.StringVar(&t.to, "hasta", "", "cuándo terminó, igual")
	f.StringVar(&t.who, "quien", "", "quién lo informa: queda en la bitácora")
	f.StringVar(&t.detail, "detalle", "", "qué pasó, en pocas palabras")
}

func (t *told) outage(now time.Time) (sale.Outage, error) {
	o := sale.Outage{Cause: sale.CausePower, Who: t.who, Detail: t.detail}
	if t.all {
		o.Cause = sale.CauseAll
	}
	if t.from == "" || t.to == "" || t.who == "" {
		return o, errors.New("faltan -desde, -hasta o -quien. No se hizo nada")
	}
	var err error
	if o.From, err = sale.ParseMoment(t.from, now); err != nil {
		return o, err
	}
	o.To, err = sale.ParseMoment(t.to, now)
	return o, err
}

// amounts are the flags of sales made without the till.
type amounts struct{ total, exento, otros string }

func (a *amounts) flags(f *flag.FlagSet) {
	f.StringVar(&a.total, "total", "", "todo lo vendido, con IVA")
	f.StringVar(&a.exento, "exento", "0", "cuánto de eso es exento")
	f.StringVar(&a.otros, "transferencia", "0", "cuánto de eso se pagó por transferencia; el resto es efectivo")
}

func (a *amounts) takings() (t sale.Takings, err error) {
	var total money.Pesos
	for _, x := range []struct {
		text string
		into *money.Pesos
		what string
	}{{a.total, &total, "-total"}, {a.exento, &t.Exento, "-exento"}, {a.otros, &t.Otros, "-transferencia"}} {
		if *x.into, err = money.ParsePesos(x.text); err != nil {
			return t, fmt.Errorf("%s: %w. No se hizo nada", x.what, err)
		}
	}
	t.Afecto, err = total.Sub(t.Exento)
	return t, err
}

func runContingencySummary(e *env, flags *flag.FlagSet, args []string) error {
	var t told
	var a amounts
	t.flags(flags)
	a.flags(flags)
	flags.BoolVar(&t.all, "todo-detenido", false, "no sólo faltó la energía: nada funcionaba (vea «tillctl contingencia»)")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	o, err := t.outage(e.opt.Now())
	if err != nil {
		return err
	}
	takings, err := a.takings()
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		r, err := s.Summarise(o, takings)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%s N° %d por $%s suma las ventas del corte (%s).\n", r.Key.Tipo, r.Key.Folio, r.Total, sale.RuleFor(o.Cause).Source)
		return nil
	})
}

func runContingencyCopy(e *env, flags *flag.FlagSet, args []string) error {
	var t told
	var a amounts
	t.flags(flags)
	a.flags(flags)
	rut := flags.String("rut", "", "RUT de quien pide su boleta")
	name := flags.String("nombre", "", "su nombre")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	o, err := t.outage(e.opt.Now())
	if err != nil {
		return err
	}
	takings, err := a.takings()
	if err != nil {
		return err
	}
	buyer := dte.Receptor{RznSoc: *name}
	if *rut != "" {
		if buyer.RUT, err = dte.ParseRUT(*rut); err != nil {
			return err
		}
	}
	return e.withShop(func(s *shop.Shop) error {
		r, err := s.IssueCopy(o, buyer, takings)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%s N° %d por $%s. No la cuente en el resumen del corte.\n", r.Key.Tipo, r.Key.Folio, r.Total)
		return nil
	})
}

func runContingencyManual(e *env, flags *flag.FlagSet, args []string) error {
	t := told{all: true}
	t.flags(flags)
	first := flags.Int64("del", 0, "primera boleta del talonario que se usó")
	last := flags.Int64("al", 0, "última")
	total := flags.String("total", "", "cuánto suman")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	o, err := t.outage(e.opt.Now())
	if err != nil {
		return err
	}
	m := sale.ManualRange{First: *first, Last: *last}
	if m.Total, err = money.ParsePesos(*total); err != nil {
		return fmt.Errorf("-total: %w. No se hizo nada", err)
	}
	return e.withShop(func(s *shop.Shop) error {
		o, err := s.NoteManual(o, m)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "Anotadas las boletas manuales %d a %d por $%s (contingencia %d, %s).\n%s\n", m.First, m.Last, m.Total, o.Number, o.Rule, sale.RuleConflict)
		return nil
	})
}

func runAlarms(e *env, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		alarms, err := s.Alarms()
		if err != nil {
			return err
		}
		for _, a := range alarms {
			fmt.Fprintf(e.out, "[%s] %s\n  %s\n", a.Severity, a.Title, a.Text)
			for _, act := range a.Acts {
				if act != sale.ActNote {
					fmt.Fprintf(e.out, "  Desde aquí: tillctl docs %s -quien NOMBRE -motivo \"...\" %s\n", act, a.Key.ID())
				}
			}
			if a.Task {
				fmt.Fprintf(e.out, "  Hecho: tillctl atender -quien NOMBRE -hizo \"...\" %s\n", a.ID)
			}
		}
		if len(alarms) == 0 {
			fmt.Fprintln(e.out, "Nada que atender.")
		}
		return nil
	})
}

func runAttend(e *env, flags *flag.FlagSet, args []string) error {
	who := flags.String("quien", "", "quién la atendió")
	what := flags.String("hizo", "", "qué hizo")
	ids, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		if err := s.Attend(ids[0], *who, *what); err != nil {
			return err
		}
		fmt.Fprintln(e.out, "Anotado.")
		return nil
	})
}
