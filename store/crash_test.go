package store

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// The crash test runs this test binary again as a till that sells as fast as it can, kills it at random moments, and
// looks at what is left. MOSTRADOR_TORTURE is the number of rounds; killing a process proves that a sale is whole or
// absent, not that the disk kept it: that is what a power cut would prove.
const (
	childDir   = "MOSTRADOR_CRASH_DIR"
	childRound = "MOSTRADOR_CRASH_ROUND"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, sellForEver(dir, os.Getenv(childRound)))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func rounds(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("MOSTRADOR_TORTURE")); err == nil {
		return n
	}
	if testing.Short() {
		return 5
	}
	return 40
}

// sellForEver is the child: it writes "id folio" after each sale that the store acknowledged, and does everything else
// that writes in between.
func sellForEver(dir, round string) error {
	s, err := Open(filepath.Join(dir, "caja.db"), Options{Keys: KeyFile{filepath.Join(dir, "llave")}})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		id := sale.ID(fmt.Sprintf("r%s-%d", round, i))
		r, err := s.Issue(id, dte.Boleta, saletest.Now, saletest.Build(id, dte.Boleta, saletest.Now, 1000))
		if err != nil {
			return err
		}
		fmt.Println(id, int(r.Key.Folio))
		if err := chores(s, dir, i); err != nil {
			return err
		}
	}
}

func chores(s *Store, dir string, i int) error {
	switch i % 12 {
	case 1, 7:
		if _, err := s.OpenShift(saletest.Now, 100); !errors.Is(err, sale.ErrShift) {
			return err
		}
		_, err := s.CloseShift(saletest.Now, 100)
		return err
	case 3:
		return s.SaveCart(sale.Cart{ID: "cart", Lines: []sale.Line{{Codigo: strconv.Itoa(i)}}})
	case 4:
		return envelopSome(s)
	case 5, 6, 8:
		return moveSome(s)
	case 9:
		if job, ok, err := s.NextPrint(); err != nil || ok {
			return errors.Join(err, s.PrintDone(job.ID))
		}
	case 10:
		file, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("caf%d.xml", i/12)))
		if err != nil {
			return nil // no more of them
		}
		trust, err := trustOf(dir)
		if err != nil {
			return err
		}
		if _, err = s.ImportCAF(file, trust, saletest.Now); !errors.Is(err, ErrCAFImported) {
			return err
		}
	case 11:
		_, err := s.BackupFile(filepath.Join(dir, "respaldo.db"))
		return err
	}
	return nil
}

// trustOf trusts the authority of the parent.
func trustOf(dir string) (dte.Trust, error) {
	pem, err := os.ReadFile(filepath.Join(dir, "trust.pem"))
	if err != nil {
		return dte.Trust{}, err
	}
	a, err := dte.OpenAuthority(dte.IDKSimulador, pem, nil)
	if err != nil {
		return dte.Trust{}, err
	}
	return dte.Trust{}.With(a.IDK(), a.Public()), nil
}

func envelopSome(s *Store) error {
	list, err := s.Documents(sale.DocumentQuery{States: []dte.State{dte.Issued}, Limit: 3})
	if err != nil || len(list) == 0 {
		return err
	}
	var keys []dte.Key
	for _, d := range list {
		keys = append(keys, d.Key)
	}
	_, err = s.NewSobre(dte.Sobre{Boletas: true, Keys: keys, XML: []byte("<EnvioBOLETA/>"), CreatedAt: saletest.Now})
	return err
}

// moveSome takes the oldest envelope one step on.
func moveSome(s *Store) error {
	open, err := s.OpenSobres()
	if err != nil || len(open) == 0 {
		return err
	}
	o := open[0]
	switch o.State {
	case dte.Enveloped, dte.Unknown:
		o.State = dte.Sending
	case dte.Sending:
		o.State = dte.Sent
	case dte.Sent:
		var verdicts []dte.Veredicto
		for _, k := range o.Keys {
			verdicts = append(verdicts, dte.Veredicto{Key: k, State: dte.Accepted})
		}
		return s.Settle(o.ID, verdicts)
	}
	return s.UpdateSobre(o)
}

func TestKilledAtAnyMoment(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	dir := t.TempDir()
	b := &till{t: t, path: filepath.Join(dir, "caja.db"), keys: KeyFile{filepath.Join(dir, "llave")}}
	b.open()
	b.must(b.Protect(phrase))
	b.must(b.PutShop(saletest.Shop()))
	b.caf(dte.Boleta, 1, 1_000_000)
	for i := range 20 {
		b.must(os.WriteFile(filepath.Join(dir, fmt.Sprintf("caf%d.xml", i)),
			saletest.CAF(dte.Factura, dte.Folio(i*10+1), dte.Folio(i*10+10), dtetest.FA()), 0o600))
	}
	b.must(os.WriteFile(filepath.Join(dir, "trust.pem"), dtetest.Authority().PEM(), 0o600))
	b.close()

	acknowledged := map[sale.ID]dte.Folio{}
	for round := range rounds(t) {
		sellAndKill(t, dir, round, random, acknowledged)
		b.open()
		r := b.healthy()
		if r.Documents < len(acknowledged) {
			t.Fatalf("round %d: %d documents and %d acknowledged sales", round, r.Documents, len(acknowledged))
		}
		for id, folio := range acknowledged {
			if kept, err := b.Sale(id); err != nil || kept.Key.Folio != folio {
				t.Fatalf("round %d: %s was acknowledged with folio %d and is %d, %v", round, id, folio, kept.Key.Folio, err)
			}
		}
		b.close()
		backup := filepath.Join(dir, "respaldo.db")
		if _, err := os.Stat(backup); err == nil {
			if _, err := VerifyBackup(backup); err != nil {
				t.Fatalf("round %d: backup: %v", round, err)
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if len(acknowledged) == 0 {
		t.Error("nothing was ever sold")
	}
	t.Logf("%d sales acknowledged", len(acknowledged))
}

// sellAndKill runs a child until a random moment and collects what it acknowledged.
func sellAndKill(t *testing.T, dir string, round int, random *rand.Rand, acknowledged map[sale.ID]dte.Folio) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(slices.Clone(os.Environ()), childDir+"="+dir, childRound+"="+strconv.Itoa(round))
	var complaints strings.Builder
	child.Stderr = &complaints
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		var id string
		var folio int
		if _, err := fmt.Sscan(lines.Text(), &id, &folio); err == nil {
			acknowledged[sale.ID(id)] = dte.Folio(folio)
		}
		if n == 0 {
			kill := time.AfterFunc(time.Duration(random.IntN(40_000))*time.Microsecond, func() { child.Process.Kill() })
			defer kill.Stop()
		}
	}
	if err := child.Wait(); err == nil || complaints.Len() > 0 {
		t.Fatalf("round %d: the till ended by itself: %v %s", round, err, complaints.String())
	}
}
