package sale

import "strings"

// Names are a fixed list of names that people type in their own way: the communes of Chile. It never changes after
// NewNames, so any number of goroutines may use it.
type Names struct {
	names  []string
	folded []string
}

// NewNames keeps the list's order, in which equally good answers are given.
func NewNames(list []string) *Names {
	n := &Names{names: list}
	for _, name := range list {
		n.folded = append(n.folded, fold(name))
	}
	return n
}

// Official is the list's spelling of a name; false if it is not in the list. Accents, case and punctuation do not matter.
func (n *Names) Official(name string) (string, bool) {
	wanted := fold(name)
	for i, folded := range n.folded {
		if folded == wanted {
			return n.names[i], true
		}
	}
	return "", false
}

// Find are up to limit names that begin with the text, then those that have it at the beginning of a later word, and if
// there is none, those that it means but for one slip.
func (n *Names) Find(text string, limit int) []string {
	query := fold(text)
	if query == "" {
		return nil
	}
	begins, within, slips := []string{}, []string{}, []string{}
	for i, folded := range n.folded {
		switch {
		case strings.HasPrefix(folded, query):
			begins = append(begins, n.names[i])
		case strings.Contains(folded, query):
			within = append(within, n.names[i])
		case len(query) > slipLength && folded[:2] == query[:2] && slipped(folded, query):
			slips = append(slips, n.names[i])
		}
	}
	found := append(begins, within...)
	if len(found) == 0 {
		found = slips
	}
	return found[:min(max(limit, 0), len(found))]
}
