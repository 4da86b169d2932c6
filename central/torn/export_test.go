package torn

import (
	"net/http"
	"reflect"
	"strings"
)

// RouteInfo is a row of the route table, for the tests that go through all of it.
type RouteInfo struct {
	Method, Path string
	// Access is "nobody", "session", "superuser", "member" or, for members with a right, its name.
	Access string
	In     reflect.Type
	Out    reflect.Type
}

var rightNames = []string{"member", "users", "reports", "products", "sales", "returns", "admin"}

// Routes is the whole table.
func (s *Server) Routes() []RouteInfo {
	list := make([]RouteInfo, len(s.routes))
	for i, rt := range s.routes {
		access := []string{"nobody", "session", "superuser"}
		name := rightNames[rt.access.right]
		if rt.access.level != member {
			name = access[rt.access.level]
		}
		list[i] = RouteInfo{rt.method, rt.path, name, rt.in, rt.out}
	}
	return list
}

// OperationOf finds the row of the table that takes a request, and what OpenAPI calls it.
func (s *Server) OperationOf(r *http.Request) (id string, row RouteInfo, found bool) {
	clean := r.Clone(r.Context())
	clean.URL.Path, clean.URL.RawPath = strings.TrimSuffix(plainPath(r.URL.Path), "{$}"), ""
	_, pattern := s.mux.Handler(clean)
	for i, rt := range s.routes {
		if pattern == rt.method+" "+plainPath(rt.path) {
			return operationID(rt), s.Routes()[i], true
		}
	}
	return "", RouteInfo{}, false
}
