package central

import (
	"errors"
	"fmt"
	"time"
)

// Kind is why something was refused, as far as a client must know.
type Kind int

// The kinds.
const (
	Invalid       Kind = iota + 1 // the request makes no sense as a whole
	Unprocessable                 // one of its values does not
	Unauthorized                  // who are you
	Forbidden                     // not you
	NotFound
	Conflict    // not now: something else is in the way
	TooMany     // not so often
	Unavailable // not at this moment, whoever asks
)

// RefusalError is an error that is the client's to mend: nothing was done. Its text is for people, in Spanish.
type RefusalError struct {
	Kind Kind
	Text string
	// Extra goes beside the text, for programs.
	Extra map[string]any
	// Wait is when it may be tried again; nobody knows if zero.
	Wait time.Duration
}

func (r *RefusalError) Error() string { return r.Text }

func refuse(k Kind, format string, args ...any) *RefusalError {
	return &RefusalError{Kind: k, Text: fmt.Sprintf(format, args...)}
}

func (r *RefusalError) with(extra map[string]any) *RefusalError {
	r.Extra = extra
	return r
}

// isRefusal says whether err is a refusal of that kind.
func isRefusal(err error, k Kind) bool {
	var r *RefusalError
	return errors.As(err, &r) && r.Kind == k
}
