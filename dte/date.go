package dte

import (
	"fmt"
	"time"
	_ "time/tzdata" // Windows tills have no zone data, and the law's day is Santiago's.
)

// Santiago is the zone of every date and time on a document.
var Santiago = mustLoad("America/Santiago")

func mustLoad(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // cannot happen: the zone data is embedded
	}
	return loc
}

// Date is a calendar day, without time or zone. The zero value is "no date".
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the day it is in Santiago at t.
func DateOf(t time.Time) Date {
	y, m, d := t.In(Santiago).Date()
	return Date{y, m, d}
}

// ParseDate reads "2026-03-16".
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("fecha «%s»: se escribe AAAA-MM-DD", clipText(s, 20))
	}
	y, m, d := t.Date()
	return Date{y, m, d}, nil
}

// IsZero reports "no date".
func (d Date) IsZero() bool { return d == Date{} }

// String is the ISO spelling.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// exists reports a day of the calendar within the years that the format takes (FechaType: 2000 to 2050).
func (d Date) exists() bool {
	y, m, day := d.utc().Date()
	return d == Date{y, m, day} && y >= 2000 && y <= 2050
}

// Before orders days.
func (d Date) Before(e Date) bool { return d.utc().Before(e.utc()) }

// AddMonths moves n months and, like the law's terms, stops at the last day of a shorter month.
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}
}

// DaysUntil is the number of days from d to e.
func (d Date) DaysUntil(e Date) int { return int(e.utc().Sub(d.utc()) / (24 * time.Hour)) }

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// MarshalText writes the ISO spelling.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the ISO spelling; empty is no date.
func (d *Date) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*d = Date{}
		return nil
	}
	*d, err = ParseDate(string(b))
	return err
}

// stamp is a time of day as documents carry it: local to Santiago, no zone (TSTED, TmstFirma).
func stamp(t time.Time) string { return t.In(Santiago).Format("2006-01-02T15:04:05") }

func parseStamp(s string) (time.Time, error) {
	t, err := time.ParseInLocation("2006-01-02T15:04:05", s, Santiago)
	if err != nil {
		return time.Time{}, fmt.Errorf("fecha y hora «%s»: se escribe AAAA-MM-DDThh:mm:ss", clipText(s, 30))
	}
	return t, nil
}
