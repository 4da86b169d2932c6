package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"mostrador/central"
)

// loadActecos puts a file of economic activities into the database, all of it or nothing.
func (o *options) loadActecos(ctx context.Context, out io.Writer, log *slog.Logger) error {
	if len(o.rest) != 1 {
		return errors.New("falta el archivo: central actecos OPCIONES ARCHIVO")
	}
	db, err := o.migrated(ctx, log, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	f, err := os.Open(o.rest[0])
	if err != nil {
		return err
	}
	defer f.Close()
	list, err := central.ReadActecos(f)
	if err != nil {
		return err
	}
	if err := db.LoadActecos(ctx, list); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d actividades cargadas\n", len(list))
	return nil
}
