package central

import (
	"time"

	"mostrador/central/api"
)

// A report may be long on its way, on a slow line or because somebody between asked once more. When newer ones have overtaken it, it
// says less than the server knows, and looks like the first word of a store that was put back. What tells them apart:
//
//   - Not the chain: the store that was put back ends where the late report does.
//   - Not the till's clock: who puts a disk back may put the clock back, too, and people correct clocks.
//   - The till's own count of its reports, with the name of the run of its program. They are in its memory and in no file, and each
//     run has a name of its own. So whatever was put back on the disk, restored or copied speaks as a run that was never heard,
//     and is judged, whatever its clock says.
//
// What is left is a machine that was put back with its memory, as virtual ones can be: a run that was heard, with numbers of then.
// There the clocks decide, for it only: what was overtaken was written before what overtook it, and no longer ago than a message can be
// on its way. If that clock is right the first condition fails, if it stands where it stood the second; and if it was put back
// by less than that, as soon as it has come to where it was.
//
// A report that was overtaken is answered with "later", and changes nothing: nobody waits for the answer, and who does says it anew.

// longestWay is how long a message can be on its way: about as long as a socket keeps trying.
const longestWay = 20 * time.Minute

// overtaken reports that the till's newer reports arrived before this one, or, of one that seems to come from a store that went back,
// that the very same one did: what the till told since then has no number.
func (c *Call) overtaken(r api.Report, hold Hold) (bool, error) {
	if r.Run == "" {
		return false, nil
	}
	var heard time.Time
	var skew int64
	err := c.tx.QueryRow(c.ctx, "select at, skew_ms from till_health where till_id = $1 and run = $2 and (seq > $3 or seq = $3 and $4)", c.Till.ID, runOf(r), r.Seq, hold == HoldBehind).Scan(&heard, &skew)
	if errNoRow(err) {
		return false, nil
	}
	written := r.Now.Add(-time.Duration(skew) * time.Millisecond) // by the server's clock
	return !written.After(heard.Add(time.Second)) && c.now.Sub(written) <= longestWay, err
}

func runOf(r api.Report) string { return plainText(r.Run, 60) }

func errOvertaken() *RefusalError {
	return refuse(Unavailable, "Llegó un informe de la caja que otro más nuevo ya había adelantado. No se cambió nada; la caja dirá de nuevo cómo está")
}
