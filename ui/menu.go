package ui

import (
	"fyne.io/fyne/v2"

	"mostrador/sale"
)

// menu is the key for what is not part of every sale.
func (w *Window) menu() binding {
	return binding{key: fyne.KeyF11, keycap: "F11", words: "Menú", help: "muestra documentos, avisos, turno y lo demás", do: w.openMenu}
}

func (w *Window) openMenu() {
	at := func(p place) func() error {
		return func() error {
			w.visit(p)
			return nil
		}
	}
	do := func(f func()) func() error {
		return func() error {
			f()
			return nil
		}
	}
	w.openDialog(newChooseDialog(w, "Menú", "La venta abierta sigue guardada mientras mira otra cosa.", []choice{
		{words: "Documentos", detail: "lo emitido, su estado y copias", opens: true, do: at(documents)},
		{words: "Avisos", detail: "tareas y contingencia", opens: true, do: do(w.showNotices)},
		{words: "Conciliar con el SII", detail: "un mes, por día y documento", opens: true, do: do(func() { w.allowed(sale.MayReports, "conciliar con el SII", w.showReconciliation) })},
		{words: "Respuesta del SII", detail: "la que manda por correo", opens: true, do: do(w.loadAnswer)},
		{words: "Clientes", detail: "buscar, agregar y corregir", opens: true, do: do(func() { w.openDialog(newBookDialog(w)) })},
		{words: "Fiado", detail: "quién debe, y recibir abonos", opens: true, do: do(w.openDebts)},
		{words: "Turno", detail: "abrir o cerrar", opens: true, do: at(shiftPlace)},
		{words: "Productos rápidos", detail: "guardarlos o mostrarlos", opens: true, do: do(w.foldQuick)},
		{words: "Qué funciona ahora", detail: "y lo que no, por qué", opens: true, do: do(func() { w.openDialog(newWorksDialog(w)) })},
		{words: "Ajustes", detail: "teclas, colores, sonido, escáner", opens: true, do: do(func() { w.allowed(sale.MaySettings, "", w.openSettings) })},
		{words: "Personas", detail: "quién vende, PIN y permisos", opens: true, do: do(w.openPeople)},
		{words: "Diagnóstico", detail: "cuánto tarda y qué ocupa", opens: true, do: do(func() { w.openDialog(newDiagnosisDialog(w)) })},
	}))
}

// foldQuick shows or puts away the quick products of the sale.
func (w *Window) foldQuick() {
	if s, ok := w.screens[selling].(*sellScreen); ok {
		w.visited = ""
		s.fold()
	}
}
