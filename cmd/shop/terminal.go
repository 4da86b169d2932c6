package shop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/sale"
	"mostrador/terminal"
	"mostrador/terminal/posintegrado"
)

const valueTerminal = "terminal"

// TerminalKind is how cards are charged.
type TerminalKind string

// The kinds. Without a terminal the cashier types the operation's number and nothing is asked.
const (
	NoTerminal     TerminalKind = "ninguno"
	ManualTerminal TerminalKind = "manual"
	POSIntegrado   TerminalKind = "posintegrado"
)

// TerminalSetting is the shop's card terminal.
type TerminalSetting struct {
	Kind TerminalKind `json:"tipo"`
	// Port and Baud are of POS Integrado; Baud 0 is the terminal's own.
	Port string `json:"puerto,omitempty"`
	Baud int    `json:"baudios,omitempty"`
}

// String is the setting in words.
func (t TerminalSetting) String() string {
	switch t.Kind {
	case ManualTerminal:
		return "manual: el cajero lee el terminal y anota el número de operación"
	case POSIntegrado:
		return "POS Integrado en " + t.Port
	}
	return "ninguno: se anota el número de operación"
}

// Check says what is wrong with a choice.
func (t TerminalSetting) Check() error {
	switch {
	case !slices.Contains([]TerminalKind{NoTerminal, ManualTerminal, POSIntegrado}, t.Kind):
		return fmt.Errorf("el terminal «%s» no existe: use ninguno, manual o posintegrado. No se cambió nada", t.Kind)
	case t.Kind == POSIntegrado && strings.TrimSpace(t.Port) == "":
		return errors.New("falta el puerto del terminal, por ejemplo /dev/ttyACM0 o COM3. No se cambió nada")
	case t.Baud < 0:
		return errors.New("la velocidad no puede ser negativa. No se cambió nada")
	}
	return nil
}

// Terminal is the shop's choice.
func (s *Shop) Terminal() (TerminalSetting, error) {
	none := TerminalSetting{Kind: NoTerminal}
	b, err := s.Store.Value(valueTerminal)
	if errors.Is(err, sale.ErrNotFound) {
		return none, nil
	}
	var chosen TerminalSetting
	if err == nil {
		err = json.Unmarshal(b, &chosen)
	}
	if err == nil {
		err = chosen.Check()
	}
	if err != nil {
		return none, fmt.Errorf("el ajuste del terminal no se entiende y no se usa ninguno: %w", err)
	}
	return chosen, nil
}

// SetTerminal changes it, from the next start of the till.
func (s *Shop) SetTerminal(chosen TerminalSetting) error {
	if err := chosen.Check(); err != nil {
		return err
	}
	b, err := json.Marshal(chosen)
	if err != nil {
		return err
	}
	return s.Store.PutValue(valueTerminal, b)
}

// Cashier is who reads a terminal, and is told what it does. Both are called beside the window.
type Cashier struct {
	Ask      func(context.Context, terminal.Question) (terminal.Answer, error)
	Progress func(words string)
}

// Desk is the way to the chosen terminal; nil without one.
func (s *Shop) Desk(c Cashier) (*terminal.Desk, error) {
	chosen, err := s.Terminal()
	d := &terminal.Desk{Ledger: s.Store.Charges(), Now: s.opt.Now}
	switch chosen.Kind {
	case ManualTerminal:
		d.Terminal = terminal.Manual{Ask: c.Ask}
	case POSIntegrado:
		d.Terminal = s.posIntegrado(chosen, c.Progress)
	default:
		return nil, err
	}
	return d, err
}

func (s *Shop) posIntegrado(t TerminalSetting, progress func(string)) *posintegrado.Driver {
	return posintegrado.New(posintegrado.Config{
		Open: func() (io.ReadWriteCloser, error) { return posintegrado.OpenPort(t.Port, t.Baud) },
		Now:  s.opt.Now, After: time.After, Zone: dte.Santiago, Progress: progress,
	})
}

// TestTerminal asks the chosen terminal whether it is there.
func (s *Shop) TestTerminal(ctx context.Context) error {
	chosen, err := s.Terminal()
	if err != nil {
		return err
	}
	if chosen.Kind != POSIntegrado {
		return fmt.Errorf("no hay nada que probar: el terminal es %s", chosen)
	}
	d := s.posIntegrado(chosen, nil)
	defer d.Disconnect()
	return d.Poll(ctx)
}
