package main

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/sale"
)

func runMailSet(e *env, flags *flag.FlagSet, args []string) error {
	var a sale.MailAccount
	flags.StringVar(&a.Host, "servidor", "", "servidor SMTP, como smtp.empresa.cl")
	flags.IntVar(&a.Port, "puerto", 587, "su puerto")
	flags.StringVar((*string)(&a.Security), "seguridad", string(sale.MailSTARTTLS), "starttls o tls")
	flags.StringVar(&a.User, "usuario", "", "usuario, si el servidor lo pide")
	flags.StringVar(&a.From, "desde", "", "dirección desde la que se envía")
	flags.StringVar(&a.Name, "nombre", "", "nombre que ve el cliente")
	clave := flags.String("clave-file", "", "archivo con la clave de ese usuario; si no, MOSTRADOR_CORREO_CLAVE o se pregunta")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	if a.User != "" {
		var err error
		if a.Password, err = e.secret(*clave, "MOSTRADOR_CORREO_CLAVE", "Clave del correo"); err != nil {
			return err
		}
	}
	return e.withShop(func(s *shop.Shop) error {
		if err := s.SetMailAccount(a); err != nil {
			return err
		}
		fmt.Fprintln(e.out, "La cuenta quedó sellada en la caja; pruébela con «tillctl correo test».")
		return nil
	})
}

func runMailShow(e *env, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		a, err := s.MailAccount()
		if err != nil {
			return err
		}
		if a.Host == "" {
			fmt.Fprintln(e.out, "No hay cuenta de correo.")
			return nil
		}
		fmt.Fprintf(e.out, "%s:%d, %s, usuario %s, desde %s <%s>\n", a.Host, a.Port, a.Security, a.User, a.Name, a.From)
		return nil
	})
}

func runMailClear(e *env, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		if err := s.ClearMailAccount(); err != nil {
			return err
		}
		fmt.Fprintln(e.out, "La caja ya no tiene cuenta de correo. Lo que estaba en cola sigue ahí.")
		return nil
	})
}

func runMailTest(e *env, flags *flag.FlagSet, args []string) error {
	wait := flags.Duration("espera", time.Minute, "cuánto se espera la respuesta")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		ctx, cancel := context.WithTimeout(e.ctx, *wait)
		defer cancel()
		said, err := s.TryMail(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintln(e.out, said)
		return nil
	})
}

func runMailSend(e *env, flags *flag.FlagSet, args []string) error {
	who := flags.String("quien", "", "quién lo pide")
	rest, err := parse(flags, args, 3, 3)
	if err != nil {
		return err
	}
	tipo, err := strconv.Atoi(rest[0])
	if err != nil {
		return fmt.Errorf("«%s» no es un tipo de documento", rest[0])
	}
	folio, err := strconv.ParseUint(rest[1], 10, 32)
	if err != nil {
		return fmt.Errorf("«%s» no es un folio", rest[1])
	}
	return e.withShop(func(s *shop.Shop) error {
		key := dte.Key{Emisor: s.Info.Emisor.RUT, Tipo: dte.TipoDTE(tipo), Folio: dte.Folio(folio)}
		m, err := s.SendMail(key, rest[2], *who)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "El correo %d para %s quedó en la cola: sale cuando la caja esté abierta y haya línea.\n", m.ID, m.To)
		return nil
	})
}

// mostMails is how many letters are listed.
const mostMails = 100

func runMailList(e *env, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		list, err := s.Store.Mails(mostMails)
		if err != nil {
			return err
		}
		for _, m := range list {
			fmt.Fprintf(e.out, "%d\t%s\t%s\t%s\t%s\t%s\n", m.ID, m.At.In(dte.Santiago).Format("02-01-2006 15:04"), m.Key.ID(), m.To, m.State, strings.TrimSpace(m.Problem))
		}
		return nil
	})
}

func runMailRetry(e *env, flags *flag.FlagSet, args []string) error {
	rest, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	id, err := strconv.ParseUint(rest[0], 10, 64)
	if err != nil {
		return fmt.Errorf("«%s» no es el número de un correo: vea «tillctl correo list»", rest[0])
	}
	return e.withShop(func(s *shop.Shop) error {
		m, err := s.RetryMail(id)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "El correo %d para %s está %s.\n", m.ID, m.To, map[sale.MailState]string{
			sale.MailWaiting: "otra vez en la cola", sale.MailSent: "enviado desde antes", sale.MailStopped: "detenido",
		}[m.State])
		return nil
	})
}
