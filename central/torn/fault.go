package torn

import (
	"encoding/json"
	"fmt"
	"strings"
)

// fault is one thing that is wrong with a request, as the clients of Torn read it: the shape and the English of Pydantic,
// on which those clients rely, and Spanish where Torn wrote its own text.
type fault struct {
	Type  string         `json:"type"`
	Loc   []any          `json:"loc"`
	Msg   string         `json:"msg"`
	Input any            `json:"input"`
	Ctx   map[string]any `json:"ctx,omitempty"`
}

// faults are all of them; a request is read to its end before it is refused.
type faults []fault

// maxFaults bounds the answer to a hostile request.
const maxFaults = 50

func (f *faults) add(loc []any, kind, msg string, input any, ctx ...any) {
	if len(*f) >= maxFaults {
		return
	}
	var extra map[string]any
	for i := 0; i+1 < len(ctx); i += 2 {
		if extra == nil {
			extra = map[string]any{}
		}
		extra[ctx[i].(string)] = ctx[i+1] //nolint:errcheck // the callers write the names
	}
	*f = append(*f, fault{kind, append([]any{}, loc...), msg, quoted(input), extra})
}

// quoted is what an answer repeats of the request: some lines of it at most, and no number that a client cannot read.
func quoted(input any) any {
	left := 100
	return excerpt(input, &left)
}

func excerpt(value any, left *int) any {
	*left--
	switch t := value.(type) {
	case string:
		return line(t)
	case json.Number:
		if _, err := t.Float64(); err != nil || len(t) > 40 {
			return line(t.String())
		}
	case []any:
		list := []any{}
		for _, item := range t[:min(len(t), max(*left, 0))] {
			list = append(list, excerpt(item, left))
		}
		return list
	case *object:
		members := map[string]any{}
		for _, name := range t.names[:min(len(t.names), max(*left, 0))] {
			members[line(name)] = excerpt(t.values[name], left)
		}
		return members
	}
	return value
}

func line(s string) string {
	if len(s) > 200 {
		return s[:strings.LastIndexFunc(s[:200], func(r rune) bool { return r != 0xfffd })] + "…"
	}
	return s
}

// value refuses what has the right form and makes no sense, in words.
func (f *faults) value(loc []any, input any, format string, args ...any) {
	f.add(loc, "value_error", "Value error, "+fmt.Sprintf(format, args...), input, "error", map[string]any{})
}
