package possim

import "time"

// Script is how the terminal and its cable behave from now on. The zero value behaves well: the customer pays with a
// credit card.
type Script struct {
	// Code is the answer to a sale; empty is "00", approved.
	Code string
	// RefundCode is the answer to an annulment that the terminal could make; empty is "00", done.
	RefundCode string
	// Card is how long the customer takes for each step that the terminal reports (2 s).
	Card time.Duration
	// NAKs is how many commands are refused without a look at them; Deaf, that none is heard at all.
	NAKs int
	Deaf bool
	// NAKSales is how many sales are refused like that; all else is heard.
	NAKSales int
	// StrayNAK sends a NAK before the ACK of a sale that is then carried out.
	StrayNAK bool
	// Mute leaves out the ACK of every command but a poll; the command is carried out.
	Mute bool
	// BadCheck is how many answers leave with a wrong check byte.
	BadCheck int
	// Noise leaves before every frame.
	Noise []byte
	// Drip is a pause before every byte to the till.
	Drip time.Duration
	// Repeats is how often an answer is sent again although it was acknowledged.
	Repeats int
	// AnswerTicket, if set, stands in the answer to a sale in place of the true one.
	AnswerTicket string
	// AnswerAmount, if not 0, stands there in place of the true amount.
	AnswerAmount int64
	// Buffers keeps what arrives during a sale, to do it afterwards; otherwise it is dropped.
	Buffers bool
	// Concurrent answers the question for the last sale also while a sale is under way (supposed: none does). Such a
	// terminal reads all the time, so it buffers nothing.
	Concurrent bool
	// PowerLoss is when the power fails in a sale, once. It is back after PowerTime (20 s).
	PowerLoss PowerLoss
	PowerTime time.Duration
	// Cut cuts the cable, once; nil never.
	Cut *Cut
}

// PowerLoss is a moment in a sale.
type PowerLoss int

// The moments.
const (
	NoPowerLoss PowerLoss = iota
	BeforeApproval
	AfterApproval
)

// Cut is where the cable is cut.
type Cut struct {
	// ToTill counts the bytes from the terminal to the till; otherwise those from the till.
	ToTill bool
	// After is how many of them pass, from when the script was set.
	After int
	// Kind is what the two ends notice.
	Kind CutKind
	// Power fails too, at that very byte.
	Power bool
}

// CutKind is what the two ends notice of a cut.
type CutKind int

// The kinds of cut.
const (
	// Unplugged: the till's port is gone, as when a USB plug is pulled.
	Unplugged CutKind = iota
	// Silent: nothing passes any more in either direction, and nobody is told.
	Silent
	// OneWay: as Silent, in the one direction only.
	OneWay
)

func orElse[T comparable](v, standard T) T {
	var zero T
	if v == zero {
		return standard
	}
	return v
}
