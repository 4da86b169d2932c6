package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"mostrador/cmd/shop"
	"mostrador/sale/price"
)

// runPrices replaces the price rules: of each file, a list of prices (CSV) or rules of every kind (JSON), all or none.
func runPrices(e *env, flags *flag.FlagSet, args []string) error {
	files, err := parse(flags, args, 1, 20)
	if err != nil {
		return err
	}
	var rules []price.Rule
	wrong := 0
	for _, file := range files {
		more, bad, err := readRules(file)
		if err != nil {
			return fmt.Errorf("%s: %w. No se cambió nada", file, err)
		}
		for _, b := range bad {
			fmt.Fprintf(e.err, "%s: %s\n", file, b)
		}
		wrong += len(bad)
		rules = append(rules, more...)
	}
	if wrong > 0 {
		return fmt.Errorf("hay %d reglas o filas con errores. No se cambió nada: corríjalas y repita", wrong)
	}
	return e.withShop(func(s *shop.Shop) error {
		if err := s.SetPriceRules(rules); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%d reglas de precio; rigen desde que se abra la caja.\n", len(rules))
		return nil
	})
}

func readRules(name string) ([]price.Rule, []error, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	var rules []price.Rule
	var bad []error
	if strings.EqualFold(filepath.Ext(name), ".csv") {
		var rows []price.RowError
		rules, rows, err = price.ReadPrices(f)
		for _, r := range rows {
			bad = append(bad, r)
		}
		return rules, bad, err
	}
	var refused []price.RuleError
	rules, refused, err = price.Read(f)
	for _, r := range refused {
		bad = append(bad, r)
	}
	return rules, bad, err
}

func runPricesShow(e *env, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		rules, err := s.PriceRules()
		if err != nil {
			return err
		}
		return price.Write(e.out, rules)
	})
}
