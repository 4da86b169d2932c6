package store

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterr "go.etcd.io/bbolt/errors"

	"mostrador/dte"
	"mostrador/sale"
)

// Errors of the file. Each is wrapped with what happened, what is safe and what to do; test with errors.Is.
var (
	// ErrBusy: another program has the file open.
	ErrBusy = errors.New("el punto de venta ya está abierto")
	// ErrNewer: a newer version wrote the file.
	ErrNewer = errors.New("el archivo es de una versión más nueva")
	// ErrDamaged: the file cannot be trusted. Reading may still work; writing is refused.
	ErrDamaged = errors.New("el archivo de la caja está dañado")
	// ErrFull: no space left on the disk. Nothing was written.
	ErrFull = errors.New("el disco está lleno")
	// ErrNotWritten: a commit failed and reopening showed that nothing was written. Trying again is safe.
	ErrNotWritten = errors.New("no se guardó nada")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("el archivo de la caja está cerrado")
)

// Options of Open. The zero value serves a store whose secrets are opened by hand with Unlock.
type Options struct {
	// Timeout is how long another instance is waited for; 0 is 2 seconds.
	Timeout time.Duration
	// Keys keeps the key of the secrets between runs; nil keeps it nowhere, and each run needs Unlock.
	Keys KeyHolder
	// KDF is the cost of the owner's passphrase when one is set; the zero value is DefaultKDF.
	KDF KDF
	// OnCommit, if set, is called after each new sale is durable, outside every lock.
	OnCommit func(sale.Record)
	// Disk, if set, stands between each commit and the file: a simulation lets it fail, before or after it was done.
	Disk func(commit func() error) error
}

// Store is the open file. All methods may be called from any goroutine; writes are serialised, reads run beside them.
// It implements sale.Journal, the Outbox of package sync and the Queue of package printer.
type Store struct {
	path string
	opt  Options

	write  sync.Mutex // one writer at a time; guards what follows
	cafs   map[string]*dte.CAF
	broken error // why writing is refused; nil while all is well
	stuck  bool  // bbolt could not end a transaction: its Close would wait for ever
	commit func(*bolt.Tx) error

	mu     sync.RWMutex // guards db and file; never taken for writing while a transaction of ours is open
	db     *bolt.DB     // nil after a failed reopening
	file   *os.File
	closed bool

	customers customerIndex

	vault  vault
	backup sync.Mutex // one backup at a time
}

// Open opens the file, or makes it (0600, in a folder 0700) if it is not there. It fails with ErrBusy, ErrNewer,
// ErrDamaged or an error of the system, and has then changed nothing. The secrets are open if Options.Keys has their
// key; see Locked.
func Open(path string, opt Options) (*Store, error) {
	if opt.Timeout <= 0 {
		opt.Timeout = 2 * time.Second
	}
	if opt.KDF == (KDF{}) {
		opt.KDF = DefaultKDF
	}
	s := &Store{path: path, opt: opt, cafs: map[string]*dte.CAF{}, commit: (*bolt.Tx).Commit}
	if opt.Disk != nil {
		s.commit = func(t *bolt.Tx) error { return opt.Disk(t.Commit) }
	}
	if err := create(path, opt.Timeout); err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// start brings the file up to date and ends what a crash interrupted.
func (s *Store) start() error {
	if err := s.migrate(); err != nil {
		return err
	}
	if err := s.interrupted(); err != nil {
		return err
	}
	return s.vault.load(s)
}

// Close ends the store. Calls under way end first.
func (s *Store) Close() error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.vault.forget()
	return s.shut()
}

// shut closes the file; mu is held.
func (s *Store) shut() error {
	db, file := s.db, s.file
	s.db, s.file = nil, nil
	switch {
	case db == nil:
		return nil
	case s.stuck:
		return file.Close() // gives the lock back; bbolt is beyond help
	}
	return guard(db.Close)
}

// create makes a new store beside path and puts it there whole, so that an empty file at path always means damage, and
// never "a new till": a till that begins again would use its folios twice.
func create(path string, timeout time.Duration) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("no se pudo crear la carpeta de la caja: %w", explain(err))
	}
	fresh := path + ".nuevo"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := bolt.Open(fresh, 0o600, &bolt.Options{Timeout: timeout})
	if err != nil {
		return fmt.Errorf("no se pudo crear el archivo de la caja: %w", explain(err))
	}
	if err := errors.Join(applyAll(db), db.Close()); err != nil {
		return fmt.Errorf("no se pudo crear el archivo de la caja: %w", explain(err))
	}
	if err := putInPlace(fresh, path); err != nil && !errors.Is(err, fs.ErrExist) { // another instance was faster
		return err
	}
	return nil
}

// putInPlace gives a finished file its name, without ever replacing another.
func putInPlace(fresh, path string) error {
	err := os.Link(fresh, path)
	switch {
	case err == nil:
		err = os.Remove(fresh)
	case !errors.Is(err, fs.ErrExist): // a file system without links
		err = os.Rename(fresh, path)
	}
	if err != nil {
		return fmt.Errorf("no se pudo dejar el archivo de la caja en su lugar: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a new name durable. Windows has no such call and does not need it.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) &&
		os.PathSeparator == '/' {
		return err
	}
	return nil
}

// open opens an existing file into s.
func (s *Store) open() error {
	if err := checkSize(s.path); err != nil {
		return err
	}
	if err := os.Chmod(s.path, 0o600); err != nil {
		return err
	}
	db, file, err := openBolt(s.path, bolt.Options{Timeout: s.opt.Timeout})
	if err != nil {
		return err
	}
	s.db, s.file = db, file
	return nil
}

// mapped is how much of the address space a file gets at once. bbolt maps a file anew when it outgrows its mapping, and
// for that the sale would wait until every reader has ended, a slow backup too. It costs nothing but addresses, save on
// Windows, where the file would be as large: there and on small machines the file is mapped as it grows.
func mapped() int {
	if runtime.GOOS == "windows" || strconv.IntSize < 64 {
		return 0
	}
	return 1 << 30
}

// chunk is how much a file grows at once: growing costs a flush of its own.
const chunk = 1 << 20

// openBolt opens with the file at hand, so that a failure in the middle does not leave it locked.
func openBolt(path string, o bolt.Options) (db *bolt.DB, file *os.File, err error) {
	o.OpenFile = func(name string, flag int, perm os.FileMode) (f *os.File, err error) {
		file, err = os.OpenFile(name, flag&^os.O_CREATE, perm)
		return file, err
	}
	o.InitialMmapSize = mapped()
	err = guard(func() (err error) {
		db, err = bolt.Open(path, 0o600, &o)
		return err
	})
	switch {
	case err == nil:
		db.AllocSize = chunk
		return db, file, nil
	case errors.Is(err, bolterr.ErrTimeout):
		err = fmt.Errorf("%w: otra ventana o programa está usando %s. No se cambió nada. "+
			"Use la ventana que ya está abierta, o ciérrela y vuelva a intentar", ErrBusy, filepath.Base(path))
	case errors.Is(err, bolterr.ErrInvalid), errors.Is(err, bolterr.ErrChecksum), errors.Is(err, bolterr.ErrVersionMismatch):
		err = damaged(err)
	default:
		err = explain(err)
	}
	if file != nil {
		file.Close() // a second close is harmless
	}
	return nil, nil, err
}

// reopen closes and opens again: the only way to learn what a failed commit did.
func (s *Store) reopen() error {
	s.mu.Lock()
	_ = s.shut() // its handle is not trusted any more, whatever it says
	s.mu.Unlock()
	return s.ready()
}

// ready makes sure that there is an open file. It is called without locks on mu.
func (s *Store) ready() error {
	s.mu.RLock()
	open := s.db != nil
	s.mu.RUnlock()
	if open {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.db != nil: // another goroutine was faster
		return nil
	}
	return s.open()
}

// view runs fn in a read transaction.
func (s *Store) view(fn func(*bolt.Tx) error) error {
	if err := s.ready(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return ErrClosed
	}
	return guard(func() error { return s.db.View(fn) })
}

// update runs fn in a write transaction, exactly once. An error of fn rolls back. A failed commit is resolved: nil if it
// was done all the same, ErrNotWritten (or ErrFull) if not, sale.ErrUnknown if the file cannot be opened.
func (s *Store) update(fn func(*bolt.Tx) error) error {
	s.write.Lock()
	defer s.write.Unlock()
	if s.broken != nil {
		return s.broken
	}
	if err := s.ready(); err != nil {
		return err
	}
	token := make([]byte, 16)
	rand.Read(token)
	committing, err := s.transact(fn, token)
	if errors.Is(err, ErrDamaged) {
		s.broken = err
	}
	if err == nil || !committing || s.stuck {
		return err
	}
	return s.resolve(token, err)
}

// transact tells whether an error comes from the commit, that is, whether its effect is unknown.
func (s *Store) transact(fn func(*bolt.Tx) error, token []byte) (committing bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return false, ErrClosed
	}
	var t *bolt.Tx
	err = guard(func() (err error) {
		t, err = s.db.Begin(true)
		return err
	})
	if err != nil {
		s.stuck = errors.Is(err, ErrDamaged) // it panicked with its locks held
		return false, err
	}
	defer func() {
		// After a commit this does nothing. Where rolling back faults too, bbolt keeps its locks.
		if end := guard(t.Rollback); errors.Is(end, ErrDamaged) {
			s.stuck, s.broken, err = true, end, end
		}
	}()
	err = guard(func() error {
		if err := fn(t); err != nil {
			return err
		}
		return t.Bucket(bMeta).Put(kLast, token)
	})
	if err != nil {
		return false, err
	}
	return true, guard(func() error { return s.commit(t) })
}

// resolve finds out what a failed commit did. The token of the transaction is in the file if and only if it was done.
func (s *Store) resolve(token []byte, cause error) error {
	cause = explain(cause)
	if err := s.reopen(); err != nil {
		return fmt.Errorf("%w: falló la escritura (%w) y el archivo no se pudo volver a abrir (%w). "+
			"No repita la venta: revise el disco y vuelva a intentar, la caja averiguará primero", sale.ErrUnknown, cause, err)
	}
	done := false
	err := s.view(func(t *bolt.Tx) error {
		done = bytes.Equal(t.Bucket(bMeta).Get(kLast), token)
		return nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", sale.ErrUnknown, err)
	case done:
		return nil
	}
	return fmt.Errorf("%w: %w. Lo guardado antes está a salvo; puede intentar de nuevo", ErrNotWritten, cause)
}

// guard runs fn and turns a fault of the mapped file (a read error, a truncated file) or a panic of bbolt on a page that
// makes no sense into ErrDamaged. A panic of the caller's own code goes on.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch p := recover().(type) {
		case nil:
		case foreign:
			panic(p.value)
		default:
			err = damaged(fmt.Errorf("%v", p))
		}
	}()
	return fn()
}

// foreign carries a panic of code that is not ours through guard.
type foreign struct{ value any }

func damaged(cause error) error {
	return fmt.Errorf("%w (%w). No emita con él: cierre, guarde una copia de la carpeta y restaure el último respaldo",
		ErrDamaged, cause)
}

// explain names a full disk. bbolt keeps only the text of some causes, so the text is looked at too.
func explain(err error) error {
	const windowsDiskFull = syscall.Errno(112)
	text := err.Error()
	full := errors.Is(err, syscall.ENOSPC) || os.PathSeparator == '\\' && errors.Is(err, windowsDiskFull)
	for _, s := range []string{"no space left", "file too large", "disk quota", "not enough space"} {
		full = full || strings.Contains(text, s)
	}
	if !full {
		return err
	}
	return fmt.Errorf("%w (%w): libere espacio", ErrFull, err)
}

// checkSize compares the file with what its own meta pages say. bbolt maps the file without looking, and reading past
// its end kills the process.
func checkSize(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	need, err := neededSize(f)
	if err != nil {
		return damaged(err)
	}
	if info.Size() < need {
		return damaged(fmt.Errorf("mide %d bytes y debiera medir %d o más", info.Size(), need))
	}
	return nil
}

// neededSize reads the newer of the two meta pages that is whole: header 16 bytes, then magic, version, page size, flags
// (4 bytes each), root (16), freelist, high-water page, transaction and FNV-64a of all before it (8 each).
func neededSize(r io.ReaderAt) (int64, error) {
	const header, body, magic = 16, 64, 0xED0CDAED
	var newest, need uint64
	pageSize := int64(os.Getpagesize())
	for page := range int64(2) {
		b := make([]byte, header+body)
		if _, err := r.ReadAt(b, page*pageSize); err != nil {
			continue
		}
		m := b[header:]
		sum := fnv.New64a()
		sum.Write(m[:body-8])
		e := binary.NativeEndian
		if e.Uint32(m) != magic || e.Uint64(m[body-8:]) != sum.Sum64() {
			continue
		}
		pageSize = int64(e.Uint32(m[8:]))
		if tx := e.Uint64(m[48:]); need == 0 || tx > newest {
			newest, need = tx, e.Uint64(m[40:])*uint64(pageSize)
		}
	}
	if need == 0 || need > 1<<50 {
		return 0, errors.New("no se reconoce como archivo de la caja")
	}
	return int64(need), nil
}

// The buckets. Numbers in keys are big-endian, so that keys sort as they count.
var (
	bMeta     = []byte("meta")     // name → value
	bValues   = []byte("values")   // name → setting
	bProducts = []byte("products") // position → product
	bCodes    = []byte("codes")    // code → position
	bSecrets  = []byte("secrets")  // name → sealed
	bRanges   = []byte("ranges")   // type, first folio → sale.Range
	bCAFs     = []byte("cafs")     // the same → sealed file
	bGaps     = []byte("gaps")     // type, first folio → gap
	bDocs     = []byte("docs")     // document → exact bytes
	bRecords  = []byte("records")  // document → sale.Record
	bStates   = []byte("states")   // document → docState
	bSales    = []byte("sales")    // sale ID → document
	bByTime   = []byte("bytime")   // time, number → document
	bPending  = []byte("pending")  // number → document, state: those without a verdict
	bSobres   = []byte("sobres")   // ID → dte.Sobre
	bSobreXML = []byte("sobrexml") // ID → frozen bytes
	bOpen     = []byte("open")     // IDs of sobres that are not settled
	bPrint    = []byte("print")    // number → sale.PrintJob
	bPapers   = []byte("papers")   // document → sale.Papers
	bShifts   = []byte("shifts")   // number → sale.Shift
	bAudit    = []byte("audit")    // number → hash, fact

	bTasks    = []byte("tasks")    // alarm ID → document with a verdict that nobody has attended
	bAttended = []byte("attended") // alarm ID → who attended it, and how
	bOutages  = []byte("outages")  // number → sale.Outage

	bHeld     = []byte("held")     // sale ID → sale.Held
	bEvents   = []byte("events")   // numbers of the chain's entries that tell a sale.Event
	bRemedies = []byte("remedies") // document, number → sale.Remedy
	bRefused  = []byte("refused")  // the same → bytes that a correction replaced
	bAgainst  = []byte("against")  // document, document: the second one takes back of the first

	bCustomers = []byte("customers") // RUT → sale.Customer
	bAccounts  = []byte("accounts")  // account, number → sale.Movement
	bCharges   = []byte("charges")   // ref → sale.CardCharge
	bReturns   = []byte("returns")   // sale ID → sale.Return that waits for the terminal

	bPeople  = []byte("people")  // number → sale.Person
	bPINs    = []byte("pins")    // number of a person → sealed sale.PIN
	bMisses  = []byte("misses")  // number of a person → sale.Misses
	bCash    = []byte("cash")    // number → sale.CashMove
	bCashIDs = []byte("cashids") // ID of a sale.CashMove → its number

	bVouchers   = []byte("vouchers")   // number → sale.Record of a sale without document
	bVoucherIDs = []byte("voucherids") // sale ID → its number
	bSlips      = []byte("slips")      // number → sale.Record of a slip
	bSlipIDs    = []byte("slipids")    // sale ID → its number

	bUntold = []byte("untold") // documents that stand elsewhere than the server knows

	bBarcodes        = []byte("barcodes")        // any code → code of the product that has it
	bServed          = []byte("served")          // code of a product of the server's → number of the load that told it
	bListed          = []byte("listed")          // code of a product → list → price
	bServedCustomers = []byte("servedcustomers") // RUT → servedCustomer
	bServedPeople    = []byte("servedpeople")    // name → NewsPerson
	bMade            = []byte("made")            // what was made here → number, and the record if it is not in its place
	bRefusedNews     = []byte("refusednews")     // number → Refusal that the server has not heard of
	bUnbelieved      = []byte("unbelieved")      // thing, part of it → unbelieved
)

// Names in the meta bucket.
var (
	kSchema = []byte("schema") // number of migrations that were applied
	kLast   = []byte("last")   // token of the last transaction
	kCart   = []byte("cart")
	kClock  = []byte("clock")  // latest time of issue
	kHold   = []byte("hold")   // why issuing waits for a person
	kEpoch  = []byte("epoch")  // how often the store was restored
	kWrap   = []byte("key")    // the data key under the passphrase
	kOutage = []byte("outage") // number of the outage under way
	kCharge = []byte("charge") // ref of the charge that is not settled
	kMark   = []byte("mark")   // the newest charge that a terminal may remember
	kPolicy = []byte("policy") // sale.Policy
)

// migrations are the steps from an empty file to the present. Steps are only ever added.
func migrations() []func(*bolt.Tx) error {
	return []func(*bolt.Tx) error{makeBuckets, makeTasks, makeHeld, makeRemedies, makeCustomers, makeAgainst, makeAccounts, makeCharges, vouchers.make, makePeople, makePapers, slips.make, makeMails, makeReturns, makeServer, makeNews, makeUnbelieved}
}

func makeHeld(t *bolt.Tx) error {
	_, err := t.CreateBucketIfNotExists(bHeld)
	_, eventsErr := t.CreateBucketIfNotExists(bEvents)
	return errors.Join(err, eventsErr)
}

func makeBuckets(t *bolt.Tx) error {
	for _, name := range [][]byte{
		bMeta, bValues, bProducts, bCodes, bSecrets, bRanges, bCAFs, bGaps, bDocs, bRecords,
		bStates, bSales, bByTime, bPending, bSobres, bSobreXML, bOpen, bPrint, bPapers, bShifts, bAudit,
	} {
		if _, err := t.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

func schemaOf(t *bolt.Tx) (int, error) {
	meta := t.Bucket(bMeta)
	if meta == nil {
		return 0, nil
	}
	n, err := strconv.Atoi(string(meta.Get(kSchema)))
	if err != nil {
		return 0, damaged(errors.New("no dice su versión"))
	}
	return n, nil
}

// migrate applies the missing steps, all in one transaction; an up-to-date file is not written to.
func (s *Store) migrate() error {
	var have int
	err := s.view(func(t *bolt.Tx) (err error) {
		have, err = schemaOf(t)
		return err
	})
	switch steps := migrations(); {
	case err != nil:
		return err
	case have > len(steps):
		return fmt.Errorf("%w: usa el esquema %d y este programa entiende hasta el %d. No se cambió nada. "+
			"Instale la versión nueva", ErrNewer, have, len(steps))
	case have == len(steps):
		return nil
	}
	return s.update(func(t *bolt.Tx) error { return apply(t, have) })
}

func applyAll(db *bolt.DB) error {
	return db.Update(func(t *bolt.Tx) error { return apply(t, 0) })
}

func apply(t *bolt.Tx, have int) error {
	steps := migrations()
	for _, step := range steps[have:] {
		if err := step(t); err != nil {
			return err
		}
	}
	return t.Bucket(bMeta).Put(kSchema, []byte(strconv.Itoa(len(steps))))
}

// putJSON and getJSON keep a value as JSON.
func putJSON(t *bolt.Tx, bucket, key []byte, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return t.Bucket(bucket).Put(key, b)
}

// getJSON reports whether the key is there.
func getJSON[T any](t *bolt.Tx, bucket, key []byte) (v T, ok bool, err error) {
	b := t.Bucket(bucket).Get(key)
	if b == nil {
		return v, false, nil
	}
	v, err = decode[T](bucket, key, b)
	return v, err == nil, err
}

func decode[T any](bucket, key, b []byte) (v T, err error) {
	if err = json.Unmarshal(b, &v); err != nil {
		err = damaged(fmt.Errorf("%s %x: %w", bucket, key, err))
	}
	return v, err
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// keyBytes is a document's key as a database key: emisor, type and folio sort in this order.
func keyBytes(k dte.Key) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(k.Emisor))
	b = binary.BigEndian.AppendUint16(b, uint16(k.Tipo))
	return binary.BigEndian.AppendUint64(b, uint64(k.Folio))
}

const keyLen = 14

func parseKey(b []byte) (dte.Key, error) {
	if len(b) != keyLen {
		return dte.Key{}, damaged(fmt.Errorf("clave de documento %x", b))
	}
	return dte.Key{
		Emisor: dte.RUT(binary.BigEndian.Uint32(b)),
		Tipo:   dte.TipoDTE(binary.BigEndian.Uint16(b[4:])),
		Folio:  dte.Folio(binary.BigEndian.Uint64(b[6:])),
	}, nil
}

// rangeKey is a CAF as a database key.
func rangeKey(tipo dte.TipoDTE, desde dte.Folio) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(tipo))
	return binary.BigEndian.AppendUint64(b, uint64(desde))
}
