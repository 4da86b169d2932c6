package shop

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/sale"
	"mostrador/store"
	possync "mostrador/sync"
)

// secretJoin is what a till keeps, sealed, before it asks to be taken in: asked again, the server answers the same.
const secretJoin = "servidor-union"

// ErrJoined: the till belongs to a server already.
var ErrJoined = errors.New("esta caja ya está unida a un servidor")

// ServerStatus is how the till stands with its company's server.
type ServerStatus struct {
	// Joined: the till belongs to a server. Without one all else is empty.
	Joined        bool
	Company, Till string // as the server calls them
	URL           string
	// Heard: it has answered since the program began.
	Heard bool
	// Down: out of reach since Since; nothing is lost and the till sells on.
	Down  bool
	Since time.Time
	// Ended: the server does not know this till any more. It sells on from what it has.
	Ended bool
	// Problem is the last trouble in words; empty when all is well.
	Problem string
	// Unsent counts entries of the books that the server has not heard.
	Unsent int64
	// PricesAt is when the server's prices were last complete here; zero before the first time.
	PricesAt time.Time
	// Hold is why the server lets this till issue nothing, in words; empty if it may.
	Hold string
	// Skew is how far this computer's clock is ahead of the server's.
	Skew time.Duration
	// Short are the types of which the company has no folios left to give.
	Short []dte.TipoDTE
}

// Office is where companies' servers are reached; over HTTP, or in the memory of a test.
type Office interface {
	Join(ctx context.Context, url string, j api.Join) (api.Joined, error)
	Server(url, token string) (api.Server, error)
}

// JoinServer makes this computer a till of the company's server there, by the code of an invitation. Asked again with the same
// code, because no answer came or the power failed, it goes on where it was. What was sold before goes to the server, too.
func (s *Shop) JoinServer(ctx context.Context, address, code string) error {
	s.joining.Lock()
	defer s.joining.Unlock()
	u, err := api.ParseURL(address)
	if err != nil {
		return err
	}
	at := u.String()
	if err := s.mayJoin(); err != nil {
		return err
	}
	wish, err := s.wish(at, code)
	if err != nil {
		return err
	}
	joined, err := s.office().Join(ctx, at, api.Join{
		Protocol: api.Protocol, Version: programVersion(), Code: wish.Code, Secret: wish.Secret, Emisor: s.Info.Emisor.RUT, Ambiente: s.Info.Ambiente,
	})
	if err != nil {
		return err
	}
	if joined.Company.RUT != s.Info.Emisor.RUT || joined.Company.Ambiente != s.Info.Ambiente {
		return fmt.Errorf("el servidor es de %s en %s, y esta caja es de %s en %s. Nada cambió; revise la dirección y el código",
			joined.Company.RUT.Dotted(), joined.Company.Ambiente, s.Info.Emisor.RUT.Dotted(), s.Info.Ambiente)
	}
	s.stopCourier()
	err = s.Store.JoinServer(store.Server{
		URL: at, TillID: joined.Till.ID, Till: joined.Till.Name, Company: joined.Company.RznSoc, At: s.opt.Now(),
	}, []byte(joined.Token))
	if err != nil {
		return err
	}
	return errors.Join(s.Store.DropSecret(secretJoin), s.startCourier())
}

// mayJoin refuses a till that a server has and knows: it leaves that one first. One that is held or was shut out may join anew, as
// another till; and who asks again for the same is answered.
func (s *Shop) mayJoin() error {
	now, err := s.Store.Server()
	if errors.Is(err, store.ErrServer) {
		return nil
	}
	if err != nil {
		return err
	}
	status := s.serverStatus()
	if status.Ended || status.Hold != "" {
		return nil
	}
	return fmt.Errorf("%w: es %s de %s. Nada cambió; déjelo antes si quiere unirla a otro", ErrJoined, now.Till, now.Company)
}

// wish is what a till asks for, kept until the answer is.
type wish struct {
	URL    string `json:"url"`
	Code   string `json:"code"`
	Secret []byte `json:"secret"`
}

// wish is the one that is on the disk already, if it is for the same, or a new one that is there now.
func (s *Shop) wish(at, code string) (wish, error) {
	code = strings.ToUpper(strings.TrimSpace(code))
	if code == "" {
		return wish{}, errors.New("falta el código de la invitación. Nada cambió; pídalo a quien administra el servidor")
	}
	var kept wish
	b, err := s.Store.Secret(secretJoin)
	if err == nil {
		err = json.Unmarshal(b, &kept)
	}
	if err != nil && !errors.Is(err, sale.ErrNotFound) {
		return wish{}, err
	}
	if kept.URL == at && kept.Code == code {
		return kept, nil
	}
	kept = wish{URL: at, Code: code, Secret: make([]byte, 32)}
	rand.Read(kept.Secret)
	if b, err = json.Marshal(kept); err != nil {
		return wish{}, err
	}
	return kept, s.Store.PutSecret(secretJoin, b)
}

// LeaveServer tells the server what it has not heard, gives back the folios that it lent, and makes the till nobody's. If the
// server does not answer nothing changes but that: what was given back is. One that does not know this till any more is left.
func (s *Shop) LeaveServer(ctx context.Context) error {
	s.joining.Lock()
	defer s.joining.Unlock()
	server, err := s.Store.Server()
	if err != nil {
		return err
	}
	s.stopCourier()
	err = s.farewell(ctx)
	if e, ok := errors.AsType[*api.Error](err); ok && e.Verdict == api.Ended {
		err = nil
	}
	if err != nil {
		return errors.Join(fmt.Errorf("la caja sigue unida a %s: %w", server.Company, err), s.startCourier())
	}
	return s.forgetServer()
}

// ForgetServer makes the till nobody's without a word to the server, which is gone for ever. The folios that it lent are lost.
func (s *Shop) ForgetServer() error {
	s.joining.Lock()
	defer s.joining.Unlock()
	if _, err := s.Store.Server(); err != nil {
		return err
	}
	s.stopCourier()
	return s.forgetServer()
}

func (s *Shop) forgetServer() error {
	if err := s.Store.LeaveServer(s.opt.Now()); err != nil {
		return err
	}
	s.tell(func(st *Status) { st.Server = ServerStatus{} })
	return nil
}

// farewell carries everything to the server, and then what is left of the leases.
func (s *Shop) farewell(ctx context.Context) error {
	if err := s.syncServer(ctx, &serverBooks{s: s, whole: true}); err != nil {
		return err
	}
	if s.serverStatus().Hold != "" {
		return nil // it takes nothing back from one that may not speak
	}
	if err := s.Store.ReturnLeases(s.opt.Now()); err != nil {
		return err
	}
	return s.syncServer(ctx, &serverBooks{s: s, whole: true, leaving: true})
}

// SyncServer tells the server everything and takes in what is new, now. Where a courier is on its way it is woken.
func (s *Shop) SyncServer(ctx context.Context) (ServerStatus, error) {
	s.joining.Lock()
	defer s.joining.Unlock()
	if _, err := s.Store.Server(); err != nil {
		return ServerStatus{}, err
	}
	running := s.courier.Load() != nil
	s.stopCourier()
	err := s.syncServer(ctx, &serverBooks{s: s, whole: true})
	if running {
		err = errors.Join(err, s.startCourier())
	}
	return s.serverStatus(), err
}

// syncServer has a courier of its own go until there is nothing left to carry. Its first trouble ends it.
func (s *Shop) syncServer(ctx context.Context, books *serverBooks) error {
	c, err := s.newCourier(books)
	if err != nil {
		return err
	}
	for {
		next := c.Step(ctx)
		status := c.Status()
		s.courierSaid(status)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case status.Err != nil:
			return status.Err
		case status.Hold != "", c.Idle() && next.After(s.opt.Now()): // what is new here may be something to tell
			return nil
		}
	}
}

// startCourier lets a courier go, if the till has a server and its loops run.
func (s *Shop) startCourier() error {
	if err := s.readServer(); err != nil || s.running == nil {
		return err
	}
	c, err := s.newCourier(&serverBooks{s: s})
	if errors.Is(err, store.ErrServer) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(s.running)
	done := make(chan struct{})
	s.courier.Store(c)
	s.stopped = func() {
		s.courier.Store(nil)
		cancel()
		<-done
	}
	s.loops.Go(func() {
		defer close(done)
		_ = c.Run(ctx)
	})
	return nil
}

func (s *Shop) stopCourier() {
	if s.stopped != nil {
		s.stopped()
		s.stopped = nil
	}
}

func (s *Shop) newCourier(books *serverBooks) (*possync.Courier, error) {
	at, err := s.Store.Server()
	if err != nil {
		return nil, err
	}
	token, err := s.Store.ServerToken()
	if err != nil {
		return nil, err
	}
	server, err := s.office().Server(at.URL, string(token))
	if err != nil {
		return nil, err
	}
	return possync.NewCourier(possync.CourierConfig{
		Server: server, Books: books, Now: s.opt.Now, After: time.After, Jitter: jitter, Pace: s.opt.CourierPace,
		Report: s.courierSaid,
	}), nil
}

// readServer puts what the store knows of the server into the status.
func (s *Shop) readServer() error {
	v, err := s.Store.Server()
	if errors.Is(err, store.ErrServer) {
		return nil
	}
	if err != nil {
		return err
	}
	held, err := s.Store.HeldByServer()
	if err != nil {
		return err
	}
	head, _, err := s.Store.Points(func(int64) []int64 { return nil })
	if err != nil {
		return err
	}
	_, pricesAt, err := s.Store.NewsCursor()
	if err != nil {
		return err
	}
	s.tell(func(st *Status) {
		st.Server = ServerStatus{Joined: true, Company: v.Company, Till: v.Till, URL: v.URL, Unsent: max(0, head.N-v.Has.N), Hold: held, PricesAt: pricesAt}
	})
	return nil
}

// courierSaid puts what the courier found into the status.
func (s *Shop) courierSaid(c possync.CourierStatus) {
	s.tell(func(st *Status) {
		v := &st.Server
		v.Down, v.Since, v.Ended, v.Problem, v.Unsent = c.Down, c.Since, c.Ended, c.Problem, c.Unsent
		if !c.Known {
			return // what the store knows is newer
		}
		v.Heard, v.Hold, v.Skew, v.Short = true, c.Why, c.Skew, c.Short
	})
}

func (s *Shop) serverStatus() ServerStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status.Server
}

// Server is how the till stands with its server.
func (s *Shop) Server() ServerStatus { return s.serverStatus() }

func (s *Shop) office() Office {
	if s.opt.Office != nil {
		return s.opt.Office
	}
	return webOffice{s}
}

// webOffice reaches servers over HTTP, through the shop's proxy if it has one.
type webOffice struct{ s *Shop }

// config is of a client. A practice shop's server is reached without the shop's proxy, as its SII is.
func (o webOffice) config(url, token string) (api.ClientConfig, error) {
	c := api.ClientConfig{URL: url, Token: token, Version: programVersion()}
	if o.s.Info.Training() {
		return c, nil
	}
	var err error
	c.Proxy, err = o.s.proxy()
	return c, err
}

// Join implements Office.
func (o webOffice) Join(ctx context.Context, url string, j api.Join) (api.Joined, error) {
	c, err := o.config(url, "")
	if err != nil {
		return api.Joined{}, err
	}
	return api.JoinServer(ctx, c, j)
}

// Server implements Office.
func (o webOffice) Server(url, token string) (api.Server, error) {
	c, err := o.config(url, token)
	if err != nil {
		return nil, err
	}
	return api.NewClient(c)
}

// programVersion is what the server is told of this program.
func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "desconocida"
	}
	for _, v := range info.Settings {
		if v.Key == "vcs.revision" {
			return info.Main.Version + " " + v.Value[:min(12, len(v.Value))]
		}
	}
	return info.Main.Version
}
