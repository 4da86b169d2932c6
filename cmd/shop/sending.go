package shop

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mostrador/dte"
	"mostrador/sale"
	possync "mostrador/sync"
)

const valueSending = "envio"

// Sending is how a shop groups its boletas on their way to the SII. Facturas, guías and notes never wait.
type Sending struct {
	// Boletas in one envelope, from 1 to 500; the SII recommends 50.
	Boletas int `json:"boletas"`
	// Minutes that the oldest boleta waits for company, from 0 (it leaves at once) to 60: the SII wants a boleta within
	// the hour.
	Minutes int `json:"minutos"`
}

// defaultSending is what a shop does that never chose.
var defaultSending = Sending{Boletas: 50, Minutes: 1}

// Check says what is wrong with a choice.
func (s Sending) Check() error {
	switch {
	case s.Boletas < 1 || s.Boletas > dte.MaxBoletas:
		return fmt.Errorf("un envío lleva de 1 a %d boletas, no %d. No se cambió nada", dte.MaxBoletas, s.Boletas)
	case s.Minutes < 0 || s.Minutes > 60:
		return fmt.Errorf("una boleta espera de 0 a 60 minutos, no %d. No se cambió nada", s.Minutes)
	}
	return nil
}

// Sending is the shop's choice.
func (s *Shop) Sending() (Sending, error) {
	b, err := s.Store.Value(valueSending)
	if errors.Is(err, sale.ErrNotFound) {
		return defaultSending, nil
	}
	var chosen Sending
	if err == nil {
		err = json.Unmarshal(b, &chosen)
	}
	if err == nil {
		err = chosen.Check()
	}
	if err != nil {
		return defaultSending, fmt.Errorf("el ajuste de los envíos no se entiende y se usa el habitual: %w", err)
	}
	return chosen, nil
}

// SetSending changes it, from the next start of the loops.
func (s *Shop) SetSending(chosen Sending) error {
	if err := chosen.Check(); err != nil {
		return err
	}
	b, err := json.Marshal(chosen)
	if err != nil {
		return err
	}
	return s.Store.PutValue(valueSending, b)
}

// pace is the worker's: what the caller of Open wants, or in training a quick one, or the shop's choice.
func (s *Shop) pace() possync.Pace {
	switch {
	case s.opt.Pace != (possync.Pace{}):
		return s.opt.Pace
	case s.Info.Training():
		return trainingPace
	}
	chosen, _ := s.Sending() // a choice that cannot be read stops no sending
	return possync.Pace{BoletaBatch: chosen.Boletas, BoletaWait: max(time.Duration(chosen.Minutes)*time.Minute, time.Nanosecond)}
}
