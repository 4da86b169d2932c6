package torn

import (
	"slices"

	"mostrador/central"
	"mostrador/dte"
)

func userRoutes() []route {
	manages, admin := holding(central.ManageUsers), holding(central.Administer)
	return slices.Concat(
		tagged("personas",
			in("GET", "/users/", "Las personas de la empresa; con is_active=false, las que ya no trabajan en ella", manages, 200, listUsers),
			in("GET", "/users/sellers", "Quienes pueden vender", people, 200, listSellers),
			in("POST", "/users/", "Agregar una persona", manages, 201, createUser),
			in("PUT", "/users/{id}", "Cambiar una persona, o traerla de vuelta", manages, 200, changeUser),
			in("DELETE", "/users/{id}", "Terminar el trabajo de una persona; su sesión acaba de inmediato", manages, 204, removeUser),
		),
		tagged("roles",
			in("GET", "/roles/", "Los roles", manages, 200, listRoles),
			in("GET", "/roles/{id}", "Un rol", manages, 200, getRole),
			in("PUT", "/roles/{id}", "Cambiar lo que un rol permite", admin, 200, changeRole),
		),
	)
}

// userOut is a person; central's has the wire's members.
type userOut = central.Person

func usersOf(list []central.Person, err error) ([]userOut, error) {
	if list == nil {
		list = []central.Person{}
	}
	return list, err
}

func listUsers(c *central.Call, in struct {
	pageQuery
	Role string `query:"role" maxLength:"50" doc:"Solo las de un rol, por su nombre"`
},
) ([]userOut, error) {
	return usersOf(c.People(in.page(), in.Role))
}

func listSellers(c *central.Call, in struct{ pageQuery }) ([]userOut, error) {
	return usersOf(c.Sellers(in.page()))
}

// rutOf reads a RUT that clients leave empty when they do not know it.
func rutOf(o Opt[string]) (*dte.RUT, error) {
	if o.Or("") == "" {
		return nil, nil //nolint:nilnil // no RUT, no fault
	}
	rut, err := checkRUT(o.Value)
	if err != nil {
		var f faults
		f.value([]any{"body", "rut"}, o.Value, "%s", err)
		return nil, f
	}
	return &rut, nil
}

func createUser(c *central.Call, in struct {
	Body struct {
		FullName string      `json:"full_name" required:"true" minLength:"1" maxLength:"100"`
		Email    Opt[string] `json:"email" maxLength:"254"`
		RUT      Opt[string] `json:"rut" maxLength:"20"`
		RoleID   Opt[int64]  `json:"role_id"`
		Password Opt[string] `json:"password" maxLength:"1024"`
	}
},
) (userOut, error) {
	b := in.Body
	n := central.NewPerson{Email: b.Email.Or(""), Name: b.FullName, Password: b.Password.Or(""), RoleID: b.RoleID.Or(0)}
	rut, err := rutOf(b.RUT)
	if err != nil {
		return userOut{}, err
	}
	if rut != nil {
		n.RUT = *rut
	}
	return c.AddPerson(n)
}

type userID struct {
	ID int64 `path:"id"`
}

func changeUser(c *central.Call, in struct {
	userID
	Body struct {
		FullName Opt[string] `json:"full_name" maxLength:"100"`
		Email    Opt[string] `json:"email" maxLength:"254"`
		RUT      Opt[string] `json:"rut" maxLength:"20"`
		RoleID   Opt[int64]  `json:"role_id"`
		IsActive Opt[bool]   `json:"is_active"`
		Password Opt[string] `json:"password" maxLength:"1024"`
	}
},
) (userOut, error) {
	b := in.Body
	rut, err := rutOf(b.RUT)
	if err != nil {
		return userOut{}, err
	}
	return c.ChangePerson(in.ID, central.PersonChange{
		Name: filled(b.FullName), Email: filled(b.Email), Password: filled(b.Password), RUT: rut, RoleID: b.RoleID.Ptr(), IsActive: b.IsActive.Ptr(),
	})
}

func removeUser(c *central.Call, in userID) (none, error) { return none{}, c.RemovePerson(in.ID) }

func listRoles(c *central.Call, in struct{ pageQuery }) ([]central.Role, error) {
	return c.Roles(in.page())
}

func getRole(c *central.Call, in userID) (central.Role, error) { return c.RoleByID(in.ID) }

func changeRole(c *central.Call, in struct {
	userID
	Body struct {
		Name              Opt[string]         `json:"name" minLength:"1" maxLength:"50"`
		Description       Opt[string]         `json:"description" maxLength:"200"`
		CanManageUsers    Opt[bool]           `json:"can_manage_users"`
		CanViewReports    Opt[bool]           `json:"can_view_reports"`
		CanEditProducts   Opt[bool]           `json:"can_edit_products"`
		CanPerformSales   Opt[bool]           `json:"can_perform_sales"`
		CanPerformReturns Opt[bool]           `json:"can_perform_returns"`
		Permissions       Opt[map[string]any] `json:"permissions"`
	}
},
) (central.Role, error) {
	b := in.Body
	for page, may := range b.Permissions.Value {
		if _, yes := may.(bool); !yes {
			var f faults
			f.value([]any{"body", "permissions", page}, nil, "cada permiso es true o false")
			return central.Role{}, f
		}
	}
	return c.ChangeRole(in.ID, func(r *central.Role) {
		b.Name.Into(&r.Name)
		rewrite(b.Description, &r.Description)
		b.CanManageUsers.Into(&r.CanManageUsers)
		b.CanViewReports.Into(&r.CanViewReports)
		b.CanEditProducts.Into(&r.CanEditProducts)
		b.CanPerformSales.Into(&r.CanPerformSales)
		b.CanPerformReturns.Into(&r.CanPerformReturns)
		b.Permissions.Into(&r.Permissions)
	})
}
