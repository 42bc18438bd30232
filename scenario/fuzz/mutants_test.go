package fuzz

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/kernel/host"
)

// mutant is a one-line mistake in the model: old, which must be there once, becomes new.
type mutant struct {
	name    string
	threads int
	file    string
	old     string
	new     string
}

var mutants = []mutant{
	{"callback lists at the front", 1, "eventpoll/poll_callback.go", `ep.listTail(epi, placeIdle, "")`, `ep.listHead(epi, placeIdle)`},
	{"LT item is listed again at the front", 1, "eventpoll/send_events.go", `ep.listTail(epi, "txlist", "sent, level-triggered")`, `ep.listHead(epi, "txlist")`},
	{"ADD lists at the front", 1, "eventpoll/insert.go", `ep.listTail(epi, placeIdle, "")`, `ep.listHead(epi, placeIdle)`},
	{"key not filtered", 1, "eventpoll/poll_callback.go", `case key != 0 && key&mask == 0:`, `case key != 0 && key == 0:`},
	{"LT item not listed again", 1, "eventpoll/send_events.go", `case epi.event.Events&abi.EPOLLET == 0:`, `case false:`},
	{"ET item listed again", 1, "eventpoll/send_events.go", `case epi.event.Events&abi.EPOLLET == 0:`, `case true:`},
	{"ONESHOT not disarmed", 1, "eventpoll/send_events.go", `epi.event.Events &= privateBits`, `epi.event.Events &= ^abi.Events(0)`},
	{"ADD does not poll", 1, "eventpoll/insert.go", `ep.listIfReady(epi, ready)`, `ep.listIfReady(epi, ready && false)`},
	{"MOD does not list", 1, "eventpoll/modify.go", `ep.listIfReady(epi, true)`, `ep.listIfReady(epi, false)`},
	{"DEL leaves the item on rdllist", 1, "eventpoll/remove.go", "if epi.rdllink.Linked() {", "if epi.rdllink.Linked() && epi.dying {"},
	{"pipe: EAGAIN of a write wakes nobody", 1, "devices/pipe_write.go", `if p.wakesReaders(wasEmpty, n > told) {`, `if n > 0 && p.wakesReaders(wasEmpty, n > told) {`},
	{"pipe: read always wakes writers", 1, "devices/pipe_read.go", `if p.rules.WakeWriters.after(wasFull, freed, freedWhileFull) {`, `if p.rules.WakeWriters.after(wasFull, freed, freedWhileFull) || true {`},
	{"pipe: close wakes with a key", 1, "devices/pipe.go", "p.rdWait.WakeUpInterruptibleAll()", "p.wakeReaders()"},
	{"eventfd: write of 0 wakes nobody", 1, "devices/eventfd.go", "e.setCount(e.count + v)\n\tif e.wqh.ActiveLocked() {", "e.setCount(e.count + v)\n\tif v > 0 && e.wqh.ActiveLocked() {"},
	{"item key ignores the fd", 1, "eventpoll/epitem.go", "return cmp.Or(cmp.Compare(id, epi.file.ID()), cmp.Compare(fd, epi.fd))", "return cmp.Or(cmp.Compare(id, epi.file.ID()), cmp.Compare(fd, fd))"},
	{"HUP not added at ADD", 1, "eventpoll/ctl.go", "ev.Events |= abi.EPOLLERR | abi.EPOLLHUP\n\t\tep.enter(", "ev.Events |= abi.EPOLLERR\n\t\tep.enter("},
	{"one epoll deeper", 1, "eventpoll/loop_check.go", "return down+1+up <= maxNests", "return down+up <= maxNests"},
	{"one path less", 1, "eventpoll/loop_check.go", "s.pathCount[depth] <= pathLimits[depth]", "s.pathCount[depth] < pathLimits[depth]"},
	{"nested wake-ups carry RDNORM", 1, "eventpoll/eventpoll.go", "ep.pollWait.WakeUpPoll(abi.EPOLLIN | key)", "ep.pollWait.WakeUpPoll(abi.EPOLLIN | abi.EPOLLRDNORM | key)"},
	{"closed fd is not the next", 1, "vfs/fdtable.go", "t.next = min(t.next, fd)", "t.next = max(t.next, 0)"},
	{"EXCLUSIVE MOD allowed", 1, "eventpoll/ctl.go", "if epi.event.Events&abi.EPOLLEXCLUSIVE != 0 && !ep.rules.NoExclusive {", "if epi.event.Events&abi.EPOLLEXCLUSIVE != 0 && ep.rules.NoExclusive {"},
	{"EXCLUSIVE quota off by one", 2, "waitqueue/wake_up.go", "if nr--; nr == 0 {", "if nr--; nr == -1 {"},
	{"EXCLUSIVE wake-up does not count", 2, "eventpoll/poll_callback.go", "ewake = 1\n\t\t\t}\n", "ewake = 0\n\t\t\t}\n"},
	{"callback wakes no waiter", 2, "eventpoll/poll_callback.go", "ep.wakeWaiter(sync)", "_ = sync"},
	{"ADD wakes no waiter", 2, "eventpoll/insert.go", "ep.wakeWaiter(false)", "_ = ready"},
	{"pipe: reader is not woken", 2, "devices/pipe_write.go", "if wasEmpty {\n\t\treturn true", "if wasEmpty {\n\t\treturn false"},
}

// The comparison kills every mutant within 10,000 programs.
func TestMutants(t *testing.T) {
	if !long() {
		t.Skip("minutes; set EPOLLSIM_LONG=1")
	}
	if host.Release() == "" {
		t.Skip(host.ErrUnsupported)
	}
	dir := copyModule(t)
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) { m.kill(t, dir) })
	}
}

// Every mutant fits the text of the model.
func TestMutantsApply(t *testing.T) {
	for _, m := range mutants {
		text, err := os.ReadFile(filepath.Join("..", "..", m.file))
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(text), m.old), "%s: %s", m.name, m.file)
	}
}

// kill builds the command with the mutant and lets it compare.
func (m *mutant) kill(t *testing.T, dir string) {
	path := filepath.Join(dir, m.file)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	defer os.WriteFile(path, text, 0o600)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600))
	bin := filepath.Join(dir, "mutant")
	build := exec.Command("go", "build", "-o", bin, "./cmd/epollsim")
	build.Dir = dir
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	run := exec.Command(bin, "fuzz", "--against=host", "--programs=10000", "--seed=1", "--json", "--shrink=1s",
		"--threads="+strconv.Itoa(m.threads), "--out="+t.TempDir())
	out, err = run.Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "survived: %s", out)
	require.Equal(t, 4, exit.ExitCode(), "%s\n%s", out, exit.Stderr)
	var sum struct {
		Programs    int
		Differences []struct {
			Program, Calls               int
			Call, Model, Host, ModelFail string
		}
	}
	require.NoError(t, json.Unmarshal(out, &sum))
	d := sum.Differences[0]
	t.Logf("killed by program %d, %d calls: %s: mutant %s%s, host %s", d.Program, d.Calls, d.Call, d.Model, d.ModelFail, d.Host)
}

// copyModule copies what the command is built of.
func copyModule(t *testing.T) string {
	root, dir := filepath.Join("..", ".."), t.TempDir()
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || !d.Type().IsRegular() {
			return errors.Join(err, os.MkdirAll(filepath.Join(dir, rel), 0o700))
		}
		text, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(filepath.Join(dir, rel), text, 0o600))
	}))
	return dir
}
