package ui

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"mostrador/money"
	"mostrador/sale"
)

// drawerPatience is how long the printer may take to open the drawer.
const drawerPatience = 5 * time.Second

// Drawer opens the cash drawer, by way of the printer. It waits for the printer, so it is asked aside; the error says in
// Spanish why the drawer does not open.
type Drawer interface {
	OpenDrawer(ctx context.Context) error
}

// drawerDialog is what is done at the drawer without a sale: F9, and F9 again is the shift.
type drawerDialog struct{ *chooseDialog }

func (d *drawerDialog) place() place { return drawerPlace }
func (d *drawerDialog) keys() []binding {
	return []binding{{key: fyne.KeyF9, keycap: "F9", do: func() {
		d.w.dropDialog()
		d.w.visit(shiftPlace)
	}}}
}

// reasonsToOpen are those of every counter.
var reasonsToOpen = []string{"Dar sencillo", "Corregir un vuelto", "Contar el efectivo"}

func (w *Window) openDrawer() {
	var choices []choice
	for _, reason := range reasonsToOpen {
		choices = append(choices, choice{words: "Abrir: " + strings.ToLower(reason), opens: true, do: func() error { return w.drawerFor(reason) }})
	}
	choices = append(choices,
		choice{words: "Abrir por otro motivo…", opens: true, do: func() error {
			w.openDialog(newAskDialog(w, "¿Por qué se abre el cajón?", "El motivo queda anotado, con quién y cuándo.", "Abrir", func(why string) error {
				if err := w.drawerFor(why); err != nil {
					return err
				}
				return errElsewhere
			}))
			return nil
		}},
		choice{words: "Ingreso de efectivo…", detail: "sencillo que llega", opens: true, do: w.asksCash(sale.CashIn)},
		choice{words: "Retiro de efectivo…", detail: "al banco, un pago", opens: true, do: w.asksCash(sale.CashOut)},
		choice{words: "Turno", detail: w.cap(drawerPlace, fyne.KeyF9) + " otra vez", opens: true, do: func() error {
			w.visit(shiftPlace)
			return nil
		}})
	w.openDialog(&drawerDialog{newChooseDialog(w, "Cajón", "Abrirlo sin venta queda anotado y cuenta en el turno.", choices)})
}

// drawerFor notes why the drawer is opened, and opens it.
func (w *Window) drawerFor(why string) error {
	if _, err := w.counter.OpenDrawer(why); err != nil {
		return err
	}
	w.dropDialog()
	w.say(good, w.kick("Anotado: "+why+"."))
	return nil
}

// kick opens the drawer, and tells later if it did not open.
func (w *Window) kick(done string) (said string) {
	if w.drawer == nil {
		return done + " Esta caja no abre el cajón sola: ábralo con su llave."
	}
	w.aside(func() func() {
		ctx, cancel := context.WithTimeout(context.Background(), drawerPatience)
		defer cancel()
		err := w.drawer.OpenDrawer(ctx)
		return func() {
			if err != nil {
				w.say(warn, done+" Pero el cajón no se abrió: "+err.Error())
			}
		}
	})
	return done
}

// asksCash asks how much and why, and then moves it.
func (w *Window) asksCash(kind sale.CashKind) func() error {
	title, example := "Ingreso de efectivo", "Sencillo del banco"
	if kind == sale.CashOut {
		title, example = "Retiro de efectivo", "Depósito en el banco"
	}
	return func() error {
		w.openDialog(newFormDialog(w, title, "Cuenta en el efectivo que debe haber al cerrar el turno. Sale un comprobante para firmar.", "Anotar", []formField{
			{"Monto", "", "20.000"}, {"Por qué", "", example},
		}, func(x []string) (string, error) {
			amount, err := money.ParsePesos(strings.TrimPrefix(x[0], "$"))
			if err != nil {
				return "", err
			}
			m, err := w.counter.MoveCash(kind, amount, x[1])
			if err != nil {
				return "", err
			}
			said := fmt.Sprintf("%s de %s anotado. En el cajón debe haber %s.", sentence(string(kind)), peso(m.Amount), peso(w.counter.Snapshot().Shift.Expected()))
			return w.kick(said), nil
		}))
		return nil
	}
}
