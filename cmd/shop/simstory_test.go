package shop

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"mostrador/central/api"
	"mostrador/central/api/apitest"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/store"
)

// lives is a day or so in which everything may happen.
func (w *simWorld) lives() {
	for _, tipo := range simTypes {
		w.office.buys(tipo)
	}
	w.opens()
	w.opens()
	if w.r.IntN(2) == 0 {
		w.in(w.between(time.Hour, 4*time.Hour), w.opens)
	}
	w.often(35*time.Minute, w.trades)
	w.often(12*time.Minute, w.mishap)
	w.often(70*time.Minute, w.keeps)
	w.often(45*time.Minute, w.edits)
	for w.step(w.end) {
		if len(w.faults) > 0 {
			return
		}
	}
}

// often does something again and again, about so far apart, until the end.
func (w *simWorld) often(pause time.Duration, do func()) {
	w.in(w.between(pause/2, pause*3/2), func() {
		if w.now.After(w.end) {
			return
		}
		do()
		w.often(pause, do)
	})
}

// one of the tills that are up.
func (w *simWorld) one() *simTill {
	var up []*simTill
	for _, m := range w.tills {
		if m.up && !m.gone {
			up = append(up, m)
		}
	}
	if len(up) == 0 {
		return nil
	}
	return up[w.r.IntN(len(up))]
}

// trades is what happens at the counters.
func (w *simWorld) trades() {
	for _, m := range w.tills {
		if !m.up || m.gone {
			continue
		}
		switch w.r.IntN(12) {
		case 0:
			m.isPaid()
		case 1:
			m.turns()
		case 2:
			m.takesBack()
		case 3:
			m.movesCash()
		case 4:
			m.sellsByVoucher()
		case 5:
			m.remedies()
		default:
			m.sells()
		}
	}
}

// keeps has somebody make a backup.
func (w *simWorld) keeps() {
	m := w.one()
	if m == nil {
		return
	}
	name := filepath.Join(m.dir, "respaldo.db")
	_, err := m.store.BackupFile(name)
	w.must(err)
	m.backup = name
	w.note("%s: a backup", m.name)
}

// edits is what changes at the server, and what is made at a till.
func (w *simWorld) edits() {
	code := fmt.Sprint("A", w.r.IntN(5))
	p := api.Product{Codigo: code, Nombre: "Artículo " + code, Prc: money.PerUnit(money.Pesos(100 + 10*w.r.IntN(500))), Deleted: w.r.IntN(6) == 0}
	w.must(w.server.PutProduct(p))
	w.note("the server: %s is %v %v", code, p.Prc, p.Deleted)
	m := w.one()
	if m == nil {
		return
	}
	if w.r.IntN(1000) < 4*w.mishaps {
		m.tells(w.now)
		m.left = 1 + w.r.IntN(8) // in the middle of the news
	}
	rut := simCustomers[w.r.IntN(len(simCustomers))]
	if _, err := m.store.Customer(rut); err == nil {
		return
	}
	w.must(m.store.PutCustomers(m.now(), sale.Customer{RUT: rut, RznSoc: "Cliente de " + m.name, Giro: "ALMACÉN", Direccion: "UNO 1", Comuna: "Ñuñoa"}))
	w.made[rut] = append(w.made[rut], m)
	w.note("%s: a customer %s", m.name, rut)
	m.wakes()
}

// simCustomers are made at tills, perhaps at two that do not know of each other.
var simCustomers = []dte.RUT{5126663, 9876543}

// mishap is what goes wrong around a till.
func (w *simWorld) mishap() {
	if w.r.IntN(1000) >= 4*w.mishaps {
		return
	}
	m := w.one()
	if m == nil {
		return
	}
	switch w.r.IntN(18) {
	case 0, 1:
		m.falls(w.between(time.Second, time.Hour))
	case 2, 3, 4:
		m.left = 1 + w.r.IntN(14)
	case 5, 6:
		m.away = w.now.Add(w.between(10*time.Minute, 5*time.Hour))
		w.note("%s has no line until %s", m.name, m.away.Format("15:04"))
	case 7:
		w.serverDown = w.now.Add(w.between(time.Minute, time.Hour))
		w.stats.serverFalls++
		w.note("the server is down until %s", w.serverDown.Format("15:04"))
	case 8:
		m.skew = time.Duration(w.r.IntN(80)-40) * time.Minute
		w.stats.jumps++
		w.note("%s: the clock is wrong by %s", m.name, m.skew)
	case 9:
		w.swizzle()
	case 10, 11, 12:
		m.comesBack()
	case 13:
		m.hasATwin()
	case 14:
		if w.r.IntN(3) == 0 {
			m.isCopied()
		}
	case 15:
		m.isLost()
	case 16:
		m.disk = 1 + w.r.IntN(4)
		w.note("%s: the disk fails %d times", m.name, m.disk)
		if w.r.IntN(2) == 0 {
			m.sells()
		}
	case 17:
		w.settles()
	}
}

// swizzle takes the lines of the tills one by one, and gives them back in another order.
func (w *simWorld) swizzle() {
	for i, n := range w.r.Perm(len(w.tills)) {
		m := w.tills[n]
		w.in(time.Duration(i)*7*time.Minute, func() { m.away = w.now.Add(w.between(time.Hour, 3*time.Hour)) })
	}
}

// comesBack: the disk dies, and the newest backup takes its place.
func (m *simTill) comesBack() {
	w := m.w
	if m.backup == "" {
		return
	}
	w.stats.restores++
	m.restored = true
	w.must(m.store.Close())
	m.up, m.run = false, m.run+1
	w.must(os.Rename(m.path(), fmt.Sprintf("%s.%d", m.path(), m.run)))
	m.puts(m.backup)
	w.note("%s comes back from a backup", m.name)
	m.openStore()
	m.start()
}

// puts a backup where the till's file belongs.
func (m *simTill) puts(backup string) {
	if m.w.plant.noEpoch {
		m.w.must(copyOf(backup, m.path()))
		return
	}
	m.w.must(store.Restore(backup, m.path(), m.w.now))
}

// hasATwin: somebody puts the backup on another computer, and the first one goes on.
func (m *simTill) hasATwin() {
	w := m.w
	if m.backup == "" {
		return
	}
	w.stats.clones++
	o := m.sibling("de respaldo")
	o.puts(m.backup)
	o.openStore()
	o.start()
}

// sibling is another computer with this till's identity, and no file yet.
func (m *simTill) sibling(how string) *simTill {
	o := m.w.newTill(m.name + " " + how)
	o.id, o.api = m.id, m.api
	m.w.must(os.MkdirAll(o.dir, 0o700))
	m.w.must(copyOf(filepath.Join(m.dir, keyFile), filepath.Join(o.dir, keyFile)))
	m.w.note("%s appears", o.name)
	return o
}

// isCopied: somebody copies the whole folder and both go on. No program can tell them apart before they speak.
func (m *simTill) isCopied() {
	w := m.w
	w.stats.copies++
	w.must(m.store.Close())
	o := m.sibling("copiada")
	w.must(copyOf(m.path(), o.path()))
	for _, t := range w.tills {
		if t.id == m.id {
			t.raw = true
		}
	}
	m.openStore()
	m.start()
	o.openStore()
	o.start()
}

// isLost: stolen. The office says so, takes over what it has of it, and another till opens.
func (m *simTill) isLost() {
	w := m.w
	for _, t := range w.tills {
		if t.id == m.id && !t.gone {
			t.stops("perdida")
		}
	}
	w.must(w.server.Lose(m.id))
	w.office.takesOver(func(d apitestDocument) bool { return d.Till == m.id })
	w.opens()
}

// settles a lease in doubt, as far as the papers go that the shop has from it.
func (w *simWorld) settles() {
	leases, err := w.server.Leases()
	w.must(err)
	for _, l := range leases {
		if l.State != apitest.LeaseDoubt {
			continue
		}
		last := l.Used
		for folio := l.Used + 1; folio <= l.Hasta; folio++ {
			if len(w.papers[dte.Key{Emisor: dtetest.Company, Tipo: l.Tipo, Folio: dte.Folio(folio)}]) > 0 {
				last = folio
			}
		}
		w.must(w.server.SettleDoubt(l.ID, last))
		w.stats.settled++
		w.note("lease %d of %s is settled at %d", l.ID, l.Tipo, last)
	}
}

// heals: no more trouble. Within two days everything must be where it belongs.
func (w *simWorld) heals() {
	if len(w.faults) > 0 {
		return
	}
	w.healed, w.serverDown = true, time.Time{}
	w.note("no more trouble")
	for _, m := range w.tills {
		m.away, m.skew, m.left, m.disk = time.Time{}, 0, 0, 0
	}
	limit := w.now.Add(48 * time.Hour)
	for range 30 { // some hundred steps are enough for whoever gets anywhere
		for range 50 {
			if !w.step(limit) {
				break
			}
		}
		w.decides()
		if w.atRest() && w.staysAtRest() {
			w.note("at rest")
			return
		}
		if w.now.Add(time.Second).After(limit) {
			break
		}
	}
	for _, m := range w.living() {
		if !m.rests() {
			b, _ := m.store.Backlog()
			w.fault("%s does not come to rest: %+v %+v %+v", m.name, b, m.courier.Status(), m.worker.Status())
		}
	}
	if !w.office.quiet() {
		w.fault("the server does not come to rest")
	}
}

// staysAtRest: each till asks once more, for what the others told last.
func (w *simWorld) staysAtRest() bool {
	until := w.now.Add(45 * time.Minute)
	for w.step(until) {
		continue
	}
	return w.atRest()
}

func (w *simWorld) atRest() bool {
	for _, m := range w.living() {
		if !m.rests() {
			return false
		}
	}
	return w.office.quiet()
}

// rests: everything is decided, told and heard.
func (m *simTill) rests() bool {
	if !m.up {
		return false
	}
	b, err := m.store.Backlog()
	return err == nil && b.Documents == 0 && m.courier.Idle() && m.courier.Status().Hold == ""
}

// decides is what people do about the tills that the server holds, and about documents that no till has any more.
func (w *simWorld) decides() {
	for _, m := range w.living() {
		if !m.up || m.courier.Status().Hold == "" {
			continue
		}
		if b, err := m.store.Backlog(); err != nil || b.Documents > 0 {
			continue // first it sends what it has
		}
		if w.another(m) {
			m.retires()
			continue
		}
		w.note("%s is alone and held: its own file is restored", m.name)
		name := filepath.Join(m.dir, "propio.db")
		_, err := m.store.BackupFile(name)
		w.must(err)
		m.backup = name
		m.comesBack()
	}
	w.office.takesOver(func(d apitestDocument) bool {
		for _, m := range w.living() {
			if m.id == d.Till && (!m.up || m.has(d.Key, d.SHA256)) {
				return false
			}
		}
		return true
	})
}

// another computer is this till and may issue.
func (w *simWorld) another(m *simTill) bool {
	for _, o := range w.living() {
		if o != m && o.id == m.id && (!o.up || o.courier.Status().Hold == "") {
			return true
		}
	}
	return false
}

// retires: this computer was replaced by another copy of it. What it sold is told by it all the same.
func (m *simTill) retires() {
	m.tellsStrays()
	m.stops("otra copia ocupa su lugar")
}

// has tells whether the till's file has a document with these bytes.
func (m *simTill) has(key dte.Key, sum string) bool {
	xml, _, err := m.store.Document(key)
	return err == nil && hashOf(xml) == sum
}
