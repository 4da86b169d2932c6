package central

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Administrator gives that address an account of the service's own people with a new random password, which is returned
// once: a new account, or the one it has. All its logins end. It is for who holds the server, when nobody can get in.
func (db *DB) Administrator(ctx context.Context, email string) (password string, err error) {
	password = uuid.NewString()
	kept, err := hashPassword(ctx, password)
	if err != nil {
		return "", err
	}
	err = db.inShared(ctx, func(tx pgx.Tx) error {
		now := db.Now()
		var id int64
		err := tx.QueryRow(ctx, `update account set password_hash = $2, is_superuser = true, is_active = true, failures = 0, locked_until = null,
			updated_at = $3 where email = $1 returning id`, normalEmail(email), kept, now).Scan(&id)
		if errNoRow(err) {
			id, err = insertAccount(ctx, tx, NewAccount{Email: email, FullName: "Administración", IsSuperuser: true}, kept, now)
		}
		if err != nil {
			return err
		}
		if err := endSessions(ctx, tx, id, now); err != nil {
			return err
		}
		return noteEvent(ctx, tx, now, 0, id, "administrator made by the operator", nil)
	})
	return password, err
}
