package price

import "slices"

// Lists are the customers' lists that some rule names, as they were written first, in the order of the rules.
func (b *Book) Lists() []string { return slices.Clone(b.names) }

// Promos are the names of the promotions that speak of a product, its category or everything: at any time, for any list.
func (b *Book) Promos(codigo, categoria string) []string {
	var names []string
	for _, s := range []*shelf{b.products[codigo], b.categories[fold(categoria)], &b.general} {
		if s == nil {
			continue
		}
		for _, r := range s.promos {
			names = append(names, b.rules[r.rule].name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
