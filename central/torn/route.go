package torn

import (
	"net/http"
	"reflect"

	"mostrador/central"
)

// access is who may call a route.
type access struct {
	level level
	// right is what a member of the company must hold; none if zero.
	right central.Right
}

type level int

const (
	public    level = iota
	session         // anybody who is logged in
	superuser       // the service's own people
	member          // people of the company in X-Tenant-ID
)

// holding is for members with a right.
func holding(r central.Right) access { return access{member, r} }

// route is one operation: how it is called, by whom, and what does it. Routing, rights, reading, the OpenAPI document and
// the tests of all of them come from this one table.
type route struct {
	method, path string
	tag, summary string
	access       access
	status       int
	in, out      reflect.Type
	// echoes is what the answers for the same thing carry: members that a request may send back and that are not read.
	echoes map[string]bool
	// notes go into the document: when it is refused, what repeats do.
	notes string
	// outside: it takes several transactions of its own, or none; the caller was let in by one that is over.
	outside bool
	// tab: it also opens with a pass, from a browser's tab that sends no token.
	tab   bool
	serve func(*request) (any, error)
}

// request is a call on its way: what was read, and by whom. Inside a company call is set; elsewhere the handler asks the
// server.
type request struct {
	*http.Request
	server *Server
	// call is who asks; nil if the route is public. Its transaction is over if the route works outside.
	call *central.Call
	in   any
	// cookie goes with the answer, if there is one.
	cookie *http.Cookie
}

// none is a request or an answer without content.
type none struct{}

// raw is an answer that is no JSON: a page, a file.
type raw struct {
	contentType string
	name        string // of the file, if it is to be saved
	body        []byte
}

// in makes a route whose handler works inside a Call: one transaction, committed if it returns no error.
func in[In, Out any](method, path, summary string, who access, status int, fn func(*central.Call, In) (Out, error)) route {
	return routeOf[In, Out](method, path, summary, who, status, func(q *request) (any, error) {
		return fn(q.call, *q.in.(*In)) //nolint:errcheck // made from the same type
	})
}

// at makes a route whose handler works with the server: logins, and what takes several transactions.
func at[In, Out any](method, path, summary string, who access, status int, fn func(*request, In) (Out, error)) route {
	r := routeOf[In, Out](method, path, summary, who, status, func(q *request) (any, error) {
		return fn(q, *q.in.(*In)) //nolint:errcheck // made from the same type
	})
	r.outside = true
	return r
}

func routeOf[In, Out any](method, path, summary string, who access, status int, serve func(*request) (any, error)) route {
	return route{
		method: method, path: path, summary: summary, access: who, status: status, in: typeOf[In](), out: typeOf[Out](),
		echoes: membersOf(typeOf[Out]()), serve: serve,
	}
}

// membersOf are the names that an answer's objects carry.
func membersOf(t reflect.Type) map[string]bool {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	names := map[string]bool{}
	if t.Kind() != reflect.Struct {
		return names
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous {
			for name := range membersOf(f.Type) {
				names[name] = true
			}
		} else if name := f.Tag.Get("json"); name != "" {
			names[name] = true
		}
	}
	return names
}

// tagged puts routes under one heading.
func tagged(tag string, routes ...route) []route {
	for i := range routes {
		routes[i].tag = tag
	}
	return routes
}
