package torn

import "reflect"

// RouteInfo is a row of the route table, for the tests that go through all of it.
type RouteInfo struct {
	Method, Path string
	// Access is "nobody", "session", "superuser", "member" or, for members with a right, its name.
	Access string
	In     reflect.Type
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
		list[i] = RouteInfo{rt.method, rt.path, name, rt.in}
	}
	return list
}
