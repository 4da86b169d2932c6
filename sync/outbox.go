package sync

import (
	"time"

	"mostrador/dte"
)

// Outbox is where the worker finds documents and keeps what happened to them: the till's store, or Memory in tests.
// Every method is one transaction; all may be called from any goroutine.
type Outbox interface {
	// Waiting returns up to limit documents that are in no envelope, oldest first; boletas or the others. Their bytes
	// have been checked against the stored hash.
	Waiting(boletas bool, limit int) ([]*dte.Document, error)
	// WaitingSince counts those documents, up to limit, and tells when the oldest was issued; it reads none of them.
	WaitingSince(boletas bool, limit int) (n int, oldest time.Time, err error)
	// NewSobre stores an envelope in state Enveloped under the next ID and moves its documents to Enveloped. It fails,
	// changing nothing, if one of them is not Issued.
	NewSobre(s dte.Sobre) (dte.Sobre, error)
	// OpenSobres returns the envelopes that are not settled, oldest first, without XML.
	OpenSobres() ([]dte.Sobre, error)
	// SobreXML returns the frozen bytes, checked against the hash.
	SobreXML(id string) ([]byte, error)
	// UpdateSobre stores s (by ID) and moves its undecided documents to s.State. Keys, bytes and CreatedAt never change.
	// It fails, as Settle does, for an envelope whose documents Regroup put in others.
	UpdateSobre(s dte.Sobre) error
	// Settle stores verdicts of documents in envelope id. When every document of it has one, the envelope is settled.
	// A document that already has a final state keeps it.
	Settle(id string, verdicts []dte.Veredicto) error
	// Regroup ends envelope id, which the authority refused as a whole for that reason, and stores others, in state
	// Enveloped under the next IDs, that carry its undecided documents: all of them, each once. Otherwise it fails,
	// changing nothing.
	Regroup(id, reason string, into []dte.Sobre) ([]dte.Sobre, error)
	// Left are the documents of envelope id that are still in it and that the authority has not decided, as in Standing.
	Left(id string) ([]dte.Key, error)
	// DocumentIn returns a document's stored bytes, parsed.
	DocumentIn(key dte.Key) (*dte.Document, error)
	// Standing returns where a document stands. Known is false for a document that
	// this till did not issue.
	Standing(key dte.Key) (state dte.State, known bool, err error)
	// Backlog counts the documents without a final state and tells when the oldest of them was issued.
	Backlog() (dte.Backlog, error)
}
