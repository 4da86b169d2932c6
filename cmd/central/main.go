// Command central is the server behind the tills and of who writes programs for the shop: Torn's API on PostgreSQL. See
// docs/central.md.
package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/peterbourgon/ff/v3"
	"golang.org/x/net/netutil"

	"mostrador/central"
	"mostrador/central/cluster"
	"mostrador/central/door"
	"mostrador/central/practice"
	"mostrador/central/tills"
	"mostrador/central/torn"
	"mostrador/dte/sii"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "central:", err)
		os.Exit(1)
	}
}

// options are the settings, each a flag, a CENTRAL_… variable or a line of the file named by -config.
type options struct {
	addr, private, url, adminURL, local, keys, secret, origins, admin, proxy, proxies, tlsCert, tlsKey string
	conns, jobs, maxConnections                                                                        int
	simulator, demo                                                                                    bool
	limits                                                                                             door.Limits
	grace                                                                                              time.Duration
	rest                                                                                               []string
}

func parse(args []string, out io.Writer) (o options, err error) {
	flags := o.flags(out)
	err = ff.Parse(flags, args, ff.WithEnvVarPrefix("CENTRAL"), ff.WithConfigFileFlag("config"), ff.WithConfigFileParser(ff.PlainParser))
	o.rest = flags.Args()
	return o, err
}

// flags are all the options; docs/central.conf explains each.
func (o *options) flags(out io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet("central", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() { usage(out, flags) }
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8000", "dirección donde atiende")
	flags.StringVar(&o.private, "private", "127.0.0.1:9100", "dirección de métricas, /ready y pprof: nunca pública; vacía, ninguna")
	flags.StringVar(&o.url, "database", "", "PostgreSQL, con el rol que atiende")
	flags.StringVar(&o.adminURL, "database-admin", "", "PostgreSQL, con quien puede crear roles y esquemas")
	flags.StringVar(&o.local, "local", "", "carpeta de un PostgreSQL propio, que se crea si no existe; reemplaza a -database, -keys y -secret")
	flags.StringVar(&o.keys, "keys", "", "archivo de las llaves maestras, o - para la variable CENTRAL_MASTER_KEYS")
	flags.StringVar(&o.secret, "secret", "", "archivo del secreto de las sesiones, de 32 bytes o más")
	flags.StringVar(&o.origins, "origins", "", "orígenes que pueden llamar desde un navegador, separados por comas")
	flags.StringVar(&o.proxies, "trusted-proxies", "", "redes de los proxy propios, separadas por comas: solo a ellos se les cree X-Forwarded-For")
	flags.StringVar(&o.tlsCert, "tls-cert", "", "archivo del certificado TLS; sin él, TLS es del proxy que está delante")
	flags.StringVar(&o.tlsKey, "tls-key", "", "archivo de la llave TLS")
	flags.StringVar(&o.admin, "admin", "admin@mostrador.local", "correo de la primera cuenta de administración, si no hay ninguna")
	flags.StringVar(&o.proxy, "proxy", "", "por dónde se sale al SII, servidor:puerto; vacío, lo que diga HTTPS_PROXY")
	flags.BoolVar(&o.simulator, "simulator", false, "con -local: un SII simulado, en esta máquina, para las empresas en capacitación")
	flags.BoolVar(&o.demo, "demo", false, "con -simulator: una empresa de demostración, con un año de ventas; si ya está, nada")
	flags.IntVar(&o.conns, "connections", 20, "conexiones a PostgreSQL")
	flags.IntVar(&o.jobs, "jobs", 8, "empresas cuyos documentos se envían al SII a la vez; 0, ninguna: lo hacen otros servidores")
	flags.IntVar(&o.limits.AtWork, "at-work", 512, "solicitudes a la vez, con las que esperan a PostgreSQL; la siguiente recibe 503")
	flags.IntVar(&o.limits.PerAddress, "per-address", 256, "solicitudes abiertas por dirección")
	flags.IntVar(&o.limits.Logins, "logins", 60, "intentos de inicio de sesión por minuto y dirección")
	flags.IntVar(&o.maxConnections, "clients", 4096, "conexiones de clientes a la vez")
	flags.DurationVar(&o.grace, "grace", 20*time.Second, "cuánto espera al terminar a que acabe lo empezado")
	flags.String("config", "", "archivo de ajustes: una línea por opción, sin guion")
	return flags
}

// command is what the first word asks for.
type command struct {
	name, args, does string
	run              func(o *options, ctx context.Context, out io.Writer, log *slog.Logger) error
}

func commands() []command {
	return []command{
		{"serve", "", "atender (es lo que hace sin otra palabra)", (*options).serve},
		{"migrate", "", "llevar la base de datos a la versión de este programa, y terminar", (*options).migrate},
		{"admin", "CORREO", "dar a ese correo una cuenta de administración con una contraseña nueva", (*options).makeAdmin},
		{"rotate-keys", "", "sellar las llaves de todas las empresas con la última llave maestra", (*options).rotateKeys},
		{"actecos", "ARCHIVO", "cargar las actividades económicas del SII desde un archivo", (*options).loadActecos},
	}
}

func usage(out io.Writer, flags *flag.FlagSet) {
	fmt.Fprintln(out, "central [ORDEN] [OPCIONES]\n\nÓrdenes:")
	for _, c := range commands() {
		fmt.Fprintf(out, "  %-22s %s\n", strings.TrimSpace(c.name+" "+c.args), c.does)
	}
	fmt.Fprintln(out, "\nOpciones:")
	flags.PrintDefaults()
}

// run does what the first word says, until it is done or ctx ends.
func run(ctx context.Context, args []string, out, diagnostics io.Writer) error {
	name := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	list := commands()
	chosen := slices.IndexFunc(list, func(c command) bool { return c.name == name })
	if chosen < 0 {
		return fmt.Errorf("no existe la orden %q; central -h las muestra", name)
	}
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	if o.local != "" {
		own, err := o.startLocal(ctx)
		if err != nil {
			return err
		}
		defer own.Close()
	}
	return list[chosen].run(&o, ctx, out, slog.New(slog.NewJSONHandler(diagnostics, nil)))
}

// serve answers until ctx ends, and then lets what was begun come to its end.
func (o *options) serve(ctx context.Context, out io.Writer, log *slog.Logger) error {
	tokens, err := o.tokens()
	if err != nil {
		return err
	}
	proxies, err := networks(o.proxies)
	if err != nil {
		return err
	}
	// How far back the simulator's clock is: only while the demo is made.
	var rewound atomic.Int64
	training, err := o.startSimulator(func() time.Time { return time.Now().Add(-time.Duration(rewound.Load())) })
	if err != nil {
		return err
	}
	if training != nil {
		defer func() { _ = training.Close() }() // what it received is on the disk
	}
	db, err := o.migrated(ctx, log, training)
	if err != nil {
		return err
	}
	defer db.Close()
	password, err := db.FirstAdministrator(ctx, o.admin, log)
	if err != nil {
		return err
	}
	if o.demo {
		if err := makeDemo(ctx, db, out, func(d time.Duration) { rewound.Store(int64(d)) }); err != nil {
			return err
		}
	}
	origins := torn.DefaultOrigins()
	if o.origins != "" {
		origins = strings.Split(o.origins, ",")
	}
	watch := newPrivate(db, log)
	if o.private != "" {
		stop, err := watch.listen(o.private)
		if err != nil {
			return err
		}
		defer stop()
	}
	front := door.New(door.Config{Log: log, Now: time.Now, Limits: o.limits, Proxies: proxies, Observe: watch.observe})
	api := torn.New(torn.Config{DB: db, Tokens: tokens, Door: front, Origins: origins})
	listener, err := o.listen()
	if err != nil {
		return err
	}
	stopJobs, err := o.startJobs(ctx, db, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintf(out, "Mostrador central atiende en %s://%s (documentación en /docs)\n", o.scheme(), listener.Addr())
	if password != "" {
		fmt.Fprintf(out, "Primera cuenta de administración: %s, contraseña %s (se muestra solo esta vez)\n", o.admin, password)
	}
	return serveUntil(ctx, front.HTTP(beside(tills.New(tills.Config{DB: db, Door: front}), api)), listener, o.grace, func() { watch.leaving.Store(true) }, stopJobs)
}

// beside serves tills below their own paths, and all else by the API for people and programs.
func beside(till, api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, tills.Prefix) {
			till.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// makeDemo makes the demo's company, if it is not there, and tells how to look at it.
func makeDemo(ctx context.Context, db *central.DB, out io.Writer, rewind func(time.Duration)) error {
	start := time.Now()
	password, err := db.Demo(ctx, rewind)
	if err != nil || password == "" {
		return err
	}
	fmt.Fprintf(out, "Empresa de demostración lista en %v: %s, contraseña %s (se muestra solo esta vez)\n", time.Since(start).Round(100*time.Millisecond), central.DemoEmail, password)
	return nil
}

// startJobs takes documents to the SII in the background. Stop waits until its context ends, and then cuts short.
func (o *options) startJobs(ctx context.Context, db *central.DB, log *slog.Logger) (stop func(context.Context) error, err error) {
	if o.jobs <= 0 {
		return func(context.Context) error { return nil }, nil
	}
	return db.Work(ctx, log, o.jobs)
}

// startSimulator runs the authority of companies in training, if asked; nil otherwise.
func (o *options) startSimulator(now func() time.Time) (*practice.Practice, error) {
	switch {
	case !o.simulator:
		return nil, nil
	case o.local == "":
		return nil, errors.New("-simulator necesita -local: el simulador guarda ahí su llave y lo que recibió")
	}
	return practice.Open(filepath.Join(o.local, "simulador"), now, rand.Reader)
}

// listen opens the public address. Who comes when all places are taken waits at the door, not in memory.
func (o *options) listen() (net.Listener, error) {
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return nil, err
	}
	if o.maxConnections > 0 {
		listener = netutil.LimitListener(listener, o.maxConnections)
	}
	if o.scheme() == "http" {
		return listener, nil
	}
	pair, err := tls.LoadX509KeyPair(o.tlsCert, o.tlsKey)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("el certificado TLS: %w", err), listener.Close())
	}
	return tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}), nil
}

func (o *options) scheme() string {
	if o.tlsCert == "" && o.tlsKey == "" {
		return "http"
	}
	return "https"
}

// serveUntil serves until ctx ends; then it takes nothing new, and what was begun, here and in the jobs, has one grace to end.
func serveUntil(ctx context.Context, server *http.Server, listener net.Listener, grace time.Duration, leaving func(), stopJobs func(context.Context) error) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	leaving()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	jobs := make(chan error, 1)
	go func() { jobs <- stopJobs(ctx) }()
	return errors.Join(err, server.Shutdown(ctx), <-jobs)
}

func (o *options) migrate(ctx context.Context, out io.Writer, log *slog.Logger) error {
	db, err := o.open(ctx, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx, log); err != nil {
		return err
	}
	fmt.Fprintln(out, "Todo está al día.")
	return nil
}

func (o *options) makeAdmin(ctx context.Context, out io.Writer, log *slog.Logger) error {
	if len(o.rest) != 1 {
		return errors.New("falta el correo: central admin OPCIONES CORREO")
	}
	db, err := o.migrated(ctx, log, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	password, err := db.Administrator(ctx, o.rest[0])
	if err == nil {
		fmt.Fprintf(out, "Cuenta de administración: %s, contraseña %s (se muestra solo esta vez)\n", o.rest[0], password)
	}
	return err
}

func (o *options) rotateKeys(ctx context.Context, out io.Writer, _ *slog.Logger) error {
	db, err := o.open(ctx, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	changed, err := db.RotateKeys(ctx)
	fmt.Fprintf(out, "%d empresas selladas con la última llave maestra.\n", changed)
	if err == nil {
		fmt.Fprintln(out, "Las llaves maestras anteriores ya no abren nada de la base de datos (sí los respaldos hechos antes de hoy).")
	}
	return err
}

// networks reads a list of networks, or of single addresses.
func networks(list string) (parsed []netip.Prefix, err error) {
	for text := range strings.SplitSeq(list, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		network, err := netip.ParsePrefix(text)
		if address, errAddress := netip.ParseAddr(text); errAddress == nil {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("-trusted-proxies: %q no es una red", text)
		}
		parsed = append(parsed, network)
	}
	return parsed, nil
}

// startLocal runs a PostgreSQL of our own and makes what only it needs: a database, keys and a secret beside it.
func (o *options) startLocal(ctx context.Context) (*cluster.Cluster, error) {
	if err := os.MkdirAll(o.local, 0o755); err != nil {
		return nil, err
	}
	own, err := cluster.Start(ctx, filepath.Join(o.local, "postgres"), cluster.Options{})
	if err != nil {
		return nil, err
	}
	const database = "mostrador"
	if err := own.CreateDatabase(ctx, database); err != nil {
		own.Close()
		return nil, err
	}
	o.url, o.adminURL = own.URL(central.LoginRole(database), database), own.URL(cluster.Superuser, database)
	o.keys, o.secret = filepath.Join(o.local, "llaves-maestras"), filepath.Join(o.local, "secreto")
	err = errors.Join(keep(o.keys, func(random string) string { return "local " + random + "\n" }),
		keep(o.secret, func(random string) string { return random + "\n" }))
	if err != nil {
		own.Close()
		return nil, err
	}
	return own, nil
}

// keep writes a random secret to a file that is not there yet.
func keep(path string, spell func(random string) string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(spell(base64.StdEncoding.EncodeToString(random))), 0o600)
}

// open connects. Training is the simulator, if there is one.
func (o *options) open(ctx context.Context, training *practice.Practice) (*central.DB, error) {
	if o.url == "" || o.adminURL == "" {
		return nil, errors.New("falta -database y -database-admin, o -local para un PostgreSQL propio")
	}
	keys, err := o.masterKeys()
	if err != nil {
		return nil, err
	}
	if err := central.Bootstrap(ctx, o.adminURL, ""); err != nil {
		return nil, err
	}
	config := central.Config{URL: o.url, AdminURL: o.adminURL, Keys: keys, Now: time.Now, Rand: rand.Reader, MaxConns: o.conns}
	if config.Proxy, err = sii.ParseProxy(o.proxy); err != nil {
		return nil, err
	}
	if training != nil {
		config.Practice, config.Training = training, training.Trust()
	}
	return central.Open(ctx, config)
}

// migrated connects, and brings the database to this program's version. A company that cannot be brought there stays closed,
// and all others are served.
func (o *options) migrated(ctx context.Context, log *slog.Logger, training *practice.Practice) (*central.DB, error) {
	db, err := o.open(ctx, training)
	if err != nil {
		return nil, err
	}
	err = db.Migrate(ctx, log)
	var some *central.CompaniesError
	if err != nil && !errors.As(err, &some) {
		db.Close()
		return nil, err
	}
	return db, nil
}

func (o *options) tokens() (*central.Tokens, error) {
	secret, err := os.ReadFile(o.secret)
	if err != nil {
		return nil, fmt.Errorf("el secreto de las sesiones (-secret): %w", err)
	}
	return central.NewTokens([]byte(strings.TrimSpace(string(secret))), time.Now)
}

func (o *options) masterKeys() (*central.Keyring, error) {
	if o.keys == "-" {
		return central.ReadKeyring(strings.NewReader(os.Getenv("CENTRAL_MASTER_KEYS")))
	}
	f, err := os.Open(o.keys)
	if err != nil {
		return nil, fmt.Errorf("las llaves maestras (-keys): %w", err)
	}
	defer f.Close()
	return central.ReadKeyring(f)
}
