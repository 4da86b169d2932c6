package ui

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// No sentence names a function key by itself: it would be wrong at a till that changed it. Keys stand in literals of their
// own, which the table of actions translates; only what tells which keys there are has their names.
func TestNoSentenceNamesAKey(t *testing.T) {
	var files []string
	for _, folder := range []string{"*.go", "../sale/*.go"} { // the till's refusals are read here, too
		some, err := filepath.Glob(folder)
		if err != nil || len(some) < 20 {
			t.Fatal(folder, some, err)
		}
		files = append(files, some...)
	}
	function, any, sentences := regexp.MustCompile(`\bF([1-9]|1[0-2])\b`), regexp.MustCompile(`\bF([1-9]|1[0-2])\b|\((Esc|Enter|Supr|Ins)\)`), 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		key := function
		if strings.HasPrefix(file, "..") {
			key = any // sale knows no keyboard at all
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			words, err := strconv.Unquote(lit.Value)
			if err != nil || !strings.Contains(words, " ") || strings.HasPrefix(words, "Sin teclas F:") || strings.Contains(words, "Sirven F1 a F12") {
				return true
			}
			if sentences++; key.MatchString(words) {
				t.Errorf("%s: %q", file, words)
			}
			return true
		})
	}
	if sentences < 500 {
		t.Errorf("only %d sentences were read", sentences)
	}
}
