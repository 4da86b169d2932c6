package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mostrador/sale"
)

// Scales keep how the labels of the shop's scales are read; shop.Shop is one. With an error ScaleRules gives the usual
// table too.
type Scales interface {
	ScaleRules() (sale.ScaleRules, error)
	SetScaleRules(rules sale.ScaleRules) error
}

// openScales lists the rules, to correct them or add one.
func (w *Window) openScales() error {
	rules, err := w.scales.ScaleRules()
	advice := "Cada prefijo (02, o 20 a 29) tiene su regla. Pruebe cada una con una etiqueta de su balanza."
	if err != nil {
		advice = sentence(err.Error())
	}
	var choices []choice
	for i, r := range rules {
		choices = append(choices, choice{words: r.Prefijo + " · " + r.Nombre, detail: ruleWords(r), opens: true, do: func() error {
			w.ruleMenu(rules, i)
			return nil
		}})
	}
	choices = append(choices, choice{words: "Regla nueva…", opens: true, do: func() error {
		w.openDialog(newRuleDialog(w, rules, len(rules)))
		return nil
	}})
	choices = append(choices, choice{words: "Restablecer las habituales…", opens: true, do: func() error {
		w.restoreScale()
		return nil
	}})
	w.openDialog(newChooseDialog(w, "Etiquetas de la balanza", advice, choices))
	return nil
}

// restoreScale brings back the table that tills are delivered with; what the shop changed would be gone.
func (w *Window) restoreScale() {
	w.openDialog(newConfirmDialog(w, "¿Restablecer las reglas?", "Vuelven las reglas habituales y se pierden las que se cambiaron o agregaron en esta caja. Lo vendido no cambia.", "Restablecer", func() error {
		if err := w.setScale(sale.DefaultScaleRules()); err != nil {
			return err
		}
		return w.openScales()
	}))
}

// moveRule puts a rule in another place of the table and shows it there. No prefix begins another one, so the order is for
// eyes only.
func (w *Window) moveRule(rules sale.ScaleRules, i, step int) error {
	to := i + step
	rules = slices.Clone(rules)
	rules[i], rules[to] = rules[to], rules[i]
	if err := w.setScale(rules); err != nil {
		return err
	}
	if err := w.openScales(); err != nil {
		return err
	}
	if d, ok := w.dialog.(*chooseDialog); ok {
		d.at = to
		d.render()
	}
	return nil
}

func ruleWords(r sale.ScaleRule) string {
	return fmt.Sprintf("código %s, %s %s", places(r.Codigo), r.Tipo, places(r.Valor))
}

func (w *Window) ruleMenu(rules sale.ScaleRules, i int) {
	r := rules[i]
	choices := []choice{
		{words: "Corregir y probar…", opens: true, do: func() error {
			w.openDialog(newRuleDialog(w, rules, i))
			return nil
		}},
		{words: "Quitar la regla", detail: "sus etiquetas ya no se leen", opens: true, do: func() error {
			err := w.setScale(slices.Delete(slices.Clone(rules), i, i+1))
			if err == nil {
				w.say(good, "La regla "+r.Prefijo+" ya no está.")
			}
			return err
		}},
	}
	if i > 0 {
		choices = append(choices, choice{words: "Subir en la lista", opens: true, do: func() error { return w.moveRule(rules, i, -1) }})
	}
	if i < len(rules)-1 {
		choices = append(choices, choice{words: "Bajar en la lista", opens: true, do: func() error { return w.moveRule(rules, i, 1) }})
	}
	w.openDialog(newChooseDialog(w, r.Prefijo+" · "+r.Nombre, ruleWords(r), choices))
}

// setScale keeps the table, and the counter reads by it from now on.
func (w *Window) setScale(rules sale.ScaleRules) error {
	if err := w.scales.SetScaleRules(rules); err != nil {
		return err
	}
	w.counter.SetScale(rules)
	return nil
}

// ruleDialog is a rule to fill in. With every key it says how the label at its end would be read.
type ruleDialog struct {
	*formDialog
	rules sale.ScaleRules
	index int // in rules; len(rules): a new one
}

func newRuleDialog(w *Window, rules sale.ScaleRules, at int) *ruleDialog {
	d := &ruleDialog{rules: rules, index: at}
	r := sale.ScaleRule{Tipo: sale.ScaleWeight, Codigo: sale.Figures{Desde: 3, Largo: 5}, Valor: sale.Figures{Desde: 8, Largo: 5}, Decimales: 3, SinCeros: true}
	if at < len(rules) {
		r = rules[at]
	}
	control := ""
	if r.Control > 0 {
		control = strconv.Itoa(r.Control)
	}
	d.formDialog = newFormDialog(w, "Etiquetas de la balanza", "Las cifras se cuentan de 1 a 12; la 13 es el control de la etiqueta. Escanee aquí una etiqueta para probar: no se vende.", "Guardar", []formField{
		{"Nombre", r.Nombre, "Peso en gramos"},
		{"Prefijo", r.Prefijo, "20"},
		{"Trae peso o precio", string(r.Tipo), "peso o precio"},
		{"Cifras del código", places(r.Codigo), "3-7"},
		{"Cifras del peso o precio", places(r.Valor), "8-12"},
		{"Decimales", strconv.Itoa(r.Decimales), "3: gramos; 0: pesos"},
		{"Cifra de control del precio", control, "Nada, o su lugar: 7"},
		{"Se comprueba ese control", answer(r.Revisa), "sí o no"},
		{"Quita los ceros del código", answer(r.SinCeros), "sí o no"},
		{"Antepone al código", r.Antepone, "Nada, o P-"},
		{"Etiqueta para probar", "", "Escanee una"},
	}, d.keep)
	d.edited()
	return d
}

// label is the line with the label that is tried.
func (d *ruleDialog) label() *field { return d.fields[len(d.fields)-1] }

// scanned tries a label; what stood in the line before it stays there.
func (d *ruleDialog) scanned(code string) {
	f := d.field()
	if len(code) > 13 { // as it was typed behind what stands in the line
		code = strings.TrimPrefix(code, f.before)
	}
	if first, found := strings.CutPrefix(f.Text, f.before); found && strings.HasPrefix(code, first) {
		f.write(f.before) // without the first figure of the code
	}
	d.label().write(code)
}

// edited tells how the label is read by the table as it stands on the screen.
func (d *ruleDialog) edited() {
	if d.formDialog == nil {
		return
	}
	x := make([]string, len(d.fields))
	for i, f := range d.fields {
		x[i] = strings.TrimSpace(f.Text)
	}
	rules, err := d.table(x)
	switch code := x[len(x)-1]; {
	case err != nil:
		d.problem.sayIn(sentence(err.Error())+".", warn)
	case code == "":
		d.problem.sayIn("La regla se entiende. Escanee una etiqueta para probarla.", muted)
	default:
		d.problem.sayIn(d.w.counter.PreviewScale(rules, code), ink)
	}
}

// table is the shop's table with the rule as it was written, if that can be.
func (d *ruleDialog) table(x []string) (sale.ScaleRules, error) {
	r, err := ruleOf(x)
	if err != nil {
		return nil, err
	}
	rules := slices.Clone(d.rules)
	if d.index == len(rules) {
		rules = append(rules, r)
	} else {
		rules[d.index] = r
	}
	return rules, rules.Check()
}

func (d *ruleDialog) keep(x []string) (string, error) {
	rules, err := d.table(x)
	if err == nil {
		err = d.w.setScale(rules)
	}
	if err != nil {
		return "", err
	}
	return "La regla " + rules[d.index].Prefijo + " quedó guardada y vale desde ahora.", nil
}

// ruleOf is what was written about a rule.
func ruleOf(x []string) (r sale.ScaleRule, err error) {
	r = sale.ScaleRule{Nombre: x[0], Prefijo: x[1], Tipo: sale.ScaleKind(strings.ToLower(x[2])), Antepone: x[9]}
	if r.Codigo, err = parsePlaces(x[3]); err != nil {
		return r, err
	}
	if r.Valor, err = parsePlaces(x[4]); err != nil {
		return r, err
	}
	if r.Decimales, err = count(x[5]); err != nil {
		return r, err
	}
	if r.Control, err = count(x[6]); err != nil {
		return r, err
	}
	if r.Revisa, err = yes(x[7]); err != nil {
		return r, err
	}
	r.SinCeros, err = yes(x[8])
	return r, err
}

// count is a number, or nothing for zero.
func count(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("«%s» no es un número", text)
	}
	return n, nil
}

// places are figures as people count them: "3-7".
func places(f sale.Figures) string {
	return fmt.Sprintf("%d-%d", f.Desde, f.Desde+f.Largo-1)
}

func parsePlaces(text string) (sale.Figures, error) {
	from, to, isRange := strings.Cut(strings.ReplaceAll(text, "–", "-"), "-")
	if !isRange {
		to = from
	}
	first, firstErr := strconv.Atoi(strings.TrimSpace(from))
	last, lastErr := strconv.Atoi(strings.TrimSpace(to))
	if firstErr != nil || lastErr != nil || first < 1 || last < first || last > 12 {
		return sale.Figures{}, fmt.Errorf("«%s» no son cifras de la etiqueta: escriba, por ejemplo, 3-7", text)
	}
	return sale.Figures{Desde: first, Largo: last - first + 1}, nil
}

// answer is yes or no, as yes reads it.
func answer(b bool) string {
	if b {
		return "sí"
	}
	return "no"
}
