package central_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/dte"
	"mostrador/dte/dtetest"
)

// The master key of all tests, and the one that follows it. They protect nothing.
var (
	oldLine = "prueba " + strings.Repeat("A", 43) + "=\n"
	newLine = "nueva " + strings.Repeat("B", 42) + "A=\n"
)

func keyring(t testing.TB, lines string) *central.Keyring {
	t.Helper()
	keys, err := central.ReadKeyring(strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// interrupted ends the work when it comes to seal the n-th key.
type interrupted struct {
	*central.Keyring
	left int
	end  func()
}

func (i *interrupted) Wrap(ctx context.Context, key, purpose []byte) (string, []byte, error) {
	if i.left--; i.left == 0 {
		i.end()
		return "", nil, ctx.Err()
	}
	return i.Keyring.Wrap(ctx, key, purpose)
}

// The master key changes while the shops sell, is interrupted in the middle and goes on; then the old one opens nothing and
// nobody needs it: folios and certificates of every company open with the new one alone.
func TestTheMasterKeyChangesUnderSales(t *testing.T) {
	s := newSchool(t)
	companies := []central.Company{s.company}
	sessions := map[int64]uuid.UUID{s.company.ID: s.session}
	for _, rut := range []dte.RUT{76086428, 77777777, 76000001} {
		s.login(s.newCompany(rut))
		companies, sessions[s.company.ID] = append(companies, s.company), s.session
	}
	server := func(keys central.Master) *central.DB {
		return centraltest.OpenWith(t, s.database, s.clock, func(c *central.Config) { c.Keys, c.Practice, c.MaxConns = keys, s.sim, 4 })
	}
	// sellAll sells one boleta in every company on a server that has opened nothing yet.
	sellAll := func(keys central.Master) error {
		db := server(keys)
		defer db.Close()
		var all error
		for _, company := range companies {
			all = errors.Join(all, db.EnterCompany(t.Context(), sessions[company.ID], company.ID, func(c *central.Call) error {
				_, err := c.Sell(newSale(dte.Boleta))
				return err
			}))
		}
		return all
	}
	old, both, young := keyring(t, oldLine), keyring(t, oldLine+newLine), keyring(t, newLine)
	if err := sellAll(old); err != nil {
		t.Fatal(err)
	}

	var stop atomic.Bool
	var shops sync.WaitGroup
	sold := make(chan struct{}, 1)
	for range 2 {
		shops.Go(func() {
			for !stop.Load() {
				if err := sellAll(both); err != nil {
					t.Error(err)
					return
				}
				select {
				case sold <- struct{}{}:
				default:
				}
			}
		})
	}
	go func() { // who waits for a sale that never comes waits no longer
		shops.Wait()
		close(sold)
	}()
	ctx, cancel := context.WithCancel(t.Context())
	n, err := server(&interrupted{both, 3, cancel}).RotateKeys(ctx)
	if n != 2 || !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %d companies, %v", n, err)
	}
	<-sold // half of the companies are sealed under each key
	<-sold
	if n, err := server(both).RotateKeys(t.Context()); n != 2 || err != nil {
		t.Errorf("the rest: %d companies, %v", n, err)
	}
	<-sold
	stop.Store(true)
	shops.Wait()
	if n, err := server(both).RotateKeys(t.Context()); n != 0 || err != nil {
		t.Errorf("again: %d companies, %v", n, err)
	}

	if err := sellAll(young); err != nil {
		t.Errorf("with the new key alone: %v", err)
	}
	if err := sellAll(old); !errors.Is(err, central.ErrKey) {
		t.Errorf("with the old key: %v", err)
	}
	// What comes in later is sealed under the same.
	db := server(young)
	for _, company := range companies {
		err := db.EnterCompany(t.Context(), sessions[company.ID], company.ID, func(c *central.Call) error {
			pfx, password := centraltest.PFX(t, dtetest.Person)
			if _, err := c.UploadCertificate(pfx, password); err != nil {
				return err
			}
			if _, err := c.UploadCAF(centraltest.CAF(company.RUT, dte.Boleta, 5001, 5100)); err != nil {
				return err
			}
			_, err := c.Sell(newSale(dte.Boleta))
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if _, err := db.Drain(t.Context(), company.ID); err != nil {
			t.Error(err)
		}
	}
}
