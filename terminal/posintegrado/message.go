package posintegrado

import (
	"strconv"
	"strings"
	"time"

	"mostrador/money"
	"mostrador/terminal"
)

// The functions of commands and answers.
const (
	fnPoll     = "0100"
	fnSale     = "0200"
	fnSold     = "0210"
	fnLast     = "0250"
	fnLastSold = "0260"
	fnNormal   = "0300"
	fnClose    = "0500"
	fnClosed   = "0510"
	fnTotals   = "0700"
	fnTotal    = "0710"
	fnKeys     = "0800"
	fnKeysDone = "0810"
	fnProgress = "0900"
	fnRefund   = "1200"
	fnRefunded = "1210"
)

// Where the fields of a sale are, in the answers to sale and last sale.
const (
	fieldCode = iota + 1
	fieldCommerce
	fieldTerminal
	fieldTicket
	fieldAuthorization
	fieldAmount
	fieldCuotas
	fieldCuota
	fieldLast4
	fieldOperation
	fieldCard
	fieldAccountingDate
	fieldAccount
	fieldBrand
	fieldDate
	fieldTime
	fieldEmployee
	fieldTip
	fieldVoucher
)

// Of the answer to a refund.
const (
	refundTerminal      = 3
	refundAuthorization = 4
	refundOperation     = 5
)

// message is an answer of the terminal. It holds no card number: parse has removed what could be one.
type message struct {
	function string
	fields   []string
}

const (
	commerceLen  = 12
	longestCode  = 8
	shownDigits  = 4
	voucherWidth = 40
)

// parse splits a text and takes out what could be a card number: the field of the account is emptied, all others are
// redacted. Nothing of the text itself is kept.
func parse(text []byte) message {
	fields := strings.Split(latin1(text), "|")
	m := message{function: terminal.Redact(fields[0], ""), fields: fields}
	if m.sale() && len(fields) > fieldAccount {
		fields[fieldAccount] = ""
	}
	keep := m.commerce()
	for i, f := range fields {
		fields[i] = terminal.Redact(f, keep)
	}
	return m
}

func (m message) sale() bool { return m.function == fnSold || m.function == fnLastSold }

// commerce is the shop's number at Transbank, as long as a short card number; it is on every voucher.
func (m message) commerce() string {
	if c := m.text(fieldCommerce); m.sale() && len(c) == commerceLen && digits(c) {
		return c
	}
	return ""
}

// latin1 reads the terminal's letters. Control characters become spaces.
func latin1(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			c = ' '
		}
		s.WriteRune(rune(c))
	}
	return s.String()
}

func (m message) text(i int) string {
	if i >= len(m.fields) {
		return ""
	}
	return strings.TrimSpace(m.fields[i])
}

// short is a field of letters and digits, no longer than n; anything else is nothing.
func (m message) short(i, n int) string {
	s := m.text(i)
	if len(s) > n || strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return s
}

// number is a field of digits; ok is false for anything else.
func (m message) number(i int) (n int64, ok bool) {
	s := m.text(i)
	if !digits(s) || len(s) > 9 {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// code is the answer code, two digits; empty if there is none.
func (m message) code() string {
	n, ok := m.number(fieldCode)
	if !ok || n > 99 {
		return ""
	}
	return string([]byte{'0' + byte(n/10), '0' + byte(n%10)})
}

const approved = "00"

// sold reads an approved sale. It is Unknown if the terminal did not say how much.
func (m message) sold(zone *time.Location) terminal.Result {
	amount, ok := m.number(fieldAmount)
	if m.code() != approved || !ok {
		return terminal.Result{State: terminal.Unknown}
	}
	r := terminal.Result{
		State: terminal.Approved, Amount: money.Pesos(amount), Ticket: m.short(fieldTicket, terminal.TicketLen),
		Authorization: m.short(fieldAuthorization, longestCode), Operation: m.short(fieldOperation, terminal.TicketLen),
		Brand: m.short(fieldBrand, 2), TerminalID: m.short(fieldTerminal, longestCode),
		At: m.at(zone), Voucher: m.voucher(),
	}
	switch card := terminal.Card(m.text(fieldCard)); card {
	case terminal.Credit, terminal.Debit:
		r.Card = card
	}
	if last := m.text(fieldLast4); len(last) == shownDigits && digits(last) {
		r.Last4 = last
	}
	if cuotas, ok := m.number(fieldCuotas); ok && cuotas < 100 {
		r.Cuotas = int(cuotas)
	}
	return r
}

// at is the terminal's clock; zero if it cannot be read.
func (m message) at(zone *time.Location) time.Time {
	t, err := time.ParseInLocation("02012006 150405", m.text(fieldDate)+" "+m.text(fieldTime), zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

// voucher cuts the text of the voucher in the lines of the terminal's paper.
func (m message) voucher() []string {
	if len(m.fields) <= fieldVoucher {
		return nil
	}
	text := []rune(m.fields[fieldVoucher])
	if len(text) < voucherWidth {
		return nil // some versions have another small field here
	}
	var lines []string
	for len(text) > 0 {
		n := min(voucherWidth, len(text))
		lines = append(lines, strings.TrimRight(string(text[:n]), " "))
		text = text[n:]
	}
	return lines
}
