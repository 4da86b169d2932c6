package price

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// When is the time in which a rule holds. The zero When is always.
type When struct {
	From Day `json:"desde,omitzero"` // first day
	To   Day `json:"hasta,omitzero"` // last day, itself included
	// Days of the week; none is all of them.
	Days []Weekday `json:"dias,omitempty"`
	// Since and Until are hours of the day: from 18:00 to 21:00 is up to 20:59. From 22:00 to 02:00 goes over midnight,
	// and the hours after it belong to the day before.
	Since Clock `json:"desdeHora,omitzero"`
	Until Clock `json:"hastaHora,omitzero"`
}

// Day is a day of the calendar as a number: 20261121.
type Day int32

// Weekday is a day of the week, written in Spanish.
type Weekday time.Weekday

// Clock is minutes since midnight.
type Clock int16

const midnight Clock = 24 * 60

var weekdays = []string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"}

// DayOf is the day it is at t, in t's own zone.
func DayOf(t time.Time) Day {
	y, m, d := t.Date()
	return Day(y*10_000 + int(m)*100 + d)
}

// MarshalText writes "2026-11-21".
func (d Day) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%04d-%02d-%02d", d/10_000, d/100%100, d%100), nil
}

// UnmarshalText reads "2026-11-21".
func (d *Day) UnmarshalText(b []byte) error {
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil {
		return fmt.Errorf("la fecha «%s» no existe: se escribe 2026-11-21", shorten(string(b)))
	}
	*d = DayOf(t)
	return nil
}

// MarshalText writes "lunes".
func (w Weekday) MarshalText() ([]byte, error) {
	if w < 0 || int(w) >= len(weekdays) {
		return nil, fmt.Errorf("el día %d de la semana no existe", int(w))
	}
	return []byte(weekdays[w]), nil
}

// UnmarshalText reads "lunes"; capitals and accents do not matter.
func (w *Weekday) UnmarshalText(b []byte) error {
	plain := strings.NewReplacer("á", "a", "é", "e")
	for i, name := range weekdays {
		if plain.Replace(name) == plain.Replace(fold(string(b))) {
			*w = Weekday(i)
			return nil
		}
	}
	return fmt.Errorf("el día «%s» no existe: se escribe lunes, martes, …", shorten(string(b)))
}

// MarshalText writes "18:30".
func (c Clock) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%02d:%02d", c/60, c%60), nil }

// UnmarshalText reads "18:30", up to "24:00".
func (c *Clock) UnmarshalText(b []byte) error {
	hour, minute, ok := strings.Cut(string(b), ":")
	h, hErr := strconv.ParseUint(hour, 10, 8)
	m, mErr := strconv.ParseUint(minute, 10, 8)
	if !ok || hErr != nil || mErr != nil || len(minute) != 2 || m > 59 || h*60+m > uint64(midnight) {
		return fmt.Errorf("la hora «%s» no existe: se escribe 18:30", shorten(string(b)))
	}
	*c = Clock(h*60 + m)
	return nil
}

func (w When) check() string {
	switch {
	case w.From < 0 || w.To < 0 || w.Since < 0 || w.Until < 0 || w.Since >= midnight || w.Until > midnight:
		return "la vigencia tiene una fecha o una hora que no existe"
	case w.To != 0 && w.To < w.From:
		return "la vigencia termina antes de empezar"
	case w.Since == w.Until && w.Since != 0:
		return "la vigencia empieza y termina a la misma hora"
	case slices.ContainsFunc(w.Days, func(d Weekday) bool { return d < 0 || int(d) >= len(weekdays) }):
		return "la vigencia tiene un día de la semana que no existe"
	}
	return ""
}

// window is a When made ready to be asked often.
type window struct {
	from, to     Day
	days         uint8 // one bit for each day of the week
	since, until Clock
}

func (w When) window() window {
	c := window{from: w.From, to: w.To, since: w.Since, until: w.Until}
	if c.to == 0 {
		c.to = 1<<31 - 1
	}
	if c.until == 0 {
		c.until = midnight
	}
	for _, d := range w.Days {
		c.days |= 1 << d
	}
	if len(w.Days) == 0 {
		c.days = 1<<7 - 1
	}
	return c
}

// moment is a time as windows see it.
type moment struct {
	day, before   Day   // today and yesterday
	weekday, last uint8 // their bits
	clock         Clock
}

func momentOf(t time.Time) moment {
	yesterday := t.AddDate(0, 0, -1)
	return moment{
		day: DayOf(t), before: DayOf(yesterday), weekday: 1 << t.Weekday(), last: 1 << yesterday.Weekday(),
		clock: Clock(t.Hour()*60 + t.Minute()),
	}
}

// holds reports that m is inside. What began yesterday and goes over midnight is judged by yesterday's date.
func (w *window) holds(m *moment) bool {
	day, weekday := m.day, m.weekday
	switch {
	case w.since < w.until:
		if m.clock < w.since || m.clock >= w.until {
			return false
		}
	case m.clock < w.until:
		day, weekday = m.before, m.last
	case m.clock < w.since:
		return false
	}
	return day >= w.from && day <= w.to && w.days&weekday != 0
}
