package door

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"mostrador/central"
)

// Limits keep one client from taking the server away from the others. Zero is no limit.
type Limits struct {
	// AtWork is how many requests may wait for the database or be there at once; the next one is sent away with a time to
	// come back, instead of joining a pile that nobody will answer in time.
	AtWork int
	// PerAddress is how many requests one address may have open, from their first byte on.
	PerAddress int
	// Logins is how many times a minute an address may try to log in. Each account has a wait of its own besides.
	Logins int
}

// guard counts what Limits bound.
type guard struct {
	limits Limits
	work   chan struct{}

	mu   sync.Mutex
	open map[string]int
	// paces is until when what somebody did is accounted for: each time moves it on by its share of a minute.
	paces *lru.Cache[string, time.Time]
}

// pacesKept bounds what is remembered of who came how often.
const pacesKept = 20_000

func newGuard(l Limits) *guard {
	paces, err := lru.New[string, time.Time](pacesKept)
	if err != nil {
		panic(err) // the size is ours
	}
	return &guard{limits: l, work: make(chan struct{}, l.AtWork), open: map[string]int{}, paces: paces}
}

func errBusy(text string) error {
	return &central.RefusalError{Kind: central.Unavailable, Text: text, Wait: time.Second}
}

// Enter counts a request among those of its address until leave is called.
func (d *Door) Enter(r *http.Request) (leave func(), err error) {
	return d.Place("address "+Of(r.Context()).address.String(), d.Limits.PerAddress,
		"Hay demasiadas solicitudes abiertas desde esta dirección. No se hizo nada; intente de nuevo en un segundo")
}

// Place counts one of the things that who may have open at once, until leave is called, and refuses what is more than most; 0 is
// no limit.
func (d *Door) Place(who string, most int, refusal string) (leave func(), err error) {
	if most == 0 {
		return func() {}, nil
	}
	g := d.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[who] >= most {
		return nil, errBusy(refusal)
	}
	g.open[who]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.open[who]--; g.open[who] == 0 {
			delete(g.open, who)
		}
	}, nil
}

// Begin counts a request that is read and goes to work, until end is called.
func (d *Door) Begin() (end func(), err error) {
	g := d.guard
	if g.limits.AtWork == 0 {
		return func() {}, nil
	}
	select {
	case g.work <- struct{}{}:
		return func() { <-g.work }, nil
	default:
		return nil, errBusy("El servidor está ocupado. No se hizo nada; intente de nuevo en un segundo")
	}
}

// Login counts a try of whoever asks to be let in, among those of its address.
func (d *Door) Login(r *http.Request) error {
	from := Of(r.Context()).address
	return d.Paced("login "+from.String(), d.Limits.Logins, "Demasiados intentos de inicio de sesión desde esta dirección")
}

// Paced counts one time that who did something, and refuses what is more than so many a minute; 0 is no limit.
func (d *Door) Paced(who string, minutely int, refusal string) error {
	if minutely == 0 {
		return nil
	}
	g, now := d.guard, d.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	until, _ := g.paces.Get(who)
	if until.Before(now) {
		until = now
	}
	until = until.Add(time.Minute / time.Duration(minutely))
	if wait := until.Sub(now) - time.Minute; wait > 0 {
		seconds := wait.Truncate(time.Second) + time.Second
		return &central.RefusalError{
			Kind: central.TooMany, Wait: seconds,
			Text: fmt.Sprintf("%s. Espere %d segundos", refusal, seconds/time.Second),
		}
	}
	g.paces.Add(who, until)
	return nil
}

// addressOf is where a request comes from: the other end of the connection, or, if that is one of our proxies, the last
// address that no proxy of ours wrote into the header. What else is there anybody may have written.
func (d *Door) addressOf(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address := from.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && d.isProxy(address); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		address = hop.Unmap()
	}
	return oneHome(address)
}

// oneHome counts a whole network of IPv6 as one address: whoever has one has all of its 2^64.
func oneHome(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return a
	}
	network, err := a.Prefix(64)
	if err != nil {
		return a
	}
	return network.Addr()
}

func (d *Door) isProxy(a netip.Addr) bool {
	for _, network := range d.Proxies {
		if network.Contains(a) {
			return true
		}
	}
	return false
}
