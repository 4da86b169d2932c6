package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Tills and the API have one address, and each its own paths.
func TestTillsAndTheAPIHaveOneAddress(t *testing.T) {
	says := func(word string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, word) })
	}
	both := beside(says("till"), says("api"))
	for path, want := range map[string]string{
		"/till/v1/sync": "till", "/till/v2": "till", "/till": "api", "/tills/": "api", "/admin/till/v1/sync": "api", "/": "api", "//till/v1/sync": "api",
	} {
		got := httptest.NewRecorder()
		both.ServeHTTP(got, httptest.NewRequest(http.MethodPost, path, http.NoBody))
		if got.Body.String() != want {
			t.Errorf("%s is for %q", path, got.Body)
		}
	}
}
