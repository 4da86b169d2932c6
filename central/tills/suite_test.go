package tills_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/central/api/apitest"
	"mostrador/central/centraltest"
	"mostrador/central/door"
	"mostrador/central/tills"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
)

// TestTheServerKeepsItsPromises runs the suite of the wire on the server itself: HTTP on a socket, PostgreSQL behind it.
func TestTheServerKeepsItsPromises(t *testing.T) {
	apitest.Run(t, func(t *testing.T) apitest.Server {
		db, clock := centraltest.New(t)
		s := &served{T: t, db: db, clock: clock}
		s.company = centraltest.Company(t, db, dtetest.Company, centraltest.Account(t, db, "duena@ejemplo.cl", false))
		session, err := db.Login(t.Context(), "duena@ejemplo.cl", centraltest.Password)
		if err != nil {
			t.Fatal(err)
		}
		s.session = session.ID
		front := door.New(door.Config{Log: slog.New(slog.DiscardHandler), Now: clock.Now})
		listening := httptest.NewUnstartedServer(nil)
		listening.Config = front.HTTP(tills.New(tills.Config{DB: db, Door: front, Limits: tills.DefaultLimits()}))
		listening.Start()
		t.Cleanup(listening.Close)
		s.url = listening.URL
		s.look = centraltest.Superuser(t, db)
		_, err = s.look.Exec(t.Context(), "set search_path to "+s.company.Schema+", extensions")
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// served is the server as the suite drives it.
type served struct {
	*testing.T
	db      *central.DB
	clock   *centraltest.Clock
	company central.Company
	session uuid.UUID
	url     string
	look    *pgx.Conn
}

func (s *served) Now() time.Time       { return s.clock.Now() }
func (s *served) Pass(d time.Duration) { s.clock.Advance(d) }

func (s *served) Join(ctx context.Context, j api.Join) (api.Joined, error) {
	return api.JoinServer(ctx, api.ClientConfig{URL: s.url}, j)
}

func (s *served) Till(token string) api.Server {
	c, err := api.NewClient(api.ClientConfig{URL: s.url, Token: token, Version: "prueba"})
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// call is what a person of the company does. Time that passed may have ended the session.
func (s *served) call(fn func(*central.Call) error) error {
	err := s.db.EnterCompany(s.Context(), s.session, s.company.ID, fn)
	if errors.Is(err, central.ErrSession) {
		again, loginErr := s.db.Login(s.Context(), "duena@ejemplo.cl", centraltest.Password)
		if loginErr != nil {
			return loginErr
		}
		s.session = again.ID
		err = s.db.EnterCompany(s.Context(), s.session, s.company.ID, fn)
	}
	return err
}

func (s *served) AddCAF(file []byte) error {
	return s.call(func(c *central.Call) error {
		_, err := c.UploadCAF(file)
		return err
	})
}

func (s *served) Invite(name string) (code string, err error) {
	err = s.call(func(c *central.Call) error {
		i, err := c.InviteTill(name)
		code = i.Code
		return err
	})
	return code, err
}

func (s *served) Revoke(till int64) error {
	return s.call(func(c *central.Call) error { return c.RevokeTill(till) })
}

func (s *served) Lose(till int64) error {
	return s.call(func(c *central.Call) error { return c.LoseTill(till) })
}

func (s *served) SettleDoubt(lease, last int64) error {
	return s.call(func(c *central.Call) error {
		_, err := c.SettleLease(lease, last)
		return err
	})
}

func (s *served) PutProduct(p api.Product) error {
	_, err := s.look.Exec(s.Context(), `insert into product (codigo_interno, nombre, precio_neto, tax_id, is_deleted, updated_at) values ($1, $2, $3, 2, $4, now())
		on conflict (codigo_interno) do update set nombre = excluded.nombre, precio_neto = excluded.precio_neto, is_deleted = excluded.is_deleted, updated_at = now()`,
		p.Codigo, p.Nombre, int64(p.Prc)/int64(money.PerUnit(1)), p.Deleted)
	return err
}

func (s *served) Leases() (list []apitest.Lease, err error) {
	err = s.call(func(c *central.Call) error {
		leases, err := c.Leases(0, central.Page{Limit: 1000})
		for _, l := range leases {
			list = append(list, apitest.Lease{
				Lease: api.Lease{ID: l.ID, Tipo: l.Tipo, CAF: l.CAF, Desde: l.Desde, Hasta: l.Hasta}, Till: l.TillID, Used: l.Used, State: string(l.State),
			})
		}
		return err
	})
	return list, err
}

// Documents are those of the books, and those that were kept beside them because another has their key or because they came from
// a copy.
func (s *served) Documents() (list []apitest.Document, err error) {
	rows, err := s.look.Query(s.Context(), `
		select d.tipo, d.folio, d.sha256, s.till_id, st.state from document d join sale s on s.id = d.sale_id join document_state st on st.sale_id = s.id
		union all select tipo, folio, sha256, till_id, 'issued' from stray where tipo is not null and kind in ('conflicto', 'copia', 'bifurcación')
		order by 1, 2, 3`)
	if err != nil {
		return nil, err
	}
	var d apitest.Document
	var tipo, folio int64
	var sum []byte
	var state string
	_, err = pgx.ForEachRow(rows, []any{&tipo, &folio, &sum, &d.Till, &state}, func() error {
		d.Key, d.SHA256, d.State = dte.Key{Emisor: s.company.RUT, Tipo: dte.TipoDTE(tipo), Folio: dte.Folio(folio)}, hex.EncodeToString(sum), dte.State(state)
		list = append(list, d)
		return nil
	})
	return list, err
}

func (s *served) Alarms() (n int, err error) {
	err = s.look.QueryRow(s.Context(), "select count(*) from alarm").Scan(&n)
	return n, err
}

func (s *served) Owed(customer dte.RUT) (owed money.Pesos, err error) {
	err = s.look.QueryRow(s.Context(), "select coalesce(sum(balance), 0) from customer where rut = $1", int64(customer)).Scan(&owed)
	return owed, err
}

// Customers are those that somebody put there: not the one of sales without a name, which every company has.
func (s *served) Customers() (list []dte.RUT, err error) {
	rows, err := s.look.Query(s.Context(), "select rut from customer where rut <> $1 order by rut", int64(dte.RUTAnonimo))
	if err != nil {
		return nil, err
	}
	var rut int64
	_, err = pgx.ForEachRow(rows, []any{&rut}, func() error {
		list = append(list, dte.RUT(rut))
		return nil
	})
	return list, err
}

func (s *served) Health(till int64) (h api.Health, err error) {
	err = s.call(func(c *central.Call) error {
		standing, err := c.TillStanding(till)
		h = standing.Health.Health
		return err
	})
	return h, err
}

func (s *served) Shift(till int64, number int, opened time.Time) (z api.Shift, ok bool, err error) {
	var raw []byte
	err = s.look.QueryRow(s.Context(), "select z from shift where till_id = $1 and number = $2 and start_time = $3", till, number, opened).Scan(&raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return z, false, nil
	}
	if err != nil {
		return z, false, err
	}
	return z, true, json.Unmarshal(raw, &z)
}
