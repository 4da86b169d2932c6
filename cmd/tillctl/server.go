package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"mostrador/cmd/shop"
	"mostrador/dte"
)

func runServerJoin(e *env, flags *flag.FlagSet, args []string) error {
	wait := flags.Duration("espera", time.Minute, "cuánto se espera al servidor")
	where, err := parse(flags, args, 2, 2)
	if err != nil {
		return err
	}
	return e.withServer(*wait, func(ctx context.Context, s *shop.Shop) error {
		if err := s.JoinServer(ctx, where[0], where[1]); err != nil {
			return err
		}
		v := s.Server()
		fmt.Fprintf(e.out, "Esta caja es desde ahora %s de %s. Cuéntele lo vendido con «tillctl servidor ahora», o abra la caja, que lo hace sola.\n", v.Till, v.Company)
		return nil
	})
}

func runServerNow(e *env, flags *flag.FlagSet, args []string) error {
	wait := flags.Duration("espera", 10*time.Minute, "cuánto se espera al servidor")
	asJSON := flags.Bool("json", false, "escribe el estado en JSON")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withServer(*wait, func(ctx context.Context, s *shop.Shop) error {
		before := s.Server()
		after, err := s.SyncServer(ctx)
		if err != nil {
			return err
		}
		if *asJSON {
			return e.writeServer(after)
		}
		e.told(before, after)
		return nil
	})
}

// told says what went to the server, and what came.
func (e *env) told(before, after shop.ServerStatus) {
	switch n := before.Unsent - after.Unsent; {
	case after.Hold != "":
		fmt.Fprintf(e.out, "El servidor detuvo esta caja: %s\n", after.Hold)
		return
	case n > 0:
		fmt.Fprintf(e.out, "Se contaron %d movimientos al servidor.\n", n)
	default:
		fmt.Fprintln(e.out, "El servidor ya tenía todo.")
	}
	if after.PricesAt.After(before.PricesAt) {
		fmt.Fprintf(e.out, "Los precios son los del %s.\n", moment(after.PricesAt))
	}
	if len(after.Short) > 0 {
		fmt.Fprintf(e.out, "A la empresa le faltan folios: %s. Pídalos en sii.cl y cárguelos en el servidor.\n", strings.Join(names(after.Short), ", "))
	}
}

func names(types []dte.TipoDTE) (list []string) {
	for _, t := range types {
		list = append(list, t.String())
	}
	return list
}

func runServerState(e *env, flags *flag.FlagSet, args []string) error {
	asJSON := flags.Bool("json", false, "escribe el estado en JSON")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		v := s.Server()
		if *asJSON {
			return e.writeServer(v)
		}
		if !v.Joined {
			fmt.Fprintln(e.out, "Esta caja trabaja sola: no pertenece a ningún servidor.")
			return nil
		}
		fmt.Fprintf(e.out, "Servidor:   %s\nEmpresa:    %s\nEsta caja:  %s\nPor contar: %d movimientos\nPrecios:    %s\n", v.URL, v.Company, v.Till, v.Unsent, pricesOf(v))
		if v.Hold != "" {
			fmt.Fprintf(e.out, "No emite:   %s\n", v.Hold)
		}
		return nil
	})
}

// serverOut is the state for programs.
type serverOut struct {
	Joined   bool      `json:"unida"`
	URL      string    `json:"servidor,omitempty"`
	Company  string    `json:"empresa,omitempty"`
	Till     string    `json:"caja,omitempty"`
	Unsent   int64     `json:"porContar"`
	PricesAt time.Time `json:"precios,omitzero"`
	Hold     string    `json:"detenida,omitempty"`
	Ended    bool      `json:"fuera,omitempty"`
	Problem  string    `json:"problema,omitempty"`
	Short    []string  `json:"faltanFolios,omitempty"`
}

func (e *env) writeServer(v shop.ServerStatus) error {
	out := json.NewEncoder(e.out)
	out.SetIndent("", "  ")
	return out.Encode(serverOut{v.Joined, v.URL, v.Company, v.Till, v.Unsent, v.PricesAt, v.Hold, v.Ended, v.Problem, names(v.Short)})
}

func pricesOf(v shop.ServerStatus) string {
	if v.PricesAt.IsZero() {
		return "los de esta caja; del servidor no ha llegado ninguno"
	}
	return "al " + moment(v.PricesAt)
}

func moment(t time.Time) string { return t.In(dte.Santiago).Format("02-01-2006 15:04") }

func runServerLeave(e *env, flags *flag.FlagSet, args []string) error {
	wait := flags.Duration("espera", 10*time.Minute, "cuánto se espera al servidor")
	forget := flags.Bool("olvidar", false, "el servidor ya no existe: lo que no se le contó queda sólo aquí, y los folios que prestó se pierden")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withServer(*wait, func(ctx context.Context, s *shop.Shop) error {
		if *forget {
			if err := s.ForgetServer(); err != nil {
				return err
			}
			fmt.Fprintln(e.out, "La caja olvidó al servidor y trabaja sola. Lo vendido sigue aquí; los folios que él prestó no se usan más.")
			return nil
		}
		if n := s.Server().Unsent; n > 0 {
			fmt.Fprintf(e.out, "Faltan %d movimientos por contar al servidor: se cuentan antes de dejarlo.\n", n)
		}
		if err := s.LeaveServer(ctx); err != nil {
			return err
		}
		fmt.Fprintln(e.out, "La caja dejó el servidor y trabaja sola. Sus folios prestados volvieron a él; lo vendido sigue aquí.")
		return nil
	})
}

// withServer opens the shop for something that asks the server, and does not wait for ever.
func (e *env) withServer(wait time.Duration, act func(context.Context, *shop.Shop) error) error {
	ctx, cancel := context.WithTimeout(e.ctx, wait)
	defer cancel()
	err := e.withShop(func(s *shop.Shop) error { return act(ctx, s) })
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("el servidor no terminó de contestar en %s. Nada se perdió: repita la orden y sigue donde quedó", wait)
	}
	return err
}
