package dte

import (
	"fmt"
	"slices"
	"time"
)

// State is where a document stands on its way to the authority. It only moves forward, except that Unknown is left in
// either direction once the authority has been asked, and that a person may lead a Rejected document back to Issued. Delivery to a central server and printing are separate facts.
type State string

// The life of a document.
const (
	// Issued: stamped, signed and stored by the till; in no envelope yet. The document is already legal.
	Issued State = "issued"
	// Enveloped: part of an envelope whose bytes are stored. From now on only those bytes are ever sent.
	Enveloped State = "enveloped"
	// Sending: the upload has begun; its first byte may have left. A crash in this state leads to Unknown.
	Sending State = "sending"
	// Unknown: an upload ended without an answer. The authority is asked before anything is sent again.
	Unknown State = "unknown"
	// Sent: the authority gave a track id. That is a receipt, not a verdict.
	Sent State = "sent"
	// Accepted: final. The authority has it and agrees.
	Accepted State = "accepted"
	// Objected: final. Accepted with objections (reparos); valid, someone should read them.
	Objected State = "objected"
	// Rejected: the authority refuses it. Machines leave it there; a person may have the same bytes sent again, or corrected
	// ones under the same folio, which makes it Issued anew, or have the sale issued under another folio (Veredicto.Acts).
	Rejected State = "rejected"
)

// States lists them all, in the order of a normal life.
func States() []State {
	return []State{Issued, Enveloped, Sending, Unknown, Sent, Accepted, Objected, Rejected}
}

// Final reports a state that the authority has decided.
func (s State) Final() bool { return s == Accepted || s == Objected || s == Rejected }

// CanBecome reports a step that machines may take: forward, never out of a final state; and from Sending or
// Unknown back to Enveloped, once it is known that nothing arrived. A document whose envelope was refused as a whole
// becomes Enveloped in another one: that is no step of the envelope, which ends.
func (s State) CanBecome(next State) bool {
	from, to := slices.Index(States(), s), slices.Index(States(), next)
	if from < 0 || to < 0 || s.Final() {
		return false
	}
	return to >= from || (s == Sending || s == Unknown) && to >= slices.Index(States(), Enveloped)
}

// Sobre is a stored envelope: bytes frozen before the first attempt, and what happened to them.
type Sobre struct {
	// ID is the till's own name for it, unique and increasing: "S000000012".
	ID string `json:"id"`
	// Boletas: an EnvioBOLETA, for the boleta channel. Otherwise an EnvioDTE.
	Boletas bool  `json:"boletas"`
	Emisor  RUT   `json:"emisor"`
	Keys    []Key `json:"keys"`
	// XML is kept beside the record, not in it.
	XML       []byte    `json:"-"`
	SHA256    string    `json:"sha256"`
	CreatedAt time.Time `json:"createdAt"`
	// State is Enveloped, Sending, Unknown or Sent; Settled says that nothing is left to do with it: every document has
	// its final state, or left it because the authority refused the whole.
	State   State `json:"state"`
	Settled bool  `json:"settled,omitempty"`
	// Refused is the authority's reason for refusing the envelope as a whole; empty otherwise. None of its documents was
	// received, and its bytes are never sent again: other envelopes carry the documents.
	Refused string `json:"refused,omitempty"`
	// Instead is the refused envelope whose documents, or some of them, this one carries.
	Instead string `json:"instead,omitempty"`
	// Again are the documents that were in an envelope before this one and that a person had sent again. The authority
	// may hold them from there, so they are no proof that this one arrived.
	Again   []Key     `json:"again,omitempty"`
	TrackID string    `json:"trackId,omitempty"`
	SentAt  time.Time `json:"sentAt,omitzero"`
	// Attempts counts uploads and questions that the authority failed; a line that is down counts none.
	Attempts int `json:"attempts,omitempty"`
	// NextAt: nothing is tried before.
	NextAt time.Time `json:"nextAt,omitzero"`
	// Problem is the last trouble, in Spanish, for the screen; empty when all is well.
	Problem string `json:"problem,omitempty"`
}

// CheckRegroup reports why those envelopes cannot take the place of a refused one of which the documents left are
// undecided: they carry each of these once, and nothing else.
func CheckRegroup(refused Sobre, left []Key, reason string, into []Sobre) error {
	if refused.Settled || reason == "" || len(left) == 0 {
		return fmt.Errorf("el sobre %s no tiene nada que reagrupar", refused.ID)
	}
	missing := map[Key]bool{}
	for _, key := range left {
		missing[key] = true
	}
	for _, s := range into {
		if len(s.Keys) == 0 || len(s.XML) == 0 || s.Boletas != refused.Boletas || s.Emisor != refused.Emisor {
			return fmt.Errorf("un sobre en lugar del %s lleva documentos y bytes de la misma clase y empresa", refused.ID)
		}
		for _, key := range s.Keys {
			if !missing[key] {
				return fmt.Errorf("%s no puede ir en lugar del sobre %s", key, refused.ID)
			}
			delete(missing, key)
		}
	}
	for key := range missing {
		return fmt.Errorf("%s quedaría sin sobre", key)
	}
	return nil
}

// Veredicto is the authority's last word on a document.
type Veredicto struct {
	Key   Key   `json:"key"`
	State State `json:"state"` // Accepted, Objected or Rejected
	// Codigo and Glosa are the authority's, e.g. "CAF-3-517" "CAF Vencido"; empty when accepted.
	Codigo string    `json:"codigo,omitempty"`
	Glosa  string    `json:"glosa,omitempty"`
	At     time.Time `json:"at"`
	// Fuente is where it comes from; empty is the authority itself, asked over the line.
	Fuente Fuente `json:"fuente,omitempty"`
}

// Fuente is a source of a verdict.
type Fuente string

// FuenteArchivo is a file that a person imported and nobody has signed: it holds until the authority, asked over the line,
// says the same or otherwise.
const FuenteArchivo Fuente = "archivo"

// FuenteServidor is the company's server, which took the document to the authority in the place of a till that was gone.
const FuenteServidor Fuente = "servidor"

// Backlog is what waits for the authority.
type Backlog struct {
	Documents int
	Oldest    time.Time // when the oldest was issued; zero when none waits
	ByState   map[State]int
}
