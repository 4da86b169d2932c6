// Package store is the till's truth: one bbolt file with everything that a till must not forget.
//
// Owns: the file; its transactions, ranges of folios, documents, queues (authority and printer), audit chain, sealed
// secrets, what the company's server has not heard, migrations and backups. *Store is a sale.Journal, the worker's outbox and the printer's queue.
//
// Invariants: one sale is one transaction; a folio is handed out only while no document has it; document bytes never
// change and are checked against their hash whenever they are read (a person's correction of a refused document is another
// version, beside which the refused one stays); after any crash Audit is clean.
//
// Imports sale and dte, bbolt, x/crypto and the keyring; never sync, ui or net/http. No clock: times are arguments.
//
// # What survives what
//
//   - The program dies at any moment: every sale that Issue returned is there; the one under way is there whole or not
//     at all. Open, and ask Sale with its ID.
//   - The power fails: the same, on a disk that honours flushes (two per sale).
//   - The disk is full: Issue fails with ErrFull, nothing is lost, and it goes on when there is space.
//   - A commit fails: nobody can know from the error alone whether it was done. The store closes the file, opens it again
//     and looks; only if that fails too the answer is sale.ErrUnknown, and every later call begins by opening again.
//   - The file is damaged: bbolt would not notice. Sizes are checked before the file is mapped, document bytes and the
//     audit chain carry SHA-256, and a read that faults becomes ErrDamaged; from then on the store refuses to write.
//   - The keyring is lost (new computer, new user): Unlock opens the secrets with the owner's passphrase. If that is lost
//     as well, the documents are still there, but certificate and CAFs must be imported again.
//   - An old copy is put back: use Restore, never a plain copy. It refuses to issue until Resume has been told the last
//     folio that was printed, or, without folios of its own, until the company's server has given it others; a plain copy
//     would use folios twice. A server notices one as soon as both copies have spoken, and stops it with Hold.
//
// # How to corrupt a till
//
// Put the file on a network share or in a synchronised folder (locks do not work there). Copy it while the till is open:
// only Backup gives a whole copy. Put an old copy back by hand, or let two tills start from copies of one file: both hand
// out the same folios. Switch off the disk's write-cache flushing. Delete the file and import the same CAF again.
//
// # Secrets
//
// CAFs (with their private keys), the certificate and its password rest only under XChaCha20-Poly1305, bound to the
// place where they are kept. The 32-byte key that opens them is random; it is kept by a KeyHolder (the system's keyring,
// or a KeyFile) and, always, in the file under a key derived from the owner's passphrase with argon2id. Catalogue, sales
// and documents are not encrypted: a document is public to its buyer and to the SII.
//
// A KeyFile is for a bare Linux without a keyring. It protects copies and backups of the store that travel alone, but not
// against somebody who can read both files.
package store
