package central

import (
	"io/fs"
	"testing/fstest"
)

// Newer makes this server's program one that knows another migration of every company.
func Newer(db *DB, sql string) {
	files := fstest.MapFS{tenantFolder + "/90000_next.sql": {Data: []byte("-- +goose Up\n" + sql)}}
	for _, folder := range []string{sharedFolder, tenantFolder} {
		names, err := fs.Glob(embedded, folder+"/*.sql")
		if err != nil {
			panic(err)
		}
		for _, name := range names {
			content, err := embedded.ReadFile(name)
			if err != nil {
				panic(err)
			}
			files[name] = &fstest.MapFile{Data: content}
		}
	}
	db.migrations, db.newest = files, newestIn(files, tenantFolder)
}
