package torn_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"mostrador/central/torn"
)

// What clients send who mean harm, or were written in haste. Each is put in the place of every member of every request.
var garbage = []any{
	nil, true, -1, 0, 1.5, math.MaxInt64, json.Number("1e400"), json.Number("99999999999999999999"), "", strings.Repeat("ñ", 1100),
	"nulo \x00", "東京 🙂 &<>\"' ]]> \u202e", "-0.000001", "2026-02-30",
	[]any{},
	[]any{nil, map[string]any{}},
	map[string]any{"x": []any{}},
}

// Bodies that are no request at all.
var brokenBodies = []string{
	"", "{", "null", "[]", `"x"`, "0", "{}{}", `{"a":1,"a":2}`, "{\"a\":\"\xff\"}", strings.Repeat(`{"a":`, 5000), strings.Repeat("[", 100000),
}

// Whatever comes in anywhere, the answer is a refusal in JSON with words in detail, or it was understood; never a fault of ours.
func TestGarbageInEveryRoute(t *testing.T) {
	v := newVillage(t)
	v.furnish(v.mine)
	sent := 0
	for _, rt := range v.server.Routes() {
		g := &garbler{village: v, rt: rt, who: v.caller(rt), sent: &sent}
		g.paths()
		g.queries()
		g.bodies()
		g.forms()
	}
	t.Logf("%d requests", sent)
	if sent < 2000 {
		t.Errorf("only %d requests: the generator lost the routes", sent)
	}
}

// caller is who may call a route.
func (v *village) caller(rt torn.RouteInfo) string {
	if rt.Access == "superuser" {
		return "superuser"
	}
	return "owner"
}

type garbler struct {
	*village
	rt   torn.RouteInfo
	who  string
	c    *client
	sent *int
}

// try sends a request and wants an answer that a client can read.
func (g *garbler) try(path, contentType, body string) {
	g.t.Helper()
	*g.sent++
	if g.c == nil {
		g.c = g.as(g.who, g.mine)
	}
	q, err := http.NewRequestWithContext(g.t.Context(), g.rt.Method, g.url+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatalf("%s: %v", path, err)
	}
	q.Header.Set("Content-Type", contentType)
	q.Header.Set("Authorization", "Bearer "+g.c.token)
	q.Header.Set("X-Tenant-ID", strconv.FormatInt(g.c.tenant, 10))
	a := g.c.send(q)
	if a.status == 401 {
		g.c = nil // the request ended its own session
	}
	if a.status < 400 {
		return
	}
	var said struct{ Detail any }
	err = json.Unmarshal(a.body, &said)
	if a.status >= 500 || err != nil || said.Detail == nil || said.Detail == "" || a.header.Get("Content-Type") != "application/json" {
		g.t.Errorf("%s with %.200q: %d %s %.300s", a.what, body, a.status, a.header.Get("Content-Type"), a.body)
	}
}

// path with what is there.
func (g *garbler) path() string {
	if strings.HasPrefix(g.rt.Path, "/saas/") {
		return strings.NewReplacer("{id}", strconv.FormatInt(g.theirs.ID, 10), "{user_id}", strconv.FormatInt(g.accounts["stranger"], 10)).Replace(g.rt.Path)
	}
	return pathOf(g.rt.Path, foreign)
}

func (g *garbler) paths() {
	if !strings.Contains(g.rt.Path, "{") {
		return
	}
	for _, bad := range []string{"0", "-1", "9223372036854775808", "1.5", "abc", "%00", "%FF", "%F0%9F%99%82", "'--", "%25", strings.Repeat("9", 3000)} {
		g.try(pathOf(g.rt.Path, bad), "application/json", "{}")
		g.try(strings.ReplaceAll(g.rt.Path, "{rut}", bad), "application/json", "{}")
	}
}

func (g *garbler) queries() {
	for _, field := range reflect.VisibleFields(g.rt.In) {
		name := field.Tag.Get("query")
		if name == "" {
			continue
		}
		for _, bad := range garbage {
			g.try(g.path()+"?"+name+"="+url.QueryEscape(fmt.Sprint(bad)), "application/json", "")
		}
		g.try(g.path()+"?"+name+"=%FF%00&"+name+"=2", "application/json", "")
	}
}

func (g *garbler) bodies() {
	body, there := g.rt.In.FieldByName("Body")
	if !there {
		g.try(g.path(), "application/json", `{"x":1}`)
		return
	}
	for _, broken := range brokenBodies {
		g.try(g.path(), "application/json", broken)
	}
	g.try(g.path(), "application/json", `{"x":"`+strings.Repeat("x", 1<<20)+`"}`)
	good, _ := plausible(body.Type, "").(map[string]any)
	g.try(g.path(), "application/json", text(good))
	spoil(good, func() { g.try(g.path(), "application/json", text(good)) })
}

func (g *garbler) forms() {
	form, there := g.rt.In.FieldByName("Form")
	if !there {
		return
	}
	for i := range form.Type.NumField() {
		if name := form.Type.Field(i).Tag.Get("file"); name != "" {
			for _, file := range []string{"", "basura \x00\xff", "<AUTORIZACION/>", strings.Repeat("x", 5<<20)} {
				g.multipart(name, file)
			}
		}
		for _, bad := range garbage {
			g.try(g.path(), "application/x-www-form-urlencoded", url.Values{form.Type.Field(i).Tag.Get("json"): {fmt.Sprint(bad)}, "password": {"x"}}.Encode())
		}
	}
	g.try(g.path(), "application/x-www-form-urlencoded", "%zz=%00;&&")
	g.try(g.path(), "multipart/form-data", "x")
	g.try(g.path(), "multipart/form-data; boundary=y", "--y\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx")
}

func (g *garbler) multipart(name, file string) {
	g.t.Helper()
	g.try(g.path(), "multipart/form-data; boundary=y", "--y\r\nContent-Disposition: form-data; name=\""+name+"\"; filename=\"a\"\r\n\r\n"+file+
		"\r\n--y\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n\xff\x00\r\n--y--\r\n")
}

func text(value any) string {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(body)
}

// plausible is a value that a request could hold, from its type alone.
func plausible(t reflect.Type, name string) any {
	switch t {
	case reflect.TypeFor[torn.RUT]():
		return "76086428-5"
	case reflect.TypeFor[torn.Fecha]():
		return "2026-11-20"
	}
	switch t.Kind() {
	case reflect.Struct:
		if value, optional := t.FieldByName("Value"); optional {
			return plausible(value.Type, name)
		}
		o := map[string]any{}
		for _, field := range reflect.VisibleFields(t) {
			if name := field.Tag.Get("json"); name != "" && !field.Anonymous {
				o[name] = plausible(field.Type, name)
			}
		}
		return o
	case reflect.Slice:
		return []any{plausible(t.Elem(), name)}
	case reflect.Map:
		return map[string]any{"Caja": true}
	case reflect.Bool:
		return true
	case reflect.String:
		for part, value := range map[string]string{"email": "nueva@ejemplo.cl", "role": "VENDEDOR", "password": "clave-larga", "format": "80mm", "ambiente": "capacitacion", "econom": "471100"} {
			if strings.Contains(name, part) {
				return value
			}
		}
		return "10"
	}
	return 1
}

// spoil puts all garbage in the place of each member in turn, and tells after each.
func spoil(value any, tell func()) {
	switch t := value.(type) {
	case map[string]any:
		for name, member := range t {
			for _, bad := range garbage {
				t[name] = bad
				tell()
			}
			delete(t, name)
			tell()
			t[name] = member
			spoil(member, tell)
		}
	case []any:
		for i, item := range t {
			for _, bad := range garbage {
				t[i] = bad
				tell()
			}
			t[i] = item
			spoil(item, tell)
		}
	}
}
