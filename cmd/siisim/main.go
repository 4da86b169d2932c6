// Command siisim runs the simulated SII: it authorises folios, receives and judges documents, misbehaves on request, and
// shows on its page what it holds. Nothing in it is valid before the real one. See docs/simulador.md.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"mostrador/dte"
	"mostrador/dte/sii/siisim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "siisim:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. The first line on out is the address.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("siisim", flag.ContinueOnError)
	flags.SetOutput(out)
	addr := flags.String("addr", "127.0.0.1:8085", "dirección donde atiende")
	schemas := flags.String("schemas", "", "carpeta con los esquemas oficiales; si se da, valida con xmllint")
	state := flags.String("state", "", "archivo donde recuerda lo autorizado y lo recibido")
	key := flags.String("key", "", "archivo de la llave con que firma los CAF; se crea si no existe")
	delay := flags.Duration("delay", 0, "cuánto tarda en procesar un envío")
	received := flags.String("received", "", "carpeta donde deja cada envío recibido; sin ella recuerda los últimos")
	scenario := flags.String("scenario", "", "cómo portarse mal: un nombre de --scenarios, reject:CÓDIGO, object:CÓDIGO, status:N, state:CÓDIGO o un archivo JSON")
	seed := flags.Uint64("seed", 0, "azar del escenario; 0 deja el suyo")
	list := flags.Bool("scenarios", false, "muestra los escenarios con nombre y termina")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *list {
		for _, s := range siisim.Scenarios() {
			fmt.Fprintf(out, "%-16s %s\n", s.Name, s.Text)
		}
		return nil
	}
	script, err := openScenario(*scenario, *seed)
	if err != nil {
		return err
	}
	if *received != "" {
		if err := os.MkdirAll(*received, 0o700); err != nil {
			return err
		}
	}
	authority, err := openAuthority(*key)
	if err != nil {
		return err
	}
	sim, err := siisim.New(siisim.Config{
		Authority: authority, Now: time.Now, Schemas: *schemas, StateFile: *state, ProcessingTime: *delay,
		Received: *received, Scenario: script, Pause: pause,
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return errors.Join(err, sim.Close())
	}
	server := &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(out, "http://%s\n", listener.Addr())
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(last)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return errors.Join(err, sim.Close())
	}
	return errors.Join(<-stopped, sim.Close()) // what is being received is finished first
}

// openScenario finds a scenario by its name, or reads it from a file of that name. Without a name there is none.
func openScenario(name string, seed uint64) (siisim.Scenario, error) {
	if name == "" {
		return siisim.Scenario{}, nil
	}
	scenario, unknown := siisim.NamedScenario(name)
	if unknown != nil {
		file, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return siisim.Scenario{}, fmt.Errorf("%w, ni un archivo con ese nombre; --scenarios muestra los que hay", unknown)
		}
		if err != nil {
			return siisim.Scenario{}, err
		}
		if scenario, err = siisim.ReadScenario(file); err != nil {
			return siisim.Scenario{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	if seed != 0 {
		scenario.Seed = seed
	}
	return scenario, nil
}

// pause waits, but not for a connection that is gone.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// openAuthority takes up the key of a file, or makes a key and keeps it there, readable by its owner only. Without a
// file the key lasts as long as the process.
func openAuthority(file string) (*dte.Authority, error) {
	if file == "" {
		return dte.NewAuthority(dte.IDKSimulador, rand.Reader)
	}
	pem, err := os.ReadFile(file)
	if err == nil {
		return dte.OpenAuthority(dte.IDKSimulador, pem, rand.Reader)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	authority, err := dte.NewAuthority(dte.IDKSimulador, rand.Reader)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(authority.PEM())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	return authority, nil
}
