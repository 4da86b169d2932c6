package central

import (
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/money"
)

// Shift is a person's turn at the cash drawer.
type Shift struct {
	ID         int64
	PersonID   int64
	Start, End *time.Time
	Opening    money.Pesos
	// System is what should be in the drawer, Declared what was counted; nil if nobody counted.
	System   money.Pesos
	Declared *money.Pesos
	Status   string
}

// Difference is what was counted beyond what should be there; without a count nothing is known.
func (s Shift) Difference() money.Pesos {
	if s.Declared == nil {
		return 0
	}
	return *s.Declared - s.System
}

const selectShift = "select id, person_id, start_time, end_time, start_amount, final_cash_system, final_cash_declared, status from shift"

func scanShift(row pgx.CollectableRow) (s Shift, err error) {
	err = row.Scan(&s.ID, &s.PersonID, &s.Start, &s.End, &s.Opening, &s.System, &s.Declared, &s.Status)
	return s, err
}

// OpenShift opens the caller's. If one is open already it is a Conflict, or with force that one is closed uncounted: what
// should be in the drawer is kept, what was in it stays unknown.
func (c *Call) OpenShift(opening money.Pesos, force bool) (Shift, error) {
	open, err := c.lockShift()
	if err == nil {
		if !force {
			return Shift{}, refuse(Conflict, "Ya existe una caja abierta para este usuario (ID: %d, Inicio: %s)", open.ID, open.Start.UTC().Format("2006-01-02T15:04:05.000000Z"))
		}
		if _, err := c.endShift(open.ID, "CLOSED_SYSTEM", nil); err != nil {
			return Shift{}, err
		}
	} else if !isRefusal(err, NotFound) {
		return Shift{}, err
	}
	rows, err := c.tx.Query(c.ctx, "insert into shift (person_id, start_time, start_amount) values ($1, $2, $3) returning "+columnsOf(selectShift), c.Person.ID, c.now, opening)
	if err != nil {
		return Shift{}, err
	}
	s, err := pgx.CollectExactlyOneRow(rows, scanShift)
	if violates(err, uniqueViolation, "shift_one_open") {
		return s, refuse(Conflict, "Ya existe una caja abierta para este usuario (ID: 0, Inicio: %s)", c.now.UTC().Format("2006-01-02T15:04:05.000000Z"))
	}
	return s, err
}

// CurrentShift is the caller's open one; NotFound if there is none. It is looked at, not held: sales go on meanwhile.
func (c *Call) CurrentShift() (Shift, error) { return c.openOne("") }

// lockShift keeps the caller's open shift from everybody who sells or counts, until the call ends.
func (c *Call) lockShift() (Shift, error) {
	s, err := c.openOne(" for update")
	for i := 0; i < moreLooks && isRefusal(err, NotFound); i++ {
		s, err = c.openOne(" for update")
	}
	return s, err
}

// moreLooks is how often who finds no open shift looks once more: it may have been closed while this waited for it, and
// another one opened.
const moreLooks = 10

func (c *Call) openOne(lock string) (Shift, error) {
	rows, err := c.tx.Query(c.ctx, selectShift+" where person_id = $1 and status = 'OPEN' and till_id is null"+lock, c.Person.ID)
	if err != nil {
		return Shift{}, err
	}
	s, err := pgx.CollectExactlyOneRow(rows, scanShift)
	if errNoRow(err) {
		return s, refuse(NotFound, "No hay caja abierta")
	}
	return s, err
}

// needShift is the caller's open shift, kept from being closed until the call ends. A company that gave up the control of
// cash does without: nil.
func (c *Call) needShift() (*int64, error) {
	shift, err := c.heldShift()
	if err != nil || shift != nil {
		return shift, err
	}
	var required bool
	if err := c.ask(c.askCashControl(&required)); err != nil || !required {
		return nil, err
	}
	return c.nextShift()
}

// nextShift looks again for who needs an open shift and found none.
func (c *Call) nextShift() (shift *int64, err error) {
	for range moreLooks {
		if shift, err = c.heldShift(); err != nil || shift != nil {
			return shift, err
		}
	}
	return nil, c.errNoShift()
}

func (c *Call) errNoShift() *RefusalError {
	return refuse(Conflict, "El vendedor (ID %d) no tiene turno de caja abierto. No hay turno de caja abierto.", c.Person.ID)
}

func (c *Call) askCashControl(required *bool) question {
	return func(b *pgx.Batch) {
		b.Queue("select cash_control from settings").QueryRow(func(row pgx.Row) error { return row.Scan(required) })
	}
}

// heldShift is the same for what needs none: nil if there is none.
func (c *Call) heldShift() (shift *int64, err error) {
	err = c.ask(c.askShift(&shift))
	return shift, err
}

func (c *Call) askShift(shift **int64) question {
	return func(b *pgx.Batch) {
		b.Queue("select id from shift where person_id = $1 and status = 'OPEN' and till_id is null for share", c.Person.ID).QueryRow(func(row pgx.Row) error {
			if err := row.Scan(shift); !errNoRow(err) {
				return err
			}
			return nil
		})
	}
}

// CloseShift closes the caller's with what was counted.
func (c *Call) CloseShift(declared money.Pesos) (Shift, error) {
	open, err := c.lockShift()
	if err != nil {
		return Shift{}, err
	}
	return c.endShift(open.ID, "CLOSED", &declared)
}

// endShift adds up what should be in the drawer and closes it.
func (c *Call) endShift(id int64, status string, declared *money.Pesos) (Shift, error) {
	rows, err := c.tx.Query(c.ctx, "update shift set status = $2, end_time = $3, final_cash_declared = $4, final_cash_system = "+sumOfCash+
		" where id = $1 returning "+columnsOf(selectShift), id, status, c.now, declared)
	if err != nil {
		return Shift{}, err
	}
	return pgx.CollectExactlyOneRow(rows, scanShift)
}

// ShiftOf is a shift with whose it is.
type ShiftOf struct {
	Shift
	Person Person
}

// Shifts lists them, the newest first: the caller's own, or everybody's for who may see reports.
func (c *Call) Shifts(p Page, d Days) ([]ShiftOf, error) {
	from, to := d.moments()
	rows, err := c.tx.Query(c.ctx, selectShift+` where ($1 or person_id = $2) and ($3::timestamptz is null or start_time >= $3)
		and ($4::timestamptz is null or start_time < $4) order by start_time desc, id desc offset $5 limit $6`,
		c.May(ViewReports), c.Person.ID, from, to, p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	shifts, err := pgx.CollectRows(rows, scanShift)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(shifts))
	for i, s := range shifts {
		ids[i] = s.PersonID
	}
	rows, err = c.tx.Query(c.ctx, selectPerson+" where p.id = any($1)", ids)
	if err != nil {
		return nil, err
	}
	people, err := pgx.CollectRows(rows, scanPerson)
	byID := map[int64]Person{}
	for _, person := range people {
		byID[person.ID] = person
	}
	list := make([]ShiftOf, len(shifts))
	for i, s := range shifts {
		list[i] = ShiftOf{s, byID[s.PersonID]}
	}
	return list, err
}

// CashMovement is cash that went into a drawer or out of it without a sale.
type CashMovement struct {
	ID, ShiftID int64
	Amount      money.Pesos // in, or out if negative
	Reason      string
	CreatedAt   time.Time
}

const selectCashMovement = "select id, shift_id, amount, reason, created_at from cash_movement"

// MoveCash puts cash into the caller's drawer, or takes it out: no more than is there.
func (c *Call) MoveCash(amount money.Pesos, reason string) (CashMovement, error) {
	open, err := c.lockShift()
	if isRefusal(err, NotFound) {
		return CashMovement{}, refuse(Conflict, "No hay turno de caja abierto: abra la caja antes de mover efectivo")
	}
	if err != nil {
		return CashMovement{}, err
	}
	there, err := c.cashIn(open.ID)
	if err != nil {
		return CashMovement{}, err
	}
	if there+amount < 0 {
		return CashMovement{}, refuse(Conflict, "En la caja hay %s: no se pueden retirar %s", there, -amount)
	}
	rows, err := c.tx.Query(c.ctx, "insert into cash_movement (shift_id, person_id, amount, reason, created_at) values ($1, $2, $3, $4, $5) returning "+
		columnsOf(selectCashMovement), open.ID, c.Person.ID, amount, reason, c.now)
	if err != nil {
		return CashMovement{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[CashMovement])
}

// CashMovements of a shift, in their order; of the caller's own, or of anybody's for who may see reports.
func (c *Call) CashMovements(shift int64, p Page, d Days) ([]CashMovement, error) {
	from, to := d.moments()
	rows, err := c.tx.Query(c.ctx, selectCashMovement+` where shift_id = (select id from shift where id = $1 and ($2 or person_id = $3))
		and ($4::timestamptz is null or created_at >= $4) and ($5::timestamptz is null or created_at < $5)
		order by id offset $6 limit $7`, shift, c.May(ViewReports), c.Person.ID, from, to, p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[CashMovement])
}

// sumOfCash is what should be in a shift's drawer: the opening, the cash kept of sales, refunds and account payments, and what
// was put in or taken out.
const sumOfCash = `start_amount
	+ coalesce((select sum(p.kept) from payment p join payment_method m on m.id = p.method_id where p.shift_id = shift.id and m.code = 'EFECTIVO'), 0)
	+ coalesce((select sum(amount) from cash_movement where shift_id = shift.id), 0)`

func (c *Call) cashIn(shift int64) (sum money.Pesos, err error) {
	err = c.tx.QueryRow(c.ctx, "select "+sumOfCash+" from shift where id = $1", shift).Scan(&sum)
	return sum, err
}
