package torn

import (
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

// quoted is what an answer repeats of the request: never more than a line of it.
func quoted(input any) any {
	if s, ok := input.(string); ok && len(s) > 200 {
		return s[:strings.LastIndexFunc(s[:200], func(r rune) bool { return r != 0xfffd })] + "…"
	}
	return input
}

// value refuses what has the right form and makes no sense, in words.
func (f *faults) value(loc []any, input any, format string, args ...any) {
	f.add(loc, "value_error", "Value error, "+fmt.Sprintf(format, args...), input, "error", map[string]any{})
}
