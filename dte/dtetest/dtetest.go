// Package dtetest makes what tests and the demo need to issue documents: an authority, folios, a certificate, a company,
// drafts of every type. Everything is fictitious and made on the spot; nothing secret is stored.
//
// Owns: the fixed company, people and day that tests talk about.
//
// Invariants: the authority and the RSA key of the certificates are made once per process; nothing here is worth
// anything to the SII (IDK 999). Imported by tests and by the demo only; what cannot fail with its fixed input panics.
package dtetest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"strconv"
	"sync"
	"time"

	"mostrador/dte"
	"mostrador/dte/sii/siisim"
	"mostrador/money"
)

// The people of the tests.
const (
	Company dte.RUT = 76543210 // the shop
	Person  dte.RUT = 11111111 // who signs
	Buyer   dte.RUT = 77777777 // a company that asks for facturas
)

// Now is the moment of the tests: Monday 2026-03-16, 12:34:56 in Santiago.
func Now() time.Time { return time.Date(2026, 3, 16, 12, 34, 56, 0, dte.Santiago) }

// Today is its day.
func Today() dte.Date { return dte.DateOf(Now()) }

// FA is the day on which the tests' folios were authorised.
func FA() dte.Date { return dte.Date{Year: 2026, Month: time.February, Day: 2} }

// Resolucion is that of certification.
func Resolucion() dte.Resolucion {
	return dte.Resolucion{Nro: 0, Fch: dte.Date{Year: 2026, Month: time.January, Day: 15}}
}

var authority = sync.OnceValue(func() *dte.Authority { return must(dte.NewAuthority(dte.IDKSimulador, rand.Reader)) })

// Authority authorises folios; the same one in the whole process.
func Authority() *dte.Authority { return authority() }

// Trust accepts Authority's CAFs.
func Trust() dte.Trust { return dte.Trust{}.With(dte.IDKSimulador, Authority().Public()) }

var key = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

// Signer is a person with a certificate that is valid from 2020 to 2049. All of them have the same key.
func Signer(rut dte.RUT) *dte.Signer {
	from := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	return must(dte.NewSigner(key(), certificate(rut, from, from.AddDate(29, 0, 0))))
}

// SignerValid is a person with a certificate of another validity.
func SignerValid(rut dte.RUT, from, to time.Time) *dte.Signer {
	return must(dte.NewSigner(key(), certificate(rut, from, to)))
}

func certificate(rut dte.RUT, from, to time.Time) []byte {
	return must(siisim.Certificate(rand.Reader, key(), rut, "FIRMANTE DE PRUEBA", from, to))
}

// Key is the RSA key of every Signer, and DER the certificate of one: for tests of certificate files.
func Key() *rsa.PrivateKey { return key() }

// DER is the certificate of Signer(rut).
func DER(rut dte.RUT) *x509.Certificate {
	from := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	return must(x509.ParseCertificate(certificate(rut, from, from.AddDate(29, 0, 0))))
}

// CAF authorises a range to a company, as the file and as it is read.
func CAF(emisor dte.RUT, tipo dte.TipoDTE, desde, hasta dte.Folio, fa dte.Date) (*dte.CAF, []byte) {
	file := must(Authority().IssueCAF(emisor, Emisor().RznSoc, tipo, desde, hasta, fa))
	return must(dte.ParseCAF(file)), file
}

// Emisor is the shop, with letters that only Latin-1 has and one that must be escaped.
func Emisor() dte.Emisor {
	return dte.Emisor{
		RUT: Company, RznSoc: "COMERCIAL ÑANDÚ & CÍA LIMITADA", Giro: "VENTA AL POR MENOR DE ABARROTES Y FERRETERÍA",
		Correo: "ventas@example.invalid", Acteco: []int{472101}, Direccion: "AV. LIBERTADOR 1234", Comuna: "Ñuñoa", Ciudad: "Santiago",
	}
}

// Receptor is the buyer of a factura.
func Receptor() dte.Receptor {
	return dte.Receptor{
		RUT: Buyer, RznSoc: "CONSTRUCTORA PEÑA <SUR> & HIJOS SOCIEDAD ANÓNIMA CERRADA", Giro: "CONSTRUCCIÓN",
		Direccion: "CALLE UNO 234", Comuna: "Maipú", Ciudad: "Santiago",
	}
}

// Draft is a sound draft of a boleta or a factura, exempt or not, of that day. For notes there is Note.
func Draft(tipo dte.TipoDTE, day dte.Date) dte.Draft {
	indExe := dte.Afecto
	if tipo.EsExento() {
		indExe = dte.Exento
	}
	d := dte.Draft{Tipo: tipo, FchEmis: day, Emisor: Emisor(), Receptor: dte.Receptor{RUT: dte.RUTAnonimo}}
	d.Detalle = []dte.Linea{
		{Nombre: "Cemento Ñuble 25 kg", Qty: money.Units(2), Unidad: "SACO", Prc: money.PerUnit(3490), IndExe: indExe},
		{Nombre: "Clavos 2 pulgadas", Qty: money.One / 2, Unidad: "KG", Prc: money.PerUnit(1980), IndExe: indExe},
	}
	if tipo.EsBoleta() {
		d.IndServicio = 3
		return d
	}
	d.FmaPago, d.Receptor = 1, Receptor()
	return d
}

// Note is the draft of a credit or debit note of that day that annuls a document.
func Note(tipo dte.TipoDTE, of *dte.Document, day dte.Date) dte.Draft {
	d := dte.Draft{Tipo: tipo, FchEmis: day, Emisor: of.Emisor, Receptor: of.Receptor, Detalle: of.Detalle, DscRcg: of.DscRcg, MntBruto: of.MntBruto || of.Tipo.EsBoleta()}
	if len(d.Emisor.Acteco) == 0 {
		d.Emisor.Acteco = Emisor().Acteco
	}
	if d.Receptor.RznSoc == "" {
		// A boleta without buyer: the note names the issuer (FAQ 001.380.6571).
		d.Receptor = dte.Receptor{RUT: of.Emisor.RUT, RznSoc: of.Emisor.RznSoc, Giro: "VENTA AL POR MENOR", Direccion: of.Emisor.Direccion, Comuna: of.Emisor.Comuna}
	}
	d.Referencia = []dte.Referencia{{
		TpoDocRef: strconv.Itoa(int(of.Tipo)), FolioRef: of.Folio.String(), FchRef: of.FchEmis, CodRef: dte.Anula, RazonRef: "ANULA DOCUMENTO",
	}}
	return d
}

// Emit issues a draft under a folio with a CAF of its own, now being Now moved to the draft's day.
func Emit(d dte.Draft, folio dte.Folio) *dte.Document {
	caf, _ := CAF(d.Emisor.RUT, d.Tipo, folio, folio, FA())
	at := time.Date(d.FchEmis.Year, d.FchEmis.Month, d.FchEmis.Day, 12, 34, 56, 0, dte.Santiago)
	return must(dte.Emit(d, folio, caf, Signer(Person), at))
}

// Envelope puts documents into an envelope for the SII, signed by Person at Now.
func Envelope(docs ...*dte.Document) []byte {
	return must(dte.NewEnvelope(docs, Resolucion(), dte.RUTSII, Signer(Person), Now()))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
