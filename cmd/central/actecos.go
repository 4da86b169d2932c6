package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"mostrador/central"
)

// loadActecos puts a file of economic activities into the database, all of it or nothing.
func loadActecos(ctx context.Context, db *central.DB, path string, out io.Writer) error {
	f, err := os.Open(path)
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
