package torn

import (
	"errors"
	"slices"

	"mostrador/central"
)

var (
	anybody  = access{level: public}
	loggedIn = access{level: session}
	people   = access{level: member}
)

func authRoutes() []route {
	return slices.Concat(
		tagged("servicio",
			at("GET", "/", "Saludo", anybody, 200, func(*request, none) (map[string]string, error) {
				return map[string]string{"message": "Sistema Torn Online"}, nil
			}),
			at("GET", "/health/", "Responde mientras el programa vive", anybody, 200, func(*request, none) (map[string]string, error) {
				return map[string]string{"status": "ok", "service": "Torn"}, nil
			}),
		),
		tagged("sesión",
			at("POST", "/auth/login", "Iniciar sesión con correo o RUT", anybody, 200, login),
			at("POST", "/auth/token", "Iniciar sesión por formulario OAuth2", anybody, 200, token),
			in("GET", "/auth/users/me", "Quién soy", loggedIn, 200, func(c *central.Call, _ none) (accountOut, error) { return accountOf(c.Account), nil }),
			at("GET", "/auth/validate", "Quién soy y mis empresas", loggedIn, 200, validate),
			at("POST", "/auth/password", "Cambiar la contraseña propia; cierra todas las sesiones", loggedIn, 204, changePassword),
			in("POST", "/auth/logout", "Cerrar la sesión", loggedIn, 204, func(c *central.Call, _ none) (none, error) { return none{}, c.Logout() }),
		),
	)
}

type loginIn struct {
	Body struct {
		Email    Opt[string] `json:"email" maxLength:"254"`
		RUT      Opt[string] `json:"rut" maxLength:"20"`
		Password string      `json:"password" required:"true" maxLength:"1024"`
	}
}

type tokenIn struct {
	Form struct {
		Username     string `json:"username" required:"true" maxLength:"254"`
		Password     string `json:"password" required:"true" maxLength:"1024"`
		GrantType    string `json:"grant_type"`
		Scope        string `json:"scope"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	}
}

type accountOut struct {
	central.Account
	// Name repeats full_name: Torn's frontend reads either.
	Name string `json:"name"`
}

func accountOf(a central.Account) accountOut { return accountOut{a, a.FullName} }

type tenantAtDoor struct {
	ID          int64          `json:"id"`
	Name        string         `json:"name"`
	RUT         RUT            `json:"rut"`
	RoleName    string         `json:"role_name"`
	IsActive    bool           `json:"is_active"`
	MaxUsers    int32          `json:"max_users"`
	Permissions map[string]any `json:"permissions"`
}

type identityOut struct {
	User    accountOut     `json:"user"`
	Tenants []tenantAtDoor `json:"available_tenants"`
}

type loginOut struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	identityOut
}

func login(q *request, in loginIn) (loginOut, error) {
	who := in.Body.Email.Or(in.Body.RUT.Or(""))
	if who == "" {
		var f faults
		f.add([]any{"body", "email"}, "missing", "Field required", map[string]any{})
		return loginOut{}, f
	}
	return q.logIn(who, in.Body.Password)
}

func token(q *request, in tokenIn) (loginOut, error) {
	out, err := q.logIn(in.Form.Username, in.Form.Password)
	var refused *central.RefusalError
	if errors.As(err, &refused) && refused.Kind == central.Unauthorized {
		return out, &central.RefusalError{Kind: central.Unauthorized, Text: "Incorrect email or password"}
	}
	return out, err
}

func (q *request) logIn(who, password string) (loginOut, error) {
	if err := q.server.Door.Login(q.Request); err != nil {
		return loginOut{}, err
	}
	s, err := q.server.DB.Login(q.Context(), who, password)
	if err != nil {
		return loginOut{}, err
	}
	signed, err := q.server.Tokens.Sign(s)
	if err != nil {
		return loginOut{}, err
	}
	account, list, err := q.server.DB.Memberships(q.Context(), s.ID)
	if err == nil {
		err = q.leavePass(s.ID, list)
	}
	return loginOut{AccessToken: signed, TokenType: "bearer", identityOut: identityOf(account, list)}, err
}

func changePassword(q *request, in struct {
	Body struct {
		Current string `json:"current_password" required:"true" maxLength:"1024"`
		New     string `json:"new_password" required:"true" minLength:"8" maxLength:"1024"`
	}
},
) (none, error) {
	return none{}, q.server.DB.ChangePassword(q.Context(), q.call.Account, in.Body.Current, in.Body.New)
}

func validate(q *request, _ none) (identityOut, error) {
	account, list, err := q.server.DB.Memberships(q.Context(), q.call.Session)
	if err == nil {
		err = q.leavePass(q.call.Session, list)
	}
	return identityOf(account, list), err
}

func identityOf(a central.Account, list []central.Membership) identityOut {
	out := identityOut{User: accountOf(a), Tenants: []tenantAtDoor{}}
	for _, m := range list {
		permissions := m.Permissions
		if permissions == nil {
			permissions = map[string]any{}
		}
		out.Tenants = append(out.Tenants, tenantAtDoor{m.Company, m.Name, RUT(m.RUT), m.RoleName, m.IsActive, m.MaxUsers, permissions})
	}
	return out
}
