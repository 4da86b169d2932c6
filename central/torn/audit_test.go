package torn_test

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"mostrador/central/centraltest"
)

// Every token that is not exactly ours opens nothing.
func TestAuditTokens(t *testing.T) {
	h := newHouse(t)
	company, owner := h.shop(76086428)
	var ours jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(owner.token, &ours); err != nil {
		t.Fatal(err)
	}
	secret := []byte(strings.Repeat("s", 32))
	sign := func(method jwt.SigningMethod, key any, change func(*jwt.RegisteredClaims)) string {
		t.Helper()
		claims := ours
		if change != nil {
			change(&claims)
		}
		text, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	ask := func(token string) answer {
		return (&client{house: h, token: token, tenant: company.ID}).get("/customers/")
	}
	ask(sign(jwt.SigningMethodHS256, secret, nil)).want(200)
	for name, token := range map[string]string{
		"no method":        sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"another secret":   sign(jwt.SigningMethodHS256, []byte(strings.Repeat("t", 32)), nil),
		"another method":   sign(jwt.SigningMethodHS512, secret, nil),
		"expired":          sign(jwt.SigningMethodHS256, secret, func(c *jwt.RegisteredClaims) { c.ExpiresAt = jwt.NewNumericDate(h.clock.Now().Add(-time.Minute)) }),
		"without an end":   sign(jwt.SigningMethodHS256, secret, func(c *jwt.RegisteredClaims) { c.ExpiresAt = nil }),
		"another audience": sign(jwt.SigningMethodHS256, secret, func(c *jwt.RegisteredClaims) { c.Audience = jwt.ClaimStrings{"otra"} }),
		"another issuer":   sign(jwt.SigningMethodHS256, secret, func(c *jwt.RegisteredClaims) { c.Issuer = "otro" }),
		"another session":  sign(jwt.SigningMethodHS256, secret, func(c *jwt.RegisteredClaims) { c.ID = "8c3b6a4e-0000-4000-8000-000000000000" }),
		"no session":       sign(jwt.SigningMethodHS256, secret, func(c *jwt.RegisteredClaims) { c.ID = "" }),
		"cut":              owner.token[:len(owner.token)-4],
		"long":             strings.Repeat("a", 8000),
	} {
		t.Run(name, func(t *testing.T) {
			if got := ask(token); got.status != 401 {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	// Revoked at once: by logging out, and by closing the account.
	owner.get("/customers/").want(200)
	if _, err := centraltest.Superuser(t, h.db).Exec(t.Context(), "update shared.account set is_active = false"); err != nil {
		t.Fatal(err)
	}
	owner.get("/customers/").want(401)
}

// What every answer says to browsers, and what the public address does not do.
func TestAuditHeaders(t *testing.T) {
	h := newHouse(t)
	_, owner := h.shop(76086428)
	for _, path := range []string{"/", "/nada", "/customers/", "/openapi.json", "/docs", "/redoc"} {
		got := owner.get(path)
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s %q", path, name, got.header.Get(name))
			}
		}
		if !strings.Contains(got.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || got.header.Get("Server") != "" {
			t.Errorf("%s: %v", path, got.header)
		}
	}
	for _, path := range []string{"/", "/customers/", "/nada"} {
		owner.do("TRACE", path, nil).refused(405, "Method Not Allowed")
	}
	for _, path := range []string{"/debug/pprof/", "/debug/vars", "/metrics", "/.git/config"} {
		owner.get(path).refused(404, "Not Found")
	}
}

// Nothing secret that passes through the server is in its log: passwords, tokens, files, keys.
func TestAuditSecretsInTheLog(t *testing.T) {
	g := newGuarded(t, nil)
	_, owner := g.shop(76086428)
	file, password := centraltest.PFX(t, 5126663)
	owner.upload("/folios/certificate", file, "password", password).want(201)
	owner.upload("/folios/certificate", []byte("canario-de-archivo"), "password", "canario-de-clave").want(422)
	owner.upload("/folios/upload", centraltest.CAF(76086428, 39, 1, 9)).want(201)
	g.nobody().post("/auth/login", map[string]any{"email": "duena-76086428@ejemplo.cl", "password": "canario-equivocado"}).want(401)
	owner.get("/customers/?token=canario-en-la-consulta").want(200)
	owner.do("POST", "/customers/", `{"rut":"canario-en-el-cuerpo"}`).want(422)
	log := g.log.String()
	if !strings.Contains(log, "POST /folios/certificate") {
		t.Fatal("the log is empty")
	}
	for _, secret := range []string{centraltest.Password, "canario", owner.token, "Bearer", "RSASK", "PRIVATE KEY", "argon2id", "sealed"} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}
