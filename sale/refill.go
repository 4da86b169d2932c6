package sale

import (
	"fmt"
	"slices"

	"mostrador/dte"
)

// refill is how a till that has no folios of a type gets some: in a few words for a list, and in a sentence of its own.
type refill struct{ brief, whole string }

// refill tells from where more folios of a type come, whether the line there is up, and what to do.
func (s ServerFacts) refill(tipo dte.TipoDTE) refill {
	switch {
	case !s.Joined:
		return refill{"importe un CAF", "Importe un CAF nuevo para seguir"}
	case s.Hold != "":
		return refill{"el servidor, que los da, detuvo esta caja; vea Avisos", "Los folios vienen del servidor, que detuvo esta caja: vea en Avisos por qué"}
	case s.Ended:
		return refill{"el servidor no conoce esta caja; avise al dueño", "Los folios venían del servidor, que ya no conoce esta caja: avise al dueño"}
	case s.Down:
		return refill{"vienen del servidor, y no hay línea con él; conéctela", "Los folios vienen del servidor, y no hay línea con él: conecte la caja y llegan solos"}
	case s.Problem != "":
		return refill{"vienen del servidor, y algo pasa con él; vea Avisos", "Los folios vienen del servidor, y algo pasa con él: vea en Avisos qué"}
	case !s.Heard:
		return refill{"vienen del servidor, que aún no contesta; espere", "Los folios vienen del servidor, que aún no contesta: espere un momento"}
	case slices.Contains(s.Short, tipo):
		return refill{"el servidor contesta y no tiene; pida al dueño un CAF ahí", "Los folios vienen del servidor, que contesta y no tiene más: pida al dueño que cargue un CAF en el servidor"}
	}
	return refill{"vienen del servidor, que contesta; se piden al cobrar", "Los folios vienen del servidor, que contesta: la caja se los pide sola. Si no llegan en un momento, pida al dueño que cargue un CAF en el servidor"}
}

// sends reports that more folios of a type come by themselves.
func (s ServerFacts) sends(tipo dte.TipoDTE) bool {
	return s.Joined && s.Heard && s.Hold == "" && !s.Ended && !s.Down && s.Problem == "" && !slices.Contains(s.Short, tipo)
}

// server is how the till stands with its server now.
func (d Deps) server() ServerFacts {
	if d.Server == nil {
		return ServerFacts{}
	}
	return d.Server()
}

// noFolios refuses a document for which there is no folio, with what is safe and the way to some; a server is asked for them.
func (d Deps) noFolios(tipo dte.TipoDTE, safe string) error {
	if d.Lacks != nil {
		d.Lacks(tipo)
	}
	return fmt.Errorf("%w de %s%s. %s", ErrNoFolios, tipo, safe, d.server().refill(tipo).whole)
}
