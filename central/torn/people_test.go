package torn_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"mostrador/central"
	"mostrador/central/centraltest"
)

// boss is a superuser who is logged in.
func (h *house) boss() *client {
	h.t.Helper()
	centraltest.Account(h.t, h.db, "servicio@ejemplo.cl", true)
	return h.login("servicio@ejemplo.cl")
}

// hire adds a person with that role, 1 for administrators and 2 for sellers, and returns their number in the company.
func (c *client) hire(email string, role int64) int64 {
	c.t.Helper()
	return c.post("/users/", map[string]any{"full_name": "Persona " + email, "email": email, "role_id": role, "password": centraltest.Password}).want(201).id()
}

func user(id int64) string { return fmt.Sprintf("/users/%d", id) }

// events are what the record says was done, the oldest first.
func (h *house) events() []string {
	h.t.Helper()
	rows, err := centraltest.Superuser(h.t, h.db).Query(h.t.Context(), "select kind from shared.security_event where kind not like 'login%' order by id")
	if err != nil {
		h.t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

func TestPeopleComeAndGo(t *testing.T) {
	h := newHouse(t)
	company, owner := h.shop(76086428)
	made := owner.post("/users/", map[string]any{"full_name": "Ana", "email": " Ana@Ejemplo.cl", "rut": "5.126.663-3", "role_id": 2, "password": centraltest.Password}).want(201)
	if made.text("rut") != "5126663-3" || made.text("role") != "VENDEDOR" || made.json()["role_obj"].(map[string]any)["can_perform_sales"] != true {
		t.Errorf("%s", made.body)
	}
	id := made.id()
	ana := h.login("5126663-3").in(company)
	ana.get("/customers/").want(200)

	// Who is told to leave is out at the next call, and stays out at the door.
	owner.delete(user(id)).want(204)
	if got := ana.get("/customers/"); got.status != 401 && got.status != 403 {
		t.Errorf("the session lives: %d %s", got.status, got.body)
	}
	h.nobody().post("/auth/login", map[string]any{"email": "ana@ejemplo.cl", "password": centraltest.Password}).refused(401, "Credenciales incorrectas")
	if n := len(owner.get("/users/").want(200).list()); n != 1 {
		t.Errorf("%d people", n)
	}
	if gone := owner.get("/users/?is_active=false").want(200).list(); len(gone) != 1 || gone[0]["name"] != "Ana" {
		t.Errorf("gone: %v", gone)
	}
	// And may come back.
	owner.put(user(id), map[string]any{"is_active": true, "full_name": "Ana María", "email": "", "password": ""}).want(200)
	h.login("ana@ejemplo.cl").in(company).get("/customers/").want(200)

	want := []string{"person added", "company created", "person added", "person changed", "person changed"}
	if got := h.events(); !slices.Equal(got, want) {
		t.Errorf("noted: %v", got)
	}
}

func TestWhatIsWrongWithAPerson(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	ask := func(change map[string]any) answer {
		body := map[string]any{"full_name": "Ana", "email": "ana@ejemplo.cl", "role_id": 2, "password": centraltest.Password, "rut": "5126663-3"}
		for name, value := range change {
			body[name] = value
		}
		return owner.post("/users/", body)
	}
	ask(map[string]any{"email": ""}).refused(400, "El Email es requerido para el login")
	ask(map[string]any{"password": nil}).refused(400, "Se requiere una contraseña para nuevos usuarios")
	ask(map[string]any{"role_id": 99}).want(422)
	ask(map[string]any{"rut": "5126663-4"}).want(422)
	ask(map[string]any{"email": "ana"}).want(422)
	ask(map[string]any{"password": "corta"}).want(422)
	ask(nil).want(201)
	// An e-mail that works here already answers as it is; nothing of it changes.
	if again := ask(map[string]any{"role_id": 1, "full_name": "Otra"}).want(201); again.text("role") != "VENDEDOR" || again.text("name") != "Ana" {
		t.Errorf("%s", again.body)
	}
	ask(map[string]any{"email": "eva@ejemplo.cl"}).refused(409, "El RUT ya existe en esta sucursal")
	// Nothing stays of what was refused: the account was not made.
	ask(map[string]any{"email": "eva@ejemplo.cl", "rut": "", "password": ""}).refused(400, "Se requiere una contraseña para nuevos usuarios")
	owner.put("/users/99", map[string]any{}).refused(404, "Usuario no encontrado")
	owner.delete("/users/99").refused(404, "Usuario no encontrado")
	owner.put("/users/3", map[string]any{"email": "duena-76086428@ejemplo.cl"}).want(409)
}

// The system's person has number 1, the owner 2: numbers of the company, which say nothing of accounts.
func TestSystemAndOwnerAreProtected(t *testing.T) {
	h := newHouse(t)
	company, owner := h.shop(76086428)
	owner.put("/users/1", map[string]any{"full_name": "X"}).refused(403, "No se puede modificar un usuario de sistema.")
	owner.delete("/users/1").refused(403, "No se puede eliminar un usuario de sistema.")
	owner.delete("/users/2").refused(400, "No puedes desactivar al administrador principal.")
	owner.put("/users/2", map[string]any{"is_active": false}).refused(400, "No puedes desactivar al administrador principal.")
	owner.put("/users/2", map[string]any{"role_id": 2}).refused(400, "No puedes desactivar al administrador principal.")

	second := owner.hire("socia@ejemplo.cl", 1)
	h.login("socia@ejemplo.cl").in(company).delete("/users/2").refused(400, "No puedes desactivar al administrador principal.")
	owner.delete(user(second)).want(204)
	// The service may, and then another administrator owns the company; the last one stays.
	boss := h.boss()
	path := fmt.Sprintf("/saas/tenants/%d/users/", company.ID)
	boss.do("PATCH", path+"1", map[string]any{"is_active": false}).refused(400, "No puedes desactivar al administrador principal.")
	owner.put(user(second), map[string]any{"is_active": true}).want(200)
	boss.do("PATCH", path+"1", map[string]any{"is_active": false}).want(200)
	h.login("socia@ejemplo.cl").in(company).delete(user(second)).refused(400, "No puedes desactivar al administrador principal.")
}

// Nobody gives more than they hold, and nobody takes the place of who holds more.
func TestNobodyGrantsMoreThanTheyHold(t *testing.T) {
	h := newHouse(t)
	company, owner := h.shop(76086428)
	owner.put("/roles/2", map[string]any{"can_manage_users": true, "permissions": map[string]any{"Personal": true}}).want(200)
	id := owner.hire("jefa@ejemplo.cl", 2)
	jefa := h.login("jefa@ejemplo.cl").in(company)
	jefa.post("/users/", map[string]any{"full_name": "X", "email": "x@ejemplo.cl", "role_id": 1, "password": centraltest.Password}).
		refused(403, "No puedes dar un rol con más permisos que los tuyos.")
	jefa.put(user(id), map[string]any{"role_id": 1}).refused(403, "No puedes dar un rol con más permisos que los tuyos.")
	jefa.put("/users/2", map[string]any{"password": "otra-clave-larga"}).refused(403, "No puedes modificar a una persona con más permisos que los tuyos.")
	jefa.put("/roles/2", map[string]any{"can_perform_returns": true}).refused(403, "Acceso denegado: se requieren permisos de administrador de empresa.")
	jefa.hire("nueva@ejemplo.cl", 2)

	// The administrator's role keeps all.
	owner.put("/roles/1", map[string]any{"can_manage_users": false}).want(409)
	owner.put("/roles/1", map[string]any{"name": "JEFE"}).want(409)
	owner.put("/roles/2", map[string]any{"name": "ADMINISTRADOR"}).refused(409, "Ya existe un rol con nombre 'ADMINISTRADOR'")
	owner.get("/roles/9").refused(404, "Rol no encontrado")
	// A role may have another name; who has it keeps it, here and at the door.
	owner.put("/roles/2", map[string]any{"name": "CAJERA"}).want(200)
	got := jefa.get("/auth/validate").want(200).json()["available_tenants"].([]any)[0].(map[string]any)
	if got["role_name"] != "CAJERA" || got["permissions"].(map[string]any)["Personal"] != true {
		t.Errorf("at the door: %v", got)
	}
	// A right that is taken is gone at the next call.
	owner.put("/roles/2", map[string]any{"can_manage_users": false}).want(200)
	jefa.get("/users/").want(403)
}

func TestSellersAreWhoMaySell(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	owner.hire("vende@ejemplo.cl", 2)
	if n := len(owner.get("/users/sellers").want(200).list()); n != 2 {
		t.Errorf("%d sellers", n)
	}
	owner.put("/roles/2", map[string]any{"can_perform_sales": false}).want(200)
	if got := owner.get("/users/sellers").want(200).list(); len(got) != 1 || got[0]["is_owner"] != true {
		t.Errorf("%v", got)
	}
	if got := owner.get("/users/?role=VENDEDOR&skip=0&limit=5").want(200).list(); len(got) != 1 || got[0]["email"] != "vende@ejemplo.cl" {
		t.Errorf("%v", got)
	}
}

// An account that works elsewhere, too, is not one company's to open or to rename.
func TestACompanyCannotTakeAnAccount(t *testing.T) {
	h := newHouse(t)
	_, owner := h.shop(76086428)
	_, victim := h.shop(77777777)
	boss := h.boss()
	got := owner.post("/users/", map[string]any{"full_name": "Vecina", "email": "duena-77777777@ejemplo.cl", "role_id": 2, "password": "mi-propia-clave"}).want(201)
	owner.put(user(got.id()), map[string]any{"password": "mi-propia-clave"}).want(403)
	owner.put(user(got.id()), map[string]any{"email": "mio@ejemplo.cl"}).want(403)
	owner.put(user(got.id()), map[string]any{"full_name": "Vecina del frente"}).want(200)
	if got := victim.get("/auth/users/me").want(200); got.text("full_name") != "Persona duena-77777777@ejemplo.cl" {
		t.Errorf("%s", got.body)
	}
	// Nor is an account of the service.
	got = owner.post("/users/", map[string]any{"full_name": "Servicio", "email": "servicio@ejemplo.cl", "role_id": 2}).want(201)
	owner.put(user(got.id()), map[string]any{"password": "mi-propia-clave"}).want(403)
	boss.get("/saas/tenants").want(200)
}

func TestAPasswordChangeEndsSessions(t *testing.T) {
	h := newHouse(t)
	company, owner := h.shop(76086428)
	id := owner.hire("ana@ejemplo.cl", 2)
	ana := h.login("ana@ejemplo.cl").in(company)
	owner.put(user(id), map[string]any{"password": "una-clave-nueva"}).want(200)
	ana.get("/customers/").refused(401, "No se pudo validar la sesión global")
	h.nobody().post("/auth/login", map[string]any{"email": "ana@ejemplo.cl", "password": centraltest.Password}).want(401)
	h.nobody().post("/auth/login", map[string]any{"email": "ana@ejemplo.cl", "password": "una-clave-nueva"}).want(200)

	// Her own, with the old one.
	change := map[string]any{"current_password": "no es esta", "new_password": "otra-clave-nueva"}
	owner.post("/auth/password", change).refused(403, "La contraseña actual no es correcta")
	change["current_password"] = centraltest.Password
	owner.post("/auth/password", change).want(204)
	owner.get("/customers/").want(401)
	h.nobody().post("/auth/login", map[string]any{"email": "duena-76086428@ejemplo.cl", "password": "otra-clave-nueva"}).want(200)
}

// The limit holds on every way in, and when all ways are tried at once.
func TestNoMorePeopleThanThePlan(t *testing.T) {
	const full = "El plan actual (Max 3) no permite agregar más usuarios a la empresa."
	h := newHouse(t)
	company, owner := h.shop(76086428)
	boss := h.boss()
	members := fmt.Sprintf("/saas/tenants/%d/users", company.ID)
	var together sync.WaitGroup
	statuses := make([]int, 8)
	for i := range statuses {
		centraltest.Account(t, h.db, fmt.Sprintf("p%d@ejemplo.cl", i), false)
	}
	for i := range statuses {
		together.Go(func() {
			email := fmt.Sprintf("p%d@ejemplo.cl", i)
			if i%2 == 0 {
				statuses[i] = owner.post("/users/", map[string]any{"full_name": "P", "email": email, "role_id": 2}).status
			} else {
				statuses[i] = boss.post(members, map[string]any{"email": email, "role_name": "VENDEDOR"}).status
			}
		})
	}
	together.Wait()
	if n := len(owner.get("/users/").want(200).list()); n != 3 {
		t.Fatalf("%d people: %v", n, statuses)
	}
	owner.post("/users/", map[string]any{"full_name": "P", "email": "q@ejemplo.cl", "role_id": 2, "password": centraltest.Password}).refused(400, full)
	boss.post(members, map[string]any{"email": "q@ejemplo.cl", "role_name": "VENDEDOR", "password": centraltest.Password}).refused(400, full)

	// Who left gives the place to another, and does not come back beside them.
	gone := int64(owner.get("/users/?role=VENDEDOR").list()[0]["id"].(float64))
	owner.delete(user(gone)).want(204)
	owner.hire("q@ejemplo.cl", 2)
	owner.put(user(gone), map[string]any{"is_active": true}).refused(400, full)
	var account float64
	for _, m := range boss.get(members + "?is_active=false").want(200).list() {
		account = m["user_id"].(float64)
	}
	boss.do("PATCH", fmt.Sprintf("%s/%.0f", members, account), map[string]any{"is_active": true}).refused(400, full)
	boss.do("PATCH", fmt.Sprintf("/saas/tenants/%d", company.ID), map[string]any{"max_users_override": 4}).want(200)
	boss.do("PATCH", fmt.Sprintf("%s/%.0f", members, account), map[string]any{"is_active": true}).want(200)
	if n := len(owner.get("/users/").list()); n != 4 {
		t.Errorf("%d people", n)
	}
}

func TestCompaniesOfTheService(t *testing.T) {
	h := newHouse(t)
	_, owner := h.shop(77777777)
	boss := h.boss()
	owner.post("/saas/tenants", map[string]any{"name": "X", "rut": "76086428-5"}).refused(403, "Not authorized")
	made := boss.post("/saas/tenants", map[string]any{
		"name": "Almacén Ñuñoa", "rut": "76.086.428-5", "address": "", "billing_day": 5,
		"economic_activities": []any{map[string]any{"code": "472101", "name": "x", "taxable": true, "category": 1}, "561000"},
	}).want(201)
	if made.text("schema_name") != "tenant_760864285" || made.text("rut") != "76086428-5" || made.json()["plan_max_users"] != 3.0 {
		t.Errorf("%s", made.body)
	}
	if acts := made.json()["economic_activities"].([]any); len(acts) != 2 || !strings.Contains(acts[0].(map[string]any)["name"].(string), "minimarket") {
		t.Errorf("%v", acts)
	}
	boss.post("/saas/tenants", map[string]any{"name": "Otra", "rut": "76086428-5"}).
		refused(400, "Error creando el inquilino: Ya existe un inquilino registrado para el RUT: 76086428-5")
	boss.post("/saas/tenants", map[string]any{"name": "Otra", "rut": "76086428-4"}).want(422)
	boss.post("/saas/tenants", map[string]any{"name": "Otra", "rut": "76086429-3", "economic_activities": []any{"abc"}}).want(400)
	if n := len(boss.get("/saas/tenants").want(200).list()); n != 2 {
		t.Errorf("%d companies", n)
	}

	// It works at once: the creator is in, and the first administrator of its own is its owner.
	path := fmt.Sprintf("/saas/tenants/%d", made.id())
	boss.in(central.Company{ID: made.id()}).delete("/users/2").refused(400, "No puedes desactivar al administrador principal.")
	boss.post(path+"/users", map[string]any{"email": "ana@ejemplo.cl", "role_name": "JEFA", "password": centraltest.Password}).want(422)
	boss.post(path+"/users", map[string]any{"email": "ana@ejemplo.cl", "role_name": "ADMINISTRADOR"}).refused(400, "Password is required for new core users")
	added := boss.post(path+"/users", map[string]any{"email": "ana@ejemplo.cl", "role_name": "ADMINISTRADOR", "password": centraltest.Password, "full_name": "Ana"}).want(200)
	boss.post(path+"/users", map[string]any{"email": "ana@ejemplo.cl", "role_name": "VENDEDOR"}).refused(400, "El usuario ya pertenece a esta empresa")
	ana := h.login("ana@ejemplo.cl").in(central.Company{ID: made.id()})
	for _, person := range ana.get("/users/").want(200).list() {
		if person["is_owner"] != (person["email"] == "ana@ejemplo.cl") {
			t.Errorf("%v", person)
		}
	}
	account := int64(added.json()["user_id"].(float64))
	boss.do("PATCH", fmt.Sprintf("%s/users/%d", path, account), map[string]any{"role_name": "NADIE"}).want(422)
	boss.do("PATCH", path+"/users/99", map[string]any{}).refused(404, "Tenant user link not found")
	boss.do("PATCH", "/saas/tenants/99", map[string]any{}).refused(404, "Tenant not found")

	// The service's own people take no place from the company's.
	for _, email := range []string{"b@ejemplo.cl", "c@ejemplo.cl"} {
		boss.post(path+"/users", map[string]any{"email": email, "role_name": "VENDEDOR", "password": centraltest.Password}).want(200)
	}
	// What documents say of the company changes with it.
	boss.do("PATCH", path, map[string]any{"name": "Almacén Dos", "giro": "Abarrotes", "economic_activities": []any{"471100"}}).want(200)
	var issuer string
	if err := centraltest.Superuser(t, h.db).QueryRow(t.Context(), "select razon_social || '/' || giro || '/' || acteco from tenant_760864285.issuer").Scan(&issuer); err != nil {
		t.Fatal(err)
	}
	if issuer != "Almacén Dos/Abarrotes/471100" {
		t.Errorf("the issuer is %s", issuer)
	}

	boss.delete(path).want(204)
	ana.get("/customers/").refused(404, "Inquilino no encontrado o inactivo.")
	boss.do("PATCH", path, map[string]any{"is_active": true}).want(200)
	ana.get("/customers/").want(200)
	for _, kind := range []string{"company changed", "company closed", "company opened"} {
		if !slices.Contains(h.events(), kind) {
			t.Errorf("%s is not noted", kind)
		}
	}

	if got := boss.post(path+"/inject-system-user", nil).want(200); got.text("status") != "already_exists" || got.text("schema") != "tenant_760864285" {
		t.Errorf("%s", got.body)
	}
	if _, err := centraltest.Superuser(t, h.db).Exec(t.Context(), "delete from tenant_760864285.person where is_system"); err != nil {
		t.Fatal(err)
	}
	if got := boss.post("/saas/tenants/inject-system-users-all", nil).want(200); string(got.body) !=
		`{"results":[{"tenant":"Comercial 77777777-7","status":"already_exists"},{"tenant":"Almacén Dos","status":"injected"}]}` {
		t.Errorf("%s", got.body)
	}
}

func TestActecos(t *testing.T) {
	h := newHouse(t)
	_, owner := h.shop(76086428)
	for q, want := range map[string]string{"panaderia": "107100", "BOTILLER%C3%8DA": "472200", "47210": "472101", "": "011101", "trigo": "011101", "sindicatos": "942000"} {
		got := owner.get("/saas/actecos?q=" + q).want(200).list()
		if len(got) == 0 || got[0]["code"] != want {
			t.Errorf("%q: %v", q, got)
		}
	}
	var known int
	if err := centraltest.Superuser(t, h.db).QueryRow(t.Context(), "select count(*) from shared.acteco").Scan(&known); err != nil || known != 674 {
		t.Errorf("a new server knows %d, %v", known, err)
	}
	if n := len(owner.get("/saas/actecos").list()); n != 30 {
		t.Errorf("%d without a limit", n)
	}
	if n := len(owner.get("/saas/actecos?limit=0").list()); n != 1 {
		t.Errorf("%d with 0", n)
	}
	list, err := central.ReadActecos(strings.NewReader("codigo;nombre;afecta;categoria;internet\n472200;Botillerías;NO;2;NO\n000001;Nueva;SI;1;SI\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.db.LoadActecos(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	if got := owner.get("/saas/actecos?q=472200").list(); got[0]["name"] != "Botillerías" || got[0]["taxable"] != false || got[0]["category"] != 2.0 {
		t.Errorf("%v", got)
	}
	const head = "codigo;nombre;afecta;categoria;internet\n"
	for _, bad := range []string{"", "x;y\n", head + "47220;B;SI;1;SI\n", head + "472200;B;QUIZAS;1;SI\n", head + "472200;B;SI;3;SI\n", head + "472200;;SI;1;SI\n"} {
		if _, err := central.ReadActecos(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
