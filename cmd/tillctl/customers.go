package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"

	"mostrador/cmd/shop"
	"mostrador/sale"
)

func runCustomersImport(e *env, flags *flag.FlagSet, args []string) error {
	partial := flags.Bool("aunque-falten", false, "importa las filas buenas aunque haya otras malas")
	files, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	b, err := readFile(files[0], maxProducts)
	if err != nil {
		return err
	}
	comunas, err := shop.Comunas()
	if err != nil {
		return err
	}
	file, err := sale.ReadCustomers(bytes.NewReader(b), comunas)
	if err != nil {
		return err
	}
	for _, row := range append(file.Bad, file.Doubtful...) {
		fmt.Fprintln(e.err, row)
	}
	if len(file.Bad) > 0 && !*partial {
		return fmt.Errorf("%d filas con errores y %d buenas: los clientes quedaron como estaban. Corríjalas, o use -aunque-falten",
			len(file.Bad), len(file.Customers))
	}
	return e.withShop(func(s *shop.Shop) error {
		if err := s.Store.PutCustomers(e.opt.Now(), file.Customers...); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%d clientes guardados, %d filas omitidas. Los demás clientes quedaron como estaban.\n", len(file.Customers), len(file.Bad))
		return nil
	})
}

func runCustomersExport(e *env, flags *flag.FlagSet, args []string) error {
	files, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		list, err := s.Store.Customers()
		if err != nil {
			return err
		}
		f, err := os.OpenFile(files[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // people's data, and nobody's file is overwritten
		if err != nil {
			return fmt.Errorf("no se pudo crear %s: %w. No se exportó nada", files[0], err)
		}
		if err := errors.Join(sale.WriteCustomers(f, list), f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("no se pudo escribir %s: %w", files[0], err)
		}
		fmt.Fprintf(e.out, "%d clientes en %s.\n", len(list), files[0])
		return nil
	})
}
