// Command central is the server behind the tills and of who writes programs for the shop: Torn's API on PostgreSQL. See
// docs/central.md.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/peterbourgon/ff/v3"

	"mostrador/central"
	"mostrador/central/cluster"
	"mostrador/central/practice"
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
	addr, private, url, adminURL, local, keys, secret, origins, admin string
	proxy                                                             string
	conns, jobs                                                       int
	simulator, demo                                                   bool
	grace                                                             time.Duration
}

func parse(args []string, out io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("central", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8000", "dirección donde atiende")
	flags.StringVar(&o.private, "private", "127.0.0.1:9100", "dirección de métricas y pprof: nunca pública; vacía, ninguna")
	flags.StringVar(&o.url, "database", "", "PostgreSQL, con el rol que atiende")
	flags.StringVar(&o.adminURL, "database-admin", "", "PostgreSQL, con quien puede crear roles y esquemas")
	flags.StringVar(&o.local, "local", "", "carpeta de un PostgreSQL propio, que se crea si no existe; reemplaza a -database, -keys y -secret")
	flags.StringVar(&o.keys, "keys", "", "archivo de las llaves maestras, o - para la variable CENTRAL_MASTER_KEYS")
	flags.StringVar(&o.secret, "secret", "", "archivo del secreto de las sesiones, de 32 bytes o más")
	flags.StringVar(&o.origins, "origins", "", "orígenes que pueden llamar desde un navegador, separados por comas")
	flags.StringVar(&o.admin, "admin", "admin@mostrador.local", "correo de la primera cuenta de administración, si no hay ninguna")
	flags.StringVar(&o.proxy, "proxy", "", "por dónde se sale al SII, servidor:puerto; vacío, lo que diga HTTPS_PROXY")
	flags.BoolVar(&o.simulator, "simulator", false, "con -local: un SII simulado, en esta máquina, para las empresas en capacitación")
	flags.BoolVar(&o.demo, "demo", false, "con -simulator: una empresa de demostración, con un año de ventas; si ya está, nada")
	flags.IntVar(&o.conns, "connections", 20, "conexiones a PostgreSQL")
	flags.IntVar(&o.jobs, "jobs", 8, "empresas cuyos documentos se envían al SII a la vez; 0, ninguna: lo hacen otros servidores")
	flags.DurationVar(&o.grace, "grace", 20*time.Second, "cuánto espera al terminar a que acabe lo empezado")
	flags.String("config", "", "archivo de ajustes: una línea por opción, sin guion")
	err = ff.Parse(flags, args, ff.WithEnvVarPrefix("CENTRAL"), ff.WithConfigFileFlag("config"), ff.WithConfigFileParser(ff.PlainParser))
	return o, err
}

// run serves until ctx ends, and then lets what was begun come to its end.
func run(ctx context.Context, args []string, out, diagnostics io.Writer) error {
	actecos := ""
	if len(args) > 1 && args[0] == "actecos" {
		actecos, args = args[1], args[2:]
	}
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(diagnostics, nil))
	if o.local != "" {
		own, err := o.startLocal(ctx)
		if err != nil {
			return err
		}
		defer own.Close()
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
	db, tokens, err := o.open(ctx, log, training)
	if err != nil {
		return err
	}
	defer db.Close()
	if actecos != "" {
		return loadActecos(ctx, db, actecos, out)
	}
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
	api := torn.New(torn.Config{DB: db, Tokens: tokens, Log: log, Now: time.Now, Origins: origins})
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	stopJobs, err := o.startJobs(ctx, db, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintf(out, "Mostrador central atiende en http://%s (documentación en /docs)\n", listener.Addr())
	if password != "" {
		fmt.Fprintf(out, "Primera cuenta de administración: %s, contraseña %s (se muestra solo esta vez)\n", o.admin, password)
	}
	return errors.Join(serve(ctx, &http.Server{
		Handler: api, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}, listener, o.grace), stopJobs())
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

// startJobs takes documents to the SII in the background. Stop waits as long as the rest of the end, and then cuts short.
func (o *options) startJobs(ctx context.Context, db *central.DB, log *slog.Logger) (stop func() error, err error) {
	if o.jobs <= 0 {
		return func() error { return nil }, nil
	}
	end, err := db.Work(ctx, log, o.jobs)
	if err != nil {
		return nil, err
	}
	return func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.grace)
		defer cancel()
		return end(ctx)
	}, nil
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

func serve(ctx context.Context, server *http.Server, listener net.Listener, grace time.Duration) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return server.Shutdown(ctx)
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

// open connects, and brings the database to this program's version.
func (o *options) open(ctx context.Context, log *slog.Logger, training *practice.Practice) (*central.DB, *central.Tokens, error) {
	if o.url == "" || o.adminURL == "" {
		return nil, nil, errors.New("falta -database y -database-admin, o -local para un PostgreSQL propio")
	}
	keys, err := o.masterKeys()
	if err != nil {
		return nil, nil, err
	}
	secret, err := os.ReadFile(o.secret)
	if err != nil {
		return nil, nil, fmt.Errorf("el secreto de las sesiones (-secret): %w", err)
	}
	tokens, err := central.NewTokens([]byte(strings.TrimSpace(string(secret))), time.Now)
	if err != nil {
		return nil, nil, err
	}
	if err := central.Bootstrap(ctx, o.adminURL, ""); err != nil {
		return nil, nil, err
	}
	config := central.Config{URL: o.url, AdminURL: o.adminURL, Keys: keys, Now: time.Now, Rand: rand.Reader, MaxConns: o.conns}
	if config.Proxy, err = sii.ParseProxy(o.proxy); err != nil {
		return nil, nil, err
	}
	if training != nil {
		config.Practice, config.Training = training, training.Trust()
	}
	db, err := central.Open(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	if err := db.Migrate(ctx, log); err != nil {
		db.Close()
		return nil, nil, err
	}
	return db, tokens, nil
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
