package shop

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// A factura on credit with its references and a guía go from the counter to the authority, which accepts both; the
// independent verifier finds nothing to say.
func TestFacturaAndGuiaAreAccepted(t *testing.T) {
	s := opened(t, practice(t))
	must(t, s.SaveCustomer(saletest.Buyer()))
	found, err := s.FindCustomers("aromos", 5)
	must(t, err)
	if len(found) != 1 {
		t.Fatalf("found %v", found)
	}
	deps, err := s.Deps()
	must(t, err)
	counter, err := sale.NewRegister(deps)
	must(t, err)
	today := dte.DateOf(now())
	guia := sale.Guia{IndTraslado: 1, TipoDespacho: 2, Transporte: dte.Transporte{
		Direccion: "Los Robles 45", Comuna: "Ñuñoa", Patente: "ABCD12", RUTTrans: 76192083, RUTChofer: 11111111, NombreChofer: "Juan Peña",
		FchSalida: today, HraSalida: "15:30:00",
	}}
	refs := []dte.Referencia{
		{TpoDocRef: "801", FolioRef: "OC-4512", FchRef: today, RazonRef: "Su pedido"}, {TpoDocRef: "HES", FolioRef: "77", FchRef: today},
	}
	var keys []dte.Key
	for _, ch := range []sale.Choice{
		{Tipo: dte.GuiaDespacho, Receptor: found[0].Receptor(), Guia: guia},
		{Tipo: dte.Factura, Receptor: found[0].Receptor(), Vence: today.AddMonths(1), Referencias: refs},
	} {
		for _, p := range counter.Favourites()[:3] {
			_, err := counter.Add(p, money.Units(3))
			must(t, err)
		}
		if ch.Tipo == dte.Factura {
			ch.Referencias = append(ch.Referencias, dte.Referencia{TpoDocRef: "52", FolioRef: keys[0].Folio.String(), FchRef: today})
		}
		must(t, counter.Choose(ch))
		must(t, counter.Charge())
		keys = append(keys, counter.Snapshot().Last.Key)
		counter.Next()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = s.SyncNow(ctx)
	must(t, err)
	docs, err := s.Documents(sale.DocumentQuery{})
	must(t, err)
	for _, d := range docs {
		if d.State != dte.Accepted {
			t.Errorf("%s is %s: %+v", d.Key, d.State, d.Veredicto)
		}
	}
	if len(docs) != 2 {
		t.Fatalf("%d documents", len(docs))
	}
	checkDTE(t, s, keys)
}

// checkDTE asks the independent verifier about documents, schemas included.
func checkDTE(t *testing.T, s *Shop, keys []dte.Key) {
	t.Helper()
	const program = "../../../shared/sii/check-dte"
	for _, need := range []string{program, "xmllint", "xmlsec1", "openssl", "python3"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Logf("not checked by %s: %s is not here", program, need)
			return
		}
	}
	dir := t.TempDir()
	pub := filepath.Join(dir, "sim.pem")
	if out, err := exec.Command("openssl", "rsa", "-in", filepath.Join(s.opt.Dir, simulatorDir, "llave.pem"), "-pubout", "-out", pub).CombinedOutput(); err != nil {
		t.Fatalf("openssl: %s", out)
	}
	args := []string{"-q", "--caf-key", pub}
	for _, key := range keys {
		must(t, s.Export(key, dir))
		file := filepath.Join(dir, key.ID()+".xml")
		_, err := os.Stat(file)
		must(t, err)
		args = append(args, file)
	}
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil || !bytes.Contains(out, []byte(" ok, 0 warn, 0 FAIL")) {
		t.Errorf("check-dte: %v\n%s", err, out)
	}
}

func TestComunasForTyping(t *testing.T) {
	names, err := Comunas()
	must(t, err)
	if official, ok := names.Official("nunoa"); !ok || official != "Ñuñoa" {
		t.Errorf("nunoa is %q", official)
	}
}

func TestCustomerOfNobody(t *testing.T) {
	s := opened(t, practice(t))
	if _, err := s.Customer(76192083); !errors.Is(err, sale.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}
