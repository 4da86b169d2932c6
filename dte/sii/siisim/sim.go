// Package siisim is the authority in a box: it authorises folios, receives envelopes, judges them with the SII's own
// codes and answers in the SII's own shapes, on both channels. Tests, the practice shop and cmd/siisim use it.
//
// Owns: what a strict authority does with an envelope, and misbehaviour on request.
//
// Invariants: nothing is accepted that dte.VerifyEnvelope refuses; a folio is accepted once; the same bytes are
// received once; what was answered survives a restart when there is a state file. Where the SII's documents are silent
// the code says "supposed".
//
// Imports dte and dte/sii (for its lenient reader); never the till.
package siisim

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"mostrador/dte"
	"mostrador/dte/sii"
	"mostrador/money"
)

// Company is a taxpayer that may emit.
type Company struct {
	RznSoc     string
	Resolucion dte.Resolucion
	// Signers may sign and send for it; empty means anybody.
	Signers []dte.RUT
}

// Config is how the authority behaves. The zero value but for Now is a strict authority that forgets.
type Config struct {
	// Authority signs CAFs; nil makes a new one with IDK 999.
	Authority *dte.Authority
	// Now is the clock; required.
	Now func() time.Time
	// Rand makes seeds, tokens and keys; nil is crypto/rand.
	Rand io.Reader
	// Schemas is the folder of the official schemas, flat or with the subfolders dte and boleta. If given, every envelope
	// is validated with xmllint, which must be installed; books too, if their schemas are there (subfolders consumofolio,
	// iecv and libroguia).
	Schemas string
	// StateFile keeps what was authorised and received, one JSON object per line. Empty: in memory only.
	StateFile string
	// An envelope is processed when it has been asked about ProcessingPolls times and ProcessingTime has passed.
	ProcessingPolls int
	ProcessingTime  time.Duration
	// Companies are the registered taxpayers. Empty: everybody may emit, with resolution number 0, as in certification.
	Companies map[dte.RUT]Company
	// Received is a folder that gets every envelope as TRACKID.xml. Empty: the last ones are kept in memory.
	Received string
	// Fault, if set, is asked for each request how to misbehave. It is called from many goroutines.
	Fault func(*http.Request) Fault
	// Scenario is played where Fault has nothing to say. The zero value behaves.
	Scenario Scenario
	// Pause waits between the pieces of a dripping answer, until the time is over or the context ends; nil does not wait.
	Pause func(context.Context, time.Duration)
}

// Document is what the authority knows of one document.
type Document struct {
	Key      dte.Key     `json:"key"`
	TrackID  string      `json:"trackId"`
	At       time.Time   `json:"at"` // reception
	SHA256   string      `json:"sha256"`
	Receptor dte.RUT     `json:"receptor"`
	FchEmis  dte.Date    `json:"fchEmis"`
	MntTotal money.Pesos `json:"mntTotal"`
	Firma    string      `json:"firma"` // SignatureValue
	// State is Sent while the envelope is in process, then Accepted, Objected or Rejected.
	State dte.State `json:"state"`
	// Codigo and Glosa are the reason of an objection or a rejection: "CAF-3-517" "CAF Vencido".
	Codigo string `json:"codigo,omitempty"`
	Glosa  string `json:"glosa,omitempty"`
}

// Envelope is what the authority knows of one envelope.
type Envelope struct {
	TrackID string      `json:"trackId"`
	Channel sii.Channel `json:"channel"`
	Emisor  dte.RUT     `json:"emisor"`
	Envia   dte.RUT     `json:"envia"`
	File    string      `json:"file"`
	SHA256  string      `json:"sha256"`
	At      time.Time   `json:"at"`
	// Estado is what it ends in: EPR, RSC, RCT or RFR, and of a book LOK, LRS, LRC or LRF; Codigo and Glosa say why it was
	// refused.
	Estado    string     `json:"estado"`
	Codigo    string     `json:"codigo,omitempty"`
	Glosa     string     `json:"glosa,omitempty"`
	Documents []Document `json:"documents,omitempty"`
	// Stuck is the state in which a scenario keeps it until Until.
	Stuck string    `json:"stuck,omitempty"`
	Until time.Time `json:"until,omitzero"`
	// Times is how often the same bytes came.
	Times int `json:"-"`

	polls int
}

// Sim is the authority. It is an http.Handler for both channels on one base address, and safe for concurrent use.
type Sim struct {
	cfg   Config
	trust dte.Trust
	mux   *http.ServeMux

	mu        sync.Mutex
	down      bool
	play      *play
	claims    []Rule // wait for the next sound documents
	late      []lateRequest
	recent    recent
	seeds     map[string]time.Time // seed → when it expires
	tokens    map[string]session
	next      map[folios]dte.Folio // first folio not yet authorised
	cafs      []grant
	envelopes []*Envelope
	byHash    map[string]*Envelope
	byTrack   map[string]*Envelope
	held      map[dte.Key]*Document // accepted or objected: the folio is taken
	cesiones  []Cesion
	log       *os.File
	broken    error // the state file cannot be written: nothing more is received
}

type folios struct {
	emisor dte.RUT
	tipo   dte.TipoDTE
}

// New makes an authority and remembers what the state file holds.
func New(cfg Config) (*Sim, error) {
	if cfg.Now == nil {
		return nil, errors.New("siisim: falta el reloj (Config.Now)")
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Authority == nil {
		a, err := dte.NewAuthority(dte.IDKSimulador, cfg.Rand)
		if err != nil {
			return nil, err
		}
		cfg.Authority = a
	}
	if cfg.Schemas != "" {
		if err := checkSchemas(cfg.Schemas); err != nil {
			return nil, err
		}
	}
	s := &Sim{
		cfg: cfg, trust: dte.Trust{}.With(cfg.Authority.IDK(), cfg.Authority.Public()),
		seeds: map[string]time.Time{}, tokens: map[string]session{}, next: map[folios]dte.Folio{},
		byHash: map[string]*Envelope{}, byTrack: map[string]*Envelope{}, held: map[dte.Key]*Document{},
	}
	s.routes()
	if cfg.Scenario.Name != "" || len(cfg.Scenario.Rules) > 0 {
		if err := s.SetScenario(cfg.Scenario); err != nil {
			return nil, err
		}
	}
	if cfg.StateFile != "" {
		if err := s.remember(cfg.StateFile); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Close closes the state file. Requests in flight fail.
func (s *Sim) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.log == nil {
		return nil
	}
	err := s.log.Close()
	s.log, s.broken = nil, os.ErrClosed
	return err
}

// Trust accepts this authority's CAFs and nobody else's.
func (s *Sim) Trust() dte.Trust { return s.trust }

// Start serves on a free port of 127.0.0.1. Stop ends the server and waits for it.
func (s *Sim) Start() (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	return "http://" + l.Addr().String(), func() { _ = server.Close(); <-done }, nil
}

// SetLine cuts the line or mends it. While it is cut every connection is dropped at once.
func (s *Sim) SetLine(up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = !up
}

// SetFault replaces Config.Fault; nil behaves.
func (s *Sim) SetFault(f func(*http.Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.Fault = f
}

// grant is a CAF that was issued.
type grant struct {
	Emisor dte.RUT     `json:"emisor"`
	RznSoc string      `json:"rznSoc"`
	Tipo   dte.TipoDTE `json:"tipo"`
	Desde  dte.Folio   `json:"desde"`
	Hasta  dte.Folio   `json:"hasta"`
	FA     dte.Date    `json:"fa"`
}

// maxGrant bounds one authorisation.
const maxGrant = 100_000

// IssueCAF authorises the next n folios of a company and type, and returns the file that the SII would let download.
func (s *Sim) IssueCAF(emisor dte.RUT, rznSoc string, tipo dte.TipoDTE, n int) ([]byte, error) {
	if emisor == 0 || rznSoc == "" || !slices.Contains(dte.Tipos(), tipo) || n < 1 || n > maxGrant {
		return nil, fmt.Errorf("no se autorizan %d folios de %s a «%s»: revise RUT, razón social, tipo y cantidad (1 a %d)", n, tipo, rznSoc, maxGrant)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := folios{emisor, tipo}
	desde := max(s.next[key], 1)
	g := grant{emisor, rznSoc, tipo, desde, desde + dte.Folio(n) - 1, dte.DateOf(s.cfg.Now())}
	file, err := s.cfg.Authority.IssueCAF(g.Emisor, g.RznSoc, g.Tipo, g.Desde, g.Hasta, g.FA)
	if err != nil {
		return nil, err
	}
	if err := s.write(event{CAF: &g}); err != nil {
		return nil, err
	}
	s.grant(g)
	return file, nil
}

func (s *Sim) grant(g grant) {
	s.cafs = append(s.cafs, g)
	s.next[folios{g.Emisor, g.Tipo}] = g.Hasta + 1
}

// Documents are all that came in, in the order of their arrival, the rejected ones too: a rejected folio may come again.
func (s *Sim) Documents() []Document {
	s.arrivals()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Document
	for _, e := range s.envelopes {
		for _, d := range e.Documents {
			all = append(all, s.shown(e, d))
		}
	}
	return all
}

// Document is what the authority holds under a key: the accepted one, or else the one that came last.
func (s *Sim) Document(key dte.Key) (Document, bool) {
	s.arrivals()
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.held[key]; d != nil {
		return s.shown(s.byTrack[plain(d.TrackID)], *d), true
	}
	for _, e := range slices.Backward(s.envelopes) {
		for _, d := range e.Documents {
			if d.Key == key {
				return s.shown(e, d), true
			}
		}
	}
	return Document{}, false
}

// Envelopes are all that came in, in order, without duplicates.
func (s *Sim) Envelopes() []Envelope {
	s.arrivals()
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Envelope, len(s.envelopes))
	for i, e := range s.envelopes {
		all[i] = *e
		all[i].Documents = slices.Clone(e.Documents)
		if !s.processed(e) {
			all[i].Estado, all[i].Codigo, all[i].Glosa = cmp.Or(e.Stuck, "REC"), "", ""
			for j, d := range all[i].Documents {
				all[i].Documents[j] = s.shown(e, d)
			}
		}
	}
	return all
}

// shown hides a verdict that is not out yet. The verdict itself is made on arrival, so that it never changes.
func (s *Sim) shown(e *Envelope, d Document) Document {
	if !s.processed(e) {
		d.State, d.Codigo, d.Glosa = dte.Sent, "", ""
	}
	return d
}

func (s *Sim) processed(e *Envelope) bool {
	now := s.cfg.Now()
	return e.polls >= s.cfg.ProcessingPolls && now.Sub(e.At) >= s.cfg.ProcessingTime && !now.Before(e.Until)
}

// keep files an envelope that was judged.
func (s *Sim) keep(e *Envelope) {
	e.Times = 1
	s.envelopes = append(s.envelopes, e)
	s.byHash[e.SHA256] = e
	s.byTrack[plain(e.TrackID)] = e
	for i := range e.Documents {
		if d := &e.Documents[i]; d.State != dte.Rejected {
			s.held[d.Key] = d
		}
	}
}

// randomWord draws n characters of the alphabet.
func (s *Sim) randomWord(n int, alphabet string) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.cfg.Rand, b); err != nil {
		return "", err
	}
	for i, c := range b {
		b[i] = alphabet[int(c)%len(alphabet)]
	}
	return string(b), nil
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// authorised lists the ranges and how many documents of their type came in, for the control page. It is called with the
// lock held.
func (s *Sim) authorised() []grantView {
	used := map[folios]int{}
	for key := range s.held {
		used[folios{key.Emisor, key.Tipo}]++
	}
	views := make([]grantView, 0, len(s.cafs))
	for _, g := range s.cafs {
		views = append(views, grantView{g, used[folios{g.Emisor, g.Tipo}]})
	}
	slices.SortStableFunc(views, func(a, b grantView) int {
		return cmp.Or(cmp.Compare(a.Emisor, b.Emisor), cmp.Compare(a.Tipo, b.Tipo), cmp.Compare(a.Desde, b.Desde))
	})
	return views
}
