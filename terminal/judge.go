package terminal

import "time"

// clockSlack is how far the clocks of the till and of a terminal may be apart. A charge that seems older than its intent
// by more than this is another one.
const clockSlack = 12 * time.Hour

// Judge decides what became of an intent from the last sale that the terminal remembers.
//
// Charged needs our own ticket on it, with our amount and a believable time. Not charged needs the very sale that was
// last before the intent: a terminal keeps its sales in order, so nothing came after it and nothing was wiped.
// Everything else proves neither: an empty memory may have been closed meanwhile, and behind a sale of somebody else
// ours may hide.
//
// The caller makes sure that the terminal is not still busy with the intent.
func Judge(in Intent, last Result) Result {
	switch {
	case !in.Before.IsZero() && last.Mark() == in.Before:
		return NotCharged(in, "La tarjeta no fue cobrada: el terminal no tiene esta venta. Puede cobrar de nuevo.")
	case last.State != Approved:
		return NotSure(in, "El terminal no tiene ventas guardadas; puede que hayan hecho el cierre. "+askAPerson)
	case last.Ticket != in.Ticket:
		return NotSure(in, "La última venta del terminal es otra. "+askAPerson)
	case last.Amount != in.Amount:
		return NotSure(in, "El terminal tiene esta venta por $"+last.Amount.String()+". "+askAPerson)
	case !last.At.IsZero() && last.At.Before(in.At.Add(-clockSlack)):
		return NotSure(in, "El terminal tiene una venta con este número, pero de otra fecha. "+askAPerson)
	}
	last.Message = "Tarjeta cobrada: el terminal tiene esta venta. Siga con el documento."
	return last
}

const askAPerson = "El encargado debe mirar el comprobante o el detalle de ventas del terminal y decidir."
