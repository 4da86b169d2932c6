package central

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
)

// This file takes in what is not in the chain: products and customers that were made at a till, and news that made no sense there.
// The server is the one who writes what is in its catalogue; what a till says otherwise waits for a person.

func (in *intake) takeNews() error {
	if err := in.takeProducts(in.push.Products); err != nil {
		return err
	}
	if err := in.takeCustomers(in.push.Customers); err != nil {
		return err
	}
	for _, r := range in.push.Refused {
		sum := sha256.Sum256([]byte(r.What + "\n" + r.Why))
		if err := in.tell(AlarmNews, hex.EncodeToString(sum[:]), fmt.Sprintf("La caja %s no recibió %s: %s. Sigue vendiendo con lo que tenía; corríjalo en el servidor",
			in.Till.Name, cmp.Or(r.What, "una novedad"), r.Why)); err != nil {
			return err
		}
	}
	return nil
}

// propose keeps what a till says otherwise. It was said last what it says last.
func (in *intake) propose(kind, key string, said any) error {
	_, err := in.tx.Exec(in.ctx, `insert into proposal (till_id, kind, key, said, at) values ($1, $2, $3, $4, $5)
		on conflict (till_id, kind, key) do update set said = excluded.said, at = excluded.at, attended_at = null, attended_by = null
		where proposal.said <> excluded.said`, in.Till.ID, kind, clean(key, maxName), said, in.now)
	return err
}

func (in *intake) takeProducts(list []api.Product) error {
	list = slices.DeleteFunc(slices.Clone(list), func(p api.Product) bool { return clean(p.Codigo, maxName) == "" || p.Prc < 0 || p.Prc > money.MaxPrice })
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(x, y api.Product) int { return cmp.Compare(x.Codigo, y.Codigo) })
	before, err := in.catalogue(list)
	if err != nil {
		return err
	}
	b, batch := &books{intake: in}, &pgx.Batch{}
	for _, p := range list {
		code := clean(p.Codigo, maxName)
		was, there := before[code]
		if !there {
			b.makeProduct(batch, code, cmp.Or(clean(p.Nombre, maxName), code), netPrice(p.Prc, true, p.Exento), clean(p.Unidad, maxName), p.Exento, true)
			batch.Queue("update product set precio_bruto = $2 where codigo_interno = $1 and till_id = $3", code, int64((p.Prc+money.OnePeso/2)/money.OnePeso), in.Till.ID)
			in.giveBarcode(batch, code, p.Codigos)
			continue
		}
		if said := was.differs(p); len(said) > 0 {
			if err := in.propose("producto", code, said); err != nil {
				return err
			}
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	return in.tx.SendBatch(in.ctx, batch).Close()
}

// giveBarcode gives a product that was just made its bar code, if no other product has it.
func (in *intake) giveBarcode(batch *pgx.Batch, code string, codes []string) {
	if len(codes) == 0 || clean(codes[0], maxName) == "" {
		return
	}
	batch.Queue(`update product set codigo_barras = $2 where codigo_interno = $1 and till_id = $3 and codigo_barras is null
		and not exists (select from product where codigo_barras = $2 and not is_deleted)`, code, clean(codes[0], maxName), in.Till.ID)
}

// listed is a product as the server sells it.
type listed struct {
	name, unit string
	gross      money.Pesos
	exempt     bool
}

func (in *intake) catalogue(list []api.Product) (map[string]listed, error) {
	codes := make([]string, len(list))
	for i, p := range list {
		codes[i] = clean(p.Codigo, maxName)
	}
	rows, err := in.tx.Query(in.ctx, `select p.codigo_interno, p.nombre, p.unidad_medida, p.precio_neto, coalesce(t.rate, 1900), p.precio_bruto
		from product p left join tax t on t.id = p.tax_id where p.codigo_interno = any($1)`, codes)
	if err != nil {
		return nil, err
	}
	found := map[string]listed{}
	var code string
	var l listed
	var net money.Pesos
	var rate money.Rate
	var said *money.Pesos
	_, err = pgx.ForEachRow(rows, []any{&code, &l.name, &l.unit, &net, &rate, &said}, func() error {
		l.gross, l.exempt = gross(net, rate), rate == 0
		if said != nil {
			l.gross = *said
		}
		found[code] = l
		return nil
	})
	return found, err
}

// differs is what a till says otherwise of a product.
func (l listed) differs(p api.Product) map[string]any {
	said := map[string]any{}
	if name := clean(p.Nombre, maxName); name != "" && name != l.name {
		said["nombre"] = name
	}
	if price := money.Pesos((p.Prc + money.OnePeso/2) / money.OnePeso); price != l.gross {
		said["precio"] = price
	}
	if unit := clean(p.Unidad, maxName); unit != "" && unit != l.unit {
		said["unidad"] = unit
	}
	if p.Exento != l.exempt {
		said["exento"] = p.Exento
	}
	return said
}

func (in *intake) takeCustomers(list []api.Customer) error {
	list = slices.DeleteFunc(slices.Clone(list), func(k api.Customer) bool { return k.RUT == 0 || k.RUT == SinNombre })
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(x, y api.Customer) int { return cmp.Compare(x.RUT, y.RUT) })
	before, err := in.clientele(list)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, k := range list {
		was, there := before[k.RUT]
		if !there {
			in.makeCustomer(batch, dte.Receptor{RUT: k.RUT, RznSoc: k.RznSoc, Giro: k.Giro, Direccion: k.Direccion, Comuna: k.Comuna, Ciudad: k.Ciudad, Correo: k.Correo})
			continue
		}
		if said := was.differs(k); len(said) > 0 {
			if err := in.propose("cliente", k.RUT.String(), said); err != nil {
				return err
			}
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	return in.tx.SendBatch(in.ctx, batch).Close()
}

type client map[string]string

func (in *intake) clientele(list []api.Customer) (map[dte.RUT]client, error) {
	ruts := make([]int32, len(list))
	for i, k := range list {
		ruts[i] = int32(k.RUT)
	}
	rows, err := in.tx.Query(in.ctx, selectCustomer+" where rut = any($1)", ruts)
	if err != nil {
		return nil, err
	}
	there, err := pgx.CollectRows(rows, scanCustomer)
	found := map[dte.RUT]client{}
	for _, k := range there {
		found[k.RUT] = client{"razonSocial": k.RazonSocial, "giro": k.Giro, "direccion": k.Direccion, "comuna": k.Comuna, "ciudad": k.Ciudad, "correo": k.Email}
	}
	return found, err
}

// differs is what a till says otherwise of a customer. What it does not know says nothing.
func (c client) differs(k api.Customer) map[string]any {
	said := map[string]any{}
	says := client{"razonSocial": k.RznSoc, "giro": k.Giro, "direccion": k.Direccion, "comuna": k.Comuna, "ciudad": k.Ciudad, "correo": k.Correo}
	for _, field := range slices.Sorted(maps.Keys(says)) {
		if text := clean(says[field], maxName); text != "" && text != c[field] {
			said[field] = text
		}
	}
	return said
}
