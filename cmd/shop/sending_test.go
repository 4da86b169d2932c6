package shop

import (
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	possync "mostrador/sync"
)

func TestSendingIsTheShopsChoice(t *testing.T) {
	s := opened(t, practice(t))
	if got := s.pace(); got != trainingPace {
		t.Errorf("a practice shop is quick: %+v", got)
	}
	s.Info.Ambiente = dte.Certificacion // a real shop, as far as its pace goes
	if got := s.pace(); got.BoletaBatch != 50 || got.BoletaWait != time.Minute {
		t.Errorf("without a choice: %+v", got)
	}
	for _, bad := range []Sending{{0, 1}, {501, 1}, {-1, 1}, {50, -1}, {50, 61}} {
		if err := s.SetSending(bad); err == nil || !strings.Contains(err.Error(), "No se cambió nada") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	must(t, s.SetSending(Sending{Boletas: 500, Minutes: 5}))
	if got := s.pace(); got.BoletaBatch != 500 || got.BoletaWait != 5*time.Minute {
		t.Errorf("chosen: %+v", got)
	}
	must(t, s.SetSending(Sending{Boletas: 1}))
	if got := s.pace(); got.BoletaBatch != 1 || got.BoletaWait <= 0 || got.BoletaWait > time.Second {
		t.Errorf("at once: %+v", got)
	}
	must(t, s.Store.PutValue(valueSending, []byte("{")))
	if got, err := s.Sending(); err == nil || got != defaultSending {
		t.Errorf("a broken choice: %+v, %v", got, err)
	}
	s.opt.Pace = possync.Pace{BoletaBatch: 7}
	if got := s.pace(); got != s.opt.Pace {
		t.Errorf("the caller's: %+v", got)
	}
}
