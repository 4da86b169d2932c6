package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/printer"
	"mostrador/sale"
	"mostrador/store"
)

// Limits of the files that are read.
const (
	maxSmall    = 1 << 20
	maxEnvelope = 32 << 20
	maxProducts = 64 << 20
)

func runInit(e *env, flags *flag.FlagSet, args []string) error {
	file := flags.String("f", "", "datos de la tienda en JSON (vea docs/tienda.md)")
	phrase := flags.String("frase-file", "", "archivo con la frase clave; si no, MOSTRADOR_FRASE o se pregunta")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	if *file == "" {
		return errors.New("falta -f con los datos de la tienda (vea docs/tienda.md)")
	}
	info, err := shop.ReadInfo(*file)
	if err != nil {
		return err
	}
	secret, err := e.secret(*phrase, "MOSTRADOR_FRASE", "Frase clave del dueño (8 caracteres o más; guárdela fuera de este equipo)")
	if err != nil {
		return err
	}
	if err := shop.Create(e.opt, info, secret); err != nil {
		return err
	}
	fmt.Fprintf(e.out, "Caja %s de %s creada en %s (%s).\n", info.Caja, info.Emisor.RznSoc, e.opt.Dir, info.Ambiente)
	return nil
}

func runShopShow(e *env, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		out := json.NewEncoder(e.out)
		out.SetIndent("", "  ")
		return out.Encode(s.Info)
	})
}

func runShopSet(e *env, flags *flag.FlagSet, args []string) error {
	file := flags.String("f", "", "datos de la tienda en JSON (vea docs/tienda.md)")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	if *file == "" {
		return errors.New("falta -f con los datos de la tienda; «tillctl tienda show» muestra los de ahora")
	}
	info, err := shop.ReadInfo(*file)
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		if err := s.SetInfo(info); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "Datos de %s guardados. Rigen para los documentos que se emitan desde que se abra la caja.\n", info.Emisor.RznSoc)
		return nil
	})
}

func runPFX(e *env, flags *flag.FlagSet, args []string) error {
	clave := flags.String("clave-file", "", "archivo con la clave del certificado; si no, MOSTRADOR_PFX_CLAVE o se pregunta")
	files, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	pfx, err := readFile(files[0], maxSmall)
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		secret, err := e.secret(*clave, "MOSTRADOR_PFX_CLAVE", "Clave del certificado")
		if err != nil {
			return err
		}
		signer, err := s.ImportPFX(pfx, secret)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "Certificado de %s, RUT %s, vigente hasta el %s. Quedó sellado en la caja.\n", signer.Name(), signer.RUT().Dotted(), signer.NotAfter().In(dte.Santiago).Format("02-01-2006"))
		return nil
	})
}

func runCAFImport(e *env, flags *flag.FlagSet, args []string) error {
	files, err := parse(flags, args, 1, -1)
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		var faults []error
		for _, name := range files {
			if err := importCAF(e, s, name); err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", name, err))
			}
		}
		return errors.Join(faults...)
	})
}

func importCAF(e *env, s *shop.Shop, name string) error {
	file, err := readFile(name, maxSmall)
	if err != nil {
		return err
	}
	r, err := s.ImportCAF(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "Folios %d a %d de %s agregados%s.\n", r.Desde, r.Hasta, r.Tipo, expiry(r))
	return nil
}

func expiry(r sale.Range) string {
	if r.Vence.IsZero() {
		return ", sin vencimiento"
	}
	return ", sirven hasta el " + r.Vence.String()
}

func runCAFList(e *env, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		ranges, err := s.Store.Ranges()
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "TIPO\tDESDE\tHASTA\tPRÓXIMO\tQUEDAN HOY\tVENCE")
		for _, r := range ranges {
			fmt.Fprintf(w, "%d %s\t%d\t%d\t%d\t%d\t%s\n", r.Tipo, r.Tipo, r.Desde, r.Hasta, r.Next, r.Left(dte.DateOf(e.opt.Now())), r.Vence)
		}
		return w.Flush()
	})
}

func runProducts(e *env, flags *flag.FlagSet, args []string) error {
	partial := flags.Bool("aunque-falten", false, "importa las filas buenas aunque haya otras malas")
	files, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	b, err := readFile(files[0], maxProducts)
	if err != nil {
		return err
	}
	products, bad, err := sale.ReadProducts(bytes.NewReader(b))
	if err != nil {
		return err
	}
	for _, row := range bad {
		fmt.Fprintln(e.err, row)
	}
	if len(bad) > 0 && !*partial {
		return fmt.Errorf("%d filas con errores y %d buenas: el catálogo quedó como estaba. Corríjalas, o use -aunque-falten", len(bad), len(products))
	}
	return e.withShop(func(s *shop.Shop) error {
		if err := s.Store.ReplaceProducts(products); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%d productos en el catálogo, %d filas omitidas.\n", len(products), len(bad))
		return nil
	})
}

// runScale shows the table of the scale's labels; with a file it tries a label on that table, or adopts it.
func runScale(e *env, flags *flag.FlagSet, args []string) error {
	code := flags.String("probar", "", "explica cómo se leería esta etiqueta, sin cambiar nada")
	files, err := parse(flags, args, 0, 1)
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		rules, err := s.ScaleRules()
		if len(files) > 0 {
			rules, err = readScaleRules(files[0])
		}
		switch {
		case err != nil:
			return err
		case *code != "":
			return e.tryLabel(s, rules, *code)
		case len(files) > 0:
			if err := s.SetScaleRules(rules); err != nil {
				return err
			}
			fmt.Fprintf(e.out, "%d reglas para las etiquetas de la balanza. Pruebe una etiqueta de cada una con -probar.\n", len(rules))
			return nil
		}
		b, err := json.MarshalIndent(rules, "", "  ")
		if err == nil {
			fmt.Fprintf(e.out, "%s\n", b)
		}
		return err
	})
}

func readScaleRules(file string) (sale.ScaleRules, error) {
	b, err := readFile(file, 1<<20)
	if err != nil {
		return nil, err
	}
	return sale.ParseScaleRules(b)
}

func (e *env) tryLabel(s *shop.Shop, rules sale.ScaleRules, code string) error {
	products, err := s.Store.Products()
	if err != nil {
		return err
	}
	words, _, _ := rules.Preview(code, sale.NewCatalogue(products)) // the words say what the error does
	fmt.Fprintln(e.out, words)
	return nil
}

func runPrinter(e *env, flags *flag.FlagSet, args []string) error {
	paper := flags.Int("papel", 80, "ancho del papel en milímetros: 80 o 58")
	raster := flags.Bool("imagen", false, "manda el ticket como imagen, para impresoras sin ñ ni tildes")
	where, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		model := printer.Model{Raster: *raster}
		switch *paper {
		case 80:
			model.Paper = printer.Paper80
		case 58:
			model.Paper = printer.Paper58
		}
		if err := s.SetPrinter(shop.PrinterSetting{Device: where[0], Model: model}); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "Impresora: %s, papel de %d mm.\n", where[0], *paper)
		return nil
	})
}

func runSending(e *env, flags *flag.FlagSet, args []string) error {
	boletas := flags.Int("boletas", 0, "boletas por envío, de 1 a 500; el SII recomienda 50")
	minutes := flags.Int("minutos", -1, "minutos que espera la más antigua, de 0 a 60")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		chosen, err := s.Sending()
		given := map[string]bool{}
		flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
		if given["boletas"] {
			chosen.Boletas = *boletas
		}
		if given["minutos"] {
			chosen.Minutes = *minutes
		}
		if given["boletas"] || given["minutos"] {
			err = s.SetSending(chosen)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "Boletas: hasta %d por envío, la más antigua espera %d min. Los demás documentos salen enseguida.\n", chosen.Boletas, chosen.Minutes)
		return nil
	})
}

func runIssue(e *env, flags *flag.FlagSet, args []string) error {
	file := flags.String("f", "", "venta en JSON (vea docs/venta.md)")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	if *file == "" {
		return errors.New("falta -f con la venta en JSON (vea docs/venta.md)")
	}
	var order sale.Order
	if err := shop.ReadJSON(*file, &order); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		deps, err := s.Deps()
		if err != nil {
			return err
		}
		if order.ID == "" {
			if order.ID, err = sale.NewID(rand.Reader); err != nil {
				return err
			}
		}
		r, err := sale.IssueOrder(deps, order)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%s N° %d por $%s. Venta %s.\n", r.Key.Tipo, r.Key.Folio, r.Total, r.ID)
		return nil
	})
}

func runDocs(e *env, flags *flag.FlagSet, args []string) error {
	n := flags.Int("n", 50, "cuántos, desde el más nuevo")
	asJSON := flags.Bool("json", false, "un objeto JSON por línea")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		docs, err := s.Documents(sale.DocumentQuery{Limit: *n})
		if err != nil {
			return err
		}
		if *asJSON {
			enc := json.NewEncoder(e.out)
			for _, d := range docs {
				if err := enc.Encode(d); err != nil {
					return err
				}
			}
			return nil
		}
		return printDocs(e, docs)
	})
}

func printDocs(e *env, docs []sale.DocumentInfo) error {
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FECHA\tDOCUMENTO\tFOLIO\tTOTAL\tESTADO\tIMPRESO")
	for _, d := range docs {
		state := sale.StateWords(d.State)
		if d.Veredicto.Codigo != "" {
			state += " (" + d.Veredicto.Codigo + " " + d.Veredicto.Glosa + ")"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t$%s\t%s\t%d\n", d.At.In(dte.Santiago).Format("02-01-2006 15:04"), d.Key.Tipo, d.Key.Folio, d.Total, state, d.Printed)
	}
	return w.Flush()
}

func runExport(e *env, flags *flag.FlagSet, args []string) error {
	out := flags.String("out", "", "carpeta donde se escriben")
	n := flags.Int("n", 500, "cuántos, desde el más nuevo")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	if *out == "" {
		return errors.New("falta -out con la carpeta")
	}
	return e.withShop(func(s *shop.Shop) error {
		docs, err := s.Documents(sale.DocumentQuery{Limit: *n})
		if err != nil {
			return err
		}
		for _, d := range docs {
			if err := s.Export(d.Key, *out); err != nil {
				return err
			}
		}
		fmt.Fprintf(e.out, "%d documentos en %s\n", len(docs), *out)
		return nil
	})
}

func runVerify(e *env, flags *flag.FlagSet, args []string) error {
	key := flags.String("caf-key", "", "llave pública (PEM) de otra autoridad, por ejemplo la del simulador")
	idk := flags.Int("idk", dte.IDKSimulador, "IDK de esa llave")
	files, err := parse(flags, args, 1, -1)
	if err != nil {
		return err
	}
	trust := dte.SII()
	if *key != "" {
		public, err := readPublicKey(*key)
		if err != nil {
			return err
		}
		trust = trust.With(*idk, public)
	}
	var faults []error
	for _, name := range files {
		if err := verifyFile(e, name, trust); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(faults...)
}

func readPublicKey(name string) (*rsa.PublicKey, error) {
	b, err := readFile(name, maxSmall)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s no es un archivo PEM", name)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%s no es una llave RSA", name)
	}
	return public, nil
}

// verifyFile judges a document by both of dte's paths, an envelope with all its documents, or any other signed file.
func verifyFile(e *env, name string, trust dte.Trust) error {
	b, err := readFile(name, maxEnvelope)
	if err != nil {
		return err
	}
	doc, err := dte.Verify(b, trust)
	if err == nil {
		if err := dte.VerifyTwin(b); err != nil {
			return fmt.Errorf("segunda opinión: %w", err)
		}
		fmt.Fprintf(e.out, "%s: %s N° %d de %s por $%s: firma, timbre y CAF correctos.\n", name, doc.Tipo, doc.Folio, doc.Emisor.RUT.Dotted(), doc.Totales.MntTotal)
		return nil
	}
	if !bytes.Contains(b[:min(len(b), 4096)], []byte("<Envio")) {
		if !errors.Is(err, dte.ErrNotDTE) || bytes.Contains(b[:min(len(b), 4096)], []byte("<DTE")) {
			return err
		}
		signer, sigErr := dte.VerifySignature(b)
		if sigErr != nil {
			return err
		}
		fmt.Fprintf(e.out, "%s: firma correcta de %s.\n", name, signer.Dotted())
		return nil
	}
	envelope, err := dte.VerifyEnvelope(b, trust)
	if err != nil {
		return err
	}
	var faults []error
	for i, d := range envelope.Documents {
		what := "documento " + strconv.Itoa(i+1)
		if d != nil {
			what = d.Key().ID()
		}
		if fault := envelope.Faults[i]; fault != nil {
			faults = append(faults, fmt.Errorf("%s: %w", what, fault))
			continue
		}
		fmt.Fprintf(e.out, "%s: %s correcto.\n", name, what)
	}
	if len(faults) == 0 {
		fmt.Fprintf(e.out, "%s: envío de %s firmado por %s, %d documentos: todo correcto.\n", name, envelope.Emisor.Dotted(), envelope.Signer.Dotted(), len(envelope.Documents))
	}
	return errors.Join(faults...)
}

func runSync(e *env, flags *flag.FlagSet, args []string) error {
	wait := flags.Duration("espera", 2*time.Minute, "cuánto esperar los veredictos")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		ctx, cancel := context.WithTimeout(e.ctx, *wait)
		defer cancel()
		status, err := s.SyncNow(ctx)
		if err != nil {
			return err
		}
		if n := status.Backlog.Documents; n > 0 {
			return fmt.Errorf("quedan %d documentos sin veredicto. %s Nada se pierde: vuelva a intentar más tarde", n, status.Problem)
		}
		fmt.Fprintln(e.out, "Todo tiene veredicto del SII.")
		return nil
	})
}

func runAudit(e *env, flags *flag.FlagSet, args []string) error {
	quick := flags.Bool("rapida", false, "no relee el contenido de cada documento")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		r, err := s.Store.Audit(!*quick)
		if err != nil {
			return err
		}
		return printReport(e, r)
	})
}

func printReport(e *env, r store.Report) error {
	for _, f := range r.Faults {
		fmt.Fprintln(e.out, "FALLA:", f)
	}
	fmt.Fprintf(e.out, "%d documentos (%d sin veredicto), %d sobres, %d tickets por imprimir, %d hechos en la bitácora, cadena %.8s.\n",
		r.Documents, r.Waiting, r.Sobres, r.Papers, r.Entries, r.Head)
	if !r.OK() {
		return fmt.Errorf("la revisión encontró %d fallas", len(r.Faults))
	}
	fmt.Fprintln(e.out, "Todo cuadra.")
	return nil
}

func runBackup(e *env, flags *flag.FlagSet, args []string) error {
	to, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		r, err := s.Store.BackupFile(to[0])
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "Respaldo en %s, releído y comprobado. Los secretos van sellados: se abren con la frase clave.\n", to[0])
		return printReport(e, r)
	})
}

func runRestore(e *env, flags *flag.FlagSet, args []string) error {
	from, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(e.opt.Dir, 0o700); err != nil {
		return err
	}
	if err := store.Restore(from[0], e.opt.Path(), e.opt.Now()); err != nil {
		return err
	}
	fmt.Fprintf(e.out, "Respaldo puesto en %s. Antes de vender: «tillctl unlock» y «tillctl resume» con los últimos folios impresos.\n", filepath.Dir(e.opt.Path()))
	return nil
}

func runResume(e *env, flags *flag.FlagSet, args []string) error {
	who := flags.String("quien", "", "quién revisó los últimos folios")
	pairs, err := parse(flags, args, 1, -1)
	if err != nil {
		return err
	}
	last := map[dte.TipoDTE]dte.Folio{}
	for _, p := range pairs {
		tipo, folio, _ := strings.Cut(p, "=")
		t, err1 := strconv.Atoi(tipo)
		f, err2 := strconv.ParseInt(folio, 10, 64)
		if err1 != nil || err2 != nil || f < 0 {
			return fmt.Errorf("«%s» no se entiende: escriba TIPO=FOLIO, por ejemplo 39=1204", p)
		}
		last[dte.TipoDTE(t)] = dte.Folio(f)
	}
	if *who == "" {
		return errors.New("falta -quien: queda en la bitácora")
	}
	return e.withShop(func(s *shop.Shop) error {
		if err := s.Store.Resume(last, *who, e.opt.Now()); err != nil {
			return err
		}
		fmt.Fprintln(e.out, "La caja puede volver a emitir.")
		return nil
	})
}

func runUnlock(e *env, flags *flag.FlagSet, args []string) error {
	phrase := flags.String("frase-file", "", "archivo con la frase clave; si no, MOSTRADOR_FRASE o se pregunta")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	return e.withShop(func(s *shop.Shop) error {
		secret, err := e.secret(*phrase, "MOSTRADOR_FRASE", "Frase clave del dueño")
		if err != nil {
			return err
		}
		if err := s.Unlock(secret); err != nil {
			return err
		}
		fmt.Fprintln(e.out, "Secretos abiertos en este equipo.")
		return nil
	})
}

// runClock is the way out after the till has sold with a clock that ran ahead.
func runClock(e *env, flags *flag.FlagSet, args []string) error {
	who := flags.String("quien", "", "quién miró la fecha y la hora de este equipo")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	now := e.opt.Now()
	if *who == "" {
		return fmt.Errorf("este equipo marca %s. Si es correcto, repita con -quien NOMBRE: queda en la bitácora", now.In(dte.Santiago).Format("02-01-2006 15:04"))
	}
	return e.withShop(func(s *shop.Shop) error {
		if err := s.Store.ResetClock(now, *who); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "La caja acepta que son las %s.\n", now.In(dte.Santiago).Format("15:04 del 02-01-2006"))
		return nil
	})
}
