package central

import (
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"mostrador/dte"
)

// Pass opens pages to a browser's tab, which sends no token: it names a login and a company, and ends with that login. A pass
// with a path opens that page alone.
type Pass struct {
	Session uuid.UUID
	Company int64
	Path    string
}

// passAudience is not the tokens': a pass is no token, and a token no pass.
const passAudience = "mostrador-pages"

type passClaims struct {
	jwt.RegisteredClaims
	Company int64  `json:"company"`
	Path    string `json:"path,omitempty"`
}

// SignPass makes a pass that lasts so long at most, and never longer than its login.
func (t *Tokens) SignPass(p Pass, life time.Duration) (signed string, until time.Time, err error) {
	until = t.now().Add(min(life, tokenLife))
	signed, err = jwt.NewWithClaims(jwt.SigningMethodHS256, passClaims{jwt.RegisteredClaims{
		ID: p.Session.String(), Issuer: tokenIssuer, Audience: jwt.ClaimStrings{passAudience}, ExpiresAt: jwt.NewNumericDate(until),
	}, p.Company, p.Path}).SignedString(t.secret)
	return signed, until, err
}

// ReadPass returns what a pass opens. Whether its login still lives is the database's to say.
func (t *Tokens) ReadPass(signed string) (Pass, error) {
	var claims passClaims
	_, err := jwt.ParseWithClaims(signed, &claims, func(*jwt.Token) (any, error) { return t.secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired(), jwt.WithIssuer(tokenIssuer),
		jwt.WithAudience(passAudience), jwt.WithTimeFunc(t.now))
	if err != nil {
		return Pass{}, ErrSession
	}
	id, err := uuid.Parse(claims.ID)
	if err != nil || claims.Company == 0 {
		return Pass{}, ErrSession
	}
	return Pass{id, claims.Company, claims.Path}, nil
}

// Paper is what the paper of a sale says.
type Paper struct {
	Sale       Sale
	Document   *dte.Document
	Resolucion dte.Resolucion
	// Format is the settings': 57mm, 58mm, 80mm or carta.
	Format string
}

// PaperOf reads it from what was signed.
func (c *Call) PaperOf(sale int64) (p Paper, err error) {
	if p.Sale, err = c.Sale(sale); err != nil {
		return p, err
	}
	if err := p.Sale.documented(NotFound, "Su papel es el que salió en la caja"); err != nil {
		return p, err
	}
	if p.Document, err = c.documentOf(sale); err != nil {
		return p, err
	}
	var day *time.Time
	// In training, where there is no resolution, it is the one that the documents travel with.
	err = c.tx.QueryRow(c.ctx, `select resolucion_nro, coalesce(resolucion_fch, case when $1 then (created_at at time zone 'America/Santiago')::date end),
		print_format from issuer, settings`, c.Ambiente == dte.Capacitacion).Scan(&p.Resolucion.Nro, &day, &p.Format)
	if day != nil {
		p.Resolucion.Fch = dayOf(*day)
	}
	return p, err
}
