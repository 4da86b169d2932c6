package torn

import (
	"time"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/dte"
)

func tillRoutes() []route {
	admin := holding(central.Administer)
	settle := in("POST", "/tills/leases/{id}/settle", "Decir hasta dónde se usó un tramo en duda", admin, 200, settleLease)
	settle.notes = "Un tramo queda en duda cuando la caja volvió de un respaldo: nadie más que una persona puede saber hasta dónde llegó la que se perdió. " +
		"El último folio se lee en el último papel impreso, o se mira en el SII; si no se usó ninguno, es el anterior al primero. Lo que queda más allá se anula y no se " +
		"entrega a nadie; lo que queda antes y no tiene documento se lista."
	over := in("POST", "/tills/{id}/take-over", "Que el servidor envíe al SII los documentos de una caja que ya no está", admin, 200, takeOver)
	over.notes = "De una caja dada de baja o perdida, todos; de una que volvió de un respaldo, los que solo conocían los datos que se perdieron. Son los mismos bytes: primero se pregunta al SII por cada uno, y se envía lo que no tenga. " +
		"Se toman de a 500: si left no es 0, repita."
	invite := in("POST", "/tills/", "Invitar una caja: un código que sirve una vez, por media hora", admin, 201, inviteTill)
	invite.notes = "Para una caja invitada que aún no se une, da otro código y el anterior deja de servir."
	return tagged("cajas",
		invite,
		in("GET", "/tills/", "Las cajas y cómo está cada una", admin, 200, listTills),
		in("GET", "/tills/{id}", "Una caja y cómo está", admin, 200, oneTill),
		in("POST", "/tills/{id}/revoke", "Dar de baja una caja: desde ya no entra más. Sus folios siguen siendo suyos", admin, 200, revokeTill),
		in("POST", "/tills/{id}/lost", "Declarar perdida una caja: no entra más, y los folios que le quedaban se anulan", admin, 200, loseTill),
		over,
		in("GET", "/tills/leases", "Los tramos de folios entregados a las cajas, los últimos primero", admin, 200, listLeases),
		in("GET", "/tills/leases/{id}/gaps", "Los folios usados de un tramo de los que el servidor no tiene documento", admin, 200, leaseGaps),
		settle,
		in("GET", "/tills/alarms", "Lo que hay que mirar, lo último primero", admin, 200, listAlarms),
		in("POST", "/tills/alarms/{id}/attend", "Anotar que alguien ya se ocupó de una alarma", admin, 200, attendAlarm),
	)
}

type tillOut struct {
	ID        int64             `json:"id"`
	Name      string            `json:"name"`
	State     central.TillState `json:"state" doc:"INVITED, PAIRED, REVOKED o LOST"`
	CreatedAt Instante          `json:"created_at"`
	PairedAt  Instante          `json:"paired_at"`
	EndedAt   Instante          `json:"ended_at"`
	LastSeen  Instante          `json:"last_seen"`
	Restored  int               `json:"restored" doc:"Cuántas veces se restauró desde un respaldo"`
	Version   string            `json:"version" doc:"Del programa"`
	// Hold is empty for a till that is well.
	Hold       central.Hold   `json:"hold" doc:"Por qué no puede emitir: COPY, BEHIND o FORK; vacío si puede"`
	HoldText   string         `json:"hold_text"`
	BooksMatch bool           `json:"books_match" doc:"Su bitácora es la misma que contó antes, con algo más"`
	Entries    int64          `json:"entries" doc:"Anotaciones de su bitácora"`
	Told       int64          `json:"told" doc:"De ellas, las que el servidor tiene"`
	Waiting    int            `json:"waiting" doc:"Documentos que el SII no ha decidido, según la caja"`
	OldestAt   Instante       `json:"oldest_at" doc:"Cuándo se emitió el primero de ellos"`
	Pending    int            `json:"pending" doc:"Los que el SII no ha decidido, según lo que contó al servidor"`
	Folios     []folioDaysOut `json:"folios"`
	Papers     int            `json:"papers" doc:"Papeles que faltan por salir"`
	Printer    string         `json:"printer" doc:"Por qué no salen; vacío si todo está bien"`
	SII        string         `json:"sii" doc:"Por qué no salen los documentos; vacío si todo está bien"`
	Stopped    string         `json:"stopped" doc:"Por qué dice que no emite; vacío si emite"`
	Skew       int64          `json:"clock_skew_seconds" doc:"Cuánto adelanta su reloj; negativo, atrasa"`
	Alarms     int            `json:"alarms" doc:"Alarmas suyas que nadie ha atendido"`
}

type folioDaysOut struct {
	DTEType dte.TipoDTE `json:"dte_type"`
	Left    int         `json:"left"`
	Days    *int        `json:"days" doc:"Cuántos días alcanzan a su ritmo; null si aún no hay ritmo"`
}

func tillOf(t central.TillStanding) tillOut {
	h := t.Health
	return tillOut{
		ID: t.ID, Name: t.Name, State: t.State, CreatedAt: Instante(t.CreatedAt), PairedAt: instantOrNone(t.PairedAt), EndedAt: instantOrNone(t.EndedAt),
		LastSeen: instantOrNone(t.LastSeen), Restored: t.Epoch, Version: h.Version, Hold: h.Hold, HoldText: h.Hold.Words(),
		BooksMatch: h.Hold == "", Entries: h.Entries, Told: h.Told, Waiting: h.Waiting, OldestAt: Instante(h.Oldest), Pending: t.Pending,
		Folios: each(h.Folios, func(f api.FolioDays) folioDaysOut { return folioDaysOut{f.Tipo, f.Left, f.Days} }),
		Papers: h.Papers, Printer: h.Printer, SII: h.SII, Stopped: h.Health.Hold, Skew: int64(h.Skew / time.Second), Alarms: t.Open,
	}
}

type invitationOut struct {
	ID    int64             `json:"id"`
	Name  string            `json:"name"`
	State central.TillState `json:"state"`
	Code  string            `json:"join_code" doc:"Se escribe en la caja. No se vuelve a mostrar"`
	Until Instante          `json:"valid_until"`
}

func inviteTill(c *central.Call, in struct {
	Body struct {
		Name string `json:"name" required:"true" minLength:"1" maxLength:"60" doc:"El nombre de la caja; no se repite"`
	}
},
) (invitationOut, error) {
	i, err := c.InviteTill(in.Body.Name)
	return invitationOut{i.Till.ID, i.Till.Name, i.Till.State, i.Code, Instante(i.Until)}, err
}

func listTills(c *central.Call, in struct{ pageQuery }) ([]tillOut, error) {
	list, err := c.TillStandings()
	return each(slice(list, in.pageQuery), tillOf), err
}

func oneTill(c *central.Call, in byID) (tillOut, error) {
	t, err := c.TillStanding(in.ID)
	return tillOf(t), err
}

func revokeTill(c *central.Call, in byID) (tillOut, error) {
	if err := c.RevokeTill(in.ID); err != nil {
		return tillOut{}, err
	}
	return oneTill(c, in)
}

func loseTill(c *central.Call, in byID) (tillOut, error) {
	if err := c.LoseTill(in.ID); err != nil {
		return tillOut{}, err
	}
	return oneTill(c, in)
}

type takenOut struct {
	Taken int `json:"taken" doc:"Documentos que ahora envía el servidor"`
	Left  int `json:"left" doc:"Los que quedan por tomar"`
}

func takeOver(c *central.Call, in byID) (takenOut, error) {
	taken, left, err := c.TakeOver(in.ID)
	return takenOut{taken, left}, err
}

type leaseOut struct {
	ID      int64              `json:"id"`
	TillID  int64              `json:"till_id"`
	DTEType dte.TipoDTE        `json:"dte_type"`
	Desde   int64              `json:"desde"`
	Hasta   int64              `json:"hasta"`
	Used    int64              `json:"last_used" doc:"El último folio usado; el anterior al primero si ninguno"`
	State   central.LeaseState `json:"state" doc:"OPEN, SPENT, RETURNED, EXPIRED, LOST, DOUBT o SETTLED"`
	Expires Fecha              `json:"expires" doc:"Cuándo vence el CAF; null si nunca"`
}

func leaseOf(l central.Lease) leaseOut {
	out := leaseOut{ID: l.ID, TillID: l.TillID, DTEType: l.Tipo, Desde: l.Desde, Hasta: l.Hasta, Used: l.Used, State: l.State}
	if l.Vence != nil {
		out.Expires = fechaOf(*l.Vence)
	}
	return out
}

func listLeases(c *central.Call, in struct {
	pageQuery
	TillID int64 `query:"till_id" minimum:"0" doc:"Solo los de esa caja"`
},
) ([]leaseOut, error) {
	list, err := c.Leases(in.TillID, in.page())
	return each(list, leaseOf), err
}

type gapOut struct {
	DTEType dte.TipoDTE `json:"dte_type"`
	Desde   int64       `json:"desde"`
	Hasta   int64       `json:"hasta"`
}

func gapOf(g central.FolioGap) gapOut { return gapOut{g.Tipo, g.Desde, g.Hasta} }

func leaseGaps(c *central.Call, in struct {
	byID
	pageQuery
},
) ([]gapOut, error) {
	l, err := c.Lease(in.ID)
	if err != nil {
		return nil, err
	}
	gaps, err := c.LeaseGaps(l)
	return each(slice(gaps, in.pageQuery), gapOf), err
}

type settledOut struct {
	leaseOut
	Gaps []gapOut `json:"gaps" doc:"Folios usados de los que el servidor no tiene documento"`
}

func settleLease(c *central.Call, in struct {
	byID
	Body struct {
		Last int64 `json:"last_used" required:"true" minimum:"0" maximum:"9999999999" doc:"El último folio que se usó"`
	}
},
) (settledOut, error) {
	l, err := c.SettleLease(in.ID, in.Body.Last)
	if err != nil {
		return settledOut{}, err
	}
	gaps, err := c.LeaseGaps(l)
	return settledOut{leaseOf(l), each(gaps, gapOf)}, err
}

type alarmOut struct {
	ID         int64             `json:"id"`
	TillID     *int64            `json:"till_id" doc:"De qué caja; null si de ninguna"`
	Kind       central.AlarmKind `json:"kind"`
	Text       string            `json:"text"`
	At         Instante          `json:"at"`
	AttendedAt Instante          `json:"attended_at"`
}

func alarmRowOf(a central.Alarm) alarmOut {
	return alarmOut{a.ID, a.TillID, a.Kind, a.Text, Instante(a.At), instantOrNone(a.AttendedAt)}
}

func listAlarms(c *central.Call, in struct {
	pageQuery
	All bool `query:"all" doc:"También las ya atendidas"`
},
) ([]alarmOut, error) {
	list, err := c.Alarms(in.All, in.page())
	return each(list, alarmRowOf), err
}

type attendedOut struct {
	Attended bool `json:"attended"`
}

func attendAlarm(c *central.Call, in byID) (attendedOut, error) {
	err := c.AttendAlarm(in.ID)
	return attendedOut{err == nil}, err
}
