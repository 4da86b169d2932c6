package sale

import (
	"fmt"
	"time"

	"mostrador/dte"
)

// ServerFacts are how a till stands with its server; the zero value is a till that works alone, or one whose server is well.
type ServerFacts struct {
	// Joined: the till has a server, from which its folios come. Heard: it has answered since the program began. Down: it is not
	// reached now.
	Joined, Heard, Down bool
	// Short are the types of which the company has no folios left to give.
	Short []dte.TipoDTE
	// Hold says why the server has this till issue nothing.
	Hold string
	// Ended: the server does not know this till any more. Problem says so, or what else is wrong with it that no line brings.
	Ended   bool
	Problem string
	// Away is since when the server is not reached; zero while it is.
	Away   time.Time
	Unsent int64 // entries of the books that it has not heard
	// Ahead is how far this computer's clock is ahead of the server's.
	Ahead time.Duration
}

// AlarmServer is about the shop's server.
const AlarmServer AlarmKind = "servidor"

// A counter misses nothing while its server is away; what the owner sees of it grows old.
const (
	awayInfo, awayAviso = 24 * time.Hour, 7 * 24 * time.Hour

	serverSkew = 5 * time.Minute // documents carry the hour, and a shop's tills should agree on it
)

func served(f Facts) []Alarm {
	s := f.Server
	a := Alarm{ID: string(AlarmServer), Kind: AlarmServer, Severity: Aviso, Action: "Ver el servidor"}
	away := f.Now.Sub(s.Away)
	switch {
	case s.Hold != "":
		a.ID += ":detenida"
		a.Severity, a.Title, a.Text = Urgent, "Esta caja no puede emitir", ended(s.Hold)
	case s.Ended:
		a.ID += ":fuera"
		a.Title, a.Text = "El servidor ya no conoce esta caja", ended(s.Problem)
	case !s.Away.IsZero() && away >= awayInfo:
		a.ID += ":lejos"
		if away < awayAviso {
			a.Severity = Info
		}
		a.Title = "El servidor no se alcanza desde hace " + span(away)
		a.Text = fmt.Sprintf("El servidor de la tienda no se alcanza desde hace %s. La caja vende igual y guarda todo; %s. "+
			"Los precios y los folios nuevos no llegan: si hay internet, avise a quien administra el servidor.", span(away), toTell(s.Unsent))
	case s.Away.IsZero() && s.Problem != "":
		a.Severity, a.Title, a.Text = Info, "Algo pasa con el servidor", ended(s.Problem)
	default:
		return nil
	}
	return []Alarm{a}
}

// Unbelieved is what the server said and this till does not do, until somebody attends it or the server says better.
type Unbelieved struct {
	Number uint64 `json:"number"`
	What   string `json:"what"` // "producto 7801"
	Why    string `json:"why"`
}

// UnbelievedTask is the task of what was not believed.
func UnbelievedTask(number uint64) string { return fmt.Sprintf("%s:novedad:%d", AlarmServer, number) }

// unbelieved: nobody at the counter would notice that a price of the server's is not charged here.
func unbelieved(f Facts) (alarms []Alarm) {
	for _, u := range f.Unbelieved {
		alarms = append(alarms, Alarm{
			ID: UnbelievedTask(u.Number), Kind: AlarmServer, Severity: Aviso, Title: "El servidor mandó algo que no se tomó", Action: "Marcar como atendida", Task: true,
			Text: "El servidor mandó algo que esta caja no tomó. " + ended(capital(u.What+": "+u.Why)) + " Lo demás sí se tomó, y lo vendido no cambia. El servidor lo sabe: pida a quien lo administra que lo corrija ahí.",
		})
	}
	return alarms
}

// toTell is what the server has not heard.
func toTell(n int64) string {
	switch n {
	case 0:
		return "el servidor ya tenía todo"
	case 1:
		return "le falta contarle 1 movimiento, y lo hace sola"
	}
	return fmt.Sprintf("le falta contarle %d movimientos, y lo hace sola", n)
}

// apart: the server's clock is asked where the SII's says nothing.
func apart(f Facts) []Alarm {
	off, side := f.Server.Ahead, "adelantado"
	if off < 0 {
		off, side = -off, "atrasado"
	}
	if off < serverSkew || len(skewed(f)) > 0 {
		return nil
	}
	return []Alarm{{
		ID: string(AlarmClock), Kind: AlarmClock, Severity: Aviso, Title: "El reloj está " + side, Action: "Cómo corregirlo",
		Text: fmt.Sprintf("El reloj de este equipo está %s %s respecto del servidor de la tienda. Lo vendido está a salvo, pero la hora va en cada documento. "+
			"Active la hora automática del sistema operativo; si ya lo está, avise a quien administra el servidor.", side, span(off)),
	}}
}
