package central

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// What one look at a password costs, as OWASP advises: 19 MiB, two passes. hashesAtOnce bounds the memory and the
// processors that logins may take from everybody else.
const (
	argonTime    = 2
	argonMemory  = 19 * 1024
	argonThreads = 1
	argonKey     = 32
	hashesAtOnce = 2
	maxPassword  = 1024
)

var hashing = make(chan struct{}, hashesAtOnce)

// hash waits for its turn.
func hash(ctx context.Context, password string, salt []byte, time, memory uint32) ([]byte, error) {
	select {
	case hashing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, time, memory, argonThreads, argonKey), nil
}

// hashPassword is what is kept of a password, in the usual spelling of argon2id.
func hashPassword(ctx context.Context, password string) (string, error) {
	if len(password) < 8 || len(password) > maxPassword {
		return "", refuse(Unprocessable, "La contraseña debe tener entre 8 y %d caracteres", maxPassword)
	}
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key, err := hash(ctx, password, salt, argonTime, argonMemory)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, encode(salt), encode(key)), err
}

var errHash = errors.New("lo guardado no es una contraseña")

// checkPassword compares in constant time. An account that does not exist is compared with nobody's hash, so that it takes
// as long as one that does.
func checkPassword(ctx context.Context, password, kept string) (bool, error) {
	nobody := kept == ""
	if nobody {
		kept = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$AAAAAAAAAAAAAAAAAAAAAA$AAAA", argon2.Version, argonMemory, argonTime, argonThreads)
	}
	parts := strings.Split(kept, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errHash
	}
	var memory, time uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); err != nil || threads != argonThreads {
		return false, errHash
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if errors.Join(err1, err2) != nil || len(password) > maxPassword {
		return false, errors.Join(err1, err2)
	}
	key, err := hash(ctx, password, salt, time, memory)
	return err == nil && !nobody && subtle.ConstantTimeCompare(key, want) == 1, err
}
