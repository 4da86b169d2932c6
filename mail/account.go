package mail

import "mostrador/sale"

// The account is the counter's to write down; here it is used.
type (
	// Account is how a shop sends mail.
	Account = sale.MailAccount
	// Security is how the conversation is encrypted.
	Security = sale.MailSecurity
)

// STARTTLS is usual on port 587, TLS from the first byte on 465.
const (
	STARTTLS = sale.MailSTARTTLS
	TLS      = sale.MailTLS
)

// control are the characters that could end a line, to anybody.
func control(r rune) bool {
	return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || r == '\u0085'
}
