package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"mostrador/assets"
	"mostrador/printer"
	"mostrador/sale"
)

// maxJSON is the largest file of data that is read.
const maxJSON = 1 << 20

// ReadInfo reads the data of a shop as tillctl writes them.
func ReadInfo(file string) (info sale.Shop, err error) {
	err = ReadJSON(file, &info)
	return info, err
}

// ReadJSON reads strictly: an unknown field is a slip of the pen, not a wish to be ignored.
func ReadJSON(file string, into any) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("no se pudo leer %s: %w. No se hizo nada", file, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxJSON+1))
	if err != nil {
		return fmt.Errorf("no se pudo leer %s: %w. No se hizo nada", file, err)
	}
	if len(b) > maxJSON {
		return fmt.Errorf("%s mide más de %d bytes: no es lo que se espera. No se hizo nada", file, maxJSON)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s no se entiende: %w. No se hizo nada", file, err)
	}
	if d.More() {
		return fmt.Errorf("%s trae algo después de los datos. No se hizo nada", file)
	}
	return nil
}

// Check refuses the data of a business that could never issue.
func Check(info sale.Shop) error { return check(info) }

// Oficina is the SII's office of a commune, as printed on facturas; empty if it is not known.
func Oficina(comuna string) (string, error) {
	list, err := assets.Comunas()
	if err != nil {
		return "", err
	}
	for _, c := range list {
		if c.Nombre == comuna {
			return c.Oficina, nil
		}
	}
	return "", nil
}

// tryFor is how long a printer that is tried may take.
const tryFor = 5 * time.Second

// Try has the printer print a line and open the drawer below it, so that a person can see whether both do.
func (p PrinterSetting) Try(ctx context.Context) error {
	device, err := p.open()
	if err != nil {
		return err
	}
	if device == nil {
		return errors.New("elija primero una impresora")
	}
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	if err := device.Print(ctx, append(printer.OpenDrawer(), "\x1b@Mostrador: la impresora funciona.\n\n\n\n\n\n\x1dV\x00"...)); err != nil {
		return fmt.Errorf("%w. Nada se guardó; revise el cable, la dirección y el papel", err)
	}
	return nil
}

// Ready tells whether the till can be opened: nothing, or why not and what to do.
func (s *Shop) Ready() error {
	if s.signer == nil {
		return s.signerErr
	}
	return nil
}

// KeepPerson saves somebody who works here, and leaves it in the log with how it was done. Who calls has proved to be the
// owner, or there is none yet.
func (s *Shop) KeepPerson(p sale.Person, pin sale.PIN, how string) (sale.Person, error) {
	event := sale.Event{At: s.opt.Now(), Kind: sale.EventPerson, What: fmt.Sprintf("%s, %s: %s", p.Name, p.Role, how)}
	kept, err := s.Store.PutPerson(p, pin, event)
	var at sale.FieldError
	if errors.As(err, &at) {
		return kept, fmt.Errorf("%w. Nada cambió", err)
	}
	return kept, err
}
