package main

import (
	"bytes"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"

	"mostrador/dte"
)

// fieldOut is an amount by its name in the format.
type fieldOut struct {
	name, text string
	// left out where the format does: zero, and not what every document states.
	hidden bool
	taxes  []taxOut
}

type taxOut struct {
	TipoImp  int         `json:"TipoImp"`
	TasaImp  json.Number `json:"TasaImp,omitempty"`
	MontoImp json.Number `json:"MontoImp"`
}

type lineOut struct {
	NroLinDet int         `json:"NroLinDet"`
	MontoItem json.Number `json:"MontoItem"`
}

// fieldsOut is a JSON object with its fields in the order of the format.
type fieldsOut []fieldOut

// MarshalJSON writes amounts as numbers with the digits of the format, and names of currencies as texts.
func (fs fieldsOut) MarshalJSON() ([]byte, error) {
	b := bytes.NewBufferString("{")
	for _, f := range fs {
		if f.hidden {
			continue
		}
		var value any = f.text
		switch {
		case f.taxes != nil:
			value = f.taxes
		case isNumber.MatchString(f.text):
			value = json.Number(f.text)
		}
		v, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + f.name + `":`)
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// amounts fills in what follows from a draft.
func (j *judged) amounts(draft dte.Draft) error {
	t, montos, err := draft.Totals()
	if err != nil {
		return err
	}
	if t.Divisa != nil {
		return j.amountsInDivisa(draft, t.Divisa)
	}
	taxed := t.TasaIVA != 0 || t.MntNeto != 0
	j.Totales = fieldsOut{
		{name: "MntNeto", text: t.MntNeto.XML(), hidden: !taxed},
		{name: "MntExe", text: t.MntExe.XML(), hidden: t.MntExe == 0},
		{name: "TasaIVA", text: t.TasaIVA.XML(), hidden: t.TasaIVA == 0},
		{name: "IVA", text: t.IVA.XML(), hidden: !taxed},
		{name: "ImptoReten", taxes: taxesOut(t.Impuestos), hidden: len(t.Impuestos) == 0},
		{name: "IVANoRet", text: t.IVANoRet.XML(), hidden: t.IVANoRet == 0},
		{name: "GrntDep", text: t.GrntDep.XML(), hidden: t.GrntDep == 0},
		{name: "MntTotal", text: t.MntTotal.XML()},
		{name: "MontoNF", text: t.MontoNF.XML(), hidden: t.MontoNF == 0},
		{name: "MontoPeriodo", text: t.MontoPeriodo.XML(), hidden: t.MontoPeriodo == 0},
		{name: "SaldoAnterior", text: t.SaldoAnterior.XML(), hidden: t.SaldoAnterior == 0},
		{name: "VlrPagar", text: t.VlrPagar.XML(), hidden: t.VlrPagar == 0},
	}
	for i, m := range montos {
		j.Detalle = append(j.Detalle, lineOut{i + 1, json.Number(m.XML())})
	}
	return nil
}

func taxesOut(taxes []dte.Impuesto) []taxOut {
	var out []taxOut
	for _, i := range taxes {
		t := taxOut{TipoImp: i.Cod, MontoImp: json.Number(i.Monto.XML())}
		if i.Tasa != 0 {
			t.TasaImp = json.Number(i.Tasa.XML())
		}
		out = append(out, t)
	}
	return out
}

func (j *judged) amountsInDivisa(draft dte.Draft, t *dte.TotalesDivisa) error {
	moneda, cambio := "", ""
	if x := draft.Exportacion; x != nil {
		moneda, cambio = x.TpoMoneda, x.TpoCambio.XML()
	}
	j.Totales = fieldsOut{
		{name: "TpoMoneda", text: moneda},
		{name: "MntExe", text: t.MntExe.XML()},
		{name: "MntTotal", text: t.MntTotal.XML()},
	}
	j.OtraMoneda = fieldsOut{
		{name: "TpoMoneda", text: "PESO CL"},
		{name: "TpoCambio", text: cambio},
		{name: "MntExeOtrMnda", text: t.MntExeCL.XML()},
		{name: "MntTotOtrMnda", text: t.MntTotCL.XML()},
	}
	for i := range draft.Detalle {
		alone := draft // a line's amount is the total of a document that has only this line
		alone.Detalle, alone.DscRcg = draft.Detalle[i:i+1], nil
		line, _, err := alone.Totals()
		if err != nil {
			return err
		}
		j.Detalle = append(j.Detalle, lineOut{i + 1, json.Number(line.Divisa.MntTotal.XML())})
	}
	return nil
}

// compare tells the amounts that the file states otherwise.
func (j *judged) compare(body *node) {
	header := body.get("Encabezado")
	j.compareFields("Totales/", header.get("Totales"), j.Totales)
	j.compareFields("OtraMoneda/", header.get("OtraMoneda"), j.OtraMoneda)
	for i, line := range body.get("Detalle").items() {
		if given := line.get("MontoItem"); given != nil && i < len(j.Detalle) {
			j.differ("Detalle["+strconv.Itoa(i+1)+"]/MontoItem", given.text, j.Detalle[i].MontoItem.String())
		}
	}
}

func (j *judged) compareFields(at string, given *node, computed fieldsOut) {
	for _, f := range computed {
		value := given.get(f.name)
		switch {
		case value == nil:
		case f.name == "ImptoReten":
			j.compareTaxes(at, value, f.taxes)
		case f.name == "TasaIVA" && f.hidden: // a boleta has none, and the law's is what people write there
		case f.name == "TpoMoneda":
			// A name, and not what follows from anything.
		default:
			j.differ(at+f.name, value.text, f.text)
		}
	}
}

func (j *judged) compareTaxes(at string, given *node, computed []taxOut) {
	stated := map[int]string{}
	for _, item := range given.items() {
		if tipo, monto := item.get("TipoImp"), item.get("MontoImp"); tipo != nil && monto != nil {
			cod, _ := strconv.Atoi(tipo.text) // what is no number is a code that nothing follows from
			stated[cod] = monto.text
		}
	}
	for _, t := range computed {
		if text, ok := stated[t.TipoImp]; ok {
			j.differ(at+"ImptoReten["+strconv.Itoa(t.TipoImp)+"]/MontoImp", text, t.MontoImp.String())
			delete(stated, t.TipoImp)
		}
	}
	for cod, text := range stated {
		j.differ(at+"ImptoReten["+strconv.Itoa(cod)+"]/MontoImp", text, "0")
	}
	slices.SortFunc(j.Diferencias, func(a, b differsFrom) int { return bytes.Compare([]byte(a.Campo), []byte(b.Campo)) })
}

// isNumber bounds what is compared as one: a few digits with an exponent can stand for gigabytes.
var isNumber = regexp.MustCompile(`^-?\d{1,20}(\.\d{1,10})?$`)

func (j *judged) differ(campo, given, computed string) {
	if given == "" || given == computed {
		return
	}
	if isNumber.MatchString(given) && isNumber.MatchString(computed) {
		a, _ := new(big.Rat).SetString(given)
		b, _ := new(big.Rat).SetString(computed)
		if a.Cmp(b) == 0 {
			return
		}
	}
	j.Diferencias = append(j.Diferencias, differsFrom{campo, given, computed})
}
