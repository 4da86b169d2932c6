//go:build !linux

package store

// ForgetPages does nothing here: the system takes the memory back by itself when it is short.
func (s *Store) ForgetPages() error { return nil }
