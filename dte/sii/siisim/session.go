package siisim

import (
	"net/http"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/dte/sii"
)

// Life of a session (SII, Manual de autenticación automática): a seed serves once and for two minutes, a token for an
// hour after its last use. A token serves only the channel that gave it.
const (
	seedLife  = 2 * time.Minute
	tokenLife = time.Hour
)

type session struct {
	channel sii.Channel
	signer  dte.RUT
	expires time.Time
}

// newSeed also forgets what has expired, so that the tables stay small.
func (s *Sim) newSeed() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	for seed, expires := range s.seeds {
		if now.After(expires) {
			delete(s.seeds, seed)
		}
	}
	for token, session := range s.tokens {
		if now.After(session.expires) {
			delete(s.tokens, token)
		}
	}
	seed, err := s.randomWord(12, "0123456789")
	if err != nil {
		return "", err
	}
	s.seeds[seed] = now.Add(seedLife)
	return seed, nil
}

// newToken trades a signed seed. estado and glosa are the SII's when it refuses.
func (s *Sim) newToken(ch sii.Channel, signed []byte) (token, estado, glosa string) {
	seed, signer, err := dte.VerifyGetToken(signed)
	if err != nil {
		return "", "05", "ERROR: XML Invalido, Firma Invalida"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	expires, known := s.seeds[seed]
	delete(s.seeds, seed)
	if !known || now.After(expires) {
		return "", "07", "ERROR: Semilla no existe o expirada"
	}
	token, err = s.randomWord(13, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
	if err != nil {
		return "", "10", "Error Interno"
	}
	s.tokens[token] = session{ch, signer, now.Add(tokenLife)}
	return token, "00", "Token Creado"
}

// signerOf is who holds a token; using it renews it.
func (s *Sim) signerOf(r *http.Request, ch sii.Channel, token string) (dte.RUT, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.arrival(r)
	session, known := s.tokens[token]
	switch orderOf(r).Do {
	case WrongToken:
		return 0, false
	case ExpireToken:
		delete(s.tokens, token)
		return 0, false
	}
	if !known || session.channel != ch || now.After(session.expires) {
		return 0, false
	}
	session.expires = now.Add(tokenLife)
	s.tokens[token] = session
	return session.signer, true
}

func cookie(r *http.Request) string {
	c, err := r.Cookie("TOKEN")
	if err != nil {
		return ""
	}
	return c.Value
}

// browserLike reports a User-Agent without the word that the SII demands of programs.
func browserLike(r *http.Request) bool { return !strings.Contains(r.UserAgent(), "PROG 1.0") }
