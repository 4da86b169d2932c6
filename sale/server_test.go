package sale_test

import (
	"testing"
	"time"

	"mostrador/sale"
)

// Only what a person can do something about is an alarm: a server that was away for an hour, or that answers, is none.
func TestAlarmsAboutTheServer(t *testing.T) {
	server := func(s sale.ServerFacts) sale.Facts { return sale.Facts{Server: s} }
	day := 24 * time.Hour
	for _, quiet := range []sale.ServerFacts{
		{}, {Unsent: 4000}, {Away: noon.Add(-23 * time.Hour), Problem: "no hay línea", Unsent: 12}, {Ahead: -4 * time.Minute},
	} {
		f := server(quiet)
		f.Now = noon
		if alarms := sale.Alarms(f); len(alarms) != 0 {
			t.Errorf("%+v: %+v", quiet, alarms)
		}
	}
	tells(t, one(t, server(sale.ServerFacts{Hold: "Otra copia de esta caja siguió vendiendo", Ended: true, Away: noon.Add(-30 * day)})),
		sale.AlarmServer, sale.Urgent, "Otra copia de esta caja siguió vendiendo.")
	tells(t, one(t, server(sale.ServerFacts{Ended: true, Problem: "Esta caja ya no pertenece a la empresa", Away: time.Time{}})),
		sale.AlarmServer, sale.Aviso, "Esta caja ya no pertenece a la empresa.")
	tells(t, one(t, server(sale.ServerFacts{Away: noon.Add(-30 * time.Hour), Unsent: 1})), sale.AlarmServer, sale.Info, "hace 30 h", "1 movimiento,", "vende igual")
	tells(t, one(t, server(sale.ServerFacts{Away: noon.Add(-8 * day), Unsent: 812})), sale.AlarmServer, sale.Aviso, "hace 8 días", "812 movimientos")
	tells(t, one(t, server(sale.ServerFacts{Problem: "Este programa es demasiado antiguo"})), sale.AlarmServer, sale.Info, "demasiado antiguo.")
	tells(t, one(t, server(sale.ServerFacts{Ahead: 6 * time.Minute})), sale.AlarmClock, sale.Aviso, "adelantado 6 min respecto del servidor")
	tells(t, one(t, server(sale.ServerFacts{Ahead: -6 * time.Minute})), sale.AlarmClock, sale.Aviso, "atrasado 6 min")
	// The SII's clock is the one that counts, and one alarm is enough.
	tells(t, one(t, sale.Facts{Skew: -7 * time.Minute, Server: sale.ServerFacts{Ahead: 6 * time.Minute}}), sale.AlarmClock, sale.Aviso, "respecto del SII")
}

// What the server said and the till does not do is a task: it goes when somebody attends it, and another one is another.
func TestNewsThatWereRefusedAreTasks(t *testing.T) {
	f := sale.Facts{Unbelieved: []sale.Unbelieved{{Number: 1, What: "producto 7801", Why: "el precio es negativo"}}}
	a := one(t, f)
	tells(t, a, sale.AlarmServer, sale.Aviso, "Producto 7801: el precio es negativo.", "lo vendido no cambia")
	if !a.Task {
		t.Error("nobody can attend it")
	}
	f.Attended = map[string]bool{a.ID: true}
	f.Unbelieved = append(f.Unbelieved, sale.Unbelieved{Number: 2, What: "promociones", Why: "no se entienden"})
	if other := one(t, f); other.ID == a.ID {
		t.Error("who attends one attends all")
	}
}
