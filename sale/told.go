package sale

import (
	"fmt"

	"mostrador/dte"
)

// Told is what a file of the SII says of a document, and what became of that.
type Told struct {
	Veredicto dte.Veredicto // the file's
	Before    dte.Veredicto // what was known: its State is the document's, decided or not
	Outcome   ToldOutcome
}

// ToldOutcome says what a word of a file did.
type ToldOutcome string

// The outcomes.
const (
	ToldApplied ToldOutcome = "aplicado"
	ToldKnown   ToldOutcome = "ya se sabía"
	// ToldReason: the verdict was known, and the file gives its reason.
	ToldReason ToldOutcome = "motivo agregado"
	// ToldDoubt: the file says otherwise than what was known. Both are kept, and nothing else changed.
	ToldDoubt ToldOutcome = "otra versión"
)

// String is the outcome in a sentence.
func (t Told) String() string {
	what := capital(called(t.Veredicto.Key)) + ": "
	switch t.Outcome {
	case ToldApplied:
		return what + StateWords(t.Veredicto.State) + reason(t.Veredicto) + ", según el archivo. Falta que el SII lo confirme por la línea."
	case ToldReason:
		return what + "ya se sabía, y el archivo da el motivo" + reason(t.Veredicto) + "."
	case ToldDoubt:
		if t.Before.State == dte.Accepted && t.Veredicto.State == dte.Objected {
			return what + "aceptado, y el archivo trae sus reparos" + reason(t.Veredicto) + ". El documento es válido; vea Avisos."
		}
		return fmt.Sprintf("%sel archivo dice %s%s, pero aquí consta %s%s. No se cambió nada y se guardaron ambas cosas: vea Avisos.",
			what, StateWords(t.Veredicto.State), reason(t.Veredicto), StateWords(t.Before.State), reason(t.Before))
	}
	return what + StateWords(t.Veredicto.State) + ", como ya se sabía."
}

// reason is the authority's code and sentence, if there are any.
func reason(v dte.Veredicto) string {
	switch {
	case v.Codigo != "" && v.Glosa != "":
		return fmt.Sprintf(" (%s, %s)", v.Codigo, v.Glosa)
	case v.Codigo != "" || v.Glosa != "":
		return " (" + v.Codigo + v.Glosa + ")"
	}
	return ""
}

// doubted: two things are said of a document, one by the SII and one by a file.
func doubted(f Facts) (alarms []Alarm) {
	for _, t := range f.Doubted {
		a := Alarm{
			ID: TaskID(AlarmDoubt, t.Key), Kind: AlarmDoubt, Severity: Urgent, Title: "Dos versiones de " + called(t.Key),
			Action: "Marcar como atendida", Way: WayAccountant, Key: t.Key, Task: true,
		}
		a.Text = fmt.Sprintf("Un archivo que se cargó dice que %s está %s%s, y el SII dice que está %s%s. Vale lo que dice el SII. "+
			"Revíselo en sii.cl, y pregúntese de dónde salió ese archivo: no trae firma, y alguien pudo alterarlo.",
			the(t.Key), StateWords(t.Otro.State), reason(t.Otro), StateWords(t.Veredicto.State), reason(t.Veredicto))
		if finer(t) {
			advice := Advise(t.Otro)
			a.Severity, a.Title, a.Way = Info, "Con reparos: "+called(t.Key), advice.Way
			a.Text = fmt.Sprintf("El SII aceptó %s, y el archivo que se cargó trae sus reparos: %s El documento es válido. %s", the(t.Key), advice.Means, advice.Do)
		}
		alarms = append(alarms, a)
	}
	return alarms
}

// finer: over the line the SII calls a factura with objections accepted, so a file that knows of some contradicts nobody.
func finer(t Task) bool { return t.Veredicto.State == dte.Accepted && t.Otro.State == dte.Objected }
