package central

import (
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// Certificate is who signs for a company. The key never leaves.
type Certificate struct {
	RUT      dte.RUT
	Subject  string
	NotAfter time.Time
}

// pfx is a certificate as it rests, sealed whole.
type pfx struct {
	File     []byte `json:"file"`
	Password string `json:"password"`
}

// UploadCertificate takes the company's certificate; the newest one signs. It must be valid today.
func (c *Call) UploadCertificate(file []byte, password string) (Certificate, error) {
	signer, err := dte.OpenPFX(file, password)
	if err != nil {
		return Certificate{}, refuse(Unprocessable, "%v", err)
	}
	if err := signer.ValidAt(c.now); err != nil {
		return Certificate{}, refuse(Unprocessable, "%v", err)
	}
	plain, err := json.Marshal(pfx{file, password})
	if err != nil {
		return Certificate{}, err
	}
	sealed, err := c.seal("certificate", plain)
	if err != nil {
		return Certificate{}, err
	}
	made := Certificate{RUT: signer.RUT(), Subject: signer.Name(), NotAfter: signer.NotAfter()}
	_, err = c.tx.Exec(c.ctx, `insert into certificate (rut, subject, not_after, sealed, created_at) values ($1, $2, $3, $4, $5)`,
		int32(made.RUT), made.Subject, made.NotAfter, sealed, c.now)
	if err != nil {
		return Certificate{}, err
	}
	return made, c.sendSoon() // what waited for it leaves now
}

// signer is the company's newest certificate, opened.
func (c *Call) signer() (*dte.Signer, error) {
	var id int64
	if err := c.ask(c.askCertificate(&id)); err != nil {
		return nil, err
	}
	return c.openSigner(id)
}

// askCertificate leaves 0 if there is none.
func (c *Call) askCertificate(newest *int64) question {
	return func(b *pgx.Batch) {
		b.Queue("select coalesce(max(id), 0) from certificate").QueryRow(func(row pgx.Row) error { return row.Scan(newest) })
	}
}

func (c *Call) openSigner(id int64) (*dte.Signer, error) {
	if id == 0 {
		return nil, refuse(Conflict, "La empresa no tiene certificado digital: cárguelo antes de emitir")
	}
	s, err := opened(c.db.signers, secret{c.Tenant.ID, id}, func() (*dte.Signer, error) {
		var sealed []byte
		if err := c.tx.QueryRow(c.ctx, "select sealed from certificate where id = $1", id).Scan(&sealed); err != nil {
			return nil, err
		}
		plain, err := c.unseal("certificate", sealed)
		if err != nil {
			return nil, err
		}
		var kept pfx
		if err := json.Unmarshal(plain, &kept); err != nil {
			return nil, err
		}
		return dte.OpenPFX(kept.File, kept.Password)
	})
	if err != nil {
		return nil, err
	}
	if err := s.ValidAt(c.now); err != nil {
		return nil, refuse(Conflict, "%v. Cargue uno vigente", err)
	}
	return s, nil
}
