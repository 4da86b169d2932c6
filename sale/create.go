package sale

import "mostrador/money"

// Create takes in a product that was made at the counter, because a customer stands there with it, and puts one of it in
// the cart. With an error of the product nothing was kept. The product stays if only the cart refuses the line.
func (r *Register) Create(p Product) (Line, error) {
	if err := r.beginSelling(); err != nil {
		return Line{}, err
	}
	next, err := r.addProduct(p)
	if err != nil {
		return Line{}, err
	}
	r.SetCatalogue(next)
	if r.nextCatalogue != nil { // made before this product was; one that is in both is the office's
		if both, err := r.nextCatalogue.With(p); err == nil {
			r.nextCatalogue = both
		}
	}
	return r.Add(p, money.One)
}

// addProduct keeps it where the shop keeps its products; without such a place it lasts as long as the Register.
func (r *Register) addProduct(p Product) (Catalogue, error) {
	if r.d.AddProduct != nil {
		return r.d.AddProduct(r.d.Catalogue, p)
	}
	return r.d.Catalogue.With(p)
}
