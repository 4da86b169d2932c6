package torn

import (
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"mostrador/central"
	"mostrador/dte"
)

var service = access{level: superuser}

func saasRoutes() []route {
	return tagged("administración del servicio",
		in("GET", "/saas/actecos", "Actividades económicas, por código o nombre", loggedIn, 200, searchActecos),
		in("GET", "/saas/tenants", "Las empresas", service, 200, listTenants),
		at("POST", "/saas/tenants", "Crear una empresa, lista para vender", service, 201, createTenant),
		in("PATCH", "/saas/tenants/{id}", "Cambiar una empresa y lo que sus documentos dicen de ella", service, 200, changeTenant),
		in("DELETE", "/saas/tenants/{id}", "Cerrar una empresa; nada se pierde", service, 204, closeTenant),
		in("GET", "/saas/tenants/{id}/users", "Las personas de una empresa", service, 200, listMembers),
		in("POST", "/saas/tenants/{id}/users", "Agregar una persona a una empresa", service, 200, addMember),
		in("PATCH", "/saas/tenants/{id}/users/{user_id}", "Cambiar una persona de una empresa, por su cuenta", service, 200, changeMember),
		in("POST", "/saas/tenants/{id}/inject-system-user", "Asegurar que la empresa tiene su usuario de sistema", service, 200, injectSystemUser),
		at("POST", "/saas/tenants/inject-system-users-all", "Lo mismo en todas", service, 200, injectSystemUsers),
	)
}

// maxActecos of one answer.
const maxActecos = 100

func searchActecos(c *central.Call, in struct {
	Q     string `query:"q" maxLength:"200"`
	Limit int64  `query:"limit" default:"30" doc:"De 1 a 100"`
	Skip  int64  `query:"skip" minimum:"0"`
},
) ([]central.Acteco, error) {
	return c.SearchActecos(in.Q, central.Page{Skip: in.Skip, Limit: min(max(in.Limit, 1), maxActecos)})
}

// actividad is an economic activity in a request: its code, or the object that lists of activities hold.
type actividad string

func (a *actividad) take(value any) bool {
	if o, ok := value.(*object); ok {
		value = o.values["code"]
	}
	text, ok := scalar(value)
	*a = actividad(text)
	return ok && len(text) <= 6
}

// Schema describes it.
func (actividad) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "Código de la actividad, o el objeto con su code.", AnyOf: []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeObject}}}
}

func codes(list []actividad) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = string(a)
	}
	return out
}

type actividadOut struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	Taxable  bool   `json:"taxable"`
	Category int32  `json:"category"`
}

type tenantOut struct {
	ID                 int64          `json:"id"`
	Name               string         `json:"name"`
	RUT                RUT            `json:"rut"`
	SchemaName         string         `json:"schema_name"`
	Ambiente           dte.Ambiente   `json:"ambiente"`
	MaxUsersOverride   *int32         `json:"max_users_override"`
	PlanMaxUsers       int32          `json:"plan_max_users"`
	IsActive           bool           `json:"is_active"`
	Address            string         `json:"address"`
	Commune            string         `json:"commune"`
	City               string         `json:"city"`
	Giro               string         `json:"giro"`
	BillingDay         int32          `json:"billing_day"`
	EconomicActivities []actividadOut `json:"economic_activities"`
	CreatedAt          Instante       `json:"created_at"`
}

// tenantsOf gives the activities of several companies their names, with one look.
func tenantsOf(c *central.Call, list []central.Company) ([]tenantOut, error) {
	var all []string
	for _, company := range list {
		all = append(all, company.Actecos...)
	}
	slices.Sort(all)
	known, err := c.Actecos(slices.Compact(all))
	out := make([]tenantOut, len(list))
	for i, t := range list {
		out[i] = tenantOut{
			ID: t.ID, Name: t.Name, RUT: RUT(t.RUT), SchemaName: t.Schema, Ambiente: t.Ambiente, MaxUsersOverride: t.MaxUsersOverride,
			PlanMaxUsers: t.PlanMaxUsers, IsActive: t.IsActive, Address: t.Address, Commune: t.Commune, City: t.City, Giro: t.Giro,
			BillingDay: t.BillingDay, EconomicActivities: []actividadOut{}, CreatedAt: Instante(t.CreatedAt),
		}
		for _, code := range t.Actecos {
			a := known[code]
			out[i].EconomicActivities = append(out[i].EconomicActivities, actividadOut{code, a.Name, a.Taxable, a.Category})
		}
	}
	return out, err
}

func companyOut(c *central.Call, t central.Company, err error) (tenantOut, error) {
	if err != nil {
		return tenantOut{}, err
	}
	out, err := tenantsOf(c, []central.Company{t})
	return out[0], err
}

func listTenants(c *central.Call, in struct{ pageQuery }) ([]tenantOut, error) {
	list, err := c.Companies(in.page())
	if err != nil {
		return nil, err
	}
	return tenantsOf(c, list)
}

// The environment of a company is fixed when it is made. Unless it is named nothing of it has legal effect.
func createTenant(q *request, in struct {
	Body struct {
		Name               string           `json:"name" required:"true" minLength:"1" maxLength:"100"`
		RUT                RUT              `json:"rut" required:"true"`
		Address            Opt[string]      `json:"address" maxLength:"200"`
		Commune            Opt[string]      `json:"commune" maxLength:"100"`
		City               Opt[string]      `json:"city" maxLength:"100"`
		Giro               Opt[string]      `json:"giro" maxLength:"200"`
		BillingDay         Opt[int32]       `json:"billing_day" minimum:"1" maximum:"31"`
		EconomicActivities Opt[[]actividad] `json:"economic_activities" maxItems:"4"`
		Ambiente           Opt[string]      `json:"ambiente" enum:"capacitacion,certificacion,produccion"`
	}
},
) (out tenantOut, err error) {
	b := in.Body
	made, err := q.server.DB.CreateCompany(q.Context(), central.NewCompany{
		Name: b.Name, RUT: dte.RUT(b.RUT), Address: b.Address.Or(""), Commune: b.Commune.Or(""), City: b.City.Or(""), Giro: b.Giro.Or(""),
		BillingDay: b.BillingDay.Or(1), Actecos: codes(b.EconomicActivities.Or(nil)), Ambiente: dte.Ambiente(b.Ambiente.Or(string(dte.Capacitacion))),
		Owner: q.call.Account.ID,
	})
	if err != nil {
		return out, err
	}
	err = q.server.DB.Enter(q.Context(), q.call.Session, func(c *central.Call) error {
		out, err = companyOut(c, made, nil)
		return err
	})
	return out, err
}

type tenantID struct {
	ID int64 `path:"id"`
}

func changeTenant(c *central.Call, in struct {
	tenantID
	Body struct {
		Name               Opt[string]      `json:"name" minLength:"1" maxLength:"100"`
		IsActive           Opt[bool]        `json:"is_active"`
		MaxUsersOverride   Opt[int32]       `json:"max_users_override" minimum:"1" maximum:"100000"`
		Address            Opt[string]      `json:"address" maxLength:"200"`
		Commune            Opt[string]      `json:"commune" maxLength:"100"`
		City               Opt[string]      `json:"city" maxLength:"100"`
		Giro               Opt[string]      `json:"giro" maxLength:"200"`
		BillingDay         Opt[int32]       `json:"billing_day" minimum:"1" maximum:"31"`
		EconomicActivities Opt[[]actividad] `json:"economic_activities" maxItems:"4"`
	}
},
) (tenantOut, error) {
	b := in.Body
	changed, err := c.ChangeCompany(in.ID, func(n *central.Company) {
		b.Name.Into(&n.Name)
		b.IsActive.Into(&n.IsActive)
		if b.MaxUsersOverride.Set {
			n.MaxUsersOverride = b.MaxUsersOverride.Ptr()
		}
		rewrite(b.Address, &n.Address)
		rewrite(b.Commune, &n.Commune)
		rewrite(b.City, &n.City)
		rewrite(b.Giro, &n.Giro)
		b.BillingDay.Into(&n.BillingDay)
		if b.EconomicActivities.Set {
			n.Actecos = codes(b.EconomicActivities.Or(nil))
		}
	})
	return companyOut(c, changed, err)
}

func closeTenant(c *central.Call, in tenantID) (none, error) { return none{}, c.CloseCompany(in.ID) }

type memberOut struct {
	ID       int64      `json:"id"`
	TenantID int64      `json:"tenant_id"`
	UserID   int64      `json:"user_id"`
	RoleName string     `json:"role_name"`
	IsActive bool       `json:"is_active"`
	User     accountOut `json:"user"`
}

func memberOf(m central.Member, err error) (memberOut, error) {
	return memberOut{m.ID, m.CompanyID, m.Account.ID, m.RoleName, m.IsActive, accountOf(m.Account)}, err
}

func listMembers(c *central.Call, in struct {
	tenantID
	pageQuery
},
) ([]memberOut, error) {
	list, err := c.Members(in.ID, in.page())
	out := make([]memberOut, len(list))
	for i, m := range list {
		out[i], _ = memberOf(m, nil)
	}
	return out, err
}

func addMember(c *central.Call, in struct {
	tenantID
	Body struct {
		Email    string      `json:"email" required:"true" minLength:"1" maxLength:"254"`
		RoleName string      `json:"role_name" required:"true" minLength:"1" maxLength:"50"`
		Password Opt[string] `json:"password" maxLength:"1024"`
		FullName Opt[string] `json:"full_name" maxLength:"100"`
	}
},
) (memberOut, error) {
	b := in.Body
	return memberOf(c.AddMember(in.ID, central.NewPerson{Email: b.Email, Name: b.FullName.Or(""), Password: b.Password.Or("")}, b.RoleName))
}

func changeMember(c *central.Call, in struct {
	tenantID
	UserID int64 `path:"user_id"`
	Body   struct {
		RoleName Opt[string] `json:"role_name" minLength:"1" maxLength:"50"`
		IsActive Opt[bool]   `json:"is_active"`
		Password Opt[string] `json:"password" maxLength:"1024"`
		FullName Opt[string] `json:"full_name" maxLength:"100"`
	}
},
) (memberOut, error) {
	b := in.Body
	return memberOf(c.ChangeMember(in.ID, in.UserID, central.MemberChange{
		RoleName: b.RoleName.Ptr(), IsActive: b.IsActive.Ptr(), Password: filled(b.Password), FullName: filled(b.FullName),
	}))
}

// filled is a text, or nil: clients send empty ones for what they leave as it is.
func filled(o Opt[string]) *string {
	if o.Or("") == "" {
		return nil
	}
	return &o.Value
}

type injectedOut struct {
	Status string `json:"status"`
	Tenant string `json:"tenant"`
	Schema string `json:"schema"`
}

func injectSystemUser(c *central.Call, in tenantID) (injectedOut, error) {
	status, company, err := c.InjectSystemPerson(in.ID)
	return injectedOut{status, company.Name, company.Schema}, err
}

type injectedAllOut struct {
	Results []injectedOneOut `json:"results"`
}

type injectedOneOut struct {
	Tenant string `json:"tenant"`
	Status string `json:"status"`
}

// injectSystemUsers goes through the companies, each in a transaction of its own.
func injectSystemUsers(q *request, _ none) (injectedAllOut, error) {
	out := injectedAllOut{Results: []injectedOneOut{}}
	var list []central.Company
	db, session := q.server.DB, q.call.Session
	err := db.Enter(q.Context(), session, func(c *central.Call) (err error) {
		list, err = c.Companies(central.Page{})
		return err
	})
	for _, company := range list {
		if err != nil {
			return out, err
		}
		err = db.Enter(q.Context(), session, func(c *central.Call) error {
			status, _, err := c.InjectSystemPerson(company.ID)
			out.Results = append(out.Results, injectedOneOut{company.Name, status})
			return err
		})
	}
	return out, err
}
