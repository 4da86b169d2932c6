package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"mostrador/cmd/shop"
)

func runTerminalSet(e *env, flags *flag.FlagSet, args []string) error {
	port := flags.String("puerto", "", "puerto del terminal, para posintegrado: /dev/ttyACM0, COM3")
	baud := flags.Int("baudios", 0, "velocidad; 0 es la de fábrica")
	kind, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		chosen := shop.TerminalSetting{Kind: shop.TerminalKind(kind[0]), Port: *port, Baud: *baud}
		if err := s.SetTerminal(chosen); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "Terminal: %s. Rige desde que se abra la caja de nuevo.\n", chosen)
		return nil
	})
}

func runTerminalShow(e *env, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		chosen, err := s.Terminal()
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "Terminal: %s.\n", chosen)
		pending, unknown, err := s.Store.Charges().Pending()
		if err == nil && unknown {
			fmt.Fprintf(e.out, "Hay un cobro de $%s que no se sabe si se hizo. Resuélvalo en la caja antes de pasar otra tarjeta.\n", pending.Intent.Amount)
		}
		return err
	})
}

func runTerminalTest(e *env, flags *flag.FlagSet, args []string) error {
	wait := flags.Duration("espera", 10*time.Second, "cuánto se espera la respuesta")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		ctx, cancel := context.WithTimeout(e.ctx, *wait)
		defer cancel()
		if err := s.TestTerminal(ctx); err != nil {
			return err
		}
		fmt.Fprintln(e.out, "El terminal respondió.")
		return nil
	})
}
