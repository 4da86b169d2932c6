package possim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"mostrador/money"
)

// Config is a terminal. Now and After are needed.
type Config struct {
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time
	// Zone is where its clock hangs; nil is UTC.
	Zone *time.Location
	// PAN is the card of the next customers; empty is one that no bank issued. A good till never learns it.
	PAN string
	// Debit: it is a debit card.
	Debit bool
}

// Sale is a sale in the terminal's memory.
type Sale struct {
	Ticket        string
	Amount        money.Pesos
	Operation     int
	Authorization string
	At            time.Time
	Refunded      bool
}

// Sim is a terminal. Make it with New, connect it with Dial or Plug, end it with Stop.
type Sim struct {
	c       Config
	rx      chan byte
	stop    chan struct{}
	running sync.WaitGroup
	kept    []byte // what arrived during a sale and is to be done afterwards; of run only

	mu      sync.Mutex
	script  Script
	passed  int // bytes in the direction of the script's cut
	cutDone bool
	cable   *cable
	off     chan struct{} // closed while there is no power
	memory  []Sale
	last    int // number of the last operation
	// How often each ticket was charged and given back: the truth, which nothing wipes.
	charged, refunded map[string]int
}

const (
	commerce   = "597000000123"
	terminalID = "SIM00001"
	testPAN    = "4539578763621486"
)

// New makes a terminal and switches it on.
func New(c Config) *Sim {
	c.Zone, c.PAN = orElse(c.Zone, time.UTC), orElse(c.PAN, testPAN)
	s := &Sim{c: c, rx: make(chan byte, 4096), stop: make(chan struct{}), off: make(chan struct{}), charged: map[string]int{}, refunded: map[string]int{}}
	s.running.Go(s.run)
	return s
}

// Stop switches it off for good and pulls its cable out.
func (s *Sim) Stop() {
	close(s.stop)
	s.mu.Lock()
	if s.cable != nil {
		s.cable.till.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// Play sets the script; its counts begin anew.
func (s *Sim) Play(script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script, s.passed, s.cutDone = script, 0, false
}

// Charged is how often a ticket was charged, whatever anybody was told.
func (s *Sim) Charged(ticket string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.charged[ticket]
}

// Refunded is how often a ticket was given back, whatever anybody was told.
func (s *Sim) Refunded(ticket string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refunded[ticket]
}

// Memory is what the terminal remembers, oldest first.
func (s *Sim) Memory() []Sale {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.memory)
}

// WasCut reports that the script's cut has happened.
func (s *Sim) WasCut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cutDone
}

// SellByHand is a sale that somebody types on the terminal itself.
func (s *Sim) SellByHand(ticket string, amount money.Pesos) { s.approve(ticket, amount) }

// CloseByHand is a cierre at the terminal itself: it forgets its sales.
func (s *Sim) CloseByHand() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory = nil
}

func (s *Sim) approve(ticket string, amount money.Pesos) Sale {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	sale := Sale{
		Ticket: ticket, Amount: amount, Operation: s.last, At: s.c.Now().In(s.c.Zone),
		Authorization: fmt.Sprintf("%06d", 100000+s.last*7919%900000),
	}
	s.memory = append(s.memory, sale)
	s.charged[ticket]++
	return sale
}

// run is the terminal's life: it waits for a command, does it, and waits again; without power it does nothing.
func (s *Sim) run() {
	for !closed(s.stop) {
		s.mu.Lock()
		off := s.off
		s.mu.Unlock()
		if closed(off) {
			s.dark()
			continue
		}
		if text, ok := s.hear(off); ok {
			s.obey(text)
		}
	}
}

// powerOff is called with the lock held.
func (s *Sim) powerOff() {
	if !closed(s.off) {
		close(s.off)
	}
}

// dark is the time without power. Whatever arrived is gone.
func (s *Sim) dark() {
	s.mu.Lock()
	d := orElse(s.script.PowerTime, 20*time.Second)
	s.mu.Unlock()
	select {
	case <-s.c.After(d):
	case <-s.stop:
		return
	}
	s.drain()
	s.mu.Lock()
	s.off = make(chan struct{})
	s.mu.Unlock()
}

func (s *Sim) drain() {
	for {
		select {
		case <-s.rx:
		default:
			s.kept = nil
			return
		}
	}
}

// hear waits for a whole command with a right check byte. It acknowledges nothing.
func (s *Sim) hear(off <-chan struct{}) (string, bool) {
	var text []byte
	started := false
	for {
		b, ok := s.first(off)
		switch {
		case !ok:
			return "", false
		case b == 0x02:
			started, text = true, nil
		case !started:
		case b != 0x03:
			text = append(text, b)
		default:
			lrc, ok := s.first(off)
			if !ok {
				return "", false
			}
			if lrc != xor(append(text, 0x03)) {
				s.send(0x15)
				return "", false
			}
			return string(text), true
		}
	}
}

// first is the next byte, beginning with those that were kept.
func (s *Sim) first(off <-chan struct{}) (byte, bool) {
	if len(s.kept) > 0 {
		b := s.kept[0]
		s.kept = s.kept[1:]
		return b, true
	}
	return s.byte(off, nil)
}

// byte waits for a byte from the till, until limit if there is one.
func (s *Sim) byte(off <-chan struct{}, limit <-chan time.Time) (byte, bool) {
	select {
	case b := <-s.rx:
		return b, true
	case <-limit:
	case <-off:
	case <-s.stop:
	}
	return 0, false
}

func xor(b []byte) byte {
	var x byte
	for _, c := range b {
		x ^= c
	}
	return x
}

// obey does what a command says. A poll and the change of mode have no answer but the ACK.
func (s *Sim) obey(text string) {
	s.mu.Lock()
	script := s.script
	fields := append(strings.Split(text, "|"), make([]string, 8)...)
	refused := s.script.NAKs > 0 || s.script.NAKSales > 0 && fields[0] == "0200"
	s.script.NAKs--
	if fields[0] == "0200" {
		s.script.NAKSales--
	}
	s.mu.Unlock()
	switch {
	case script.Deaf:
		return
	case refused:
		s.send(0x15)
		return
	case fields[0] == "0200":
		s.sale(script, fields)
		return
	}
	if mute := script.Mute && fields[0] != "0100"; !mute && !s.send(0x06) {
		return
	}
	switch fields[0] {
	case "0250":
		s.answer(script, s.lastSale())
	case "0500":
		s.CloseByHand()
		s.answer(script, "0510|00|"+commerce+"|"+terminalID+"|")
	case "0700":
		s.answer(script, s.totals())
	case "0800":
		s.answer(script, "0810|00|"+commerce+"|"+terminalID+"|")
	case "1200":
		s.annul(script, fields[1])
	}
}

// sale asks the customer for the card and answers with what came of it.
func (s *Sim) sale(script Script, fields []string) {
	amount, _ := strconv.ParseInt(fields[1], 10, 64)
	ticket, voucher, status := fields[2], fields[4] == "1", fields[5] == "1"
	if script.StrayNAK && !s.send(0x15) {
		return
	}
	if !script.Mute && !s.send(0x06) {
		return
	}
	if !s.customer(script, status) {
		return
	}
	if script.PowerLoss == BeforeApproval {
		s.failOnce()
		return
	}
	answer := fmt.Sprintf("0210|%s|%s|%s|%s||%d||||||||||||||", script.Code, commerce, terminalID, ticket, amount)
	if orElse(script.Code, "00") == "00" {
		sale := s.approve(ticket, money.Pesos(amount))
		sale.Ticket = orElse(script.AnswerTicket, sale.Ticket)
		sale.Amount = orElse(money.Pesos(script.AnswerAmount), sale.Amount)
		answer = "0210|00|" + s.fields(sale, voucher)
	}
	if script.PowerLoss == AfterApproval {
		s.failOnce()
		return
	}
	s.answer(script, answer)
}

func (s *Sim) failOnce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script.PowerLoss = NoPowerLoss
	s.powerOff()
}

// customer is what happens between the command and the answer. It reports whether it came to its end.
func (s *Sim) customer(script Script, status bool) bool {
	for _, step := range []string{"78", "79", "81", "82"} {
		if status && !s.frame(script, "0900|"+step+"|", false) {
			return false
		}
		if !s.pass(script, orElse(script.Card, 2*time.Second)) {
			return false
		}
	}
	return true
}

// pass lets time pass in a sale. What arrives meanwhile is dropped, or kept; a concurrent terminal answers the question
// for the last sale.
func (s *Sim) pass(script Script, d time.Duration) bool {
	s.mu.Lock()
	off := s.off
	s.mu.Unlock()
	limit := s.c.After(d)
	var heard []byte
	for {
		b, ok := s.byte(off, limit)
		if !ok {
			return !closed(off) && !closed(s.stop)
		}
		s.keep(script, b)
		heard = append(heard, b)
		if script.Concurrent && strings.HasSuffix(string(heard), "\x020250|\x03\x78") {
			if !s.send(0x06) || !s.frame(script, s.lastSale(), false) {
				return false
			}
		}
	}
}

func (s *Sim) keep(script Script, b byte) {
	if script.Buffers && !script.Concurrent && b != 0x06 && b != 0x15 {
		s.kept = append(s.kept, b)
	}
}

// answer sends a text until it is acknowledged: three times at most, ten seconds apart.
func (s *Sim) answer(script Script, text string) {
	s.mu.Lock()
	off := s.off
	s.mu.Unlock()
	for range 3 {
		if !s.frame(script, text, s.damages()) {
			return
		}
		if s.acknowledged(script, off) {
			for range script.Repeats {
				if !s.wait(10*time.Second) || !s.frame(script, text, false) {
					return
				}
			}
			return
		}
		if closed(off) || closed(s.stop) {
			return
		}
	}
}

// damages counts down the answers that leave with a wrong check byte.
func (s *Sim) damages() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script.BadCheck--
	return s.script.BadCheck >= 0
}

// acknowledged waits ten seconds for an ACK. A NAK ends the wait; anything else is dropped, or kept.
func (s *Sim) acknowledged(script Script, off <-chan struct{}) bool {
	limit := s.c.After(10 * time.Second)
	for {
		b, ok := s.byte(off, limit)
		switch {
		case !ok || b == 0x15:
			return false
		case b == 0x06:
			return true
		}
		s.keep(script, b)
	}
}

// frame sends a text. It reports whether the power held.
func (s *Sim) frame(script Script, text string, damaged bool) bool {
	b := append([]byte(text), 0x03)
	lrc := xor(b)
	if damaged {
		lrc ^= 0x40
	}
	return s.send(append(append(append(slices.Clone(script.Noise), 0x02), b...), lrc)...)
}

// fields are those of a sale, from the commerce on. The field of the account holds a whole card number, as it does with
// some terminals.
func (s *Sim) fields(sale Sale, voucher bool) string {
	card, brand := "CR", "VI"
	if s.c.Debit {
		card, brand = "DB", "DB"
	}
	text := ""
	if voucher {
		text = s.voucher(sale)
	}
	return fmt.Sprintf("%s|%s|%s|%s|%d|00||%s|%06d|%s||%s|%s|%s|%s||0|%s|", commerce, terminalID, sale.Ticket,
		sale.Authorization, sale.Amount, s.c.PAN[len(s.c.PAN)-4:], sale.Operation, card, s.c.PAN, brand,
		sale.At.Format("02012006"), sale.At.Format("150405"), text)
}

// voucher is lines of 40 characters without anything between them.
func (s *Sim) voucher(sale Sale) string {
	var text strings.Builder
	for _, line := range []string{
		"VENTA DE PRUEBA", commerce + "-" + terminalID, "TARJETA " + s.c.PAN, "TOTAL: $" + sale.Amount.String(),
		fmt.Sprintf("OPERACION: %06d   AUTORIZACION: %s", sale.Operation, sale.Authorization),
	} {
		fmt.Fprintf(&text, "%-40s", line)
	}
	return text.String()
}

func (s *Sim) lastSale() string {
	memory := s.Memory()
	if len(memory) == 0 {
		return "0260|11|||||||||||||||||||"
	}
	return "0260|00|" + s.fields(memory[len(memory)-1], false)
}

func (s *Sim) totals() string {
	var sum money.Pesos
	memory := s.Memory()
	for _, sale := range memory {
		sum += sale.Amount
	}
	return fmt.Sprintf("0710|00|%d|%d", len(memory), sum)
}

// annul gives a sale back, and answers; the power may fail before or after.
func (s *Sim) annul(script Script, operation string) {
	if script.PowerLoss == BeforeApproval {
		s.failOnce()
		return
	}
	answer := s.refund(script, operation)
	if script.PowerLoss == AfterApproval {
		s.failOnce()
		return
	}
	s.answer(script, answer)
}

func (s *Sim) refund(script Script, operation string) string {
	n, _ := strconv.Atoi(operation)
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.memory, func(sale Sale) bool { return sale.Operation == n })
	code := "00"
	switch {
	case i < 0:
		code = "05"
	case s.c.Debit:
		code = "08"
	case s.memory[i].Refunded:
		code = "04"
	case script.RefundCode != "":
		code = script.RefundCode
	default:
		s.memory[i].Refunded = true
		s.refunded[s.memory[i].Ticket]++
	}
	return fmt.Sprintf("1210|%s|%s|%s|%06d|%s", code, commerce, terminalID, 700000+n, operation)
}
