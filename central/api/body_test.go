package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
)

// day is a push of sales, with documents of the size that they have.
func day(sales int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	p := api.Push{}
	for n := range sales {
		stamp := make([]byte, 700) // signatures and stamps, which nothing makes smaller
		for i := range stamp {
			stamp[i] = byte(random.Uint32())
		}
		var xml bytes.Buffer
		fmt.Fprintf(&xml, `<DTE version="1.0"><Documento ID="T39F%d">`, n)
		for line := range 6 {
			fmt.Fprintf(&xml, `<Detalle><NroLinDet>%d</NroLinDet><NmbItem>Producto %d</NmbItem><QtyItem>%d</QtyItem><PrcItem>%d</PrcItem></Detalle>`, line, random.IntN(5000), random.IntN(9), random.IntN(20000))
		}
		fmt.Fprintf(&xml, "</Documento>%x</DTE>", stamp)
		p.Entries = append(p.Entries, api.Entry{N: int64(n), Fact: json.RawMessage(`{"tipo":"venta"}`), Sale: &api.Sale{
			ID: fmt.Sprint(n), Key: dte.Key{Tipo: dte.Boleta, Folio: dte.Folio(n)}, Total: money.Pesos(random.IntN(90000)), XML: xml.Bytes(),
		}})
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return text
}

// What a day of a thousand sales costs to pack and to unpack: ours, and the standard library's gzip.
func BenchmarkPack(b *testing.B) {
	body := day(1000)
	packed, _ := api.Pack(body)
	b.Run("zstd", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			api.Pack(body)
		}
		b.ReportMetric(float64(len(packed))*100/float64(len(body)), "%size")
	})
	b.Run("unzstd", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if _, err := api.Unpack(packed, api.Encoding); err != nil {
				b.Fatal(err)
			}
		}
	})
	var zipped bytes.Buffer
	b.Run("gzip", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			zipped.Reset()
			z := gzip.NewWriter(&zipped)
			_, _ = z.Write(body)
			_ = z.Close()
		}
		b.ReportMetric(float64(zipped.Len())*100/float64(len(body)), "%size")
	})
	b.Run("gunzip", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			z, err := gzip.NewReader(bytes.NewReader(zipped.Bytes()))
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, z)
		}
	})
}
