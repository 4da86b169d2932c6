package mailtest

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"mostrador/mail"
)

// The account that the server knows.
const (
	User     = "caja@tienda.cl"
	Password = "tres gatos"
)

// Received is a letter that the server took.
type Received struct {
	From, To string
	Bytes    []byte // without the transparency of dots
}

// Server is a strict mail server on a socket of this machine: lines end in CRLF, commands come in their order, nobody
// enters without TLS. It misbehaves on request: its fields are changed under Script.
type Server struct {
	// Answers replaces the answer to a command: EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, "." (the end of a letter). An
	// answer of 5xx or 4xx refuses.
	Answers map[string]string
	// CutIn cuts the line after so many bytes of a letter; CutAfter right after the whole of it was taken, before the answer.
	CutIn     int
	CutAfter  bool
	Plain     bool // offers no STARTTLS, and would take a password all the same
	LoginOnly bool // offers AUTH LOGIN and not PLAIN

	t        *testing.T
	listener net.Listener
	config   *tls.Config
	roots    *x509.CertPool
	root     []byte // the same, for a file
	implicit bool

	mu       sync.Mutex
	letters  []Received
	commands []string
	conns    map[net.Conn]bool
	done     sync.WaitGroup
}

// Start makes a server: TLS from the first byte, or by STARTTLS. It ends with the test.
func Start(t *testing.T, security mail.Security) *Server {
	t.Helper()
	s := &Server{t: t, Answers: map[string]string{}, implicit: security == mail.TLS, conns: map[net.Conn]bool{}}
	s.certify()
	s.Listen("127.0.0.1:0")
	t.Cleanup(s.Stop)
	return s
}

// Listen answers at an address: the old one, for a server that comes back.
func (s *Server) Listen(address string) {
	s.t.Helper()
	var err error
	if s.listener, err = (&net.ListenConfig{}).Listen(s.t.Context(), "tcp", address); err != nil {
		s.t.Fatal(err)
	}
	l := s.listener
	s.done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[conn] = true
			s.mu.Unlock()
			s.done.Go(func() { s.serve(conn) })
		}
	})
}

// Stop ends the server and its conversations.
func (s *Server) Stop() {
	s.listener.Close()
	s.mu.Lock()
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
}

// Address is where it listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Sender is an account that it lets in.
func (s *Server) Sender() mail.Sender {
	addr, _ := s.listener.Addr().(*net.TCPAddr)
	a := mail.Account{Host: "127.0.0.1", Port: addr.Port, Security: mail.STARTTLS, User: User, Password: Password, From: User, Name: "Almacén Doña Rosa"}
	if s.implicit {
		a.Security = mail.TLS
	}
	return mail.Sender{Account: a, Roots: s.roots, Patience: 20 * time.Second}
}

// Root is the certificate that whoever talks to it must trust, for a file.
func (s *Server) Root() []byte { return s.root }

// Letters are those that it took.
func (s *Server) Letters() []Received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Received(nil), s.letters...)
}

// Commands are the verbs that it heard, in order.
func (s *Server) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.commands...)
}

// Answer has it give this answer to a command from now on.
func (s *Server) Answer(verb, answer string) {
	s.Script(func(s *Server) { s.Answers[verb] = answer })
}

// Script changes how it behaves from now on.
func (s *Server) Script(change func(*Server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *Server) certify() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "correo de prueba"}, NotBefore: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		s.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		s.t.Fatal(err)
	}
	s.roots = x509.NewCertPool()
	s.roots.AddCert(cert)
	s.root = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s.config = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// talk is one conversation.
type talk struct {
	s               *Server
	conn            net.Conn
	in              *bufio.Reader
	secure, entered bool
	from, to        string
	greeted         bool
}

func (s *Server) serve(conn net.Conn) {
	defer func() {
		conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()
	c := &talk{s: s, conn: conn}
	if s.implicit {
		c.conn, c.secure = tls.Server(conn, s.config), true
	}
	c.in = bufio.NewReader(c.conn)
	c.say(s.answer("HELLO", "220 correo.prueba ESMTP"))
	for {
		line, err := c.line()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		verb = strings.ToUpper(verb)
		s.mu.Lock()
		s.commands = append(s.commands, verb)
		s.mu.Unlock()
		if !c.command(verb, rest) {
			return
		}
	}
}

func (s *Server) answer(verb, usual string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.Answers[verb]; ok {
		return a
	}
	return usual
}

// tlsHandshake is the first byte of whoever begins with TLS.
const tlsHandshake = 0x16

// line is a command, which must end in CRLF and hold no other control character.
func (c *talk) line() (string, error) {
	line, err := c.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	if line[0] == tlsHandshake {
		return "", io.ErrUnexpectedEOF // somebody takes this for TLS
	}
	if !strings.HasSuffix(line, "\r\n") || strings.ContainsFunc(line[:len(line)-2], func(r rune) bool { return r < ' ' }) {
		c.s.t.Errorf("not a line of SMTP: %q", line)
		return "", io.ErrUnexpectedEOF
	}
	return line[:len(line)-2], nil
}

func (c *talk) say(lines ...string) bool {
	_, err := io.WriteString(c.conn, strings.Join(lines, "\r\n")+"\r\n")
	return err == nil
}

// command answers one; false ends the conversation.
func (c *talk) command(verb, rest string) bool {
	switch verb {
	case "EHLO":
		c.greeted = true
		return c.ehlo()
	case "NOOP", "RSET":
		c.from, c.to = "", ""
		return c.say("250 2.0.0 ok")
	case "QUIT":
		c.say("221 2.0.0 adiós")
		return false
	case "STARTTLS":
		return c.startTLS()
	case "AUTH":
		return c.auth(rest)
	case "MAIL", "RCPT", "DATA":
		return c.letter(verb, rest)
	}
	return c.say("500 5.5.2 " + verb + "?")
}

func (c *talk) ehlo() bool {
	if a := c.s.answer("EHLO", ""); a != "" {
		return c.say(a)
	}
	lines := []string{"250-correo.prueba", "250-8BITMIME", "250-ENHANCEDSTATUSCODES"}
	c.s.mu.Lock()
	plain, loginOnly := c.s.Plain, c.s.LoginOnly
	c.s.mu.Unlock()
	if !c.secure && !plain {
		lines = append(lines, "250-STARTTLS")
	}
	if c.secure || plain {
		ways := "PLAIN LOGIN"
		if loginOnly {
			ways = "LOGIN"
		}
		lines = append(lines, "250-AUTH "+ways)
	}
	return c.say(append(lines, "250 SIZE 10000000")...)
}

func (c *talk) startTLS() bool {
	a := c.s.answer("STARTTLS", "220 2.0.0 adelante")
	if !c.say(a) || a[0] != '2' {
		return a[0] != '2'
	}
	secure := tls.Server(c.conn, c.s.config)
	if err := secure.Handshake(); err != nil {
		return false
	}
	c.conn, c.in, c.secure, c.greeted = secure, bufio.NewReader(secure), true, false
	return true
}

func (c *talk) auth(rest string) bool {
	if !c.secure {
		c.s.t.Error("user and password came without TLS")
		return c.say("538 5.7.11 sin cifrar no")
	}
	way, first, _ := strings.Cut(rest, " ")
	user, password := "", ""
	switch way {
	case "PLAIN":
		parts := strings.Split(decoded(first), "\x00")
		if len(parts) == 3 {
			user, password = parts[1], parts[2]
		}
	case "LOGIN":
		c.say("334 " + base64.StdEncoding.EncodeToString([]byte("Username:")))
		line, err := c.line()
		if err != nil {
			return false
		}
		c.say("334 " + base64.StdEncoding.EncodeToString([]byte("Password:")))
		second, err := c.line()
		if err != nil {
			return false
		}
		user, password = decoded(line), decoded(second)
	}
	if a := c.s.answer("AUTH", ""); a != "" {
		return c.say(a)
	}
	if user != User || password != Password {
		return c.say("535 5.7.8 Error: authentication failed")
	}
	c.entered = true
	return c.say("235 2.7.0 bienvenido")
}

func decoded(s string) string {
	b, _ := base64.StdEncoding.DecodeString(s)
	return string(b)
}

func (c *talk) letter(verb, rest string) bool {
	switch {
	case !c.greeted || !c.entered:
		return c.say("530 5.7.0 Authentication required")
	case verb == "MAIL" && c.from != "", verb == "RCPT" && c.from == "", verb == "DATA" && c.to == "":
		c.s.t.Errorf("%s out of order", verb)
		return c.say("503 5.5.1 bad sequence")
	}
	usual := "250 2.1.0 ok"
	if verb == "DATA" {
		usual = "354 siga"
	}
	a := c.s.answer(verb, usual)
	if a[0] != '2' && a[0] != '3' {
		return c.say(a)
	}
	address, _, _ := strings.Cut(strings.TrimPrefix(rest[strings.Index(rest, ":")+1:], "<"), ">")
	switch verb {
	case "MAIL":
		c.from = address
	case "RCPT":
		c.to = address
	case "DATA":
		if !c.say(a) {
			return false
		}
		return c.data()
	}
	return c.say(a)
}

// data takes a letter, cuts the line, or refuses.
func (c *talk) data() bool {
	c.s.mu.Lock()
	cutIn, cutAfter := c.s.CutIn, c.s.CutAfter
	c.s.mu.Unlock()
	if cutIn > 0 {
		_, _ = io.CopyN(io.Discard, c.in, int64(cutIn))
		return false
	}
	var b bytes.Buffer
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return false
		}
		if !strings.HasSuffix(line, "\r\n") || len(line) > 1000 || strings.Contains(strings.TrimSuffix(line, "\r\n"), "\r") {
			c.s.t.Errorf("not a line of a letter: %q", line)
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	a := c.s.answer(".", "250 2.0.0 queued as 1")
	if a[0] == '2' {
		c.s.mu.Lock()
		c.s.letters = append(c.s.letters, Received{c.from, c.to, b.Bytes()})
		c.s.mu.Unlock()
	}
	c.from, c.to = "", ""
	if cutAfter {
		return false
	}
	return c.say(a)
}

// String is for failures.
func (r Received) String() string {
	return fmt.Sprintf("%s → %s, %d bytes", r.From, r.To, len(r.Bytes))
}
