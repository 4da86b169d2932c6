package central

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	rnd "math/rand/v2"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// The demo's: a fictitious company in training, and who looks at it.
const (
	demoRUT   dte.RUT = 76543210
	DemoEmail         = "demo@mostrador.local"
	demoSales         = 15000
	// demoDays, the last of them today, have real documents.
	demoDays = 7
	// demoFolios keeps the folios of the past away from those of the ranges that the company holds.
	demoFolios = 1_000_000
)

// demoProducts are what the demo sells: net prices, the best known first.
var demoProducts = []struct {
	nombre string
	net    int64
}{
	{"Marraqueta (kg)", 1930},
	{"Bebida cola 1,5 l", 1420},
	{"Leche entera 1 l", 920},
	{"Huevos (docena)", 2690},
	{"Pan molde", 1680},
	{"Queso mantecoso (250 g)", 2350},
	{"Jamón pierna (250 g)", 1840},
	{"Agua mineral 1,6 l", 840},
	{"Arroz grado 1 (kg)", 1170},
	{"Aceite vegetal 900 ml", 2010},
	{"Azúcar (kg)", 1090},
	{"Fideos 400 g", 750},
	{"Salsa de tomate", 500},
	{"Atún en lata", 1080},
	{"Café instantáneo 100 g", 3770},
	{"Té (100 bolsitas)", 2180},
	{"Mantequilla 250 g", 2430},
	{"Yogur batido", 290},
	{"Papas fritas 200 g", 1500},
	{"Galletas de vino", 670},
	{"Chocolate de leche", 1340},
	{"Cerveza (lata)", 840},
	{"Vino tinto 750 ml", 3350},
	{"Detergente 3 l", 5880},
	{"Papel higiénico (4)", 1760},
	{"Toalla de papel (2)", 1590},
	{"Lavalozas 500 ml", 1250},
	{"Cloro 1 l", 1000},
	{"Jabón de tocador", 750},
	{"Champú 400 ml", 2510},
	{"Palta (kg)", 4200},
	{"Tomate (kg)", 1340},
	{"Papa (kg)", 1080},
	{"Plátano (kg)", 1250},
	{"Limón (kg)", 1500},
	{"Pollo entero (kg)", 2770},
	{"Carne molida (kg)", 6300},
	{"Hielo 2 kg", 1260},
	{"Pilas AA (4)", 2940},
	{"Encendedor", 500},
}

// Demo makes a company with a year of sales, and who may look at it: with that e-mail and a password that is told once. The
// sales of the last days are made as any other, with folio, document and signature; those before are rows without a signed
// document (see Fill). It needs the simulator; rewind sets its clock back, so that it authorises folios for days that have
// been. If the account is there already, nothing is done and the password is empty.
func (db *DB) Demo(ctx context.Context, rewind func(time.Duration)) (password string, err error) {
	if db.Practice == nil {
		return "", errors.New("la demostración necesita el simulador (-simulator): de ahí salen sus folios")
	}
	password = rand.Text()
	owner, err := db.CreateAccount(ctx, NewAccount{Email: DemoEmail, FullName: "Dueña de la demostración", Password: password})
	if isRefusal(err, Conflict) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	rewind(demoDays * 24 * time.Hour)
	company, err := db.CreateCompany(ctx, NewCompany{
		Name: "Almacén de Demostración SpA", RUT: demoRUT, Ambiente: dte.Capacitacion, Giro: "Almacén", Address: "Av. Siempre Viva 742",
		Commune: "Ñuñoa", City: "Santiago", BillingDay: 1, Actecos: []string{"471100"}, Owner: owner,
	})
	rewind(0)
	if err != nil {
		return "", err
	}
	session, err := db.Login(ctx, DemoEmail, password)
	if err != nil {
		return "", err
	}
	in := func(at time.Time, fn func(*Call) error) error {
		return db.EnterCompany(ctx, session.ID, company.ID, func(c *Call) error {
			c.now = at
			return fn(c)
		})
	}
	now := db.Now()
	if err := in(now, (*Call).stockDemo); err != nil {
		return "", err
	}
	today := dte.DateOf(now)
	past := Filling{From: plusDays(today, -364), To: plusDays(today, -demoDays), Sales: demoSales, AfterFolio: demoFolios}
	if err := db.Fill(ctx, company.Schema, past); err != nil {
		return "", err
	}
	for n := demoDays - 1; n >= 0; n-- {
		if err := db.demoDay(plusDays(today, -n), now, in); err != nil {
			return "", err
		}
	}
	_, err = db.CloseDays(ctx)
	return password, err
}

// stockDemo puts products and customers into the company.
func (c *Call) stockDemo() error {
	for i, p := range demoProducts {
		if _, err := c.tx.Exec(c.ctx, `insert into product (codigo_interno, nombre, precio_neto, costo_unitario, codigo_barras, tax_id, updated_at)
			values ($1, $2, $3, $4, $5, 1, $6)`, fmt.Sprintf("PROD-%05d", i+1), p.nombre, p.net, p.net*700_000, fmt.Sprintf("2%011d", i+1), c.now); err != nil {
			return err
		}
	}
	if _, err := c.tx.Exec(c.ctx, "update counter set sku = $1", len(demoProducts)); err != nil {
		return err
	}
	for i, name := range []string{"Café La Esquina SpA", "Restorán Don Pepe Ltda.", "Colegio Los Aromos", "Constructora Andes SpA", "Ana Rojas Muñoz"} {
		if _, err := c.CreateCustomer(Customer{
			RUT: dte.RUT(76100200 + i*1111), RazonSocial: name, Giro: "Servicios", Direccion: "Calle Uno 123", Comuna: "Ñuñoa", Ciudad: "Santiago",
		}); err != nil {
			return err
		}
	}
	return nil
}

// demoDay sells for a day, from nine to nine or until now; a day that is over ends with its drawer counted.
func (db *DB) demoDay(day dte.Date, now time.Time, in func(time.Time, func(*Call) error) error) error {
	r := rnd.New(rnd.NewPCG(uint64(day.Day), uint64(day.Month)))
	at := Begins(day).Add(9 * time.Hour)
	if at.After(now) {
		return nil
	}
	if err := in(at, func(c *Call) error {
		_, err := c.OpenShift(30000, false)
		return err
	}); err != nil {
		return err
	}
	cash := money.Pesos(30000)
	end := at.Add(12 * time.Hour)
	for at = at.Add(5 * time.Minute); at.Before(end) && at.Before(now); at = at.Add(time.Duration(5+r.IntN(25)) * time.Minute) {
		if err := in(at, func(c *Call) error {
			s, err := c.Sell(demoSale(r))
			for _, p := range s.Payments {
				if p.Code == Efectivo {
					cash += p.Kept
				}
			}
			return err
		}); err != nil {
			return err
		}
	}
	if now.Before(end) {
		return nil
	}
	return in(end, func(c *Call) error {
		_, err := c.CloseShift(cash)
		return err
	})
}

// demoSale is a boleta of some products, paid in cash with a large note.
func demoSale(r *rnd.Rand) NewSale {
	n := NewSale{Tipo: dte.Boleta, Customer: SinNombre, Payments: []Tender{{MethodID: 1, Amount: 100_000}}}
	for range 1 + r.IntN(4) {
		n.Items = append(n.Items, SaleItem{ProductID: int64(1 + r.IntN(len(demoProducts))), Qty: money.Qty(1+r.IntN(2)) * money.One})
	}
	return n
}
