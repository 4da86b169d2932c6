package sale

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
)

// PIN is what is kept of a person's PIN: enough to know it again, and not to tell it.
type PIN struct {
	Salt []byte  `json:"salt"`
	Hash []byte  `json:"hash"`
	Cost PINCost `json:"cost"`
}

// PINCost is the cost of argon2id. It is kept beside what it made.
type PINCost struct {
	Time    uint32 `json:"time"`
	Memory  uint32 `json:"memory"` // KiB
	Threads uint8  `json:"threads"`
}

// UsualPINCost is what OWASP asks at least: two passes over 19 MiB, some 20 ms at a till.
var UsualPINCost = PINCost{Time: 2, Memory: 19 << 10, Threads: 1}

// Lengths of a PIN and of its parts.
const (
	minPIN, maxPIN = 4, 8
	pinSalt        = 16
	pinHash        = 32
)

// ErrPIN: not that person's PIN. Nothing was done.
var ErrPIN = errors.New("el PIN no corresponde")

// IsZero reports that there is none.
func (p PIN) IsZero() bool { return len(p.Hash) == 0 }

// NewPIN hides a PIN of 4 to 8 figures.
func NewPIN(pin string, cost PINCost, rand io.Reader) (PIN, error) {
	if len(pin) < minPIN || len(pin) > maxPIN || strings.Trim(pin, "0123456789") != "" {
		return PIN{}, FieldError{FieldPIN, fmt.Sprintf("el PIN lleva de %d a %d cifras", minPIN, maxPIN)}
	}
	p := PIN{Salt: make([]byte, pinSalt), Cost: cost}
	if _, err := io.ReadFull(rand, p.Salt); err != nil {
		return PIN{}, fmt.Errorf("no se pudo guardar el PIN: %w", err)
	}
	p.Hash = p.derive(pin)
	return p, nil
}

func (p PIN) derive(pin string) []byte {
	return argon2.IDKey([]byte(pin), p.Salt, p.Cost.Time, p.Cost.Memory, p.Cost.Threads, pinHash)
}

// clone shares nothing with p.
func (p PIN) clone() PIN {
	p.Salt, p.Hash = slices.Clone(p.Salt), slices.Clone(p.Hash)
	return p
}

// fits reports the right one. How long it takes tells nothing of how near a guess was.
func (p PIN) fits(pin string) bool {
	if p.IsZero() || p.Cost.Time == 0 || p.Cost.Threads == 0 {
		return false
	}
	return subtle.ConstantTimeCompare(p.derive(pin), p.Hash) == 1
}

// hide makes a PIN as this till does; none of none.
func (d Deps) hide(pin string) (PIN, error) {
	if pin == "" {
		return PIN{}, nil
	}
	cost := d.PINCost
	if cost == (PINCost{}) {
		cost = UsualPINCost
	}
	return NewPIN(pin, cost, d.Rand)
}

// Misses are guesses that were wrong, since the last one that was right.
type Misses struct {
	Count int       `json:"count,omitempty"`
	Last  time.Time `json:"last,omitzero"`
}

// The first guesses are free: fingers slip. Then each wrong one doubles the wait, up to the last, which is short enough for
// an owner who stands before a shop full of people.
const (
	freeMisses = 3
	firstWait  = 2 * time.Second
	lastWait   = 2 * time.Minute
)

// pause is how long to wait after so many wrong guesses.
func (m Misses) pause() time.Duration {
	wait := time.Duration(0)
	for n := freeMisses; n <= m.Count && wait < lastWait; n++ {
		wait = max(firstWait, 2*wait)
	}
	return min(wait, lastWait)
}

// left is how much of it is still to be waited.
func (m Misses) left(now time.Time) time.Duration { return max(0, m.pause()-now.Sub(m.Last)) }

// inSeconds says how long, and never too little.
func inSeconds(wait time.Duration) string {
	seconds := int64((wait + time.Second - 1) / time.Second)
	if seconds == 1 {
		return "1 segundo"
	}
	return fmt.Sprintf("%d segundos", seconds)
}

// identify is the active person of a number, if the PIN is theirs. A guess is counted before it is looked at, so that
// pulling the plug gives nobody another one. A clock that was set back makes nobody wait longer than the pause.
func (r *Register) identify(number int, pin string) (Person, error) {
	now := r.d.Now()
	i := slices.IndexFunc(r.people, func(p Person) bool { return p.Number == number && p.Active })
	if i < 0 {
		return Person{}, fmt.Errorf("esa persona no trabaja en esta caja: %w", ErrNotFound)
	}
	p := r.people[i]
	misses, err := r.d.Journal.Misses(number)
	if err != nil {
		return Person{}, err
	}
	if misses.Last.After(now) {
		misses.Last = now
		if err := r.d.Journal.PutMisses(number, misses); err != nil {
			return Person{}, err
		}
	}
	if wait := misses.left(now); wait > 0 {
		return Person{}, fmt.Errorf("%w: hubo %d intentos malos. Espere %s y vuelva a escribir el PIN de %s", ErrPIN, misses.Count, inSeconds(wait), p.Name)
	}
	if err := r.d.Journal.PutMisses(number, Misses{misses.Count + 1, now}); err != nil {
		return Person{}, err
	}
	stored, err := r.d.Journal.PIN(number)
	if err != nil {
		return Person{}, err
	}
	if !stored.fits(pin) {
		return Person{}, fmt.Errorf("%w a %s. Si lo olvidó, el dueño le pone otro en Menú, Personas", ErrPIN, p.Name)
	}
	return p, r.d.Journal.PutMisses(number, Misses{})
}
