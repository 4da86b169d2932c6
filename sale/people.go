package sale

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"mostrador/dte"
	"mostrador/money"
)

// Person works at the till. A shop that has nobody asks nothing of anybody.
type Person struct {
	// Number is from 1, given by the Journal. On a badge it stands for the name, never for the PIN.
	Number int     `json:"number"`
	Name   string  `json:"name"` // nobody else's: events, sales and shifts are kept under it
	RUT    dte.RUT `json:"rut,omitempty"`
	Role   Role    `json:"role"`
	Active bool    `json:"active"`
}

// Role is what a person is at the shop.
type Role string

// The roles, from the one that may least.
const (
	Cajero     Role = "cajero"
	Supervisor Role = "supervisor"
	Dueno      Role = "dueño"
)

// Roles are all of them.
func Roles() []Role { return []Role{Cajero, Supervisor, Dueno} }

// Right is something that not everybody may do, as it is said to whoever may not.
type Right string

// The rights.
const (
	MaySell          Right = "vender"
	MayReturn        Right = "devolver"
	MayReturnWithout Right = "devolver sin boleta"
	MayCashForCard   Right = "dar efectivo por tarjeta"
	MayVoid          Right = "anular la venta"
	MayRemove        Right = "quitar o rebajar una línea"
	MayPrice         Right = "cambiar un precio"
	MayDiscount      Right = "descontar"
	MayOpenDrawer    Right = "abrir el cajón sin venta"
	MayMoveCash      Right = "ingresar o retirar efectivo"
	MayCloseShift    Right = "cerrar el turno"
	MayOverLimit     Right = "fiar sobre el cupo"
	MayReprint       Right = "reimprimir"
	MayReports       Right = "ver reportes"
	MaySettings      Right = "cambiar ajustes"
	MayPeople        Right = "cambiar personas y permisos"
)

// Rights are all of them, in the order in which they are listed.
func Rights() []Right {
	return []Right{
		MaySell, MayReturn, MayReturnWithout, MayCashForCard, MayVoid, MayRemove, MayPrice, MayDiscount, MayOpenDrawer, MayMoveCash, MayCloseShift,
		MayOverLimit, MayReprint, MayReports, MaySettings, MayPeople,
	}
}

// Grants are what a role may do without asking.
type Grants struct {
	Rights []Right `json:"rights"`
	// Discount is the largest discount by hand, of those who have MayDiscount.
	Discount money.Rate `json:"discount,omitempty"`
}

// wholePrice is a discount without limit: nothing is left to pay.
const wholePrice money.Rate = 100 * 100

// Has reports one of the rights.
func (g Grants) Has(right Right) bool { return slices.Contains(g.Rights, right) }

// With is the same with a right given, or taken away.
func (g Grants) With(right Right, given bool) Grants {
	var rights []Right
	for _, r := range Rights() { // always in the same order
		if r == right && given || r != right && g.Has(r) {
			rights = append(rights, r)
		}
	}
	g.Rights = rights
	return g
}

// Policy is what each role may do. The owner may do everything, and needs no entry.
type Policy map[Role]Grants

// UsualPolicy is that of a shop which has changed nothing.
func UsualPolicy() Policy {
	return Policy{
		Cajero:     {Rights: []Right{MaySell, MayRemove, MayDiscount, MayCloseShift, MayReprint}, Discount: 5 * 100},
		Supervisor: {Rights: slices.DeleteFunc(Rights(), func(r Right) bool { return r == MayPeople }), Discount: wholePrice},
	}
}

// Of is what a role may do.
func (p Policy) Of(role Role) Grants {
	if role == Dueno {
		return Grants{Rights: Rights(), Discount: wholePrice}
	}
	if g, ok := p[role]; ok {
		return g
	}
	return UsualPolicy()[role]
}

// Check refuses what no shop may want: people and rights are the owner's, and who works at a till may sell.
func (p Policy) Check() error {
	for role, g := range p {
		switch {
		case role != Cajero && role != Supervisor:
			return fmt.Errorf("los permisos de «%s» no se cambian: el dueño puede todo. Nada cambió", role)
		case g.Has(MayPeople):
			return errors.New("sólo el dueño cambia personas y permisos. Nada cambió")
		case !g.Has(MaySell):
			return errors.New("quien trabaja en la caja puede vender; para que alguien no entre, desactívelo. Nada cambió")
		case g.Discount < 0 || g.Discount > wholePrice:
			return errors.New("el descuento va de 0 a 100 %. Nada cambió")
		}
		for _, r := range g.Rights {
			if !slices.Contains(Rights(), r) {
				return fmt.Errorf("el permiso «%s» no existe. Nada cambió", r)
			}
		}
	}
	return nil
}

// clone shares nothing with p.
func (p Policy) clone() Policy {
	if p == nil {
		return nil
	}
	c := Policy{}
	for role, g := range p {
		g.Rights = slices.Clone(g.Rights)
		c[role] = g
	}
	return c
}

// People are those of a Journal who work at the till.
type People interface {
	// People lists everybody, by number.
	People() ([]Person, error)
	// PutPerson keeps a person as CheckPerson wants them, a new one if the number is 0, with another PIN unless that is the
	// zero PIN; with it all wrong guesses are forgotten. The event goes to the log.
	PutPerson(p Person, pin PIN, e Event) (Person, error)
	// PIN is a person's; ErrNotFound without one.
	PIN(number int) (PIN, error)
	// Misses are the wrong guesses of a person's PIN since the last right one; PutMisses keeps them.
	Misses(number int) (Misses, error)
	PutMisses(number int, m Misses) error
	// Policy is what the roles may do; UsualPolicy if nobody changed it.
	Policy() (Policy, error)
	SetPolicy(p Policy, e Event) error
}

// maxName bounds a name: it stands on the strip and on every ticket.
const maxName = 24

// CheckPerson is the person as they are kept among these others, or what is wrong. A shop that has people keeps an owner:
// without one nobody could change anything.
func CheckPerson(others []Person, p Person, hasPIN bool) (Person, error) {
	p.Name = strings.Join(strings.Fields(p.Name), " ")
	others = slices.DeleteFunc(slices.Clone(others), func(o Person) bool { return o.Number == p.Number })
	same := func(o Person) bool { return fold(o.Name) == fold(p.Name) }
	switch {
	case fold(p.Name) == "" || !utf8.ValidString(p.Name) || utf8.RuneCountInString(p.Name) > maxName:
		return p, FieldError{FieldName, fmt.Sprintf("falta el nombre, de 1 a %d letras", maxName)}
	case slices.ContainsFunc(others, same):
		return p, FieldError{FieldName, fmt.Sprintf("ya hay alguien que se llama %s: agregue el apellido", p.Name)}
	case !slices.Contains(Roles(), p.Role):
		return p, FieldError{FieldRole, fmt.Sprintf("el rol «%s» no existe: use cajero, supervisor o dueño", p.Role)}
	case p.RUT == dte.RUTAnonimo:
		return p, FieldError{FieldRUT, "el RUT no es de una persona"}
	case !hasPIN:
		return p, FieldError{FieldPIN, "falta el PIN, de 4 a 8 cifras"}
	}
	if all := append(others, p); anyActive(all, "") && !anyActive(all, Dueno) {
		return p, FieldError{FieldRole, "tiene que quedar un dueño activo: sin él nadie podría cambiar nada. Nada cambió"}
	}
	return p, nil
}

// What a person fills in of somebody who works at the till.
const (
	FieldName Field = "nombre"
	FieldRole Field = "rol"
	FieldPIN  Field = "pin"
)

// anyActive reports that somebody of that role, or of any, works here.
func anyActive(people []Person, role Role) bool {
	return slices.ContainsFunc(people, func(p Person) bool { return p.Active && (role == "" || p.Role == role) })
}

// ErrLocked: nobody is at the till.
var ErrLocked = errors.New("la caja está bloqueada: entre con su PIN. La venta abierta está a salvo")

// Ask is a wish to do something that not everybody may do.
type Ask struct {
	Right Right
	// Off is the discount that is wished, of MayDiscount.
	Off money.Rate
	// What it is about, for whoever approves it: "Leche entera 1 L".
	What string
}

// ApprovalError is that who is at the till may not do something alone. Nothing was done. Somebody who may approves it with their PIN,
// and then it is done.
type ApprovalError struct {
	Ask
	Who string // wants it
}

func (e ApprovalError) Error() string {
	return fmt.Sprintf("%s no puede %s sin que alguien lo autorice. Nada cambió", e.Who, e.Ask.wish())
}

// wish is the right as it is wished: "descontar 12,5 %".
func (a Ask) wish() string {
	if a.Right == MayDiscount {
		return fmt.Sprintf("descontar %s", percent(a.Off))
	}
	return string(a.Right)
}

// percent writes a rate: "12,5 %".
func percent(r money.Rate) string {
	text := fmt.Sprintf("%d,%02d", r/100, r%100)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ",") + " %"
}

// allow reports that a role may do what is asked.
func (g Grants) allow(a Ask) bool {
	return g.Has(a.Right) && (a.Right != MayDiscount || a.Off <= g.Discount)
}

// May is what every guarded act asks before it begins: nil, ApprovalError, or ErrLocked.
func (r *Register) May(a Ask) error {
	switch {
	case !r.staffed():
		return nil
	case r.locked:
		return ErrLocked
	case r.policy.Of(r.person.Role).allow(a):
		return nil
	case r.approver.Number != 0 && a.Right == r.approved.Right && a.Off <= r.approved.Off:
		return nil
	}
	return ApprovalError{a, r.person.Name}
}

// staffed reports a shop that says who is at the till.
func (r *Register) staffed() bool { return anyActive(r.people, "") }

// Approvers are those whose PIN is good for what was refused.
func (r *Register) Approvers(need ApprovalError) []Person {
	return slices.DeleteFunc(slices.Clone(r.people), func(p Person) bool {
		return !p.Active || !r.policy.Of(p.Role).allow(need.Ask)
	})
}

// Approve lets the next Approved do what was refused, by somebody's PIN. ErrPIN if it is not theirs.
func (r *Register) Approve(need ApprovalError, number int, pin string) error {
	r.approver = Person{}
	by, err := r.identify(number, pin)
	if err != nil {
		return err
	}
	if !r.policy.Of(by.Role).allow(need.Ask) {
		return fmt.Errorf("%s tampoco puede %s. Nada cambió", by.Name, need.wish())
	}
	r.approver, r.approved = by, need.Ask
	return nil
}

// Approved does what was just approved, and no more; what was asked, by whom, and who approved it are kept in the log.
func (r *Register) Approved(act func() error) error {
	r.d.Approved = r.approver.Name
	defer func() { r.approver, r.approved, r.d.Approved = Person{}, Ask{}, "" }()
	if err := act(); err != nil {
		return err
	}
	return r.d.Journal.Log(r.event(EventApproved, strings.TrimSuffix(r.approved.wish()+": "+r.approved.What, ": "), 0))
}

// People are those who work here.
func (r *Register) People() []Person { return slices.Clone(r.people) }

// Policy is what the roles may do.
func (r *Register) Policy() Policy {
	p := Policy{}
	for _, role := range Roles() {
		p[role] = r.policy.Of(role)
	}
	return p
}

// SetPolicy is what a role may do from now on.
func (r *Register) SetPolicy(role Role, g Grants) error {
	if err := r.May(Ask{Right: MayPeople, What: "permisos de " + string(role)}); err != nil {
		return err
	}
	next := r.policy.clone()
	if next == nil {
		next = Policy{}
	}
	next[role] = g
	if err := next.Check(); err != nil {
		return err
	}
	if err := r.d.Journal.SetPolicy(next, r.event(EventPolicy, describeGrants(role, g), 0)); err != nil {
		return err
	}
	r.policy = next
	return nil
}

func describeGrants(role Role, g Grants) string {
	var names []string
	for _, right := range g.Rights {
		names = append(names, Ask{Right: right, Off: g.Discount}.wish())
	}
	return fmt.Sprintf("%s: %s", role, strings.Join(names, ", "))
}

// SavePerson keeps a person, new or changed; an empty PIN leaves the one they have. The first of a shop is at the till
// from then on: it was they who wrote their PIN.
func (r *Register) SavePerson(p Person, pin string) (Person, error) {
	if err := r.May(Ask{Right: MayPeople, What: p.Name}); err != nil {
		return p, err
	}
	hidden, err := r.d.hide(pin)
	if err != nil {
		return p, err
	}
	first := !r.staffed()
	if p, err = r.d.Journal.PutPerson(p, hidden, r.event(EventPerson, describePerson(p, pin != ""), 0)); err != nil {
		return p, err
	}
	if r.people, err = r.d.Journal.People(); err != nil {
		return p, err
	}
	switch {
	case first && p.Active:
		r.stand(p)
	case p.Number == r.person.Number:
		r.stand(p)
		r.locked = !p.Active && r.staffed()
	}
	if !r.staffed() {
		r.stand(Person{})
	}
	return p, nil
}

// describePerson is a change of a person as the log tells it.
func describePerson(p Person, newPIN bool) string {
	words := fmt.Sprintf("%s, %s", p.Name, p.Role)
	if !p.Active {
		words += ", ya no trabaja aquí"
	}
	if newPIN {
		words += ", con otro PIN"
	}
	return words
}

// stand puts a person at the till.
func (r *Register) stand(p Person) { r.person, r.d.Who, r.locked = p, p.Name, false }

// Lock leaves the till without anybody: the open sale stays as it is. While a customer pays it is not locked.
func (r *Register) Lock() error {
	switch {
	case !r.staffed():
		return errors.New("para bloquear la caja y saber quién vende, agregue primero a las personas: Menú, Personas")
	case r.stage == Paying:
		return errors.New("se está cobrando: termine el pago, o vuelva atrás, y bloquee después")
	}
	r.locked = true
	return nil
}

// Enter puts a person at the till, by their PIN. Another one than before takes the open sale over as it is, and that is
// kept in the log. ErrPIN if it is not their PIN.
func (r *Register) Enter(number int, pin string) error {
	p, err := r.identify(number, pin)
	if err != nil {
		return err
	}
	if p.Number != r.person.Number {
		if err := r.logEntry(p); err != nil {
			return err
		}
	}
	r.stand(p)
	return nil
}

// logEntry keeps who came, instead of whom, and what was open then.
func (r *Register) logEntry(p Person) error {
	words := "entra " + p.Name
	if r.person.Name != "" {
		words += " en lugar de " + r.person.Name
	}
	e := r.event(EventEntered, words, 0)
	e.Who, e.Sale = p.Name, ""
	if total, err := r.total(); err == nil && len(r.cart.Lines) > 0 && r.stage != Done {
		e.Sale, e.Amount = r.cart.ID, total
		e.What += ", con una venta abierta"
	}
	return r.d.Journal.Log(e)
}

// loadPeople reads who works here. A shop that has people begins with nobody at the till.
func (r *Register) loadPeople() error {
	people, err := r.d.Journal.People()
	if err != nil {
		return err
	}
	policy, err := r.d.Journal.Policy()
	r.people, r.policy = people, policy
	r.locked = r.staffed()
	return err
}
