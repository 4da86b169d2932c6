package central

import (
	"time"

	"mostrador/dte"
)

// Days are the first and the last day, both included, of what a list is asked for. The zero value of either is no bound.
type Days struct{ From, To dte.Date }

// moments are the instants between which a day's things happened in Chile: from the first, before the last.
func (d Days) moments() (from, before *time.Time) {
	if !d.From.IsZero() {
		from = midnight(d.From, 0)
	}
	if !d.To.IsZero() {
		before = midnight(d.To, 1)
	}
	return from, before
}

// dates are the same for a column that holds days.
func (d Days) dates() (from, to *string) {
	if !d.From.IsZero() {
		from = new(d.From.String())
	}
	if !d.To.IsZero() {
		to = new(d.To.String())
	}
	return from, to
}

func midnight(d dte.Date, later int) *time.Time {
	t := Begins(plusDays(d, later))
	return &t
}

// Begins is the first instant of a Chilean day. In spring the clocks go forward at midnight, and the day begins at 01:00.
func Begins(d dte.Date) time.Time {
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, dte.Santiago)
	if dte.DateOf(t) != d {
		t = t.Add(time.Hour)
	}
	return t
}

// plusDays counts days of the calendar.
func plusDays(d dte.Date, n int) dte.Date {
	return dayOf(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC))
}
