package door

import (
	"log/slog"
	"net/http"
	"time"
)

// What a client may take to say what it wants and to take the answer. The head is small; a body may be a photograph of a
// catalogue on a slow line.
const (
	headTime   = 5 * time.Second
	bodyTime   = 30 * time.Second
	answerTime = 60 * time.Second
	idleTime   = 2 * time.Minute
	maxHead    = 32 << 10
)

// HTTP is a server as it listens, with a bound on all that a client may be slow at.
func (d *Door) HTTP(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headTime, ReadTimeout: bodyTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHead, ErrorLog: slog.NewLogLogger(d.Log.Handler(), slog.LevelWarn),
	}
}
