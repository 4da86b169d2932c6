package store

import (
	"bytes"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// ErrShopFixed: company and environment cannot change once the store has folios.
var ErrShopFixed = errors.New("la empresa y el ambiente de esta caja ya no se pueden cambiar")

var kShop = []byte("shop")

// PutShop stores the business. Once folios have been imported its RUT and environment are fixed (ErrShopFixed): a
// practice till does not turn into a real one, it starts another file.
func (s *Store) PutShop(shop sale.Shop) error {
	return s.update(func(t *bolt.Tx) error {
		old, ok, err := getJSON[sale.Shop](t, bMeta, kShop)
		if err != nil {
			return err
		}
		first, _ := t.Bucket(bRanges).Cursor().First()
		if ok && first != nil && (old.Emisor.RUT != shop.Emisor.RUT || old.Ambiente != shop.Ambiente) {
			return fmt.Errorf("%w: tiene folios de %s en %s. No se cambió nada. Para otra empresa u otro ambiente, "+
				"empiece otro archivo", ErrShopFixed, old.Emisor.RUT.Dotted(), old.Ambiente)
		}
		return putJSON(t, bMeta, kShop, shop)
	})
}

// Shop returns the business; sale.ErrNotFound before the first PutShop.
func (s *Store) Shop() (shop sale.Shop, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		var ok bool
		shop, ok, err = getJSON[sale.Shop](t, bMeta, kShop)
		if err == nil && !ok {
			err = fmt.Errorf("los datos de la empresa: %w", sale.ErrNotFound)
		}
		return err
	})
	return shop, err
}

// PutValue stores a setting that is no secret, under a name of the caller's choice.
func (s *Store) PutValue(name string, value []byte) error {
	return s.update(func(t *bolt.Tx) error { return t.Bucket(bValues).Put([]byte(name), value) })
}

// Value returns a setting; sale.ErrNotFound if it was never stored.
func (s *Store) Value(name string) (value []byte, err error) {
	err = s.view(func(t *bolt.Tx) error {
		v := t.Bucket(bValues).Get([]byte(name))
		if v == nil {
			return fmt.Errorf("ajuste «%s»: %w", name, sale.ErrNotFound)
		}
		value = bytes.Clone(v)
		return nil
	})
	return value, err
}

// PutProducts adds products, all or none. One with a known code replaces it and keeps its place; the others go to the
// end.
func (s *Store) PutProducts(products []sale.Product) error {
	return s.update(func(t *bolt.Tx) error { return putProducts(t, products) })
}

// ReplaceProducts makes products the whole catalogue, in this order, or changes nothing. What the server told comes again with
// its next news.
func (s *Store) ReplaceProducts(products []sale.Product) error {
	return s.update(func(t *bolt.Tx) error {
		for _, name := range [][]byte{bProducts, bCodes, bBarcodes, bServed, bListed} {
			if err := t.DeleteBucket(name); err != nil {
				return err
			}
			if _, err := t.CreateBucket(name); err != nil {
				return err
			}
		}
		return errors.Join(t.Bucket(bMeta).Delete(kNews), putProducts(t, products))
	})
}

// putProducts keeps what was made at the till.
func putProducts(t *bolt.Tx, products []sale.Product) error {
	for _, p := range products {
		if p.Codigo == "" {
			return fmt.Errorf("el producto «%s» no tiene código. No se guardó ninguno", p.Nombre)
		}
		if err := putProduct(t, p); err != nil {
			return err
		}
		if err := madeHere(t, productMark(p.Codigo)); err != nil {
			return err
		}
	}
	return nil
}

// putProduct keeps a product in the place that it has, or at the end, and what it is found by.
func putProduct(t *bolt.Tx, p sale.Product) error {
	old, position, err := productAt(t, p.Codigo)
	if err != nil {
		return err
	}
	if position != nil {
		err = forgetCodes(t, old)
	} else {
		n, seqErr := t.Bucket(bProducts).NextSequence()
		position = number(n)
		err = errors.Join(seqErr, t.Bucket(bCodes).Put([]byte(p.Codigo), position))
	}
	return errors.Join(err, indexCodes(t, p), putJSON(t, bProducts, position, p))
}

// Products returns the whole catalogue in the shop's order.
func (s *Store) Products() (products []sale.Product, err error) {
	err = s.view(func(t *bolt.Tx) error {
		return t.Bucket(bProducts).ForEach(func(k, v []byte) error {
			p, err := decode[sale.Product](bProducts, k, v)
			products = append(products, p)
			return err
		})
	})
	return products, err
}

// ProductsWith are those with these codes of their own; codes that nothing has are passed over.
func (s *Store) ProductsWith(codes []string) (products []sale.Product, err error) {
	err = s.view(func(t *bolt.Tx) error {
		for _, code := range codes {
			p, position, err := productAt(t, code)
			if err != nil {
				return err
			}
			if position != nil {
				products = append(products, p)
			}
		}
		return nil
	})
	return products, err
}

// NextPrint returns the oldest paper that is owed; false when there is none. It stays the next one until PrintDone or
// PrintDrop.
func (s *Store) NextPrint() (job sale.PrintJob, ok bool, err error) {
	err = s.view(func(t *bolt.Tx) error {
		k, v := t.Bucket(bPrint).Cursor().First()
		if ok = k != nil; !ok {
			return nil
		}
		job, err = decode[sale.PrintJob](bPrint, k, v)
		return err
	})
	return job, ok && err == nil, err
}

// PrintDone takes a paper that came out from the queue and counts it. Doing it twice counts once.
func (s *Store) PrintDone(id uint64) error {
	return s.updateJob(id, func(t *bolt.Tx, job *sale.PrintJob, p *sale.Papers) error {
		p.Out(*job)
		return t.Bucket(bPrint).Delete(number(id))
	})
}

// PrintFailed notes why a paper did not come out. It stays in the queue.
func (s *Store) PrintFailed(id uint64, why string) error {
	return s.updateJob(id, func(t *bolt.Tx, job *sale.PrintJob, p *sale.Papers) error {
		job.Attempts++
		p.Problem = why
		return putJSON(t, bPrint, number(id), job)
	})
}

// PrintDrop gives a paper up and notes why. The document stays; Reprint queues it again.
func (s *Store) PrintDrop(id uint64, why string) error {
	return s.updateJob(id, func(t *bolt.Tx, job *sale.PrintJob, p *sale.Papers) error {
		p.Problem = why
		return t.Bucket(bPrint).Delete(number(id))
	})
}

// updateJob changes a job and the papers of its document; a job that is gone is left gone.
func (s *Store) updateJob(id uint64, change func(*bolt.Tx, *sale.PrintJob, *sale.Papers) error) error {
	return s.update(func(t *bolt.Tx) error {
		job, ok, err := getJSON[sale.PrintJob](t, bPrint, number(id))
		if err != nil || !ok {
			return err
		}
		key := keyBytes(job.Key)
		p, _, err := getJSON[sale.Papers](t, bPapers, key)
		if err != nil {
			return err
		}
		if err := change(t, &job, &p); err != nil || !job.Counts() {
			return err
		}
		return putJSON(t, bPapers, key, p)
	})
}

// Reprint queues one more paper of a document: a copy under the next number, or the first one, if that was given up. If the
// first one still waits, it is the answer. sale.ErrNotFound if there is no such document.
func (s *Store) Reprint(o sale.PaperOrder) (job sale.PrintJob, err error) {
	err = s.update(func(t *bolt.Tx) error {
		k := keyBytes(o.Key)
		kept, err := keptFor(t, o)
		if err != nil {
			return err
		}
		p, _, err := getJSON[sale.Papers](t, bPapers, k)
		if err != nil {
			return err
		}
		p.Original = p.Original || kept != nil // that came out of the terminal
		waiting, err := waitingPapers(t, o.Key)
		if err != nil {
			return err
		}
		queued := false
		if job, queued = p.Order(o, waiting); queued {
			return nil
		}
		job.Kept = kept
		job, err = queuePrint(t, job)
		return err
	})
	return job, err
}

// keptFor is the sale by voucher of which a paper is wanted; nil for a document. sale.ErrNotFound if there is neither.
func keptFor(t *bolt.Tx, o sale.PaperOrder) (*sale.Record, error) {
	switch n := number(uint64(o.Key.Folio)); {
	case t.Bucket(bDocs).Get(keyBytes(o.Key)) != nil:
		return nil, nil
	case o.Key.Tipo != sale.Comprobante || o.Cedible || t.Bucket(vouchers.records).Get(n) == nil:
		return nil, fmt.Errorf("documento %s: %w", o.Key, sale.ErrNotFound)
	default:
		r, err := vouchers.record(t, n)
		return &r, err
	}
}

// waitingPapers are those that a document is owed.
func waitingPapers(t *bolt.Tx, key dte.Key) (jobs []sale.PrintJob, err error) {
	err = t.Bucket(bPrint).ForEach(func(k, v []byte) error {
		job, err := decode[sale.PrintJob](bPrint, k, v)
		if job.Key == key {
			jobs = append(jobs, job)
		}
		return err
	})
	return jobs, err
}

// makePapers tells of the papers of older files whether the original came out: it was printed before any copy.
func makePapers(t *bolt.Tx) error {
	old := map[string]sale.Papers{}
	err := t.Bucket(bPapers).ForEach(func(k, v []byte) error {
		p, err := decode[sale.Papers](bPapers, k, v)
		if p.Original = p.Printed > 0; p.Original {
			old[string(k)] = p
		}
		return err
	})
	for k, p := range old {
		err = errors.Join(err, putJSON(t, bPapers, []byte(k), p))
	}
	return err
}

func queuePrint(t *bolt.Tx, job sale.PrintJob) (sale.PrintJob, error) {
	id, err := t.Bucket(bPrint).NextSequence()
	if err != nil {
		return job, err
	}
	job.ID = id
	return job, putJSON(t, bPrint, number(id), job)
}
