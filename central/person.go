package central

import (
	"encoding/json"

	"github.com/jackc/pgx/v5"
)

// Person is somebody in a company: its own number there, beside the account with which they log in.
type Person struct {
	ID        int64  `json:"id"`
	AccountID *int64 `json:"-"`
	RUT       string `json:"rut"`
	Email     string `json:"email"`
	Name      string `json:"name"`
	RoleName  string `json:"role"`
	RoleID    *int64 `json:"role_id"`
	IsActive  bool   `json:"is_active"`
	IsOwner   bool   `json:"is_owner"`
	Role      *Role  `json:"role_obj"`
	IsSystem  bool   `json:"-"`
}

const selectPerson = `select p.id, p.account_id, p.rut, p.email, p.name, p.role, p.role_id, p.is_active, p.is_owner, p.is_system,
	to_jsonb(r) from person p left join role r on r.id = p.role_id`

func scanPerson(row pgx.CollectableRow) (p Person, err error) {
	var role []byte
	if err := row.Scan(&p.ID, &p.AccountID, &p.RUT, &p.Email, &p.Name, &p.RoleName, &p.RoleID, &p.IsActive, &p.IsOwner, &p.IsSystem,
		&role); err != nil {
		return p, err
	}
	if role != nil {
		err = json.Unmarshal(role, &p.Role)
	}
	return p, err
}
