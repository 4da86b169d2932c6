package torn_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mostrador/central/centraltest"
	"mostrador/dte"
)

// A request waits until a CAF of its type comes, or until somebody says why none will.
func TestARequestForFolios(t *testing.T) {
	h := newHouse(t)
	company, owner := h.shop(76086428)
	asked := owner.post("/folios/request", map[string]any{"dte_type": 39, "amount_requested": 20}).want(200)
	if asked.text("status") != "PENDING" || asked.json()["dte_type"] != 39.0 || asked.json()["amount_requested"] != 20.0 || asked.text("timestamp") != "2026-11-20T15:00:00.000000Z" {
		t.Errorf("%s", asked.body)
	}
	h.clock.Advance(24 * time.Hour)
	owner = h.login("duena-76086428@ejemplo.cl").in(company)
	other := owner.post("/folios/request", map[string]any{"dte_type": 33, "amount_requested": "500"}).want(200).id()
	statuses := func() string {
		var list []string
		for _, row := range owner.get("/folios/requests/history").want(200).list() {
			list = append(list, fmt.Sprintf("%v%v%v", row["dte_type"], row["status"], row["reason"]))
		}
		return strings.Join(list, " ")
	}
	if got := statuses(); got != "33PENDING 39PENDING" {
		t.Errorf("newest first: %s", got)
	}
	owner.upload("/folios/upload", centraltest.CAF(76086428, 39, 1, 20)).want(201)
	if got := statuses(); got != "33PENDING 39COMPLETED" {
		t.Errorf("after the CAF: %s", got)
	}
	path := fmt.Sprintf("/folios/requests/%d/error", other)
	owner.post(path, map[string]any{"reason": ""}).want(422)
	owner.post(path, map[string]any{"reason": "El SII no autoriza: falta declarar"}).want(200)
	owner.post(path, map[string]any{"reason": "otra"}).refused(409, fmt.Sprintf("La solicitud de folios ID %d ya terminó (ERROR)", other))
	owner.post("/folios/requests/99/error", map[string]any{"reason": "x"}).want(404)
	owner.upload("/folios/upload", centraltest.CAF(76086428, 33, 1, 20)).want(201)
	if got := statuses(); got != "33ERROREl SII no autoriza: falta declarar 39COMPLETED" {
		t.Errorf("after the refusal: %s", got)
	}
	for query, want := range map[string]int{"?limit=1": 1, "?skip=1": 1, "?from_date=2026-11-21": 1, "?to_date=2026-11-20": 1, "?from_date=2026-11-20&to_date=2026-11-21": 2} {
		if rows := owner.get("/folios/requests/history" + query).want(200).list(); len(rows) != want {
			t.Errorf("%s: %d rows", query, len(rows))
		}
	}
}

// A CAF covers what was asked for first, as far as it goes; who got only a part waits for the rest.
func TestACAFCoversTheOldestRequestsFirst(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	for _, asked := range []struct{ tipo, amount int }{{39, 15}, {39, 10}, {33, 5}, {39, 5}} {
		owner.post("/folios/request", map[string]any{"dte_type": asked.tipo, "amount_requested": asked.amount}).want(200)
	}
	statuses := func() string {
		var list []string
		for _, row := range owner.get("/folios/requests/history").want(200).list() {
			list = append(list, fmt.Sprintf("%v:%v/%v:%v:%v", row["id"], row["amount_received"], row["amount_requested"], row["status"], row["ended_at"] != nil))
		}
		slices.Sort(list)
		return strings.Join(list, " ")
	}
	for _, step := range []struct {
		desde, hasta dte.Folio
		want         string
	}{
		{1, 20, "1:15/15:COMPLETED:true 2:5/10:PENDING:false 3:0/5:PENDING:false 4:0/5:PENDING:false"},
		{21, 22, "1:15/15:COMPLETED:true 2:7/10:PENDING:false 3:0/5:PENDING:false 4:0/5:PENDING:false"},
		{23, 40, "1:15/15:COMPLETED:true 2:10/10:COMPLETED:true 3:0/5:PENDING:false 4:5/5:COMPLETED:true"},
	} {
		owner.upload("/folios/upload", centraltest.CAF(76086428, 39, step.desde, step.hasta)).want(201)
		if got := statuses(); got != step.want {
			t.Errorf("after %d to %d:\n%s, want\n%s", step.desde, step.hasta, got, step.want)
		}
	}
	// A range that is refused brings nothing to anybody.
	owner.post("/folios/request", map[string]any{"dte_type": 39, "amount_requested": 1}).want(200)
	owner.upload("/folios/upload", centraltest.CAF(76086428, 39, 40, 60)).refused(409, "Los folios 40 a 60 del tipo 39 ya están cargados, enteros o en parte")
	// Somebody gives up what is missing of a part.
	owner.upload("/folios/upload", centraltest.CAF(76086428, 33, 1, 2)).want(201)
	owner.post("/folios/requests/3/error", map[string]any{"reason": "El SII autorizó solo 2"}).want(200)
	want := "1:15/15:COMPLETED:true 2:10/10:COMPLETED:true 3:2/5:ERROR:true 4:5/5:COMPLETED:true 5:0/1:PENDING:false"
	if got := statuses(); got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
}

// CAFs that come at once are shared out once.
func TestCAFsThatComeAtOnce(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	for range 3 {
		owner.post("/folios/request", map[string]any{"dte_type": 39, "amount_requested": 25}).want(200)
	}
	var wg sync.WaitGroup
	for i := range dte.Folio(6) {
		wg.Go(func() { owner.upload("/folios/upload", centraltest.CAF(76086428, 39, 1+10*i, 10+10*i)).want(201) })
	}
	wg.Wait()
	var got []any
	for _, row := range owner.get("/folios/requests/history").want(200).list() {
		got = append(got, row["amount_received"])
	}
	if fmt.Sprint(got) != "[10 25 25]" {
		t.Errorf("of 60 folios: %v", got)
	}
}

func TestARequestMakesSense(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	for _, tipo := range []int{0, -1, 35, 43, 801, 1000} {
		owner.post("/folios/request", map[string]any{"dte_type": tipo, "amount_requested": 10}).want(422)
	}
	for _, amount := range []any{0, -5, "0"} {
		got := owner.post("/folios/request", map[string]any{"dte_type": 39, "amount_requested": amount}).want(422)
		if got.text("error") != "amount_requested must be greater than 0" || got.faultTypes() != `value_error["body"]` {
			t.Errorf("%v: %s", amount, got.body)
		}
	}
	if rows := owner.get("/folios/requests/history").want(200).list(); len(rows) != 0 {
		t.Errorf("%v", rows)
	}
}

// In training the simulator authorises at once.
func TestARequestInTraining(t *testing.T) {
	owner := practisingCounter(t)
	available := func(i int) any { return owner.get("/folios/status").want(200).list()[i]["available"] }
	if available(2) != 1000.0 || available(0) != 1000.0 || available(7) != 0.0 {
		t.Errorf("a new company: %s", owner.get("/folios/status").body)
	}
	owner.post("/folios/request", map[string]any{"dte_type": 110, "amount_requested": 70}).want(200)
	if available(7) != 70.0 {
		t.Errorf("asked for 70: %v", available(7))
	}
	if rows := owner.get("/folios/requests/history").want(200).list(); rows[0]["status"] != "COMPLETED" {
		t.Errorf("%v", rows)
	}
}

// When the simulator's folios cannot be taken, the request says so.
func TestARequestInTrainingThatComesToNothing(t *testing.T) {
	owner := practisingCounter(t)
	owner.upload("/folios/upload", centraltest.CAF(76086428, 110, 1, 50)).want(201)
	ask := func() string {
		owner.post("/folios/request", map[string]any{"dte_type": 110, "amount_requested": 70}).want(200)
		row := owner.get("/folios/requests/history").want(200).list()[0]
		return fmt.Sprintf("%v %v", row["status"], row["reason"])
	}
	if got := ask(); got != "ERROR Los folios 1 a 70 del tipo 110 ya están cargados, enteros o en parte" {
		t.Error(got)
	}
	if got := ask(); got != "COMPLETED " {
		t.Error(got)
	}
}

// Annulled numbers are never issued, wherever they are in their range; used ones cannot be annulled.
func TestAnnulledFoliosAreNeverIssued(t *testing.T) {
	c := newCounter(t, 10)
	annul := func(desde, hasta int) answer {
		return c.post("/folios/annul", map[string]any{"dte_type": 39, "desde": desde, "hasta": hasta, "reason": "Talonario dañado"})
	}
	sell := func() any { return c.post("/sales/", boleta(1, "1", 1190)).want(201).json()["folio"] }
	annul(1, 2).want(201) // before any is put into use
	if got := sell(); got != 3.0 {
		t.Errorf("folio %v", got)
	}
	annul(3, 3).refused(409, "1 de los folios 3 a 3 del tipo 39 ya se usaron, o los tiene una caja. No se anuló ninguno")
	annul(2, 5).refused(409, "Los folios 2 a 5 del tipo 39 ya están anulados, enteros o en parte")
	annul(3, 5).want(409)
	annul(9, 12).want(422)
	annul(5, 4).want(422)
	annul(4, 5).want(201)
	c.post("/folios/annul", map[string]any{"dte_type": 39, "desde": 10, "reason": "Uno solo"}).want(201)
	c.post("/folios/annul", map[string]any{"dte_type": 39, "desde": 7, "reason": ""}).want(422)
	if row := c.get("/folios/status").want(200).list()[2]; row["available"] != 4.0 {
		t.Errorf("%v", row)
	}
	for _, want := range []any{6.0, 7.0, 8.0, 9.0} {
		if got := sell(); got != want {
			t.Errorf("folio %v, want %v", got, want)
		}
	}
	c.post("/sales/", boleta(1, "1", 1190)).want(409)
	last := c.get("/folios/annul?told_sii=false").want(200).list()[2] // all of one moment: by number, from the last
	if last["desde"] != 1.0 || last["told_sii"] != nil {
		t.Errorf("%v", last)
	}
	told := fmt.Sprintf("/folios/annul/%v/sii", last["id"])
	at := c.post(told, nil).want(200).text("told_sii")
	c.clock.Advance(time.Minute)
	if again := c.post(told, nil).want(200).text("told_sii"); at != "2026-11-20T15:00:00.000000Z" || again != at {
		t.Errorf("told at %q, and again at %q", at, again)
	}
	c.post("/folios/annul/99/sii", nil).refused(404, "Anulación de folios ID 99 no encontrada")
	if yes, no := c.get("/folios/annul?told_sii=true").list(), c.get("/folios/annul?told_sii=false").list(); len(yes) != 1 || yes[0]["desde"] != 1.0 || len(no) != 2 {
		t.Errorf("told of %v, not of %v", yes, no)
	}
	rows := c.get("/folios/annul?limit=2").want(200).list()
	if len(rows) != 2 || len(c.get("/folios/annul").list()) != 3 || len(c.get("/folios/annul?to_date=2026-11-19").list()) != 0 {
		t.Errorf("%v", rows)
	}

	// Beyond what is in use, a whole handful of them and more: the next one comes after.
	c.upload("/folios/upload", centraltest.CAF(76086428, 39, 11, 400)).want(201)
	annul(11, 250).want(201)
	annul(260, 399).want(201)
	if row := c.get("/folios/status").want(200).list()[2]; row["available"] != 10.0 {
		t.Errorf("%v", row)
	}
	if got := sell(); got != 251.0 {
		t.Errorf("folio %v", got)
	}
}

// A folio is sold or annulled, never both.
func TestAnnullingAndSellingAtOnce(t *testing.T) {
	c := newCounter(t, 60)
	var wg sync.WaitGroup
	var mu sync.Mutex
	sold := map[int]bool{}
	for range 30 {
		wg.Go(func() {
			if got := c.post("/sales/", boleta(1, "1", 1190)); got.status == 201 {
				mu.Lock()
				sold[int(got.json()["folio"].(float64))] = true
				mu.Unlock()
			}
		})
	}
	for i := range 20 {
		wg.Go(func() {
			desde := 2*i + 1
			got := c.post("/folios/annul", map[string]any{"dte_type": 39, "desde": desde, "hasta": desde + 1, "reason": "Prueba"})
			if got.status != 201 && got.status != 409 {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	wg.Wait()
	n := 0
	for _, row := range c.get("/folios/annul").want(200).list() {
		for f := int(row["desde"].(float64)); f <= int(row["hasta"].(float64)); f++ {
			n++
			if sold[f] {
				t.Errorf("folio %d was sold and annulled", f)
			}
		}
	}
	if row := c.get("/folios/status").want(200).list()[2]; row["available"] != float64(60-len(sold)-n) {
		t.Errorf("%v available of 60, %d sold, %d annulled", row["available"], len(sold), n)
	}
}

// What needs folios says so, in the order of what presses most, and how many are usual.
func TestFolioAlerts(t *testing.T) {
	h := newHouse(t)
	_, owner := h.shop(76086428)
	if got := owner.get("/folios/alerts").want(200).list(); len(got) != 0 {
		t.Errorf("of types that are not used: %v", got)
	}
	db := centraltest.Superuser(t, h.db)
	if _, err := db.Exec(t.Context(), `set search_path to tenant_760864285;
		insert into caf (tipo, desde, hasta, fa, vence, idk, next, sealed, sha256, created_at) values
			(33, 1, 1000, '2026-10-01', '2027-03-31', 999, 702, '', '1', now()), -- 299 of 1000 left
			(34, 1, 1000, '2026-10-01', '2027-03-31', 999, 700, '', '2', now()), -- 301 left: enough
			(39, 1, 3000, '2026-10-01', null, 999, 2702, '', '3', now()),        -- 299 left: below 10 %
			(41, 1, 60, '2026-10-01', null, 999, 12, '', '4', now()),            -- 49 left
			(52, 1, 100, '2026-06-01', '2026-12-04', 999, 1, '', '5', now()),    -- expire in 14 days
			(56, 1, 100, '2026-06-01', '2026-12-05', 999, 1, '', '6', now()),    -- in 15
			(61, 1, 100, '2026-10-01', '2027-03-31', 999, 101, '', '7', now()),  -- none
			(110, 1, 90, '2026-01-01', '2026-11-19', 999, 50, '', '8', now()), (110, 101, 300, '2026-10-01', '2027-03-31', 999, 101, '', '9', now())`); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range owner.get("/folios/alerts").want(200).list() {
		got = append(got, fmt.Sprintf("%v:%v:%v-%v", row["dte_type"], row["alert"], row["recommended_min"], row["recommended_max"]))
	}
	want := "33:reponer:500-1000 39:critico:1000-3000 41:critico:1000-3000 52:renovar:100-300 61:agotado:100-300 110:vencidos:100-300"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("%s\nwant %s", s, want)
	}
	rows := owner.get("/folios/status").want(200).list()
	if rows[1]["alert"] != nil || rows[2]["alert"] != "critico" {
		t.Errorf("%v %v", rows[1], rows[2])
	}
	if rows := owner.get("/folios/alerts?skip=1&limit=2").want(200).list(); len(rows) != 2 || rows[0]["dte_type"] != 39.0 {
		t.Errorf("%v", rows)
	}
	if text := owner.get("/folios/alerts").list()[3]["text"]; text != "100 folios del tipo 52 vencen el 2026-12-04 o poco después, y los que no se usen se pierden. Pida entre 100 y 300 folios al SII." {
		t.Error(text)
	}
}

// Who keeps the service running sees every company's certificate, folios, queue and last trouble; nobody else does.
func TestCompanyHealth(t *testing.T) {
	c := newCounter(t, 50)
	c.shop(77777777)
	c.post("/sales/", boleta(1, "1", 1190)).want(201)
	c.get("/saas/health").refused(403, "Not authorized")
	centraltest.Account(t, c.db, "jefa@ejemplo.cl", true)
	boss := c.login("jefa@ejemplo.cl")
	turn, err := c.db.Drain(t.Context(), c.company.ID)
	if err != nil || turn.Status.Problem == "" {
		t.Fatalf("%+v, %v", turn, err)
	}
	rows := boss.get("/saas/health").want(200).list()
	if len(rows) != 2 {
		t.Fatalf("%v", rows)
	}
	own := rows[0]
	queue, _ := own["queue"].(map[string]any)
	if own["rut"] != "76086428-5" || own["certificate_valid_until"] == nil || own["folios_first_expiry"] == nil || queue["documents"] != 1.0 ||
		queue["waiting"] != 1.0 || queue["oldest"] != "2026-11-20T15:00:00.000000Z" || own["last_error"] != turn.Status.Problem ||
		own["last_error_since"] != "2026-11-20T15:00:00.000000Z" || own["last_look"] == nil {
		t.Errorf("%v", own)
	}
	other := rows[1]
	if other["certificate_valid_until"] != nil || other["last_error"] != nil || other["last_look"] != nil {
		t.Errorf("%v", other)
	}
	if rows := boss.get("/saas/health?skip=1&limit=1&is_active=true").want(200).list(); len(rows) != 1 || rows[0]["rut"] != "77777777-7" {
		t.Errorf("%v", rows)
	}
}

// The state of a sale follows its document to the verdict.
func TestASaleIsFollowedToItsVerdict(t *testing.T) {
	c := practisingCounter(t)
	c.post("/sales/", boleta(1, "1", 1190)).want(201)
	for range 4 {
		c.clock.Advance(time.Minute)
		if _, err := c.db.Drain(t.Context(), c.company.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.get("/sales/1").want(200); got.text("estado_dte") != "accepted" {
		t.Errorf("%s", got.body)
	}
}
