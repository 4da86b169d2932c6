package posintegrado

import (
	"context"
	"errors"
	"time"
)

// command is one exchange with the terminal.
type command struct {
	text string
	// answer is the function of the answer; empty if the ACK is all.
	answer string
	// again: it may be sent again, after silence or a NAK, because doing it twice does no harm. The reference asks for that
	// after every NAK, of a sale too; but a NAK that is not the last word, on a line that is failing, would charge twice.
	again bool
	// mine reports that an answer belongs to this command and not to an earlier one; nil: all of that function do.
	mine func(message) bool
}

// sendings is how often a command is sent, and how often a damaged answer is asked for again: once, and twice more.
const sendings = 3

// exchange sends a command and returns the answer. After an error whether the terminal did what it was told is not
// known, and the line is closed, so that the next command begins on a fresh one; but it stays open when only the caller
// lost patience, for the answer may still come.
func (d *Driver) exchange(ctx context.Context, c command) (message, error) {
	l, err := d.open()
	if err != nil {
		return message{}, err
	}
	m, err := d.talk(ctx, l, c)
	if err != nil && ctx.Err() == nil {
		d.hangUp()
	}
	return m, err
}

func (d *Driver) talk(ctx context.Context, l *line, c command) (message, error) {
	d.clear(l)
	for try := 1; ; try++ {
		if err := ctx.Err(); err != nil {
			return message{}, err
		}
		if c.text != fnPoll {
			d.owed++
		}
		if err := l.write(frame(c.text), d.c.After(d.c.Pace.ACK)); err != nil {
			return message{}, err
		}
		m, err := d.received(ctx, l, c)
		switch {
		case err == nil && (m.function != "" || c.answer == ""):
			return m, nil
		case err == nil:
			return d.answer(ctx, l, c)
		case try == sendings, !c.again, !errors.Is(err, errSilence) && !errors.Is(err, errRefused):
			return message{}, err
		}
	}
}

// received waits for the terminal's ACK. If the answer itself comes first the ACK was lost, and the answer is returned.
// After a NAK an ACK may follow still: then that one was a stray.
func (d *Driver) received(ctx context.Context, l *line, c command) (message, error) {
	limit, silence := d.c.After(d.c.Pace.ACK), errSilence
	for {
		e, err := l.next(ctx, limit, d.gap)
		switch {
		case errors.Is(err, errSilence):
			return message{}, silence
		case err != nil:
			return message{}, err
		case c.text == fnPoll && d.owed > 0 && (e.kind == gotACK || e.kind == gotNAK):
			d.owed-- // of a command before it: the terminal has not come to the poll yet
			continue
		case e.kind == gotACK:
			d.paid()
			return message{}, nil
		case e.kind == gotNAK:
			d.paid()
			if silence = errRefused; c.again {
				return message{}, silence
			}
			continue
		}
		m, err := d.take(l, e)
		switch {
		case err != nil:
			return message{}, err
		case d.answers(c, m):
			return m, nil
		case m.function == fnProgress && c.answer == fnSold:
			return message{}, nil // it is at work on it
		}
	}
}

// answer waits for the answer to a command that was received.
func (d *Driver) answer(ctx context.Context, l *line, c command) (message, error) {
	limit := d.c.After(d.c.Pace.Answer)
	damaged := 0
	for {
		e, err := l.next(ctx, limit, d.gap)
		switch {
		case errors.Is(err, errSilence) && damaged > 0:
			return message{}, errGarbled
		case err != nil:
			return message{}, err
		case e.kind == gotDamaged:
			damaged++
		}
		m, err := d.take(l, e)
		if err != nil {
			return message{}, err
		}
		if d.answers(c, m) {
			return m, nil
		}
	}
}

func (d *Driver) answers(c command, m message) bool {
	return c.answer != "" && m.function == c.answer && (c.mine == nil || c.mine(m))
}

// take acknowledges a message and looks at it: progress is reported, the answer to a sale is remembered, for it may be
// the one that somebody waits for. A damaged one is asked for again; the terminal itself counts how often.
func (d *Driver) take(l *line, e event) (message, error) {
	switch e.kind {
	case gotDamaged:
		return message{}, l.write([]byte{nak}, d.c.After(d.c.Pace.ACK))
	case gotFrame:
	default:
		d.paid()
		return message{}, nil
	}
	m := parse(e.text)
	// Remembered before it is acknowledged: a line that fails just here must not lose it.
	switch m.function {
	case fnProgress:
		d.report(progress[m.code()])
	case fnSold:
		d.heard = m
	}
	return m, l.write([]byte{ack}, d.c.After(d.c.Pace.ACK))
}

// paid notes an ACK or NAK.
func (d *Driver) paid() { d.owed = max(d.owed-1, 0) }

// untilQuiet listens until nothing has come for so long that the terminal has nothing left to do, so that no answer to a
// command of before can be taken for one to what comes next. It is needed only after commands that nobody acknowledged.
func (d *Driver) untilQuiet(ctx context.Context) error {
	if d.owed == 0 {
		return nil
	}
	l, err := d.open()
	if err != nil {
		return err
	}
	d.report("Esperando que el terminal se desocupe")
	most := d.c.After(d.c.Pace.Answer)
	for quiet := d.c.After(d.c.Pace.Quiet); ; quiet = d.c.After(d.c.Pace.Quiet) {
		e, err := l.next(ctx, quiet, d.gap)
		if errors.Is(err, errSilence) {
			d.owed = 0
			return nil
		}
		if err == nil {
			_, err = d.take(l, e)
		}
		if err != nil {
			d.hangUp()
			return err
		}
		select {
		case <-most:
			return errSilence
		default:
		}
	}
}

// clear takes what arrived while nobody listened: answers that came too late, repeated ones, stray bytes.
func (d *Driver) clear(l *line) {
	for {
		e, ok, _ := l.waiting()
		if !ok {
			return
		}
		if _, err := d.take(l, e); err != nil {
			return // the command will meet the same trouble and say so
		}
	}
}

func (d *Driver) gap() <-chan time.Time { return d.c.After(d.c.Pace.Gap) }
