package torn

import (
	"fmt"
	"slices"

	"mostrador/central"
	"mostrador/money"
)

func priceListRoutes() []route {
	edits := holding(central.EditProducts)
	return tagged("listas de precios",
		in("POST", "/price-lists/", "Crear una lista", edits, 201, createPriceList),
		in("GET", "/price-lists/", "Las listas, por nombre", people, 200, func(c *central.Call, in struct{ pageQuery }) ([]central.PriceList, error) {
			return c.PriceLists(in.page())
		}),
		in("GET", "/price-lists/{id}", "Una lista con sus precios", people, 200, func(c *central.Call, in byID) (priceListOut, error) {
			return priceListOf(c.PriceList(in.ID))
		}),
		in("PUT", "/price-lists/{id}", "Cambiar nombre o descripción", edits, 200, changePriceList),
		in("DELETE", "/price-lists/{id}", "Eliminar una lista; sus clientes la pierden", edits, 204, func(c *central.Call, in byID) (none, error) {
			return none{}, c.RemovePriceList(in.ID)
		}),
		in("PUT", "/price-lists/{id}/products", "Reemplazar todos los precios de la lista", edits, 200, setPrices),
		in("PUT", "/price-lists/{id}/customers", "Reemplazar todos los clientes de la lista", edits, 200, assignCustomers),
		in("GET", "/price-lists/resolve-price/{product_id}", "El precio neto que una venta cobraría", people, 200, resolvePrice),
	)
}

type priceListOut struct {
	central.PriceList
	Items []listedPriceOut `json:"items"`
}

type listedPriceOut struct {
	ProductID  int64 `json:"product_id"`
	FixedPrice Pesos `json:"fixed_price"`
}

func priceListOf(list central.PriceList, prices []central.ListedPrice, err error) (priceListOut, error) {
	out := priceListOut{list, make([]listedPriceOut, len(prices))}
	for i, p := range prices {
		out.Items[i] = listedPriceOut{p.ProductID, Pesos(p.Price)}
	}
	return out, err
}

func createPriceList(c *central.Call, in struct {
	Body struct {
		Name        string      `json:"name" required:"true" minLength:"1" maxLength:"100"`
		Description Opt[string] `json:"description" maxLength:"500"`
	}
},
) (central.PriceList, error) {
	return c.CreatePriceList(central.PriceList{Name: in.Body.Name, Description: in.Body.Description.Or("")})
}

func changePriceList(c *central.Call, in struct {
	ID   int64 `path:"id"`
	Body struct {
		Name        string      `json:"name" minLength:"1" maxLength:"100"`
		Description Opt[string] `json:"description" maxLength:"500"`
	}
},
) (central.PriceList, error) {
	return c.ChangePriceList(in.ID, func(n *central.PriceList) {
		if in.Body.Name != "" {
			n.Name = in.Body.Name
		}
		rewrite(in.Body.Description, &n.Description)
	})
}

type listedPriceIn struct {
	ProductID  int64 `json:"product_id" required:"true"`
	FixedPrice Pesos `json:"fixed_price" required:"true" minimum:"0" maximum:"999999999999" doc:"Neto"`
}

func setPrices(c *central.Call, in struct {
	ID   int64 `path:"id"`
	Body struct {
		Items []listedPriceIn `json:"items" required:"true" maxItems:"20000"`
	}
},
) (priceListOut, error) {
	prices := make([]central.ListedPrice, len(in.Body.Items))
	for i, p := range in.Body.Items {
		prices[i] = central.ListedPrice{ProductID: p.ProductID, Price: money.Pesos(p.FixedPrice)}
	}
	return priceListOf(c.SetPrices(in.ID, prices))
}

// detailOut is an answer that is a sentence.
type detailOut struct {
	Detail string `json:"detail"`
}

func assignCustomers(c *central.Call, in struct {
	ID   int64 `path:"id"`
	Body struct {
		CustomerIDs []int64 `json:"customer_ids" required:"true" maxItems:"20000"`
	}
},
) (detailOut, error) {
	ids := slices.Compact(slices.Sorted(slices.Values(in.Body.CustomerIDs)))
	return detailOut{fmt.Sprintf("%d cliente(s) asignados a la lista %d.", len(ids), in.ID)}, c.AssignCustomers(in.ID, ids)
}

type resolvedOut struct {
	ProductID     int64  `json:"product_id"`
	CustomerID    *int64 `json:"customer_id"`
	PriceListID   *int64 `json:"price_list_id"`
	ResolvedPrice Pesos  `json:"resolved_price"`
	Source        string `json:"source"`
}

func resolvePrice(c *central.Call, in struct {
	ProductID  int64      `path:"product_id"`
	CustomerID Opt[int64] `query:"customer_id"`
},
) (resolvedOut, error) {
	r, err := c.ResolvePrice(in.ProductID, in.CustomerID.Ptr())
	out := resolvedOut{in.ProductID, in.CustomerID.Ptr(), r.List, Pesos(r.Price), "base_price"}
	if r.List != nil {
		out.Source = "price_list"
	}
	return out, err
}
