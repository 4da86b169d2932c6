package torn

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

// HTTP is the server as it listens, with a bound on all that a client may be slow at.
func (s *Server) HTTP() *http.Server {
	return &http.Server{
		Handler: s, ReadHeaderTimeout: headTime, ReadTimeout: bodyTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHead, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
}
