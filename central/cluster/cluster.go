// Package cluster runs a PostgreSQL of our own in a folder, for development and for tests: no service, no port, no root.
//
// Owns: finding the programs, initdb, start, stop.
//
// Promises: the server listens on a socket in its own folder and on no network; it never runs as root; it ends when
// Close is called, and with the program that started it.
package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Superuser owns the cluster. Nothing but provisioning and migrations connects as it.
const Superuser = "postgres"

// ErrMissing: PostgreSQL is not installed.
var ErrMissing = errors.New("no se encontró PostgreSQL 15 o posterior (paquete postgresql de Debian)")

// Options of a cluster.
type Options struct {
	// Fast gives up durability: for tests, whose data die with them.
	Fast bool
	// Settings go into postgresql.conf, as name=value.
	Settings []string
}

// Cluster is a running server.
type Cluster struct {
	dir    string
	server *exec.Cmd
	output *bytes.Buffer
	exited chan error
}

// Start makes the cluster in dir if it is not there, and starts it. Dir must be empty or hold a cluster made by Start.
// It returns when the server accepts connections.
func Start(ctx context.Context, dir string, o Options) (*Cluster, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	who, err := unprivileged()
	if err != nil {
		return nil, err
	}
	if err := who.own(dir); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); errors.Is(err, os.ErrNotExist) {
		if err := initdb(ctx, bin, data, who); err != nil {
			return nil, err
		}
	}
	c := &Cluster{dir: dir, output: new(bytes.Buffer), exited: make(chan error, 1)}
	args := []string{"-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "timezone=America/Santiago"}
	settings := o.Settings
	if o.Fast {
		settings = append([]string{"fsync=off", "synchronous_commit=off", "full_page_writes=off"}, settings...)
	}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	c.server = who.command(filepath.Join(bin, "postgres"), args...)
	c.server.Stdout, c.server.Stderr = c.output, c.output
	if err := c.server.Start(); err != nil {
		return nil, fmt.Errorf("no se pudo iniciar PostgreSQL: %w", err)
	}
	go func() { c.exited <- c.server.Wait() }()
	if err := c.await(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// await returns when the server answers.
func (c *Cluster) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, c.URL(Superuser, "postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case end := <-c.exited:
			c.exited <- end
			return fmt.Errorf("PostgreSQL terminó al iniciar (%w): %s", end, c.output)
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL no responde: %w", err)
		case <-tick.C:
		}
	}
}

// URL connects a role to a database of the cluster.
func (c *Cluster) URL(role, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database}
	u.RawQuery = url.Values{"host": {c.dir}}.Encode()
	return u.String()
}

// Kill ends the server as a power cut would.
func (c *Cluster) Kill() {
	// The postmaster has children; SIGQUIT tells them all to leave without a checkpoint.
	c.stop(syscall.SIGQUIT)
}

// Close ends the server in order. It may be called twice.
func (c *Cluster) Close() { c.stop(syscall.SIGINT) }

func (c *Cluster) stop(sig syscall.Signal) {
	if err := c.server.Process.Signal(sig); err != nil {
		return
	}
	select {
	case end := <-c.exited:
		c.exited <- end
	case <-time.After(20 * time.Second):
		_ = c.server.Process.Kill()
	}
}

// programs is the folder of the newest PostgreSQL here, 15 or later.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	version := func(path string) int {
		n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		if err != nil {
			return 0
		}
		return n
	}
	if len(found) > 0 {
		newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
		if version(newest) >= 15 {
			return filepath.Dir(newest), nil
		}
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", ErrMissing
}

func initdb(ctx context.Context, bin, data string, who account) error {
	cmd := who.commandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", Superuser, "-A", "trust", "-E", "UTF8",
		"--locale=C.UTF-8", "--no-sync", "--no-instructions")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("no se pudo crear la base de datos en %s: %w: %s", data, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// account is who the server runs as: ourselves, or PostgreSQL's own user if we are root, which PostgreSQL refuses.
type account struct{ credential *syscall.Credential }

func unprivileged() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if errUID == nil && errGID == nil {
			return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
		}
	}
	return account{}, errors.New("PostgreSQL no corre como root, y no hay un usuario postgres ni nobody que lo haga")
}

// own makes the folder, for this account alone.
func (a account) own(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if a.credential == nil {
		return nil
	}
	return os.Chown(dir, int(a.credential.Uid), int(a.credential.Gid))
}

func (a account) command(name string, args ...string) *exec.Cmd {
	return a.as(exec.Command(name, args...))
}

func (a account) commandContext(ctx context.Context, name string, args ...string) *exec.Cmd {
	return a.as(exec.CommandContext(ctx, name, args...))
}

// as gives the command its user, a folder that user may stand in, and a process group of its own, so that the interrupt
// key at the terminal stops us first and the server when we say so.
func (a account) as(cmd *exec.Cmd) *exec.Cmd {
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential, Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// CreateDatabase makes a database that is not there yet.
func (c *Cluster) CreateDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, c.URL(Superuser, "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var exists bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&exists); err != nil || exists {
		return err
	}
	_, err = conn.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize())
	return err
}
