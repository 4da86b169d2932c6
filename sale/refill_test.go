package sale_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"mostrador/dte"
	"mostrador/sale"
)

// Who has no folios is told from where they come, whether the line there is up, and what to do: by the list of what works, by the
// refused sale, by the badge and by the alarm. Where the till works alone, that is a CAF; where it has a server, never.
func TestWhereFoliosComeFrom(t *testing.T) {
	up := sale.ServerFacts{Joined: true, Heard: true}
	with := func(change func(*sale.ServerFacts)) sale.ServerFacts {
		s := up
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		server       sale.ServerFacts
		brief, whole string
	}{
		"alone":       {sale.ServerFacts{}, "no quedan folios: importe un CAF", "Importe un CAF nuevo para seguir"},
		"line down":   {with(func(s *sale.ServerFacts) { s.Down = true }), "no hay línea con él; conéctela", "no hay línea con él: conecte la caja"},
		"company out": {with(func(s *sale.ServerFacts) { s.Short = []dte.TipoDTE{dte.Factura, dte.Boleta} }), "contesta y no tiene; pida al dueño un CAF ahí", "contesta y no tiene más: pida al dueño que cargue un CAF en el servidor"},
		"another out": {with(func(s *sale.ServerFacts) { s.Short = []dte.TipoDTE{dte.Factura} }), "que contesta; se piden al cobrar", "que contesta: la caja se los pide sola"},
		"not yet":     {with(func(s *sale.ServerFacts) { s.Heard = false }), "que aún no contesta", "que aún no contesta: espere"},
		"not well":    {with(func(s *sale.ServerFacts) { s.Problem = "x" }), "algo pasa con él; vea Avisos", "algo pasa con él: vea en Avisos"},
		"held":        {with(func(s *sale.ServerFacts) { s.Hold, s.Down = "x", true }), "detuvo esta caja; vea Avisos", "detuvo esta caja: vea en Avisos"},
		"shut out":    {with(func(s *sale.ServerFacts) { s.Ended, s.Problem = true, "x" }), "no conoce esta caja; avise al dueño", "ya no conoce esta caja: avise al dueño"},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := newDeps(t)
			d.Journal = sale.NewMemory()
			d.Server = func() sale.ServerFacts { return c.server }
			var lacked []dte.TipoDTE
			d.Lacks = func(tipo dte.TipoDTE) { lacked = append(lacked, tipo) }
			r, err := sale.NewRegister(d)
			must(t, err)
			scan(t, r, "100")
			if works := r.Works()[0]; works.OK || !strings.Contains(works.Detail, c.brief) {
				t.Errorf("what works: %q, want %q", works.Detail, c.brief)
			}
			if s := r.Snapshot(); !strings.Contains(s.Refill, c.whole) || s.Served != c.server.Joined {
				t.Errorf("the picture: %q %v, want %q", s.Refill, s.Served, c.whole)
			}
			if len(lacked) > 0 {
				t.Errorf("who only looks asks for %v", lacked)
			}
			err = r.Charge()
			if !errors.Is(err, sale.ErrNoFolios) || !strings.Contains(err.Error(), "nada se perdió. ") || !strings.Contains(err.Error(), c.whole) {
				t.Errorf("charging: %v, want %q", err, c.whole)
			}
			if !slices.Equal(lacked, []dte.TipoDTE{dte.Boleta}) {
				t.Errorf("the server is asked for %v", lacked)
			}
			alarms := sale.Alarms(sale.Facts{Now: noon, Pace: map[dte.TipoDTE][]int{dte.Boleta: {9, 9, 9}}, Server: c.server})
			i := slices.IndexFunc(alarms, func(a sale.Alarm) bool { return a.Kind == sale.AlarmFolios })
			if i < 0 {
				t.Fatalf("no alarm: %+v", alarms)
			}
			if text := alarms[i].Text; c.server.Joined != strings.Contains(text, c.whole) || c.server.Joined == strings.Contains(text, "«tillctl caf import»") {
				t.Errorf("the alarm: %q, want %q", text, c.whole)
			}
		})
	}
}
