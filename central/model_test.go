package central_test

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/dte"
	"mostrador/money"
)

// model is a shop as a child would keep it: what is on the shelf, what each sale may still take back, what is in each
// drawer, what is owed, and what was sold.
type model struct {
	stock   [4]int64 // in whole units, by product
	drawer  map[uuid.UUID]money.Pesos
	owed    money.Pesos
	sales   map[int64]*soldOnce
	folios  map[dte.Key]bool
	total   money.Pesos
	iva     money.Pesos
	carried [4]int64 // sold less taken back
}

// soldOnce is a sale with what of it is left to take back.
type soldOnce struct {
	left map[int64]int64
}

const openingCash = money.Pesos(20_000)

// many is a school with three people who sell, four products and a customer with an account.
func many(t *testing.T) (*school, []uuid.UUID) {
	s := newSchool(t)
	sessions := []uuid.UUID{s.session}
	for i := range 2 {
		email := fmt.Sprintf("caja%d@ejemplo.cl", i)
		account := centraltest.Account(t, s.db, email, false)
		s.exec("insert into shared.membership (company_id, account_id, role_name) values ($1, $2, 'ADMINISTRADOR')", s.company.ID, account)
		s.exec("insert into person (account_id, email, name, role, role_id) select $1, $2, $2, name, id from role where name = 'ADMINISTRADOR'", account, email)
		session, err := s.db.Login(t.Context(), email, centraltest.Password)
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, session.ID)
	}
	s.exec(`insert into product (codigo_interno, nombre, precio_neto, tax_id, updated_at) values
		('P2', 'Clavo', 43, 1, now()), ('P3', 'Libro', 4990, 2, now()), ('P4', 'Queso', 7777, 1, now())`)
	s.exec("update product set controla_stock = true")
	s.call(func(c *central.Call) error {
		_, err := c.CreateCustomer(central.Customer{RUT: 5126663, RazonSocial: "Ana Díaz", Giro: "Almacén", Direccion: "Uno 1", Comuna: "Ñuñoa", Ciudad: "Santiago"})
		return err
	})
	return s, sessions
}

// afresh empties the shop: the next story begins with full shelves and open drawers.
func (s *school) afresh(sessions []uuid.UUID) *model {
	s.t.Helper()
	s.exec(`truncate sale, sale_line, sale_swap, sale_reference, payment, cash_movement, document, document_state, remedy, stock_movement, idempotency, shift,
		envelope, day_total, day_product, day_closed`)
	s.exec("update customer set balance = 0; update product set stock_actual = 0")
	s.exec("update customer set credit_limit = 50000 where rut = 5126663")
	m := &model{drawer: map[uuid.UUID]money.Pesos{}, sales: map[int64]*soldOnce{}, folios: map[dte.Key]bool{}}
	for _, session := range sessions {
		s.as(session, func(c *central.Call) error {
			_, err := c.OpenShift(openingCash, false)
			return err
		})
		m.drawer[session] = openingCash
	}
	for i := range m.stock {
		m.stock[i] = 20
		s.as(sessions[0], func(c *central.Call) error {
			_, err := c.AdjustStock(int64(i+1), 20*money.One, "inicio")
			return err
		})
	}
	return m
}

func (s *school) as(session uuid.UUID, fn func(*central.Call) error) {
	s.t.Helper()
	if err := s.try(session, fn); err != nil {
		s.t.Fatal(err)
	}
}

func (s *school) try(session uuid.UUID, fn func(*central.Call) error) error {
	return s.db.EnterCompany(s.t.Context(), session, s.company.ID, fn)
}

// sell makes a sale of random things, in cash or on account. What the shelf or the account has no room for is refused.
func (m *model) sell(rt *rapid.T, s *school, session uuid.UUID) {
	n := central.NewSale{Tipo: rapid.SampledFrom([]dte.TipoDTE{dte.Boleta, dte.Factura}).Draw(rt, "tipo"), Customer: 5126663}
	want, left := [4]int64{}, map[int64]int64{}
	for range rapid.IntRange(1, 4).Draw(rt, "lines") {
		product, qty := rapid.Int64Range(1, 4).Draw(rt, "product"), rapid.Int64Range(1, 6).Draw(rt, "qty")
		want[product-1] += qty
		left[product] += qty
		n.Items = append(n.Items, central.SaleItem{ProductID: product, Qty: money.Qty(qty) * money.One, DiscountPct: money.Rate(rapid.SampledFrom([]int{0, 0, 1000}).Draw(rt, "less"))})
	}
	n.Discount = money.Pesos(rapid.SampledFrom([]int{0, 0, 37}).Draw(rt, "off"))
	method := rapid.SampledFrom([]int64{1, 4, 5}).Draw(rt, "method")
	total := s.priceOf(session, n)
	n.Payments = []central.Tender{{MethodID: method, Amount: total}}
	if method == 1 {
		n.Payments[0].Amount = total + money.Pesos(rapid.SampledFrom([]int{5, 500, 10_000}).Draw(rt, "over"))
	}
	fits := method != 5 || m.owed+total <= 50_000
	for i := range want {
		fits = fits && want[i] <= m.stock[i]
	}
	var made central.Sale
	err := s.try(session, func(c *central.Call) (err error) {
		made, err = c.Sell(n)
		return err
	})
	if !fits {
		wantConflict(rt, err)
		return
	}
	if err != nil || made.Total != total {
		rt.Fatalf("%+v: %d, want %d: %v", n, made.Total, total, err)
	}
	for i := range want {
		m.stock[i] -= want[i]
		m.carried[i] += want[i]
	}
	m.note(rt, made, 1)
	m.sales[made.ID] = &soldOnce{left: left}
	switch method {
	case 1:
		m.drawer[session] += money.CashPayable(total)
	case 5:
		m.owed += total
	}
}

// priceOf is what a sale comes to, by a sale that is not kept.
func (s *school) priceOf(session uuid.UUID, n central.NewSale) (total money.Pesos) {
	s.t.Helper()
	s.exec("update product set stock_actual = stock_actual + 1000000000")
	n.Payments = []central.Tender{{MethodID: 1, Amount: 100_000_000}}
	undo := errors.New("not kept")
	if err := s.try(session, func(c *central.Call) error {
		made, err := c.Sell(n)
		total = made.Total
		return errors.Join(err, undo)
	}); !errors.Is(err, undo) || total == 0 {
		s.t.Fatal(err)
	}
	s.exec("update product set stock_actual = stock_actual - 1000000000")
	return total
}

// note counts a document: its folio is new, and its amounts add up.
func (m *model) note(rt *rapid.T, made central.Sale, sign money.Pesos) {
	key := dte.Key{Tipo: made.Tipo, Folio: dte.Folio(made.Folio)}
	if m.folios[key] {
		rt.Fatalf("%s was given twice", key)
	}
	m.folios[key] = true
	if made.Neto+made.Exento+made.IVA != made.Total {
		rt.Fatalf("%+v does not add up", made)
	}
	m.total += sign * made.Total
	m.iva += sign * made.IVA
}

// takeBack returns some of a product of some sale. Beyond what is left of it is refused.
func (m *model) takeBack(rt *rapid.T, s *school, session uuid.UUID, whole bool) {
	if len(m.sales) == 0 {
		rt.Skip("nothing was sold")
	}
	var ids []int64
	for id := range m.sales {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	id := rapid.SampledFrom(ids).Draw(rt, "sale")
	of := m.sales[id]
	method := rapid.SampledFrom([]int64{1, 4}).Draw(rt, "method")
	n := central.NewNote{Tipo: dte.NotaCredito, Of: id, Code: dte.CorrigeMontos, Reason: "prueba", MethodID: method}
	asked, fits, some := map[int64]int64{}, true, false
	for product := int64(1); product <= 4; product++ {
		sold, was := of.left[product]
		if !was {
			continue
		}
		qty := sold
		if !whole {
			qty = rapid.Int64Range(0, 3).Draw(rt, "back")
		}
		if qty == 0 {
			continue
		}
		some = true
		asked[product], fits = qty, fits && qty <= sold
		n.Items = append(n.Items, central.SaleItem{ProductID: product, Qty: money.Qty(qty) * money.One})
	}
	if !some {
		rt.Skip("nothing is asked for")
	}
	var made central.Sale
	err := s.try(session, func(c *central.Call) (err error) {
		made, err = c.Issue(n)
		return err
	})
	if !fits {
		wantConflict(rt, err)
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	for product, qty := range asked {
		of.left[product] -= qty
		m.stock[product-1] += qty
		m.carried[product-1] -= qty
	}
	m.note(rt, made, -1)
	if method == 1 {
		m.drawer[session] -= money.CashPayable(made.Total)
	}
}

// pay takes money on account. Beyond what is owed is refused.
func (m *model) pay(rt *rapid.T, s *school, session uuid.UUID) {
	n := central.NewAccountPayment{Customer: 5126663}
	n.MethodID, n.Amount = rapid.SampledFrom([]int64{1, 4}).Draw(rt, "method"), money.Pesos(rapid.Int64Range(1, 30_000).Draw(rt, "amount"))
	err := s.try(session, func(c *central.Call) error {
		_, err := c.PayAccount(n)
		return err
	})
	if n.Amount > m.owed {
		wantConflict(rt, err)
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	m.owed -= n.Amount
	if n.MethodID == 1 {
		m.drawer[session] += money.CashPayable(n.Amount)
	}
}

func wantConflict(rt *rapid.T, err error) {
	var refused *central.RefusalError
	if !errors.As(err, &refused) || refused.Kind != central.Conflict {
		rt.Fatalf("not refused: %v", err)
	}
}

// agrees compares the books with the model.
func (m *model) agrees(rt *rapid.T, s *school, sessions []uuid.UUID) {
	s.as(sessions[0], func(c *central.Call) error {
		for i, want := range m.stock {
			card, err := c.Movements(int64(i+1), central.Page{}, central.Days{})
			if err != nil {
				return err
			}
			p, err := c.Product(int64(i + 1))
			if err != nil || p.Stock != money.Qty(want)*money.One || card[0].Balance != p.Stock {
				rt.Fatalf("product %d: %d on the shelf, %d on its card, want %d; %v", i+1, p.Stock, card[0].Balance, want, err)
			}
		}
		customer, err := c.Customer(5126663)
		if err != nil || customer.Balance != m.owed {
			rt.Fatalf("%d is owed, want %d; %v", customer.Balance, m.owed, err)
		}
		totals, products, err := c.Report(c.Today(), c.Today(), central.Page{})
		if err != nil || totals.Total != m.total || totals.IVA != m.iva {
			rt.Fatalf("the report says %d with %d of IVA, want %d with %d; %v", totals.Total, totals.IVA, m.total, m.iva, err)
		}
		sold := [4]int64{}
		for _, p := range products {
			sold[p.Product.ID-1] = int64(p.Qty / money.One)
		}
		if sold != m.carried {
			rt.Fatalf("the report sold %v, want %v", sold, m.carried)
		}
		return nil
	})
	for _, session := range sessions {
		undo := errors.New("not closed")
		err := s.try(session, func(c *central.Call) error {
			closed, err := c.CloseShift(m.drawer[session])
			if err == nil && closed.Difference() != 0 {
				rt.Fatalf("the drawer should hold %d, want %d", closed.System, m.drawer[session])
			}
			return errors.Join(err, undo)
		})
		if !errors.Is(err, undo) {
			rt.Fatal(err)
		}
	}
	m.documentsAgree(rt, s)
}

// documentsAgree reads every document as a stranger would: its sums are those of its sale.
func (m *model) documentsAgree(rt *rapid.T, s *school) {
	conn := centraltest.Superuser(s.t, s.db)
	defer func() { _ = conn.Close(s.t.Context()) }()
	rows, err := conn.Query(s.t.Context(), `select d.xml, s.monto_neto, s.monto_exento, s.iva, s.monto_total,
			(select coalesce(sum(subtotal), 0)::bigint from `+s.company.Schema+`.sale_line l where l.sale_id = s.id)
		from `+s.company.Schema+".sale s join "+s.company.Schema+".document d on d.sale_id = s.id")
	if err != nil {
		rt.Fatal(err)
	}
	n := 0
	for rows.Next() {
		var xml []byte
		var neto, exento, iva, total, lines money.Pesos
		if err := rows.Scan(&xml, &neto, &exento, &iva, &total, &lines); err != nil {
			rt.Fatal(err)
		}
		doc, err := dte.Parse(xml)
		if err != nil {
			rt.Fatal(err)
		}
		if t := doc.Totales; t.MntNeto != neto || t.MntExe != exento || t.IVA != iva || t.MntTotal != total || lines != neto+exento {
			rt.Fatalf("%s says %+v; its sale %d %d %d %d, its lines %d", doc.Key(), t, neto, exento, iva, total, lines)
		}
		n++
	}
	if err := rows.Err(); err != nil || n != len(m.folios) {
		rt.Fatalf("%d documents, want %d; %v", n, len(m.folios), err)
	}
}

// Whatever three people sell, take back, cancel and receive: shelf, stock card, drawers, account, reports and documents say
// the same as a model that fits on a page.
func TestTheBooksAgreeWithAModel(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f != nil && f.Value.String() == f.DefValue {
		old := f.Value.String()
		if err := f.Value.Set("12"); err != nil { // each is a whole day of a shop on a real database
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Value.Set(old) })
	}
	s, sessions := many(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := s.afresh(sessions)
		who := rapid.SampledFrom(sessions)
		rt.Repeat(map[string]func(*rapid.T){
			"sell":     func(rt *rapid.T) { m.sell(rt, s, who.Draw(rt, "who")) },
			"takeBack": func(rt *rapid.T) { m.takeBack(rt, s, who.Draw(rt, "who"), false) },
			"cancel":   func(rt *rapid.T) { m.takeBack(rt, s, who.Draw(rt, "who"), true) },
			"pay":      func(rt *rapid.T) { m.pay(rt, s, who.Draw(rt, "who")) },
		})
		m.agrees(rt, s, sessions)
	})
}
