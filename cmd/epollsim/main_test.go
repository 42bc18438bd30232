package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel/host"
)

func TestMain(m *testing.M) {
	form.Waiting(4) // scripts of verify sleep
	testscript.Main(m, map[string]func(){"epollsim": main})
}

// Each file of testdata/script is a session with the command: what is typed, what it prints, how it exits.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Condition: func(cond string) (bool, error) {
			return cond == "host" && runtime.GOOS == "linux" && host.Release() != "", nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "bytes": writeBytes},
	})
}

// exits CODE ARGS… runs epollsim with ARGS and checks its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARGS…")
	}
	err := ts.Exec("epollsim", args[1:]...)
	code := "0"
	if err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = strconv.Itoa(exit.ExitCode())
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// bytes FILE TEXT writes a file of any bytes: TEXT with the escapes of a Go string, for what a txtar cannot hold.
func writeBytes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bytes FILE TEXT")
	}
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(args[1], `"`, `\"`) + `"`)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o666))
}

// A failure that explore reports names the line that shows it again: the round trip is the product.
func TestExploredFailureReplays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "race.star")
	require.NoError(t, os.WriteFile(file, []byte(`
e = eventfd(0, EFD_NONBLOCK)
seen = []
def writer():
    eventfd_write(e, 1)
t = spawn(writer)
v = eventfd_read(e)
if v != EAGAIN:
    seen.append(v)
join(t)
never(lambda: seen == [1])
`), 0o666))
	_, stderr, err := command("explore", file)
	require.Equal(t, exitError{code: 1}, err)
	line := regexp.MustCompile(`run it again: epollsim (.*)`).FindStringSubmatch(stderr)
	require.NotNil(t, line, stderr)

	_, replayed, err := command(strings.Fields(line[1])...)
	require.Equal(t, exitError{code: 1}, err)
	require.Contains(t, replayed, "never(lambda: seen == [1]) is true")
	_, _, err = command("run", "--trace=none", file)
	require.NoError(t, err, "the default schedule does not fail")
}

// command runs epollsim in this process.
func command(args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	root := newRoot(strings.NewReader(""), &out, &errs)
	root.SetArgs(args)
	err = root.Execute()
	return out.String(), errs.String(), err
}
