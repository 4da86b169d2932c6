package torn

import (
	"mostrador/central"
	"mostrador/dte"
)

func customerRoutes() []route {
	sells := holding(central.PerformSales)
	return tagged("clientes",
		in("POST", "/customers/", "Crear un cliente", sells, 201, createCustomer),
		in("GET", "/customers/", "Los clientes, por nombre", people, 200, listCustomers),
		in("GET", "/customers/search", "Buscar por RUT o nombre; diez a lo más", people, 200, searchCustomers),
		in("GET", "/customers/{rut}", "Un cliente", people, 200, getCustomer),
		keyed(in("POST", "/customers/{rut}/pagos", "Recibir un pago de la cuenta", sells, 201, payAccount)),
		in("GET", "/customers/{rut}/pagos", "Los pagos de la cuenta, los últimos primero", people, 200, accountPayments),
		in("GET", "/customers/{rut}/cuenta", "La cuenta: cargos, pagos, saldo y antigüedad", people, 200, statement),
		in("PUT", "/customers/{rut}", "Cambiar un cliente", sells, 200, changeCustomer),
		in("DELETE", "/customers/{rut}", "Eliminar un cliente; el que ya compró queda inactivo", holding(central.EditProducts), 204, removeCustomer),
	)
}

type customerOut struct {
	ID             int64    `json:"id"`
	RUT            RUT      `json:"rut"`
	RazonSocial    string   `json:"razon_social"`
	Giro           string   `json:"giro"`
	Direccion      string   `json:"direccion"`
	Comuna         string   `json:"comuna"`
	Ciudad         string   `json:"ciudad"`
	Email          string   `json:"email"`
	PriceListID    *int64   `json:"price_list_id"`
	CurrentBalance Pesos    `json:"current_balance"`
	LimiteCredito  *Pesos   `json:"limite_credito"`
	DiasCredito    *int32   `json:"dias_credito"`
	IsActive       bool     `json:"is_active"`
	CreatedAt      Instante `json:"created_at"`
	UpdatedAt      Instante `json:"updated_at"`
}

func customerOf(c central.Customer) customerOut {
	return customerOut{
		ID: c.ID, RUT: RUT(c.RUT), RazonSocial: c.RazonSocial, Giro: c.Giro, Direccion: c.Direccion, Comuna: c.Comuna, Ciudad: c.Ciudad,
		Email: c.Email, PriceListID: c.PriceListID, CurrentBalance: Pesos(c.Balance), LimiteCredito: (*Pesos)(c.CreditLimit),
		DiasCredito: c.CreditDays, IsActive: c.IsActive, CreatedAt: Instante(c.CreatedAt), UpdatedAt: Instante(c.UpdatedAt),
	}
}

func customersOf(list []central.Customer, err error) ([]customerOut, error) {
	out := make([]customerOut, len(list))
	for i, c := range list {
		out[i] = customerOf(c)
	}
	return out, err
}

type newCustomerIn struct {
	Body struct {
		RUT           RUT         `json:"rut" required:"true"`
		RazonSocial   string      `json:"razon_social" required:"true" minLength:"1" maxLength:"200"`
		Giro          Opt[string] `json:"giro" maxLength:"200"`
		Direccion     Opt[string] `json:"direccion" maxLength:"200"`
		Comuna        Opt[string] `json:"comuna" maxLength:"100"`
		Ciudad        Opt[string] `json:"ciudad" maxLength:"100"`
		Email         Opt[string] `json:"email" maxLength:"254"`
		LimiteCredito Opt[Pesos]  `json:"limite_credito" minimum:"0"`
		DiasCredito   Opt[int32]  `json:"dias_credito" minimum:"0" maximum:"365"`
	}
}

func createCustomer(c *central.Call, in newCustomerIn) (customerOut, error) {
	b := in.Body
	made, err := c.CreateCustomer(central.Customer{
		RUT: dte.RUT(b.RUT), RazonSocial: b.RazonSocial, Giro: b.Giro.Or(""), Direccion: b.Direccion.Or(""), Comuna: b.Comuna.Or(""),
		Ciudad: b.Ciudad.Or(""), Email: b.Email.Or(""), CreditLimit: pesosPtr(b.LimiteCredito), CreditDays: b.DiasCredito.Ptr(),
	})
	return customerOf(made), err
}

func listCustomers(c *central.Call, in struct{ pageQuery }) ([]customerOut, error) {
	return customersOf(c.Customers(in.page()))
}

func searchCustomers(c *central.Call, in struct {
	Q string `query:"q" maxLength:"200"`
	pageQuery
},
) ([]customerOut, error) {
	return customersOf(c.SearchCustomers(in.Q, in.page()))
}

type customerIn struct {
	RUT RUT `path:"rut"`
}

func getCustomer(c *central.Call, in customerIn) (customerOut, error) {
	found, err := c.Customer(dte.RUT(in.RUT))
	return customerOf(found), err
}

func changeCustomer(c *central.Call, in struct {
	Key  RUT `path:"rut"`
	Body struct {
		RUT           Opt[RUT]    `json:"rut"`
		RazonSocial   string      `json:"razon_social" minLength:"1" maxLength:"200"`
		Giro          Opt[string] `json:"giro" maxLength:"200"`
		Direccion     Opt[string] `json:"direccion" maxLength:"200"`
		Comuna        Opt[string] `json:"comuna" maxLength:"100"`
		Ciudad        Opt[string] `json:"ciudad" maxLength:"100"`
		Email         Opt[string] `json:"email" maxLength:"254"`
		LimiteCredito Opt[Pesos]  `json:"limite_credito" minimum:"0"`
		DiasCredito   Opt[int32]  `json:"dias_credito" minimum:"0" maximum:"365"`
		IsActive      Opt[bool]   `json:"is_active"`
	}
},
) (customerOut, error) {
	b := in.Body
	changed, err := c.ChangeCustomer(dte.RUT(in.Key), func(n *central.Customer) {
		b.RUT.Into((*RUT)(&n.RUT))
		if b.RazonSocial != "" {
			n.RazonSocial = b.RazonSocial
		}
		rewrite(b.Giro, &n.Giro)
		rewrite(b.Direccion, &n.Direccion)
		rewrite(b.Comuna, &n.Comuna)
		rewrite(b.Ciudad, &n.Ciudad)
		rewrite(b.Email, &n.Email)
		if b.LimiteCredito.Set {
			n.CreditLimit = pesosPtr(b.LimiteCredito)
		}
		if b.DiasCredito.Set {
			n.CreditDays = b.DiasCredito.Ptr()
		}
		b.IsActive.Into(&n.IsActive)
	})
	return customerOf(changed), err
}

func removeCustomer(c *central.Call, in customerIn) (none, error) {
	return none{}, c.RemoveCustomer(dte.RUT(in.RUT))
}
