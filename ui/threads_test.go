package ui

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
)

// Only threads.go may start goroutines, set timers or hand work to Fyne's loop: then everything else may forget that
// there are threads.
func TestOneDoorForThreads(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	checked, doors := 0, 0
	for _, f := range files {
		name := f.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		checked++
		ast.Inspect(parsed, func(n ast.Node) bool {
			why := threading(n)
			if why == "" {
				return true
			}
			if doors++; name != "threads.go" {
				t.Errorf("%s: %s", name, why)
			}
			return true
		})
	}
	if checked < 10 || doors == 0 {
		t.Errorf("looked at %d files and saw %d doors: the test looks in the wrong place", checked, doors)
	}
}

func threading(n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "starts a goroutine"
	case *ast.SelectorExpr:
		from, ok := n.X.(*ast.Ident)
		if !ok {
			return ""
		}
		switch from.Name + "." + n.Sel.Name {
		case "fyne.Do", "fyne.DoAndWait", "time.AfterFunc", "time.NewTimer", "time.NewTicker", "time.After", "time.Tick", "time.Sleep":
			return "uses " + from.Name + "." + n.Sel.Name
		}
	}
	return ""
}

// The tests of a window must need neither cgo nor a screen, and the window knows nothing of files and networks.
func TestDeps(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skipf("the go tool is not available: %v", err)
	}
	for _, dep := range strings.Fields(string(out)) {
		switch dep {
		case "fyne.io/fyne/v2/app", "mostrador/store", "mostrador/sync", "mostrador/central/api", "mostrador/dte/sii", "go.etcd.io/bbolt":
			t.Errorf("ui imports %s", dep)
		}
	}
}

// queue is a dispatcher that runs when the test, in the place of the window's goroutine, says so.
type queue struct {
	mu sync.Mutex
	fs []func()
}

func (q *queue) Do(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fs = append(q.fs, f)
}

func (q *queue) run() int {
	q.mu.Lock()
	fs := q.fs
	q.fs = nil
	q.mu.Unlock()
	for _, f := range fs {
		f()
	}
	return len(fs)
}

// Statuses come from other goroutines while the cashier types; run with -race.
func TestStatusFromOtherGoroutines(t *testing.T) {
	x := newWorld(t)
	q := &queue{}
	x.w.loop = q
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for i := range 100 {
				x.w.SetStatus(Status{Line: LineDown, Waiting: n*100 + i})
			}
		})
	}
	x.scan(products[0].Codigo)
	all.Wait()
	if n := q.run(); n != 1 {
		t.Errorf("800 statuses woke the window %d times; once is enough", n)
	}
	x.w.SetStatus(Status{Line: LineUp, Waiting: 7})
	q.run()
	x.sees("En línea", "SII: 7 por enviar", "Leche entera 1 L")
}

// The real timer goes through the dispatcher, so that nothing happens on its own goroutine.
func TestTimerGoesThroughTheDispatcher(t *testing.T) {
	ran := make(chan struct{})
	posted := make(chan func())
	timerOn(dispatcherFunc(func(f func()) { posted <- f }))(time.Microsecond, func() { close(ran) })
	f := <-posted
	select {
	case <-ran:
		t.Fatal("it ran before the dispatcher said so")
	default:
	}
	f()
	<-ran
}

// Who has something for the window while it closes, or later, is not heard; and what was left before is not done any more.
func TestNobodyIsHeardWhileTheWindowCloses(t *testing.T) {
	var left []func()
	done := 0
	l := &fyneLoop{post: func(f func()) { left = append(left, f) }}
	l.Do(func() { done++ })
	left[0]()
	l.Do(func() { done++ })
	closed := make(chan func())
	close(closed)
	l.post = func(f func()) { closed <- f }
	l.Do(func() { done++ }) // as Fyne does it: its queue is closed
	left[1]()
	l.Do(func() { done++ })
	if done != 1 || len(left) != 2 {
		t.Errorf("%d done of %d left", done, len(left))
	}
	defer func() {
		if recover() == nil {
			t.Error("a fault of ours is swallowed")
		}
	}()
	(&fyneLoop{post: func(f func()) { f() }}).Do(func() { panic("ours") })
}

// Fyne's own last act is not left in the queue that Fyne closes.
func TestNothingIsLeftToDoWhenTheQueueCloses(t *testing.T) {
	app := test.NewTempApp(t)
	last := app.Lifecycle().(interface {
		OnStopped() func()
		SetOnStoppedHookExecuted(f func())
	})
	last.SetOnStoppedHookExecuted(func() {})
	newFyneLoop(app)
	if last.OnStopped() != nil {
		t.Error("something is left")
	}
}

type dispatcherFunc func(func())

func (d dispatcherFunc) Do(f func()) { d(f) }

var _ fyne.Theme = (*look)(nil)
