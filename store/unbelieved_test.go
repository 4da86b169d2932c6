package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// asked are the tasks of refused news, in order.
func asked(s *till) (tasks []sale.Unbelieved) { return s.facts(newsAt).Unbelieved }

// wantAsked demands these things, and no others, as tasks: now, and when the file is opened again.
func wantAsked(t *testing.T, s *till, want ...string) {
	t.Helper()
	for _, when := range []string{"now", "after a restart"} {
		got := []string{}
		for _, u := range asked(s) {
			got = append(got, u.What)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s a person is asked to look at %q, want %q", when, got, want)
		}
		s.reopenFile()
	}
	s.healthy()
}

func onList(code string, prices map[string]money.Price) NewsProduct {
	p := goods(code, 1000)
	p.Prices = prices
	return p
}

// What a till refused waits for a person over a restart, until the server's next word of the same thing is taken.
func TestRefusedNewsWaitForTheServersNextWord(t *testing.T) {
	s := newTill(t)
	far, near := map[string]money.Price{"club": -1}, map[string]money.Price{"club": money.PerUnit(900)}
	negative, bad, none := money.Pesos(-1), `malo`, ""
	debtor := NewsCustomer{Customer: sale.Customer{RUT: 76543210, RznSoc: "Aromos"}, Limit: &negative}
	shop, err := s.Shop()
	s.must(err)
	ours, foreign := shop.Emisor, shop.Emisor
	foreign.RUT++
	heard(t, s, News{
		Anew: true, Products: []NewsProduct{goods("X", 0), goods("XY", 0), goods("Y", 0), onList("C", far)}, Customers: []NewsCustomer{debtor},
		People: []NewsPerson{{Name: "Ana", Role: "rey", Active: true}}, Emisor: &foreign, Rules: &bad,
	})
	all := []string{"producto X", "producto XY", "producto Y", "producto C, lista club", "cliente 76.543.210-3", "persona Ana", "empresa", "promociones"}
	wantAsked(t, s, all...)

	heard(t, s, News{Products: []NewsProduct{goods("GOOD", 5), {Product: sale.Product{Codigo: "Y"}, Deleted: true}}})
	all = slices.DeleteFunc(all, func(w string) bool { return w == "producto Y" })
	wantAsked(t, s, all...)
	debtor.Limit = nil
	for _, c := range []struct {
		ends string
		by   News
	}{
		{"producto X", News{Products: []NewsProduct{goods("X", 100)}}},
		{"producto C, lista club", News{Products: []NewsProduct{onList("C", near)}}},
		{"cliente 76.543.210-3", News{Customers: []NewsCustomer{debtor}}},
		{"persona Ana", News{People: []NewsPerson{{Name: "Ana", Role: sale.Cajero, Active: true}}}},
		{"empresa", News{Emisor: &ours}},
		{"promociones", News{Rules: &none}},
	} {
		if refused := heard(t, s, c.by); len(refused) > 0 {
			t.Errorf("%s: %q", c.ends, refused)
		}
		all = slices.DeleteFunc(all, func(w string) bool { return w == c.ends })
		wantAsked(t, s, all...)
	}
}

// Of one page the last word counts. The same words again are the same task, others are another; so is another part of the thing.
func TestTheLastWordOfRefusedNewsCounts(t *testing.T) {
	s := newTill(t)
	heard(t, s, News{Anew: true, Products: []NewsProduct{goods("A", 0), goods("A", 100), goods("B", 100), goods("B", 0)}})
	wantAsked(t, s, "producto B")
	first := asked(s)[0]
	heard(t, s, News{Products: []NewsProduct{goods("B", 0)}})
	if again := asked(s)[0]; again != first {
		t.Errorf("the same said again is %+v, was %+v", again, first)
	}
	heard(t, s, News{Products: []NewsProduct{goods("B", 1_000_000_000_000)}})
	if other := asked(s); len(other) != 1 || other[0].Number == first.Number || !strings.Contains(other[0].Why, "no cabe") {
		t.Errorf("something else of it is %+v, was %+v", other, first)
	}
	// The product is taken, a price of it on a list is not.
	heard(t, s, News{Products: []NewsProduct{onList("B", map[string]money.Price{"club": -1})}})
	wantAsked(t, s, "producto B, lista club")
}

// A page whose writing failed leaves no task, as it leaves no cursor.
func TestRefusedNewsAreKeptWithTheCursor(t *testing.T) {
	s := newTill(t)
	s.once(failedBefore)
	page := News{Cursor: "two", At: newsAt, Products: []NewsProduct{goods("A", 0)}}
	if _, err := s.TakeNews(page); err == nil {
		t.Fatal("a commit that failed is no error")
	}
	wantAsked(t, s)
	heard(t, s, page)
	wantAsked(t, s, "producto A")
}

// Who attends one ends it, with their name in the books. Said by the server again it is another task.
func TestRefusedNewsAreAttendedOneByOne(t *testing.T) {
	s := newTill(t)
	page := News{Anew: true, Products: []NewsProduct{goods("A", 0), goods("B", 0)}}
	heard(t, s, page)
	alarms := sale.Alarms(s.facts(newsAt))
	if len(alarms) != 2 || !alarms[0].Task {
		t.Fatalf("%+v", alarms)
	}
	id := alarms[0].ID
	for range 2 {
		s.must(s.Attend(id, "Rosa", "se avisó", newsAt))
	}
	wantAsked(t, s, "producto B")
	s.wantErr(s.Attend("servidor:novedad:99", "Rosa", "nada", newsAt), sale.ErrNotFound)
	said := s.tells(Point{})
	if last := said.Entries[len(said.Entries)-1].Fact; last.Kind != FactTask || last.Text != id+", producto A: se avisó (Rosa)" {
		t.Errorf("the books say %+v", last)
	}
	page.Anew = false
	heard(t, s, page)
	wantAsked(t, s, "producto B", "producto A")
	s.must(s.Attend(sale.UnbelievedTask(asked(s)[1].Number), "Rosa", "otra vez", newsAt))
	wantAsked(t, s, "producto B")
}

// However much a server says that makes no sense, a person is told of a bearable number, and the file has a bounded one.
func TestRefusedNewsAreBounded(t *testing.T) {
	s := newTill(t)
	var page News
	for i := range mostUnbelieved + 50 {
		page.Products = append(page.Products, goods(fmt.Sprintf("P%03d", i), 0))
	}
	page.Anew = true
	heard(t, s, page)
	if list := asked(s); len(list) != unbelievedShown || list[0].What != "producto P000" {
		t.Fatalf("a person is told of %d, first of %+v", len(list), list)
	}
	s.must(s.Attend(sale.UnbelievedTask(asked(s)[0].Number), "Rosa", "visto", newsAt))
	if list := asked(s); len(list) != unbelievedShown || list[unbelievedShown-1].What != "producto P020" {
		t.Errorf("the next one is not told: %+v", list)
	}
	kept := 0
	s.must(s.view(func(t *bolt.Tx) error {
		kept = t.Bucket(bUnbelieved).Stats().KeyN
		return nil
	}))
	if kept != mostUnbelieved-1 {
		t.Errorf("%d are kept", kept)
	}
	if _, told, err := s.Unheard(1); err != nil || len(told) != mostUnbelieved+50 {
		t.Errorf("the server hears of %d (%v)", len(told), err)
	}
}

// What a complete load does not tell any more is nobody's task, nor is what a server said that this till has left.
func TestRefusedNewsEndWithTheirLoadAndTheirServer(t *testing.T) {
	s := newTill(t)
	s.joins(4)
	heard(t, s, News{Anew: true, Products: []NewsProduct{goods("A", 0), goods("B", 0)}})
	before := asked(s)
	heard(t, s, News{Anew: true, More: true, Products: []NewsProduct{goods("B", 0)}})
	wantAsked(t, s, "producto A", "producto B")
	heard(t, s, News{Products: []NewsProduct{goods("C", 0)}})
	wantAsked(t, s, "producto B", "producto C")
	if kept := asked(s)[0]; kept != before[1] {
		t.Errorf("a load made %+v of %+v", kept, before[1])
	}
	last := asked(s)[1]
	s.must(s.LeaveServer(newsAt))
	wantAsked(t, s)
	s.joins(5)
	heard(t, s, News{Anew: true, Products: []NewsProduct{goods("A", 0)}})
	if next := asked(s); len(next) != 1 || next[0].Number <= last.Number {
		t.Errorf("another server's task is %+v, the last one's %+v", next, last)
	}
}

// A file of a program that did not keep them opens, and keeps them from then on.
func TestRefusedNewsOfAnOlderFile(t *testing.T) {
	s := newTill(t)
	s.caf(dte.Boleta, 1, 9)
	s.issue("s1")
	heard(t, s, News{Anew: true, Products: []NewsProduct{goods("A", 100)}})
	s.must(s.update(func(t *bolt.Tx) error {
		if err := t.DeleteBucket(bUnbelieved); err != nil {
			return err
		}
		return t.Bucket(bMeta).Put(kSchema, []byte("16")) // before makeUnbelieved
	}))
	s.reopenFile()
	wantAsked(t, s)
	wantShelf(t, s, map[string]string{"A": "100 "})
	heard(t, s, News{Products: []NewsProduct{goods("B", 0)}})
	wantAsked(t, s, "producto B")
	if r := s.healthy(); r.Documents != 1 {
		t.Errorf("%d documents", r.Documents)
	}
}
