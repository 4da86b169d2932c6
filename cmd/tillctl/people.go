package main

import (
	"crypto/rand"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/sale"
)

func runPeople(e *env, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		people, err := s.Store.People()
		if err != nil {
			return err
		}
		if len(people) == 0 {
			fmt.Fprintln(e.out, "Nadie está anotado: la caja no pide PIN.")
		}
		for _, p := range people {
			fmt.Fprintln(e.out, personLine(p))
		}
		return nil
	})
}

func personLine(p sale.Person) string {
	line := fmt.Sprintf("%3d  %-24s %-10s", p.Number, p.Name, p.Role)
	if p.RUT != 0 {
		line += "  " + p.RUT.Dotted()
	}
	if !p.Active {
		line += "  ya no trabaja aquí"
	}
	return line
}

// ownership are the flags of what only the owner may do here: who has this command needs no PIN, so the passphrase is asked.
type ownership struct{ phrase, pin string }

func (o *ownership) add(flags *flag.FlagSet) {
	flags.StringVar(&o.phrase, "frase-file", "", "archivo con la frase clave; si no, MOSTRADOR_FRASE o se pregunta")
	flags.StringVar(&o.pin, "pin-file", "", "archivo con el PIN nuevo; si no, MOSTRADOR_PIN o se pregunta")
}

// prove opens the secrets with the owner's passphrase.
func (o *ownership) prove(e *env, s *shop.Shop) error {
	phrase, err := e.secret(o.phrase, "MOSTRADOR_FRASE", "Frase clave del dueño")
	if err != nil {
		return err
	}
	return s.Unlock(phrase)
}

// newPIN asks for a PIN and hides it.
func (o *ownership) newPIN(e *env) (sale.PIN, error) {
	pin, err := e.secret(o.pin, "MOSTRADOR_PIN", "PIN nuevo, de 4 a 8 cifras")
	if err != nil {
		return sale.PIN{}, err
	}
	hidden, err := sale.NewPIN(strings.TrimSpace(pin), sale.UsualPINCost, rand.Reader)
	if err != nil {
		return hidden, fmt.Errorf("%w. Nada cambió", err)
	}
	return hidden, nil
}

func runPersonAdd(e *env, flags *flag.FlagSet, args []string) error {
	var o ownership
	o.add(flags)
	role := flags.String("rol", string(sale.Cajero), "cajero, supervisor o dueño")
	rut := flags.String("rut", "", "RUT, si se quiere anotar")
	words, err := parse(flags, args, 1, -1)
	if err != nil {
		return err
	}
	p := sale.Person{Name: strings.Join(words, " "), Role: sale.Role(strings.ReplaceAll(strings.ToLower(*role), "dueno", "dueño")), Active: true}
	if *rut != "" {
		if p.RUT, err = dte.ParseRUT(*rut); err != nil {
			return err
		}
	}
	return e.withShop(func(s *shop.Shop) error {
		if err := o.prove(e, s); err != nil {
			return err
		}
		pin, err := o.newPIN(e)
		if err != nil {
			return err
		}
		return e.keep(s, p, pin, "agregado con tillctl")
	})
}

// runPersonPIN is the way out of an owner who forgot theirs: the passphrase gives anybody another PIN.
func runPersonPIN(e *env, flags *flag.FlagSet, args []string) error {
	return e.withPerson(flags, args, func(s *shop.Shop, o *ownership, p sale.Person) error {
		pin, err := o.newPIN(e)
		if err != nil {
			return err
		}
		return e.keep(s, p, pin, "PIN nuevo con tillctl")
	})
}

func runPersonActive(active bool) func(*env, *flag.FlagSet, []string) error {
	return func(e *env, flags *flag.FlagSet, args []string) error {
		return e.withPerson(flags, args, func(s *shop.Shop, _ *ownership, p sale.Person) error {
			p.Active = active
			return e.keep(s, p, sale.PIN{}, "cambiado con tillctl")
		})
	}
}

// withPerson does something for the owner to whoever has the number on the command line.
func (e *env) withPerson(flags *flag.FlagSet, args []string, act func(*shop.Shop, *ownership, sale.Person) error) error {
	var o ownership
	o.add(flags)
	which, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(which[0])
	if err != nil {
		return fmt.Errorf("«%s» no es el número de una persona: vea «tillctl personas». Nada cambió", which[0])
	}
	return e.withShop(func(s *shop.Shop) error {
		people, err := s.Store.People()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(people, func(p sale.Person) bool { return p.Number == number })
		if i < 0 {
			return fmt.Errorf("no hay una persona con el número %d: vea «tillctl personas». Nada cambió", number)
		}
		if err := o.prove(e, s); err != nil {
			return err
		}
		return act(s, &o, people[i])
	})
}

// keep saves somebody, says so, and leaves it in the log.
func (e *env) keep(s *shop.Shop, p sale.Person, pin sale.PIN, how string) error {
	kept, err := s.KeepPerson(p, pin, how)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.out, personLine(kept))
	return nil
}
