package central

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
	"mostrador/money"
)

// NewSale is a sale that is asked for. Prices are the server's: the customer's list, or the product's.
type NewSale struct {
	Tipo        dte.TipoDTE
	Customer    dte.RUT
	Items       []SaleItem
	Payments    []Tender
	References  []dte.Referencia
	Description string
	// Discount on the whole sale, in the prices of the document: with IVA in boletas, net in facturas.
	Discount    money.Pesos
	DiscountPct money.Rate
	// Traslado of a guía (IndTraslado, 1 to 9), and how its goods travel: to the customer's address if it does not say.
	Traslado   int
	Transporte dte.Transporte
	// Key makes the sale happen once however often it is asked for; Request is the hash of what was asked under it. No key
	// if empty.
	Key     string
	Request [sha256.Size]byte
}

// SaleItem is a product and how much of it.
type SaleItem struct {
	ProductID   int64
	Qty         money.Qty
	Discount    money.Pesos
	DiscountPct money.Rate
}

// Tender is an amount handed over in one method.
type Tender struct {
	MethodID int64
	Amount   money.Pesos
	Code     string // of the terminal, the transfer, the cheque
}

// Codes of the payment methods every company has.
const (
	Efectivo       = "EFECTIVO"
	CreditoInterno = "CREDITO_INTERNO"
)

// SaleTipos are the types that POST /sales/ issues.
func SaleTipos() []dte.TipoDTE {
	return []dte.TipoDTE{dte.Factura, dte.FacturaExenta, dte.Boleta, dte.BoletaExenta, dte.GuiaDespacho}
}

// Sell makes a sale: stock, folio, document, payments and the job that sends it, or nothing at all. The same key again
// returns the first sale; the same key with another request is a Conflict.
func (c *Call) Sell(n NewSale) (Sale, error) {
	return c.sellOnce(n.Key, n.Request, func() (*plannedSale, error) { return c.plan(n) })
}

// sellOnce issues what plan makes, once for a key.
func (c *Call) sellOnce(key string, request [sha256.Size]byte, plan func() (*plannedSale, error)) (Sale, error) {
	if known, err := c.once(key, request); err != nil || known != 0 {
		if err != nil {
			return Sale{}, err
		}
		return c.Sale(known)
	}
	s, err := plan()
	if err != nil {
		return Sale{}, err
	}
	s.Key = key
	return s.issue()
}

// once takes a key. It waits for a call that is at work under the same key, and returns the sale or the payment that came of it.
func (c *Call) once(key string, request [sha256.Size]byte) (made int64, err error) {
	if key == "" {
		return 0, nil
	}
	taken, err := c.tx.Exec(c.ctx, "insert into idempotency (key, sha256, created_at) values ($1, $2, $3) on conflict do nothing", key, request[:], c.now)
	if err != nil || taken.RowsAffected() == 1 {
		return 0, err
	}
	var before []byte
	if err := c.tx.QueryRow(c.ctx, "select sha256, coalesce(sale_id, payment_id, 0) from idempotency where key = $1", key).Scan(&before, &made); err != nil {
		return 0, err
	}
	if !bytes.Equal(before, request[:]) {
		return 0, refuse(Conflict, "La Idempotency-Key ya se usó con otra solicitud")
	}
	return made, nil
}

// plannedSale is a sale whose every rule has been checked and whose sums are known; only the folio is missing.
type plannedSale struct {
	*Call
	NewSale
	facts
	lines    []plannedLine
	draft    dte.Draft
	totals   dte.Totales
	cost     money.Price // of all goods
	montos   []money.Pesos
	payments []paid
	due      *dte.Date // the day by which a sale on account is paid; nil if nothing is on account
	related  *int64
	sign     int
	goods    goods
	codRef   dte.CodRef
	// kept are the rows of the lines, if they are not the document's own: a note may say in one line what it takes back in many.
	kept []lineRow
	undone
}

// undone is the exchange that a note annuls, if it does, and what the shelves have more then.
type undone struct {
	swap  int64
	moves map[int64]money.Qty
}

// goods is what a document does to the shelf.
type goods int

// facts are what the books say before a document is made.
type facts struct {
	shift       *int64
	cashControl bool
	buyer       *Customer
	customer    Customer
	shelf       map[int64]Product // what is sold, by number
	emisor      dte.Emisor
	codes       map[int64]string // of the payment methods
	certificate int64
}

const (
	goodsLeave goods = iota
	goodsStay
	goodsComeBack
)

type plannedLine struct {
	SaleItem
	product Product
	// net and price are of one unit: without IVA, and as the document states it.
	net, price money.Pesos
	ofLine     *int
	restock    bool // a note's: the goods go where they came from
	// contenido is how many units of the product each one of the line holds; 0 for one.
	contenido money.Qty
}

// lineRow is a line as it is kept.
type lineRow struct {
	plannedLine
	nombre                    string
	discount, subtotal, monto money.Pesos
	exempt                    bool
}

// paid is a payment after change and rounding.
type paid struct {
	Tender
	code                   string
	change, rounding, kept money.Pesos
}

func (c *Call) plan(n NewSale) (*plannedSale, error) {
	s := &plannedSale{Call: c, NewSale: n, sign: 1}
	if n.Tipo == dte.GuiaDespacho {
		s.sign = 0
	}
	return s, s.steps(s.readBooks, s.openShift, s.findCustomer, s.findProducts, s.price, s.total, s.pay, s.fallDue)
}

// readBooks asks at once for all that the steps after it look at; each of them says what is wrong with its part.
func (s *plannedSale) readBooks() error {
	ids := make([]int64, len(s.Items))
	for i, item := range s.Items {
		ids[i] = item.ProductID
	}
	s.shelf = make(map[int64]Product, len(ids))
	return s.learn(s.askCustomer(s.NewSale.Customer, &s.buyer), s.askProducts(ids, s.shelf))
}

// learn asks for what every document needs, and for more.
func (s *plannedSale) learn(more ...question) error {
	return s.ask(append([]question{
		plansOnce, s.askShift(&s.shift), s.askCashControl(&s.cashControl), s.askIssuer(&s.emisor), s.askMethods(&s.codes),
		s.askCertificate(&s.certificate),
	}, more...)...)
}

// plansOnce has PostgreSQL keep the plans of this transaction's statements, which all go by keys. Left to itself it makes a
// new one for each list of numbers, and that takes several times as long as to read what they stand for.
func plansOnce(b *pgx.Batch) { b.Queue("set local plan_cache_mode = force_generic_plan") }

// MaySellTo is what every sale checks first: the seller's shift and the customer.
func (c *Call) MaySellTo(customer dte.RUT) error {
	s := &plannedSale{Call: c, NewSale: NewSale{Customer: customer}, sign: 1}
	return s.steps(s.readBooks, s.openShift, s.findCustomer)
}

func (s *plannedSale) steps(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// openShift wants the seller's shift. A company that gave up the control of cash sells without, and what moves no money
// belongs to the shift if there is one.
func (s *plannedSale) openShift() (err error) {
	if s.shift == nil && s.cashControl && s.sign != 0 {
		s.shift, err = s.nextShift()
	}
	return err
}

func (s *plannedSale) findCustomer() error {
	if s.buyer == nil {
		return refuse(NotFound, "Cliente con RUT %s no encontrado", s.NewSale.Customer)
	}
	s.customer = *s.buyer
	return nil
}

// findProducts looks whether there is enough of each; the stock itself is taken at the end.
func (s *plannedSale) findProducts() error {
	for _, item := range s.Items {
		p, ok := s.shelf[item.ProductID]
		switch {
		case !ok || p.IsDeleted:
			return refuse(NotFound, "Producto ID %d no encontrado", item.ProductID)
		case !p.IsActive:
			return refuse(Invalid, "Producto %s (SKU %s) no está activo", p.Nombre, p.SKU)
		}
	}
	for id, want := range s.wanted() {
		if p := s.shelf[id]; p.Stock < want {
			return errStock(p, want)
		}
	}
	return nil
}

// wanted is how much of each product whose stock is controlled leaves the shop.
func (s *plannedSale) wanted() map[int64]money.Qty {
	sum := map[int64]money.Qty{}
	for _, item := range s.Items {
		if s.shelf[item.ProductID].ControlaStock {
			sum[item.ProductID] += item.Qty
		}
	}
	return sum
}

func errStock(p Product, want money.Qty) *RefusalError {
	return refuse(Conflict, "Stock insuficiente para %s. Disponible: %s, Solicitado: %s", p.Nombre, twoDecimals(p.Stock), twoDecimals(want))
}

// twoDecimals is how Torn told quantities.
func twoDecimals(q money.Qty) string {
	sign := ""
	if q < 0 {
		sign, q = "-", -q
	}
	cents := (q + money.One/200) / (money.One / 100)
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}

// price prices every line by the one path there is.
func (s *plannedSale) price() error {
	prices, _, err := s.netPrices(s.customer.PriceListID, s.shelf)
	if err != nil {
		return err
	}
	for _, item := range s.Items {
		p := s.shelf[item.ProductID]
		line := plannedLine{SaleItem: item, product: p, net: prices[p.ID], price: prices[p.ID]}
		if s.Tipo == dte.Boleta {
			line.price = gross(line.net, p.Rate())
		}
		s.lines = append(s.lines, line)
	}
	return nil
}

// total puts the document together and lets the law's package add it up.
func (s *plannedSale) total() error {
	s.draft = dte.Draft{
		Tipo: s.Tipo, FchEmis: dte.DateOf(s.now), Emisor: s.emisor, Receptor: s.receptor(), Referencia: s.References, IndTraslado: s.Traslado,
		Transporte: s.transporte(),
	}
	for _, l := range s.lines {
		s.draft.Detalle = append(s.draft.Detalle, l.linea(s.Tipo))
	}
	if err := s.discountAll(); err != nil {
		return err
	}
	return s.addUp()
}

func (s *plannedSale) addUp() (err error) {
	if err := s.draft.Validate(); err != nil {
		return refuse(Unprocessable, "Error al generar el DTE. Transacción revertida. %v", err)
	}
	if s.totals, s.montos, err = s.draft.Totals(); err != nil {
		return err
	}
	if s.totals.MntTotal > maxSum {
		return refuse(Unprocessable, "El documento suma %s: un documento suma %s a lo más", s.totals.MntTotal, maxSum)
	}
	return s.addCosts()
}

// transporte of a guía; nil for all else.
func (s *plannedSale) transporte() *dte.Transporte {
	if s.Tipo != dte.GuiaDespacho {
		return nil
	}
	t := s.Transporte
	if t.Direccion == "" {
		t.Direccion, t.Comuna, t.Ciudad = clip(s.customer.Direccion, 70), clip(s.customer.Comuna, 20), clip(s.customer.Ciudad, 20)
	}
	return &t
}

func (l plannedLine) linea(t dte.TipoDTE) dte.Linea {
	line := dte.Linea{
		Codigos: []dte.Codigo{{Tipo: "INT1", Valor: l.product.SKU}}, Nombre: clip(l.product.FullName(), 80), Qty: l.Qty,
		Unidad: clip(l.product.Unidad, 4), Prc: money.Price(l.price) * money.OnePeso, Descuento: l.Discount, DescuentoPct: l.DiscountPct,
	}
	if l.product.Exento() && !t.EsExento() {
		line.IndExe = dte.Exento
	}
	return line
}

// clip keeps the first n characters: what the document's format has room for.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// FullName is the name with the family's before it, unless it begins with that already.
func (p Product) FullName() string {
	if p.ParentName == "" || len(p.Nombre) >= len(p.ParentName) && p.Nombre[:len(p.ParentName)] == p.ParentName {
		return p.Nombre
	}
	return p.ParentName + " " + p.Nombre
}

// discountAll spreads the discount on the whole sale over its taxed and its exempt lines, in proportion: the format has a
// separate discount for each.
func (s *plannedSale) discountAll() error {
	if s.Discount == 0 && s.DiscountPct == 0 {
		return nil
	}
	_, montos, err := s.draft.Totals()
	if err != nil {
		return err
	}
	var sums [2]money.Pesos // taxed, exempt
	for i, l := range s.draft.Detalle {
		sums[int(l.IndExe)&1] += montos[i]
	}
	exempt := money.Pesos(0)
	if whole := sums[0] + sums[1]; s.Discount > whole {
		return refuse(Unprocessable, "El descuento (%d) es mayor que la venta (%d)", s.Discount, whole)
	} else if s.Discount > 0 {
		if exempt, err = money.Share(s.Discount, int64(sums[1]), int64(whole)); err != nil {
			return err
		}
	}
	for kind, part := range []money.Pesos{s.Discount - exempt, exempt} {
		if sums[kind] == 0 || s.DiscountPct == 0 && part == 0 { // the format knows no discount of nothing
			continue
		}
		d := dte.DscRcgGlobal{TpoMov: dte.DescuentoGlobal, Glosa: "Descuento", Pct: s.DiscountPct, IndExe: dte.IndExe(kind)}
		if s.DiscountPct == 0 {
			d.Monto = part
		}
		s.draft.DscRcg = append(s.draft.DscRcg, d)
	}
	return nil
}

// receptor is the customer as the document names it. A boleta for nobody names nobody.
func (s *plannedSale) receptor() dte.Receptor {
	c := s.customer
	if c.RUT == SinNombre && s.Tipo.EsBoleta() {
		return dte.Receptor{RUT: dte.RUTAnonimo}
	}
	return dte.Receptor{
		RUT: c.RUT, RznSoc: clip(c.RazonSocial, 100), Giro: clip(c.Giro, 40), Correo: clip(c.Email, 80), Direccion: clip(c.Direccion, 70),
		Comuna: clip(c.Comuna, 20), Ciudad: clip(c.Ciudad, 20),
	}
}

// askIssuer asks for the company as its documents name it.
func (c *Call) askIssuer(e *dte.Emisor) question {
	return func(b *pgx.Batch) {
		b.Queue("select razon_social, giro, acteco, direccion, comuna, ciudad, telefono, email from issuer").QueryRow(func(row pgx.Row) error {
			i := Issuer{RUT: c.RUT}
			err := row.Scan(&i.RazonSocial, &i.Giro, &i.Acteco, &i.Direccion, &i.Comuna, &i.Ciudad, &i.Telefono, &i.Email)
			*e = i.emisor()
			return err
		})
	}
}

// pay settles the payments: what is not cash counts as it is, the rest is due in cash, rounded as the law says, and what was
// handed over beyond that is change.
func (s *plannedSale) pay() error {
	if s.sign == 0 {
		if len(s.Payments) > 0 {
			return refuse(Unprocessable, "Una guía de despacho no lleva pagos")
		}
		return nil
	}
	due := s.totals.MntTotal
	var tendered, cash money.Pesos
	for _, t := range s.Payments {
		code, ok := s.codes[t.MethodID]
		if !ok {
			return refuse(NotFound, "Medio de pago ID %d no encontrado", t.MethodID)
		}
		if code == CreditoInterno && s.customer.RUT == SinNombre {
			return errNobodysAccount()
		}
		tendered += t.Amount
		if code == Efectivo {
			cash += t.Amount
		} else {
			due -= t.Amount
		}
		s.payments = append(s.payments, paid{Tender: t, code: code, kept: t.Amount})
	}
	switch {
	case due < 0:
		return refuse(Invalid, "Los medios que no son efectivo (%d) superan el total de la venta (%d)", tendered-cash, s.totals.MntTotal)
	case cash < money.CashPayable(due) || due > 0 && cash == 0 && money.CashPayable(due) > 0 || due > 0 && !s.hasCash():
		return refuse(Invalid, "Monto de pagos (%s) inferior al total de la venta (%s)", amount(tendered), amount(s.totals.MntTotal))
	}
	s.giveChange(due, cash)
	return nil
}

func errNobodysAccount() *RefusalError {
	return refuse(Unprocessable, "El cliente sin identificar no tiene cuenta: indique el RUT de quien compra a crédito")
}

func (s *plannedSale) hasCash() bool {
	return slices.ContainsFunc(s.payments, func(p paid) bool { return p.code == Efectivo })
}

// amount is how Torn told money.
func amount(p money.Pesos) string { return p.XML() + ".00" }

// giveChange takes the change from the cash, the last note first, and puts the rounding on it.
func (s *plannedSale) giveChange(due, cash money.Pesos) {
	payable := money.CashPayable(due)
	change, rounding := cash-payable, payable-due
	for i := len(s.payments) - 1; i >= 0; i-- {
		p := &s.payments[i]
		if p.code != Efectivo {
			continue
		}
		p.change = min(change, p.Amount)
		change -= p.change
		p.kept -= p.change
		p.rounding, rounding = rounding, 0
	}
}

// methods are the codes of the payment methods in use, by number.
func (c *Call) methods() (codes map[int64]string, err error) {
	err = c.ask(c.askMethods(&codes))
	return codes, err
}

func (c *Call) askMethods(codes *map[int64]string) question {
	return func(b *pgx.Batch) {
		b.Queue("select id, code from payment_method where is_active").Query(func(rows pgx.Rows) error {
			*codes = map[int64]string{}
			var id int64
			var code string
			_, err := pgx.ForEachRow(rows, []any{&id, &code}, func() error {
				(*codes)[id] = code
				return nil
			})
			return err
		})
	}
}

// issue takes the folio, signs, and writes everything down. Rows that others want, products and the customer's balance, are
// locked last, so that sales of the same thing wait for each other as short as possible.
func (s *plannedSale) issue() (Sale, error) {
	signer, err := s.openSigner(s.certificate)
	if err != nil {
		return Sale{}, err
	}
	taken, caf, err := s.takeFolio(s.Tipo, s.draft.FchEmis)
	if err != nil {
		return Sale{}, err
	}
	doc, err := dte.Emit(s.draft, taken.folio, caf, signer, s.now)
	if err != nil {
		return Sale{}, refuse(Unprocessable, "Error al generar el DTE. Transacción revertida. %v", err)
	}
	if err := s.write(taken.sale, doc); err != nil {
		return Sale{}, err
	}
	if s.buyer == nil { // what was made of another sale knows its products as they were then
		return s.Call.Sale(taken.sale)
	}
	return s.made(taken.sale, doc), nil
}

// write writes everything down in one message, and then sees to it that the document is sent.
func (s *plannedSale) write(id int64, doc *dte.Document) error {
	var falls *string
	if s.due != nil {
		falls = new(s.due.String())
	}
	batch := &pgx.Batch{}
	batch.Queue(`insert into sale (id, tipo, folio, customer_id, person_id, shift_id, related_id, fecha_emision, signo, monto_exento,
			monto_neto, iva, monto_total, descuento, costo, descripcion, due_date, ind_traslado, cod_ref, audit_metadata, created_at)
		overriding system value
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, nullif($18, 0), nullif($19, 0), $20, $21)`,
		id, int(s.Tipo), int64(doc.Folio), s.customer.ID, s.Person.ID, s.shift, s.related, doc.FchEmis.String(), s.sign, doc.Totales.MntExe,
		doc.Totales.MntNeto, doc.Totales.IVA, doc.Totales.MntTotal, discounted(doc), s.cost, s.Description, falls, s.Traslado, int(s.codRef), s.audit(), s.now)
	s.writeLines(batch, id, doc)
	s.writeDocument(batch, id, doc)
	s.writePayments(batch, id)
	if s.Key != "" {
		batch.Queue("update idempotency set sale_id = $2 where key = $1", s.Key, id)
	}
	var due bool
	s.askDue(&due)(batch)
	s.holdShelf(batch)
	s.moveStock(batch, id)
	s.undoSwap(batch, id)
	if err := s.tx.SendBatch(s.ctx, batch).Close(); err != nil || due {
		return err
	}
	return s.sendNow()
}

// made is the sale as it would be read now.
func (s *plannedSale) made(id int64, doc *dte.Document) Sale {
	sale := Sale{
		ID: id, Folio: int64(doc.Folio), Tipo: s.Tipo, Class: ClassDocument, Sign: s.sign, Fecha: doc.FchEmis, Exento: doc.Totales.MntExe, Neto: doc.Totales.MntNeto,
		IVA: doc.Totales.IVA, Total: doc.Totales.MntTotal, Description: s.Description, CreatedAt: s.now.Truncate(time.Microsecond), Seller: s.Person.ID,
		Customer: s.customer, References: s.draft.Referencia, State: dte.Issued,
	}
	sale.Descuento = discounted(doc)
	if s.Traslado != 0 {
		sale.Traslado = new(int16(s.Traslado))
	}
	if day := s.due; day != nil {
		sale.DueDate = new(time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, time.UTC))
	}
	for _, l := range s.rows(doc) {
		sale.Lines = append(sale.Lines, SaleLine{
			ProductID: l.ProductID, Nombre: l.nombre, Qty: l.Qty, Price: l.net, Discount: l.discount, Subtotal: l.subtotal, Monto: l.monto,
			Exempt: l.exempt, Cost: l.product.Costo, Restock: l.restock, Product: s.shelf[l.ProductID],
			Contenido: cmp.Or(l.contenido, money.One),
		})
	}
	for _, p := range s.payments {
		sale.Payments = append(sale.Payments, SalePayment{
			MethodID: p.MethodID, Code: p.code, Tendered: p.Amount, Change: p.change, Rounding: p.rounding, Kept: p.kept, Transaction: p.Code,
		})
	}
	return sale
}

// cost of a line, as it is today; false if it is more than any price can be.
func (l plannedLine) cost() (money.Price, bool) {
	hi, lo := bits.Mul64(uint64(l.product.Costo), uint64(l.Qty))
	if hi >= uint64(money.One) {
		return 0, false
	}
	cost, _ := bits.Div64(hi, lo, uint64(money.One))
	return money.Price(cost), cost <= uint64(money.MaxPrice)
}

// addCosts adds up what the goods cost.
func (s *plannedSale) addCosts() error {
	s.cost = 0
	for _, l := range s.lines {
		cost, fits := l.cost()
		if s.cost += cost; !fits || s.cost > money.MaxPrice {
			return refuse(Unprocessable, "El costo de %s no cabe en los libros: revise su costo unitario", l.product.Nombre)
		}
	}
	return nil
}

// fallDue says when a sale on account is paid, after the customer's days or the settings', and has a factura say so.
func (s *plannedSale) fallDue() error {
	if !slices.ContainsFunc(s.payments, func(p paid) bool { return p.code == CreditoInterno && p.kept > 0 }) {
		return nil
	}
	var days int
	if err := s.tx.QueryRow(s.ctx, "select coalesce($1, credit_days) from settings", s.customer.CreditDays).Scan(&days); err != nil {
		return err
	}
	day := dte.DateOf(s.now.AddDate(0, 0, days))
	if s.Tipo == dte.Factura || s.Tipo == dte.FacturaExenta {
		s.draft.FmaPago, s.draft.FchVenc = onCredit, day
	}
	s.due = &day
	return nil
}

// onCredit is the form of payment (FmaPago) of what is owed.
const onCredit = 2

// audit names the superuser who acted as the system's person.
func (c *Call) audit() map[string]any {
	if c.Person.IsSystem {
		return map[string]any{"saas_admin_email": c.Account.Email}
	}
	return map[string]any{}
}

func (s *plannedSale) writeLines(batch *pgx.Batch, id int64, doc *dte.Document) {
	for i, l := range s.rows(doc) {
		batch.Queue(`insert into sale_line (sale_id, line, product_id, of_line, nombre, cantidad, precio_unitario, descuento, subtotal, monto,
				exento, costo_unitario, restock, contenido) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			id, i+1, l.ProductID, l.ofLine, l.nombre, l.Qty, l.net, l.discount, l.subtotal, l.monto, l.exempt, l.product.Costo, l.restock, cmp.Or(l.contenido, money.One))
	}
}

// rows are the lines with what the document says of each.
func (s *plannedSale) rows(doc *dte.Document) []lineRow {
	if s.kept != nil {
		return s.kept
	}
	nets := netParts(doc)
	rows := make([]lineRow, len(s.lines))
	for i, l := range s.lines {
		rows[i] = lineRow{
			plannedLine: l, nombre: doc.Detalle[i].Nombre, subtotal: nets[i], monto: doc.Montos[i],
			exempt: doc.Detalle[i].IndExe == dte.Exento || s.Tipo.EsExento(),
		}
		if i < len(doc.Descuentos) {
			rows[i].discount = doc.Descuentos[i]
		}
	}
	return rows
}

// netParts divides the document's net and exempt sums among its lines, so that the parts add up to them.
func netParts(doc *dte.Document) []money.Pesos {
	parts := make([]money.Pesos, len(doc.Montos))
	for _, exempt := range []bool{false, true} {
		total, whole := doc.Totales.MntNeto, money.Pesos(0)
		if exempt {
			total = doc.Totales.MntExe
		}
		mine := func(i int) bool {
			return (doc.Detalle[i].IndExe == dte.Exento || doc.Tipo.EsExento()) == exempt
		}
		for i, m := range doc.Montos {
			if mine(i) {
				whole += m
			}
		}
		if whole == 0 {
			continue
		}
		var before, given money.Pesos
		for i, m := range doc.Montos {
			if !mine(i) {
				continue
			}
			before += m
			upTo, err := money.Share(total, int64(before), int64(whole))
			if err != nil {
				upTo = total
			}
			parts[i], given = upTo-given, upTo
		}
	}
	return parts
}

// discounted is what was taken off, in the prices of the document: of its lines, and of all of it.
func discounted(doc *dte.Document) (sum money.Pesos) {
	for _, d := range doc.Descuentos {
		sum += d
	}
	for _, m := range doc.Montos {
		sum += m
	}
	if doc.Tipo.EsBoleta() || doc.MntBruto {
		return sum - doc.Totales.MntTotal
	}
	return sum - doc.Totales.MntNeto - doc.Totales.MntExe
}

func (s *plannedSale) writeDocument(batch *pgx.Batch, id int64, doc *dte.Document) {
	s.writeVersion(batch, id, 0, doc, s.draft.Referencia)
	batch.Queue("insert into document_state (sale_id, tipo, folio, boleta, state, issued_at, updated_at) values ($1, $2, $3, $4, $5, $6, $6)",
		id, int(doc.Tipo), int64(doc.Folio), doc.Tipo.EsBoleta(), dte.Issued, s.now)
}

// writeVersion writes the bytes of a sale's document, and what they refer to. Those of a boleta do not name all of it.
func (c *Call) writeVersion(batch *pgx.Batch, sale int64, version int32, doc *dte.Document, refs []dte.Referencia) {
	sum := sha256.Sum256(doc.XML)
	batch.Queue("insert into document (sale_id, version, tipo, folio, xml, sha256, ted, issued_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
		sale, version, int(doc.Tipo), int64(doc.Folio), doc.XML, sum[:], doc.TED, c.now)
	for i, r := range refs {
		batch.Queue(`insert into sale_reference (sale_id, version, line, tipo_documento, folio, fecha, sii_reason_code, razon)
			values ($1, $2, $3, $4, $5, $6, nullif($7, 0), $8)`, sale, version, i+1, r.TpoDocRef, r.FolioRef, r.FchRef.String(), int(r.CodRef), r.RazonRef)
	}
}

func (s *plannedSale) writePayments(batch *pgx.Batch, id int64) {
	for _, p := range s.payments {
		owed := money.Pesos(0)
		if p.code == CreditoInterno {
			owed = p.kept
		}
		batch.Queue(`insert into payment (sale_id, customer_id, method_id, shift_id, tendered, change, rounding, kept, owed, transaction_code, created_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, id, s.customer.ID, p.MethodID, s.shift, p.Amount, p.change, p.rounding, p.kept,
			owed, p.Code, s.now)
		if owed != 0 {
			s.owe(batch, p.kept)
		}
	}
}

// owe adds to what the customer owes, up to the limit.
func (s *plannedSale) owe(batch *pgx.Batch, more money.Pesos) {
	batch.Queue(`update customer set balance = balance + $2, updated_at = $3
		where id = $1 and ($2 <= 0 or balance + $2 <= coalesce(credit_limit, (select credit_limit from settings)))
		returning balance, updated_at`, s.customer.ID, more, s.now).
		QueryRow(func(row pgx.Row) error {
			before := s.customer.Balance
			err := row.Scan(&s.customer.Balance, &s.customer.UpdatedAt)
			if errNoRow(err) {
				return refuse(Conflict, "%s no tiene crédito para %s: debe %s", s.customer.RazonSocial, amount(more), amount(before))
			}
			return err
		})
}

// moveStock takes the goods off the shelf or puts them back, in the order of the products' numbers, so that two sales never
// wait for each other both ways. Each move leaves its row in the stock card.
func (s *plannedSale) moveStock(batch *pgx.Batch, id int64) {
	if s.goods == goodsStay {
		return
	}
	tipo, motivo, words := "SALIDA", "VENTA", fmt.Sprintf("Venta %d", id)
	if s.Tipo.EsNota() {
		motivo, words = "DEVOLUCION", fmt.Sprintf("%s, venta %d", s.Tipo, id)
	}
	wanted := s.wanted()
	for _, product := range slices.Sorted(maps.Keys(wanted)) {
		more := -wanted[product]
		if s.goods == goodsComeBack {
			tipo, more = "ENTRADA", wanted[product]
		}
		batch.Queue(`with moved as (
				update product set stock_actual = stock_actual + $2, updated_at = $3 where id = $1 and ($2 > 0 or stock_actual + $2 >= 0) returning id, stock_actual)
			insert into stock_movement (product_id, at, tipo, motivo, cantidad, balance_after, sale_id, person_id, descripcion)
			select id, $3, $4, $5, abs($2), stock_actual, $6, $7, $8 from moved returning balance_after, at`,
			product, more, s.now, tipo, motivo, id, s.Person.ID, words).
			QueryRow(func(row pgx.Row) error {
				p := s.shelf[product]
				err := row.Scan(&p.Stock, &p.UpdatedAt)
				if errNoRow(err) {
					return errStock(p, wanted[product])
				}
				s.shelf[product] = p
				return err
			})
	}
}

// holdShelf holds all products that a note moves, in their order, where more move than its own.
func (s *plannedSale) holdShelf(batch *pgx.Batch) {
	if len(s.undone.moves) == 0 {
		return
	}
	ids := slices.AppendSeq(slices.Collect(maps.Keys(s.undone.moves)), maps.Keys(s.wanted()))
	batch.Queue("select from product where id = any($1) order by id for no key update", ids)
}

// undoSwap takes back what the exchange moved that this annuls. The goods left when somebody got them: a shelf may come below zero.
func (s *plannedSale) undoSwap(batch *pgx.Batch, id int64) {
	if s.swap == 0 {
		return
	}
	batch.Queue(undoSwap, id, s.swap)
	for _, product := range slices.Sorted(maps.Keys(s.undone.moves)) {
		tipo, delta := "SALIDA", s.undone.moves[product]
		if delta > 0 {
			tipo = "ENTRADA"
		}
		batch.Queue(`with moved as (update product set stock_actual = stock_actual + $2, updated_at = $3 where id = $1 returning id, stock_actual)
			insert into stock_movement (product_id, at, tipo, motivo, cantidad, balance_after, sale_id, person_id, descripcion)
			select id, $3, $4, 'DEVOLUCION', abs($2), stock_actual, $5, $6, $7 from moved`,
			product, delta, s.now, tipo, id, s.Person.ID, fmt.Sprintf("%s, venta %d: se deshace el cambio", s.Tipo, id))
	}
}

// Sale is a sale that was made.
type Sale struct {
	ID int64
	// Folio of the document; 0 for what has none, which has the till's own Number instead.
	Folio, Number int64
	Tipo          dte.TipoDTE
	Class         Class
	// Sign is 1 for what adds to the sales, -1 for what takes away, 0 for what moves no money.
	Sign int
	// Till is the name of the one that made it; empty for the server's own.
	Till        string
	Fecha       dte.Date
	Exento      money.Pesos
	Neto        money.Pesos
	IVA         money.Pesos
	Total       money.Pesos
	Descuento   money.Pesos
	Description string
	CreatedAt   time.Time
	RelatedID   *int64
	DueDate     *time.Time
	Traslado    *int16
	CodRef      dte.CodRef // of a note
	Seller      int64
	Customer    Customer
	References  []dte.Referencia
	Lines       []SaleLine
	Payments    []SalePayment
	State       dte.State
	Veredicto   *dte.Veredicto
}

// SaleLine is a line of a sale.
type SaleLine struct {
	ProductID int64
	Nombre    string
	Qty       money.Qty
	Price     money.Pesos // net
	Discount  money.Pesos
	Subtotal  money.Pesos // net
	Monto     money.Pesos // as the document states it
	Exempt    bool
	Cost      money.Price // of one unit, as it was
	Restock   bool        // a note's: the goods went back to where they came from
	Product   Product
	// Contenido is how many units of the product each one of the line holds: Qty, Price and Cost count packs then.
	Contenido money.Qty
}

// Units are how many of the product the line moves.
func (l SaleLine) Units() money.Qty {
	n, _ := units(l.Qty, l.Contenido)
	return n
}

// UnitPrice is the net price of one of the product.
func (l SaleLine) UnitPrice() money.Pesos {
	price, err := money.Share(l.Price, int64(money.One), int64(cmp.Or(l.Contenido, money.One)))
	if err != nil {
		return l.Price
	}
	return price
}

// SalePayment is how a part of a sale was paid.
type SalePayment struct {
	MethodID                         int64
	Code                             string
	Tendered, Change, Rounding, Kept money.Pesos
	Transaction                      string
}

// Sale by number.
func (c *Call) Sale(id int64) (Sale, error) {
	list, err := c.sales("where s.id = $1", id)
	if err == nil && len(list) == 0 {
		return Sale{}, refuse(NotFound, "Venta ID %d no encontrada", id)
	}
	if err != nil {
		return Sale{}, err
	}
	return list[0], nil
}

// sales reads sales whole, in a fixed number of questions however many there are.
func (c *Call) sales(where string, args ...any) ([]Sale, error) {
	rows, err := c.tx.Query(c.ctx, `select s.id, s.folio, s.tipo, s.fecha_emision, s.monto_exento, s.monto_neto, s.iva, s.monto_total, s.descuento,
			s.descripcion, s.created_at, s.related_id, s.due_date, s.ind_traslado, coalesce(s.cod_ref, 0), s.person_id, s.customer_id, s.signo,
			coalesce((select name from till where id = s.till_id), ''), coalesce(d.state, ''), d.veredicto
		from sale s left join document_state d on d.sale_id = s.id `+where, args...)
	if err != nil {
		return nil, err
	}
	var list []Sale
	byID := map[int64]*Sale{}
	list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Sale, err error) {
		var fecha time.Time
		err = row.Scan(&s.ID, &s.Folio, &s.Tipo, &fecha, &s.Exento, &s.Neto, &s.IVA, &s.Total, &s.Descuento, &s.Description, &s.CreatedAt,
			&s.RelatedID, &s.DueDate, &s.Traslado, &s.CodRef, &s.Seller, &s.Customer.ID, &s.Sign, &s.Till, &s.State, &s.Veredicto)
		s.Fecha = dayOf(fecha)
		s.classify()
		return s, err
	})
	if err != nil || len(list) == 0 {
		return list, err
	}
	ids, customers := make([]int64, len(list)), make([]int64, len(list))
	for i := range list {
		ids[i], customers[i], byID[list[i].ID] = list[i].ID, list[i].Customer.ID, &list[i]
	}
	return list, cmp.Or(c.addCustomers(list, customers), c.addLines(byID, ids), c.addReferences(byID, ids), c.addPayments(byID, ids))
}
