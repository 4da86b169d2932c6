package printer

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mostrador/dte"
	"mostrador/sale"
)

// Every shared sample of a type of ours goes the whole way: verified bytes, ticket on both papers, letter page. The
// printed timbre is the document's, and the printed total the stated one.
func TestSharedSamplesPrint(t *testing.T) {
	const folder = "../../shared/sii/generado/"
	file, err := os.ReadFile(folder + "llaves/sii-ficticio-999.pub.pem")
	if err != nil {
		t.Skip("the shared samples are not here")
	}
	block, _ := pem.Decode(file)
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	trust := dte.Trust{}.With(999, key.(*rsa.PublicKey))
	files, _ := filepath.Glob(folder + "dte/*.xml")
	printed := 0
	for _, name := range files {
		xml, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := dte.Verify(xml, trust)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(name), err)
			continue
		}
		if !slices.Contains(dte.Tipos(), doc.Tipo) {
			continue
		}
		j := Job{Document: doc, Shop: shop(), Record: sale.Record{Key: doc.Key(), At: at(), Caja: "CAJA1", Total: doc.Totales.MntTotal}}
		for mm, paper := range papers() {
			out, err := emulate(ESCPOS(mustTicket(t, j, paper), Model{Paper: paper}), paper.Columns())
			if err != nil {
				t.Fatalf("%s on %s mm: %v", filepath.Base(name), mm, err)
			}
			total := "TOTAL$" + doc.Totales.MntTotal.String()
			if e := doc.Totales.Divisa; e != nil {
				total = "TOTALDOLARUSA" + e.MntTotal.String()
			}
			if !strings.Contains(strings.ReplaceAll(out.drawing.String(), " ", ""), total) {
				t.Errorf("%s on %s mm: the total is not there:\n%s", filepath.Base(name), mm, out.drawing.String())
			}
			if paper == Paper80 {
				if got := uprightTimbre(t, out.pictures[0]); !bytes.Equal(got, doc.TED) {
					t.Errorf("%s: the timbre is %q", filepath.Base(name), got)
				}
			}
		}
		j.Cedible = true
		pdf, err := LetterPDF(j)
		if err != nil || len(pdf) > maxSample {
			t.Errorf("%s: %d bytes, %v", filepath.Base(name), len(pdf), err)
		}
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			if got := scanned(t, pdf, 203); !bytes.Equal(got, doc.TED) {
				t.Errorf("the timbre of the letter page is %q", got)
			}
		})
		printed++
	}
	if printed < 24 {
		t.Error(fmt.Sprint("only ", printed, " samples were printed"))
	}
}
