package ui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"mostrador/money"
	"mostrador/sale"
)

// Membership makes this till one of a server's, and takes it out again. Both speak to the server and may take long: they are
// called on a goroutine of their own. Errors say in Spanish what happened, what is safe and what to do.
type Membership interface {
	// JoinServer does what it began if it is asked again with the same code.
	JoinServer(ctx context.Context, url, code string) error
	// LeaveServer tells the server what it has not heard and gives back the folios that it lent.
	LeaveServer(ctx context.Context) error
}

// Server is how the till stands with its server. The zero value is a till that works alone.
type Server struct {
	Joined        bool
	Company, Till string // as the server calls them
	URL           string
	Down          bool      // it is not reached
	Since         time.Time // since when it is not
	Ended         bool      // it does not know this till any more; Problem says so in words
	// Problem is the last trouble, in Spanish; empty when all is well.
	Problem  string
	Unsent   int64     // entries of the books that the server has not heard
	PricesAt time.Time // prices and customers are as of then; zero before the first load
	// Hold says in Spanish why the server has the till issue nothing; empty if it may.
	Hold string
}

// serverLate is when a server that is away deserves a look. Before, nothing is missing at the counter: it sells from its own
// folios and prices.
const serverLate = 24 * time.Hour

// away reports that the server does not answer, for longer than a day.
func (s Server) away(now time.Time) (late bool) {
	return s.Down && !s.Since.IsZero() && now.Sub(s.Since) >= serverLate
}

// serverState is what the strip says of the server; false while there is nothing that a cashier should see.
func serverState(s Server, now time.Time) (state, bool) {
	switch {
	case !s.Joined:
	case s.Hold != "":
		return state{theme.IconNameError, bad, "No emite: vea aquí"}, true
	case s.Ended:
		return state{theme.IconNameWarning, warn, "Fuera del servidor"}, true
	case s.Down:
		colour := muted
		if s.away(now) {
			colour = warn
		}
		words := "Sin servidor"
		if age := ago(s.Since, now); age != "" {
			words += ", " + strings.TrimPrefix(age, "hace ") // there is little room in the strip
		}
		return state{theme.IconNameHistory, colour, words}, true
	case s.Problem != "": // it is tried again by itself; what lasts is among the alarms
		return state{theme.IconNameInfo, muted, "Servidor: vea aquí"}, true
	}
	return state{}, false
}

// serverStory is the same in sentences: what happened, what is safe, what to do.
func serverStory(s Server, now time.Time) string {
	switch {
	case !s.Joined:
		return "Esta caja trabaja sola: no pertenece a ningún servidor."
	case s.Hold != "":
		return stopped(sentence(s.Hold))
	case s.Ended || s.Problem != "" && !s.Down:
		return stopped(sentence(s.Problem))
	case s.away(now):
		return fmt.Sprintf("No se alcanza el servidor desde %s. Se puede seguir vendiendo con los folios que quedan, y todo lo vendido está en este equipo. Avise al encargado.", ago(s.Since, now))
	case s.Down && s.Problem != "":
		return stopped(sentence(s.Problem))
	case s.Down:
		return "No se alcanza el servidor. Se puede seguir vendiendo igual: lo vendido está en este equipo y se le cuenta solo cuando vuelva."
	}
	return "El servidor contesta, y esta caja le cuenta todo sola."
}

// untold is how much the server has not heard.
func untold(n int64) string {
	switch n {
	case 0:
		return "el servidor tiene todo lo de esta caja"
	case 1:
		return "1 movimiento por contarle"
	}
	return fmt.Sprintf("%s movimientos por contarle", money.Pesos(n))
}

// heard is untold for one look at it, with or without an answer.
func (s Server) heard() string {
	if s.Down && s.Unsent == 0 {
		return "lo que se venda hasta que vuelva"
	}
	return untold(s.Unsent)
}

// pricesWords are as of when the prices are: the hour, and the day if that is another one.
func pricesWords(at, now time.Time) string {
	if at.IsZero() {
		return "los de esta caja; del servidor no ha llegado ninguno"
	}
	return "precios " + asOf(at, now)
}

// serverWorks are the lines of what works now that a server has to do with.
func serverWorks(s Server, now time.Time) []sale.Working {
	if !s.Joined {
		return nil
	}
	server := sale.Working{What: "Contar al servidor", OK: !s.Down && s.Problem == "" && s.Hold == "", Detail: untold(s.Unsent)}
	switch {
	case s.Hold != "":
		server.Detail = "el servidor detuvo esta caja: vea Ajustes, Servidor"
	case s.Ended:
		server.Detail = "el servidor no conoce esta caja: vea Ajustes, Servidor"
	case s.Down:
		server.Detail = "no se alcanza"
		if age := ago(s.Since, now); age != "" {
			server.Detail += " desde " + age
		}
		switch { // a little of what was sold since may not be counted yet; and there is room for few words
		case s.Unsent == 1:
			server.Detail += "; espera 1 movimiento"
		case s.Unsent > 1:
			server.Detail += fmt.Sprintf("; esperan %s movimientos", money.Pesos(s.Unsent))
		}
	case s.Problem != "":
		server.Detail = "algo pasa con él; se vuelve a intentar solo"
	}
	return []sale.Working{server, {What: "Precios y clientes", OK: true, Detail: pricesWords(s.PricesAt, now)}}
}

// serverSetting is the state in the list of settings.
func serverSetting(s Server) string {
	switch {
	case !s.Joined:
		return "esta caja trabaja sola"
	case s.Hold != "":
		return "la caja no emite"
	case s.Ended:
		return "no conoce esta caja"
	case s.Down:
		return "no se alcanza"
	case s.Problem != "":
		return "hay algo que ver"
	}
	return "al día con él"
}

// openServer shows the server of a till that has one, and asks others for theirs.
func (w *Window) openServer() {
	if w.status.Server.Joined {
		w.openDialog(newServerDialog(w))
		return
	}
	w.askServer("", "", "")
}

// askServer asks where the server is and for the invitation's code. What was refused is told where it can be mended.
func (w *Window) askServer(url, code, problem string) {
	d := newFormDialog(w, "Unir esta caja a un servidor", "El código lo da el servidor de la tienda a quien lo administra, y sirve una vez. Lo vendido hasta hoy también se le cuenta. Sin servidor la caja sigue igual.", "Unir",
		[]formField{{"Dirección del servidor", url, "https://caja.mitienda.cl"}, {"Código", code, "el de la invitación"}}, func(x []string) (string, error) {
			for i, missing := range []string{"falta la dirección del servidor", "falta el código de la invitación"} {
				if x[i] == "" {
					return "", errors.New(missing + ". No se cambió nada")
				}
			}
			w.join(x[0], x[1])
			return "", errElsewhere
		})
	d.problem.say(problem)
	if problem != "" && url != "" {
		d.at = 1 // most of what is refused is the code
	}
	w.openDialog(d)
}

// join speaks to the server while the window goes on.
func (w *Window) join(url, code string) {
	ctx, stop := context.WithCancel(context.Background())
	waiting := newWaitDialog(w, "Hablando con el servidor…", "Puede tardar si la línea es lenta. Nada de lo vendido cambia.", stop)
	w.openDialog(waiting)
	w.aside(func() func() {
		err := w.membership.JoinServer(ctx, url, code)
		return func() {
			stop()
			w.dropDialog()
			switch {
			case err == nil:
				w.say(good, "La caja se unió al servidor y le cuenta sola lo vendido. Sus folios de antes siguen valiendo.")
			case waiting.gaveUp:
				w.askServer(url, code, "Se dejó de esperar. Puede intentarlo con el mismo código: sigue donde quedó.")
			default:
				w.askServer(url, code, stopped(sentence(err.Error())))
			}
		}
	})
}

// leave asks first, with what the server does not know yet.
func (w *Window) leave() {
	s := w.status.Server
	detail := "Los folios que el servidor prestó vuelven a él. "
	switch {
	case s.Unsent == 1:
		detail = "Falta contarle 1 movimiento: se le cuenta antes. " + detail
	case s.Unsent > 1:
		detail = fmt.Sprintf("Falta contarle %s movimientos: se le cuentan antes. ", money.Pesos(s.Unsent)) + detail
	}
	w.openDialog(newConfirmDialog(w, "¿Dejar el servidor?", detail+"Lo vendido queda en esta caja, que después sigue sola.", "Dejarlo", func() error {
		w.farewell()
		return nil
	}))
}

func (w *Window) farewell() {
	ctx, stop := context.WithCancel(context.Background())
	w.openDialog(newWaitDialog(w, "Despidiéndose del servidor…", "Se le cuenta lo que falta y se le devuelven sus folios.", stop))
	w.aside(func() func() {
		err := w.membership.LeaveServer(ctx)
		return func() {
			stop()
			w.dropDialog()
			if err != nil {
				w.settle(errors.New(stopped(sentence(err.Error()))))
				return
			}
			w.say(good, "La caja dejó el servidor y trabaja sola. Todo lo vendido sigue aquí.")
		}
	})
}

// serverDialog tells all that is known of the server, and lets the till leave it.
type serverDialog struct {
	w     *Window
	card  fyne.CanvasObject
	list  *table
	state *badge
	story *text
	at    int
	rows  []Fact
}

func newServerDialog(w *Window) *serverDialog {
	l := w.l
	d := &serverDialog{w: w, state: newBadge(l, nil), story: newText(l, 17, ink, wrap).upTo(6).atTop()}
	d.list = newTable(l, []column{{"", 190, fyne.TextAlignLeading}, {"", 0, fyne.TextAlignLeading}}, func(i int) { d.at = i; d.render() })
	d.list.bare, d.list.textSize, d.list.rowSize = true, 16, 40
	d.state.words.size = 16
	d.render()
	d.card = dialogCard(l, 780, col(l.px(12),
		as(row(l.px(16), grow(newText(l, 24, ink, cut).strong().say("Servidor de la tienda")), fixed(l.px(250), d.state.panel))),
		fixed(l.px(40*float32(len(d.rows))), d.list),
		fixed(l.px(132), d.story),
		fixed(l.px(64), row(l.px(12),
			grow(newButton(l, plain, "Dejar el servidor…", w.cap(serverPlace, fyne.KeyF4), w.leave).bigger(18, fyne.NewSize(120, 64))),
			grow(newButton(l, primary, "Entendido", "Esc", w.closeDialog).bigger(18, fyne.NewSize(120, 64)))))))
	return d
}

func (d *serverDialog) object() fyne.CanvasObject { return d.card }
func (d *serverDialog) field() *field             { return nil }
func (d *serverDialog) edited()                   {}
func (d *serverDialog) place() place              { return serverPlace }
func (d *serverDialog) enter()                    { d.w.closeDialog() }
func (d *serverDialog) keys() []binding           { return []binding{{key: fyne.KeyF4, do: d.w.leave}} }

func (d *serverDialog) render() {
	s, now := d.w.status.Server, d.w.now()
	d.rows = []Fact{
		{"Empresa", s.Company}, {"Esta caja", s.Till}, {"Dirección", s.URL}, {"Por contar", sentence(s.heard())}, {"Precios", sentence(pricesWords(s.PricesAt, now))},
	}
	is, told := serverState(s, now)
	is.words = strings.TrimSuffix(is.words, ": vea aquí")
	if !told {
		is = state{theme.IconNameConfirm, good, "Contesta"}
	}
	d.state.tell(is)
	d.story.say(serverStory(s, now))
	d.list.fill(len(d.rows), d.at, func(i int) []cell {
		return []cell{{words: d.rows[i].Name, colour: muted}, {words: clip(d.rows[i].Value, 60), bold: i == 0}}
	})
}

func (d *serverDialog) move(key fyne.KeyName) bool {
	step, ok := d.list.step(key)
	if ok {
		d.at = max(0, min(d.at+step, len(d.rows)-1))
		d.render()
	}
	return ok
}

// waitDialog is there while something outside is asked. Escape gives the waiting up; the dialogue goes when that is over.
type waitDialog struct {
	card   fyne.CanvasObject
	detail *text
	stop   func()
	gaveUp bool
}

func newWaitDialog(w *Window, title, detail string, stop func()) *waitDialog {
	l := w.l
	d := &waitDialog{stop: stop, detail: newText(l, 17, ink, wrap).upTo(3).atTop().say(detail)}
	d.card = dialogCard(l, 620, col(l.px(16),
		as(newText(l, 24, ink, cut).strong().say(title)),
		fixed(l.px(72), d.detail),
		fixed(l.px(64), newButton(l, plain, "Dejar de esperar", "Esc", d.leave).bigger(18, fyne.NewSize(120, 64)))))
	return d
}

func (d *waitDialog) object() fyne.CanvasObject { return d.card }
func (d *waitDialog) render()                   {}
func (d *waitDialog) field() *field             { return nil }
func (d *waitDialog) keys() []binding           { return nil }
func (d *waitDialog) edited()                   {}
func (d *waitDialog) enter()                    {}
func (d *waitDialog) move(fyne.KeyName) bool    { return false }

func (d *waitDialog) leave() {
	d.gaveUp = true
	d.detail.say("Dejando de esperar…")
	d.stop()
}
