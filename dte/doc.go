// Package dte is the Chilean law of electronic tax documents as a library: RUT, CAF, drafts, totals, the timbre (TED),
// XML, signatures, envelopes; and reading and verifying what others emit.
//
// Owns: the shape of every document, its arithmetic, and the only code that stamps and signs.
//
// Invariants: same input, same bytes; Verify accepts everything Emit returns; signed bytes are never rewritten, and an
// envelope is a concatenation of stored bytes. No I/O, no clock: the time is an argument, always shown in
// America/Santiago. Values are safe for concurrent use once built.
//
// Sources, cited where a rule is implemented: "Formato DTE" v2.5 (SII, 2026-02), "Formato Boleta Electrónica"
// (EnvioBOLETA_v11), "Instructivo técnico" (timbre and signature), and the SII's published answers (FAQ numbers).
//
// The 512-bit CAF keys and SHA-1 are imposed by the SII. They live in this package only (docs/adr/0002) and are never
// used for anything of ours.
//
// Imports money and nothing else of ours; no net/http, no os.
package dte
