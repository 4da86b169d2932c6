package store

import (
	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// ForgetPages gives back the memory of what was read from the file: it stays in the system's own cache, and is fetched from
// there if it is wanted again. The transaction keeps the mapping where it is meanwhile.
func (s *Store) ForgetPages() error {
	return s.view(func(t *bolt.Tx) error {
		_, _, errno := unix.Syscall(unix.SYS_MADVISE, t.DB().Info().Data, uintptr(t.Size()), unix.MADV_DONTNEED)
		if errno != 0 {
			return errno
		}
		return nil
	})
}
