package store

import (
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// order asks for a paper, and wants it to be marked so.
func (b *till) order(k dte.Key, cedible bool, who string, n int) sale.PrintJob {
	b.t.Helper()
	job, err := b.Reprint(sale.PaperOrder{Key: k, Cedible: cedible, At: saletest.Now, Who: who})
	b.must(err)
	if job.Copy != n || job.Cedible != cedible {
		b.t.Errorf("ordered %+v, want number %d", job, n)
	}
	return job
}

func (b *till) copies(k dte.Key, want ...sale.Copy) {
	b.t.Helper()
	list, err := b.Documents(sale.DocumentQuery{Folio: k.Folio, Tipo: k.Tipo})
	b.must(err)
	if len(list) != 1 || !slices.EqualFunc(list[0].Copies, want, func(a, b sale.Copy) bool {
		return a.N == b.N && a.Cedible == b.Cedible && a.Who == b.Who && a.At.Equal(b.At)
	}) {
		b.t.Errorf("copies %+v, want %+v", list, want)
	}
}

// The first paper is the original however often it failed; what came out after it is a copy, with its number, time and
// person, also for a till that was closed meanwhile.
func TestOnlyPapersThatCameOutAreCopies(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	k := b.issue("s1").Key
	original, _, err := b.NextPrint()
	b.must(err)
	b.must(b.PrintFailed(original.ID, "sin papel"))
	if job := b.order(k, false, "Rosa", 0); job.ID != original.ID {
		t.Errorf("a second original %+v is queued", job)
	}
	b.must(b.PrintDrop(original.ID, "se atascó"))
	original = b.order(k, false, "Rosa", 0)
	b.copies(k)
	b.must(b.PrintDone(original.ID))
	b.copies(k)
	first, second := b.order(k, false, "Rosa", 1), b.order(k, false, "Luis", 2)
	b.copies(k)
	b.must(b.PrintDone(first.ID))
	b.must(b.PrintDone(first.ID)) // twice counts once
	b.reopenFile()
	b.copies(k, sale.Copy{N: 1, At: saletest.Now, Who: "Rosa"})
	b.must(b.PrintDrop(second.ID, "se atascó"))
	second = b.order(k, false, "Ana", 2) // the number of a paper that nobody saw
	b.must(b.PrintDone(second.ID))
	b.copies(k, sale.Copy{N: 1, At: saletest.Now, Who: "Rosa"}, sale.Copy{N: 2, At: saletest.Now, Who: "Ana"})
	b.healthy()
}

// A number is never given twice, though a copy before it was given up.
func TestACopysNumberIsItsOwn(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	k := b.issue("s1").Key
	original, _, err := b.NextPrint()
	b.must(err)
	b.must(b.PrintDone(original.ID))
	first, second := b.order(k, false, "", 1), b.order(k, false, "", 2)
	b.must(b.PrintDrop(first.ID, "se atascó"))
	b.must(b.PrintDone(second.ID))
	b.order(k, false, "", 3)
}

// The first CEDIBLE is no copy of anything; the second one is.
func TestTheCedibleIsNoReprint(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Factura, 1, 9)
	id, at := sale.ID("f1"), saletest.Now
	r, err := b.Issue(id, dte.Factura, at, saletest.Build(id, dte.Factura, at, 10))
	b.must(err)
	first := b.order(r.Key, true, "Rosa", 0)
	if again := b.order(r.Key, true, "Rosa", 0); again.ID != first.ID {
		t.Errorf("two first ones: %+v", again)
	}
	original := b.order(r.Key, false, "", 0)
	b.must(b.PrintDone(original.ID))
	b.must(b.PrintDone(first.ID))
	b.must(b.PrintDone(b.order(r.Key, true, "", 1).ID))
	b.must(b.PrintDone(b.order(r.Key, false, "", 2).ID))
	b.copies(r.Key, sale.Copy{Cedible: true, At: at, Who: "Rosa"}, sale.Copy{N: 1, Cedible: true, At: at}, sale.Copy{N: 2, At: at})
}

// A corrected document is another paper: its first one is an original, whatever the refused one was.
func TestACorrectedDocumentsFirstPaperIsAnOriginal(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	was := b.rejected("s1", saletest.CorrectCode)
	job, _, err := b.NextPrint()
	b.must(err)
	b.must(b.PrintDone(job.ID))
	b.remedy(sale.ActCorrect, "c1", was)
	b.order(was.Key, false, "", 0)
}

// A file of an older version knows which originals came out, and goes on with its numbers.
func TestCopiesOfAnOlderFile(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	printed, owed := b.issue("s1").Key, b.issue("s2").Key
	job, _, err := b.NextPrint()
	b.must(err)
	b.must(b.PrintDone(job.ID))
	b.must(b.update(func(t *bolt.Tx) error {
		old := map[string]int{"copies": 2, "printed": 3}
		if err := putJSON(t, bPapers, keyBytes(printed), old); err != nil {
			return err
		}
		return t.Bucket(bMeta).Put(kSchema, []byte("10")) // before makePapers
	}))
	b.reopenFile()
	b.order(printed, false, "", 3)
	b.order(owed, false, "", 0)
}
