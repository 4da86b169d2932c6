package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"mostrador/cmd/shop"
)

func runProxySet(e *env, flags *flag.FlagSet, args []string) error {
	user := flags.String("usuario", "", "usuario, si el proxy lo pide")
	clave := flags.String("clave-file", "", "archivo con la contraseña de ese usuario; si no, MOSTRADOR_PROXY_CLAVE o se pregunta")
	address, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	password := ""
	if *user != "" {
		if password, err = e.secret(*clave, "MOSTRADOR_PROXY_CLAVE", "Contraseña del proxy"); err != nil {
			return err
		}
	}
	return e.withShop(func(s *shop.Shop) error {
		p, err := s.SetProxy(address[0], *user, password)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "Proxy: %s. Quedó sellado en la caja; pruébelo con «tillctl proxy test».\n", p)
		return nil
	})
}

func runProxyShow(e *env, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		p, err := s.Proxy()
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "Proxy: %s.\n", p)
		return nil
	})
}

func runProxyClear(e *env, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		if err := s.ClearProxy(); err != nil {
			return err
		}
		fmt.Fprintln(e.out, "La caja ya no tiene proxy propio.")
		return nil
	})
}

func runProxyTest(e *env, flags *flag.FlagSet, args []string) error {
	wait := flags.Duration("espera", 30*time.Second, "cuánto se espera la respuesta")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		ctx, cancel := context.WithTimeout(e.ctx, *wait)
		defer cancel()
		way, err := s.Reach(ctx)
		if way != "" {
			fmt.Fprintf(e.out, "Camino: %s.\n", way)
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(e.out, "El SII respondió por sus dos canales, el de boletas y el de los demás documentos.")
		return nil
	})
}
