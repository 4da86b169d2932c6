package siisim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// event is one line of the state file.
type event struct {
	CAF      *grant    `json:"caf,omitempty"`
	Envelope *Envelope `json:"envelope,omitempty"`
	Cesion   *Cesion   `json:"cesion,omitempty"`
}

// remember replays the state file and opens it for more. A last line without its end is what a crash leaves: it was
// never answered, so it is cut off.
func (s *Sim) remember(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(f)
	if err != nil {
		f.Close()
		return err
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	for i, line := range bytes.Split(whole, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			f.Close()
			return fmt.Errorf("el archivo de estado %s está dañado en la línea %d: %w", name, i+1, err)
		}
		if e.CAF != nil {
			s.grant(*e.CAF)
		}
		if e.Envelope != nil {
			s.keep(e.Envelope)
		}
		if e.Cesion != nil {
			s.cesiones = append(s.cesiones, *e.Cesion)
		}
	}
	if _, err = f.Seek(int64(len(whole)), io.SeekStart); err == nil {
		err = f.Truncate(int64(len(whole)))
	}
	if err != nil {
		f.Close()
		return err
	}
	s.log = f
	return nil
}

// write makes an event durable before it is answered. After a failure nothing more is written: the file may end in half
// a line.
func (s *Sim) write(e event) error {
	if s.broken != nil {
		return fmt.Errorf("el simulador no puede guardar: %w", s.broken)
	}
	if s.log == nil {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err = s.log.Write(append(line, '\n')); err == nil {
		err = s.log.Sync()
	}
	s.broken = err
	return err
}
