package torn

import (
	"mostrador/central"
	"mostrador/money"
)

func stockRoutes() []route {
	return tagged("stock",
		in("POST", "/products/{id}/ajuste-stock", "Sumar o restar stock, con su motivo", holding(central.EditProducts), 201, adjustStock),
		in("GET", "/products/{id}/movimientos", "La tarjeta de existencias, lo más nuevo primero", people, 200, listMovements),
	)
}

type movementOut struct {
	ID           int64      `json:"id"`
	ProductID    int64      `json:"product_id"`
	CreatedAt    Instante   `json:"created_at"`
	Tipo         string     `json:"tipo"`
	Motivo       string     `json:"motivo"`
	Cantidad     Cantidad   `json:"cantidad"`
	BalanceAfter Existencia `json:"balance_after"`
	SaleID       *int64     `json:"sale_id"`
	PurchaseID   *int64     `json:"purchase_id"`
	UserID       *int64     `json:"user_id"`
	Descripcion  string     `json:"descripcion"`
}

func movementOf(m central.Movement) movementOut {
	return movementOut{
		ID: m.ID, ProductID: m.ProductID, CreatedAt: Instante(m.At), Tipo: m.Tipo, Motivo: m.Motivo, Cantidad: Cantidad(m.Qty),
		BalanceAfter: Existencia(m.Balance), SaleID: m.SaleID, PurchaseID: m.PurchaseID, UserID: m.PersonID, Descripcion: m.Description,
	}
}

func adjustStock(c *central.Call, in struct {
	ID   int64 `path:"id"`
	Body struct {
		Cantidad Cantidad `json:"cantidad" required:"true" minimum:"-999999999" maximum:"999999999" doc:"Con signo: lo que entra o, negativo, lo que sale"`
		Motivo   string   `json:"motivo" required:"true" minLength:"1" maxLength:"200"`
	}
},
) (movementOut, error) {
	if in.Body.Cantidad == 0 {
		var f faults
		f.value([]any{"body", "cantidad"}, "0", "un ajuste de cero no cambia nada")
		return movementOut{}, f
	}
	made, err := c.AdjustStock(in.ID, money.Qty(in.Body.Cantidad), in.Body.Motivo)
	return movementOf(made), err
}

func listMovements(c *central.Call, in struct {
	ID int64 `path:"id"`
	pageQuery
	daysQuery
},
) ([]movementOut, error) {
	list, err := c.Movements(in.ID, in.page(), in.days())
	out := make([]movementOut, len(list))
	for i, m := range list {
		out[i] = movementOf(m)
	}
	return out, err
}
