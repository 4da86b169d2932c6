package central

import (
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Acteco is one of the SII's economic activities.
type Acteco struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	Taxable  bool   `json:"taxable"`
	Category int32  `json:"category"`
	Internet bool   `json:"internet_available"`
}

// actecosKnown are the activities that a new server knows: the SII's 674 of 2018. Where the SII leaves open whether one pays
// IVA, or its category, it is here as taxed and of the first. Operators load what comes later.
//
//go:embed actecos.csv
var actecosKnown string

// ReadActecos reads activities from a table: codigo;nombre;afecta;categoria;internet, with SI or NO, and 1 or 2.
func ReadActecos(r io.Reader) ([]Acteco, error) {
	rows := csv.NewReader(r)
	rows.Comma, rows.FieldsPerRecord = ';', 5
	if _, err := rows.Read(); err != nil {
		return nil, fmt.Errorf("actividades: la primera línea debe ser codigo;nombre;afecta;categoria;internet: %w", err)
	}
	var list []Acteco
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("actividades: %w", err)
		}
		a, err := actecoOf(row)
		if err != nil {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("actividades, línea %d: %w", line, err)
		}
		list = append(list, a)
	}
}

func actecoOf(row []string) (Acteco, error) {
	taxable, ok1 := yes[strings.TrimSpace(row[2])]
	internet, ok2 := yes[strings.TrimSpace(row[4])]
	category, err := strconv.ParseInt(strings.TrimSpace(row[3]), 10, 32)
	a := Acteco{strings.TrimSpace(row[0]), strings.TrimSpace(row[1]), taxable, int32(category), internet}
	switch {
	case !isActeco(a.Code):
		return a, fmt.Errorf("%q no es un código de seis cifras", a.Code)
	case a.Name == "":
		return a, fmt.Errorf("la actividad %s no tiene nombre", a.Code)
	case !ok1 || !ok2:
		return a, fmt.Errorf("la actividad %s: se espera SI o NO", a.Code)
	case err != nil || category != 1 && category != 2:
		return a, fmt.Errorf("la actividad %s: la categoría es 1 o 2", a.Code)
	}
	return a, nil
}

var yes = map[string]bool{"SI": true, "NO": false}

func isActeco(code string) bool {
	return len(code) == 6 && strings.Trim(code, "0123456789") == ""
}

// LoadActecos adds activities and replaces those with the same code: all of them or none.
func (db *DB) LoadActecos(ctx context.Context, list []Acteco) error {
	return db.inShared(ctx, func(tx pgx.Tx) error {
		return putActecos(ctx, tx, list, "do update set name = excluded.name, taxable = excluded.taxable, category = excluded.category, internet_available = excluded.internet_available")
	})
}

// addActecos adds those that a new server knows; what an operator loaded stays.
func (db *DB) addActecos(ctx context.Context) error {
	list, err := ReadActecos(strings.NewReader(actecosKnown))
	if err != nil {
		return err
	}
	return db.inShared(ctx, func(tx pgx.Tx) error { return putActecos(ctx, tx, list, "do nothing") })
}

func putActecos(ctx context.Context, tx pgx.Tx, list []Acteco, conflict string) error {
	batch := &pgx.Batch{}
	for _, a := range list {
		batch.Queue("insert into acteco (code, name, taxable, category, internet_available) values ($1, $2, $3, $4, $5) on conflict (code) "+conflict,
			a.Code, a.Name, a.Taxable, a.Category, a.Internet)
	}
	return tx.SendBatch(ctx, batch).Close()
}

// SearchActecos finds by a part of the code or of the name, whatever the case and the accents.
func (c *Call) SearchActecos(q string, p Page) ([]Acteco, error) {
	return c.actecos(`where code like '%' || $1 || '%' or translate(lower(name), 'áéíóúü', 'aeiouu') like '%' || translate($1, 'áéíóúü', 'aeiouu') || '%'
		order by code offset $2 limit $3`, likeLiteral(strings.ToLower(strings.TrimSpace(q))), p.Skip, p.limit())
}

// Actecos by code; one that the table does not know has its code alone.
func (c *Call) Actecos(codes []string) (found map[string]Acteco, err error) {
	found = map[string]Acteco{}
	for _, code := range codes {
		found[code] = Acteco{Code: code, Taxable: true, Category: 1}
	}
	if len(codes) == 0 {
		return found, nil
	}
	list, err := c.actecos("where code = any($1)", codes)
	for _, a := range list {
		found[a.Code] = a
	}
	return found, err
}

func (c *Call) actecos(where string, args ...any) (list []Acteco, err error) {
	err = c.shared(func() error {
		rows, err := c.tx.Query(c.ctx, "select code, name, taxable, category, internet_available from acteco "+where, args...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Acteco])
		return err
	})
	return list, err
}
