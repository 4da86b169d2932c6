package store

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"mostrador/money"
	"mostrador/sale"
)

// What was read no longer counts as the program's memory, and is all there when it is read again.
func TestForgottenPagesAreGivenBackAndReadAgain(t *testing.T) {
	s := newTill(t).Store
	var products []sale.Product
	for i := range 20_000 {
		products = append(products, sale.Product{Codigo: fmt.Sprintf("79%08d", i), Nombre: strings.Repeat("Artículo de prueba ", 10), Prc: money.PerUnit(100)})
	}
	if err := s.ReplaceProducts(products); err != nil {
		t.Fatal(err)
	}
	read, err := s.Products()
	if err != nil {
		t.Fatal(err)
	}
	before := mappedKB(t, s.path)
	if err := s.ForgetPages(); err != nil {
		t.Fatal(err)
	}
	if after := mappedKB(t, s.path); before < 1000 || after > before/10 {
		t.Errorf("%d kB of the file in memory before, %d after", before, after)
	}
	again, err := s.Products()
	if err != nil || len(again) != len(read) || again[len(again)-1].Nombre != products[0].Nombre {
		t.Errorf("%d products, then %d, %v", len(read), len(again), err)
	}
}

// mappedKB is how much of a mapped file is resident.
func mappedKB(t *testing.T, path string) (sum int) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skipf("this system does not tell: %v", err)
	}
	ours := false
	for line := range bytes.Lines(b) {
		fields := strings.Fields(string(line))
		if strings.Contains(fields[0], "-") {
			ours = fields[len(fields)-1] == path
		}
		if ours && fields[0] == "Rss:" {
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
	}
	return sum
}
