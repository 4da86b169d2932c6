// Command tillctl is the mechanic of the till: it makes a shop, imports what the SII and the certifier hand out, issues,
// sends, verifies, audits and exports, without a window.
//
// Every failure is a Spanish sentence on the error stream and an exit code other than 0.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"mostrador/cmd/shop"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, "tillctl:", err)
		os.Exit(1)
	}
}

// streams are the terminal, or a test.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// env is what every command works with.
type env struct {
	streams
	ctx context.Context
	opt shop.Options
}

// command is one of tillctl's acts.
type command struct {
	name, args, help string
	run              func(e *env, flags *flag.FlagSet, args []string) error
}

// commands lists them in the order in which a shop meets them.
func commands() []command {
	return []command{
		{"init", "-f tienda.json", "crea la caja de una tienda", runInit},
		{"tienda show", "", "muestra los datos de la tienda, como el archivo de init", runShopShow},
		{"tienda set", "-f tienda.json", "los cambia: dirección, actividad, resolución…; RUT y ambiente quedan", runShopSet},
		{"pfx import", "ARCHIVO", "guarda sellado el certificado con que se firma", runPFX},
		{"caf import", "ARCHIVO...", "agrega folios autorizados por el SII", runCAFImport},
		{"caf list", "", "muestra los folios y cuántos quedan", runCAFList},
		{"productos import", "ARCHIVO.csv", "reemplaza el catálogo", runProducts},
		{"balanza", "[-probar CÓDIGO] [ARCHIVO.json]", "muestra, prueba o cambia cómo se leen las etiquetas de la balanza", runScale},
		{"clientes import", "ARCHIVO.csv", "agrega clientes, o reemplaza los del mismo RUT", runCustomersImport},
		{"clientes export", "ARCHIVO.csv", "escribe los clientes en una planilla nueva", runCustomersExport},
		{"precios import", "ARCHIVO.json|ARCHIVO.csv...", "reemplaza las listas de precios y promociones (vea docs/precios.md)", runPrices},
		{"precios show", "", "muestra las reglas de precio, como el archivo que se importa", runPricesShow},
		{"impresora", "tcp:DIRECCIÓN:9100 | archivo:RUTA | ninguna", "elige la impresora de tickets", runPrinter},
		{"modelo", "[boleta|voucher]", "muestra o cambia el modelo de emisión que se declaró al SII", runModelo},
		{"comprobantes", "AAAA-MM", "suma las ventas sin boleta de un mes (tipo 48), por día", runVouchers},
		{"fiado list", "", "muestra lo que debe cada cliente y su cupo", runCredit},
		{"fiado estado", "RUT", "muestra los movimientos de un cliente", runStatement},
		{"fiado cupo", "RUT MONTO", "dice cuánto puede deber un cliente", runCreditLimit},
		{"fiado abono", "RUT MONTO", "recibe un pago de lo que debe", runAbono},
		{"personas agregar", "[-rol ...] NOMBRE", "anota a alguien que trabaja en la caja; pide la frase clave y su PIN", runPersonAdd},
		{"personas pin", "NÚMERO", "le pone otro PIN, también al dueño que lo olvidó; pide la frase clave", runPersonPIN},
		{"personas desactivar", "NÚMERO", "ya no entra a la caja; lo que hizo queda", runPersonActive(false)},
		{"personas activar", "NÚMERO", "vuelve a entrar a la caja", runPersonActive(true)},
		{"personas", "", "muestra quién trabaja en la caja", runPeople},
		{"terminal set", "ninguno|manual|posintegrado", "con qué se cobran las tarjetas", runTerminalSet},
		{"terminal show", "", "muestra el terminal, y el cobro que no se sabe si se hizo", runTerminalShow},
		{"terminal test", "", "pregunta al terminal si está", runTerminalTest},
		{"proxy set", "SERVIDOR:PUERTO", "por dónde se sale al SII, en redes que lo exigen", runProxySet},
		{"proxy show", "", "muestra el proxy, nunca su contraseña", runProxyShow},
		{"proxy clear", "", "olvida el proxy: manda lo que diga HTTPS_PROXY, o nada", runProxyClear},
		{"proxy test", "", "pregunta al SII por donde irían los documentos", runProxyTest},
		{"servidor unir", "DIRECCIÓN CÓDIGO", "hace de ésta una caja del servidor de la tienda; el código lo da quien lo administra", runServerJoin},
		{"servidor estado", "", "muestra de qué servidor es, qué falta contarle y de cuándo son los precios", runServerState},
		{"servidor ahora", "", "le cuenta lo vendido y trae precios, clientes y folios", runServerNow},
		{"servidor dejar", "[-olvidar]", "la caja vuelve a trabajar sola, y devuelve los folios prestados", runServerLeave},
		{"correo set", "-servidor -desde [-puerto] [-seguridad] [-usuario]", "con qué cuenta se envían los documentos por correo", runMailSet},
		{"correo show", "", "muestra la cuenta, nunca su clave", runMailShow},
		{"correo clear", "", "olvida la cuenta", runMailClear},
		{"correo test", "", "manda un correo de prueba a la tienda misma y dice qué contestó el servidor", runMailTest},
		{"correo enviar", "TIPO FOLIO DIRECCIÓN", "pone un documento en la cola de correos", runMailSend},
		{"correo list", "", "muestra los últimos correos y qué fue de ellos", runMailList},
		{"correo reintentar", "NÚMERO", "vuelve a poner en la cola un correo detenido", runMailRetry},
		{"envios", "[-boletas 50] [-minutos 1]", "cuántas boletas van en un envío al SII y cuánto esperan", runSending},
		{"issue", "-f venta.json", "emite un documento; la misma venta dos veces se emite una", runIssue},
		{"docs historia", "[-out CARPETA] 39-1204", "qué se hizo con un documento rechazado, y sus versiones", runHistory},
		{"docs reenviar", "-quien -motivo 39-1204", "un rechazado se envía de nuevo tal cual", runResend},
		{"docs corregir", "-quien -motivo [-rut ... | -f F] 33-12", "un rechazado sale corregido con el mismo folio", runCorrect},
		{"docs otro-folio", "-quien -motivo 39-1204", "la venta de un rechazado se emite con el folio siguiente", runReissue},
		{"docs", "", "lista los documentos y qué fue de ellos", runDocs},
		{"export", "-out CARPETA", "escribe XML, PDF y ticket de los documentos", runExport},
		{"verify", "ARCHIVO...", "revisa un documento o un envío de cualquiera", runVerify},
		{"sync", "", "envía lo pendiente al SII y trae sus veredictos", runSync},
		{"sii resultado", "ARCHIVO...", "carga la respuesta que el SII manda por correo: XML, correo .eml o carpeta", runResultado},
		{"conciliar", "[-desde -hasta] [-csv F] [-xlsx F] [-rcv F]", "por día y tipo: emitido, enviado y aceptado; compara con el SII", runReconcile},
		{"avisos", "", "lo que alguien debe saber o hacer", runAlarms},
		{"atender", "-quien NOMBRE -hizo TEXTO TAREA", "marca como atendida una tarea de los avisos", runAttend},
		{"contingencia list", "", "registro de las contingencias", runContingencyList},
		{"contingencia informe", "ARCHIVO.pdf", "el registro, para imprimir", runContingencyReport},
		{"contingencia resumen", "-desde -hasta -total -quien", "después de un corte: UNA boleta por la suma de sus ventas", runContingencySummary},
		{"contingencia copia", "-desde -hasta -total -quien -rut", "boleta propia de quien la pidió durante un corte", runContingencyCopy},
		{"contingencia manual", "-desde -hasta -del -al ...", "anota las boletas de papel que se usaron", runContingencyManual},
		{"contingencia", "", "qué hacer en cada caso, y quién lo dice", runContingency},
		{"audit", "", "comprueba que no falte ni sobre nada", runAudit},
		{"backup", "ARCHIVO", "respalda la caja, aunque esté en uso por esta orden", runBackup},
		{"restore", "ARCHIVO", "pone un respaldo donde no hay caja", runRestore},
		{"resume", "TIPO=FOLIO...", "después de restaurar: últimos folios impresos de cada tipo", runResume},
		{"unlock", "", "abre los secretos con la frase clave, en otro computador", runUnlock},
		{"reloj", "-quien NOMBRE", "acepta la hora del equipo aunque haya documentos posteriores", runClock},
		{"draft", "-f documentos.yaml", "revisa y suma documentos en JSON o YAML; con -sign los timbra y firma", runDraft},
		{"emit", "-type 39 -n 2000 -caf F -pfx F", "mide cuántos documentos por segundo se timbran y firman", runEmit},
		{"certify", "-set archivo.txt", "del set de pruebas del SII a los envíos aceptados", runCertify},
		{"demo", "-out CARPETA", "un día completo de la tienda de práctica", runDemo},
	}
}

// run is the whole program.
func run(ctx context.Context, args []string, s streams) error {
	return runOn(ctx, args, s, shop.Options{Now: time.Now})
}

// runOn is run on a shop that is opened in some way of its own.
func runOn(ctx context.Context, args []string, s streams, o shop.Options) error {
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "-help", "--help", "ayuda"}, args[0]) {
		usage(s.out)
		return nil
	}
	c, rest, ok := find(args)
	if !ok {
		return fmt.Errorf("no existe la orden «%s». Vea «tillctl help»", args[0])
	}
	e := &env{streams: s, ctx: ctx, opt: o}
	flags := flag.NewFlagSet("tillctl "+c.name, flag.ContinueOnError)
	flags.SetOutput(s.err)
	flags.Usage = func() {
		fmt.Fprintf(s.err, "tillctl %s %s\n  %s\n", c.name, c.args, c.help)
		flags.PrintDefaults()
	}
	flags.StringVar(&e.opt.Dir, "dir", defaultDir(), "carpeta de la caja")
	flags.StringVar(&e.opt.Keys, "llave", "auto", "dónde está la llave de los secretos: auto, llavero o archivo")
	flags.StringVar(&e.opt.Simulator, "simulador", "", "dirección de un siisim en este equipo (sólo capacitación)")
	if err := c.run(e, flags, rest); !errors.Is(err, flag.ErrHelp) {
		return err
	}
	return nil
}

// find takes the longest name that the arguments begin with.
func find(args []string) (c command, rest []string, ok bool) {
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) >= len(words) && slices.Equal(words, args[:len(words)]) {
			return c, args[len(words):], true
		}
	}
	return command{}, nil, false
}

func usage(w io.Writer) {
	fmt.Fprint(w, "tillctl: la caja sin ventana. Órdenes (tillctl ORDEN -h explica cada una):\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-52s %s\n", strings.TrimSpace(c.name+" "+c.args), c.help)
	}
	fmt.Fprintf(w, "\nSin -dir se usa %s\n", defaultDir())
}

// defaultDir is where cmd/till keeps its shop, too.
func defaultDir() string {
	base, err := os.UserConfigDir()
	if err != nil {
		base = "."
	}
	return filepath.Join(base, "mostrador")
}

// parse reads the flags and demands between least and most arguments; most < 0 is any number.
func parse(flags *flag.FlagSet, args []string, least, most int) ([]string, error) {
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if n := flags.NArg(); n < least || most >= 0 && n > most {
		flags.Usage()
		return nil, errors.New("faltan o sobran argumentos. No se hizo nada")
	}
	return flags.Args(), nil
}

// withShop opens the shop for one act.
func (e *env) withShop(act func(*shop.Shop) error) error {
	s, err := shop.Open(e.opt)
	if err != nil {
		return err
	}
	return errors.Join(act(s), s.Close())
}

// secret reads a password: from a file, from the environment, or from the person.
func (e *env) secret(file, variable, question string) (string, error) {
	if file != "" {
		b, err := os.ReadFile(file)
		return strings.TrimRight(string(b), "\r\n"), err
	}
	if s, ok := os.LookupEnv(variable); ok {
		return s, nil
	}
	fmt.Fprint(e.err, question+": ")
	return readLine(e.in)
}

// readLine reads one line and not a byte more.
func readLine(r io.Reader) (string, error) {
	var line []byte
	var b [1]byte
	for len(line) < 1024 {
		n, err := r.Read(b[:])
		if n == 1 && b[0] == '\n' {
			break
		}
		if n == 1 {
			line = append(line, b[0])
		}
		if err != nil {
			if errors.Is(err, io.EOF) && len(line) > 0 {
				break
			}
			return "", errors.New("no se escribió la clave. No se hizo nada")
		}
	}
	return strings.TrimRight(string(line), "\r"), nil
}

// readFile reads a whole file with a limit, so that a wrong one does not fill the memory.
func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("no se pudo leer %s: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("no se pudo leer %s: %w", name, err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s mide más de %d bytes: no es lo que se espera. No se hizo nada", name, limit)
	}
	return b, nil
}
