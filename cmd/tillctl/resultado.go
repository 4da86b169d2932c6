package main

import (
	"errors"
	"flag"
	"fmt"

	"mostrador/cmd/shop"
)

func runResultado(e *env, flags *flag.FlagSet, args []string) error {
	paths, err := parse(flags, args, 1, -1)
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		var faults []error
		for _, path := range paths {
			told, err := s.ImportResultados(path)
			for _, line := range told {
				fmt.Fprintln(e.out, line)
			}
			if err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", path, err))
			}
		}
		return errors.Join(faults...)
	})
}
