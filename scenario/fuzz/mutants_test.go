package fuzz

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel/host"
)

// mutant is a mistake in the model at one place: what stands between « and » there, and is there once, becomes wrong.
type mutant struct {
	name    string
	threads int
	file    string
	place   string
	wrong   string
	kind    mutantKind
}

type mutantKind bool

const (
	statement mutantKind = false
	condition mutantKind = true
)

var mutants = []mutant{
	{"callback lists at the front", 1, "eventpoll/poll_callback.go", `«ep.listTail(epi, placeIdle, "")»`, `ep.listHead(epi, placeIdle)`, statement},
	{"LT item is listed again at the front", 1, "eventpoll/send_events.go", `«ep.listTail(epi, "txlist", "sent, level-triggered")»`, `ep.listHead(epi, "txlist")`, statement},
	{"ADD lists at the front", 1, "eventpoll/insert.go", `«ep.listTail(epi, placeIdle, "")»`, `ep.listHead(epi, placeIdle)`, statement},
	{"key not filtered", 1, "eventpoll/poll_callback.go", `case «key != 0 && key&mask == 0»:`, `key != 0 && key == 0`, condition},
	{"LT item not listed again", 1, "eventpoll/send_events.go", `«epi.event.Events&abi.EPOLLET == 0»`, `false`, condition},
	{"ET item listed again", 1, "eventpoll/send_events.go", `«epi.event.Events&abi.EPOLLET == 0»`, `true`, condition},
	{"ONESHOT not disarmed", 1, "eventpoll/send_events.go", `«epi.event.Events &= privateBits»`, `epi.event.Events &= ^abi.Events(0)`, statement},
	{"ADD does not poll", 1, "eventpoll/insert.go", `«ep.listIfReady(epi, ready)»`, `ep.listIfReady(epi, ready && false)`, statement},
	{"MOD does not list", 1, "eventpoll/modify.go", `«ep.listIfReady(epi, true)»`, `ep.listIfReady(epi, false)`, statement},
	{"DEL leaves the item on rdllist", 1, "eventpoll/remove.go", `if «epi.rdllink.Linked()» {`, `epi.rdllink.Linked() && epi.dying`, condition},
	{"pipe: EAGAIN of a write wakes nobody", 1, "devices/pipe_write.go", `if «p.wakesReaders(wasEmpty, n > told)» {`, `n > 0 && p.wakesReaders(wasEmpty, n > told)`, condition},
	{"pipe: read always wakes writers", 1, "devices/pipe_read.go", `if «p.rules.WakeWriters.after(wasFull, freed, freedWhileFull)» {`, `true`, condition},
	{"pipe: close wakes with a key", 1, "devices/pipe.go", `«p.rdWait.WakeUpInterruptibleAll()»`, `p.wakeReaders()`, statement},
	{"eventfd: write of 0 wakes nobody", 1, "devices/eventfd.go", "e.setCount(e.count + v)\n\tif «e.wqh.ActiveLocked()» {", `v > 0 && e.wqh.ActiveLocked()`, condition},
	{"item key ignores the fd", 1, "eventpoll/epitem.go", "«return cmp.Or(cmp.Compare(id, epi.file.ID()), cmp.Compare(fd, epi.fd))»", "return cmp.Or(cmp.Compare(id, epi.file.ID()), cmp.Compare(fd, fd))", statement},
	{"HUP not added at ADD", 1, "eventpoll/ctl.go", "«ev.Events |= abi.EPOLLERR | abi.EPOLLHUP»\n\t\tep.enter(", "ev.Events |= abi.EPOLLERR", statement},
	{"one epoll deeper", 1, "eventpoll/loop_check.go", `return «down+1+up <= maxNests»`, `down+up <= maxNests`, condition},
	{"one path less", 1, "eventpoll/loop_check.go", `«s.pathCount[depth] <= pathLimits[depth]»`, `s.pathCount[depth] < pathLimits[depth]`, condition},
	{"nested wake-ups carry RDNORM", 1, "eventpoll/eventpoll.go", `«ep.pollWait.WakeUpPoll(abi.EPOLLIN | key)»`, `ep.pollWait.WakeUpPoll(abi.EPOLLIN | abi.EPOLLRDNORM | key)`, statement},
	{"closed fd is not the next", 1, "vfs/fdtable.go", `«t.next = min(t.next, fd)»`, `t.next = max(t.next, 0)`, statement},
	{"EXCLUSIVE MOD allowed", 1, "eventpoll/ctl.go", `if epi.event.Events&abi.EPOLLEXCLUSIVE != 0 && «!ep.rules.NoExclusive» {`, `ep.rules.NoExclusive`, condition},
	{"EXCLUSIVE quota off by one", 2, "waitqueue/wake_up.go", `if nr--; «nr == 0» {`, `nr == -1`, condition},
	{"EXCLUSIVE wake-up does not count", 2, "eventpoll/poll_callback.go", "«ewake = 1»\n\t\t\t}\n", "ewake = 0", statement},
	{"callback wakes no waiter", 2, "eventpoll/poll_callback.go", `«ep.wakeWaiter(sync)»`, `_ = sync`, statement},
	{"ADD wakes no waiter", 2, "eventpoll/insert.go", `«ep.wakeWaiter(false)»`, `_ = ready`, statement},
	{"pipe: reader is not woken", 2, "devices/pipe_write.go", "if wasEmpty {\n\t\t«return true»", "return false", statement},
}

// The comparison kills every mutant within 10,000 programs.
func TestMutants(t *testing.T) {
	if !form.Long {
		t.Skip("a minute; set EPOLLSIM_LONG=1")
	}
	if host.Release() == "" {
		t.Skip(host.ErrUnsupported)
	}
	bin := buildMutants(t)
	out, err := runMutants(t, bin, 0, 1)
	require.NoError(t, err, "no mistake is switched on: %s", out)
	for i, m := range mutants {
		t.Run(m.name, func(t *testing.T) { m.kill(t, bin, i+1) })
	}
}

// Every mutant fits the text of the model.
func TestMutantsApply(t *testing.T) {
	for _, m := range mutants {
		text, err := os.ReadFile(filepath.Join("..", "..", m.file))
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(text), m.text()), "%s: %s", m.name, m.file)
	}
}

// text is the place without the marks.
func (m *mutant) text() string { return strings.NewReplacer("«", "", "»", "").Replace(m.place) }

// apply has text make the mistake where the mutant is switched on, which is number n.
func (m *mutant) apply(text string, n int) string {
	before, rest, _ := strings.Cut(m.place, "«")
	right, after, _ := strings.Cut(rest, "»")
	with := fmt.Sprintf("if mutant == %d { %s } else { %s }", n, m.wrong, right)
	if m.kind == condition {
		with = fmt.Sprintf("(mutant == %d && (%s) || mutant != %d && (%s))", n, m.wrong, n, right)
	}
	return strings.Replace(text, before+right+after, before+with+after, 1)
}

// switched tells the packages of the model which mistake is made.
const switched = `package %s

import (
	"os"
	"strconv"
)

var mutant, _ = strconv.Atoi(os.Getenv("EPOLLSIM_MUTANT"))
`

// buildMutants builds the command with all mutants, each behind a switch.
func buildMutants(t *testing.T) string {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	dir := t.TempDir()
	texts := map[string]string{}
	for i, m := range mutants {
		path := filepath.Join(root, m.file)
		if texts[path] == "" {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			texts[path] = string(text)
		}
		texts[path] = m.apply(texts[path], i+1)
		pkg := filepath.Dir(m.file)
		texts[filepath.Join(root, pkg, "mutant.go")] = fmt.Sprintf(switched, filepath.Base(pkg))
	}
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for path, text := range texts {
		overlay.Replace[path] = filepath.Join(dir, strconv.Itoa(len(overlay.Replace))+".go")
		require.NoError(t, os.WriteFile(overlay.Replace[path], []byte(text), 0o600))
	}
	list, err := json.Marshal(overlay)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), list, 0o600))
	bin := filepath.Join(dir, "mutants")
	build := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", bin, "./cmd/epollsim")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return bin
}

// runMutants lets the command compare with the host while mutant n is switched on; 0 is none, of which little is compared.
func runMutants(t *testing.T, bin string, n, threads int) ([]byte, error) {
	programs := 10000
	if n == 0 {
		programs = 100
	}
	run := exec.Command(bin, "fuzz", "--against=host", "--programs="+strconv.Itoa(programs), "--seed=1", "--json", "--shrink=1s",
		"--threads="+strconv.Itoa(threads), "--out="+t.TempDir())
	run.Env = append(os.Environ(), "EPOLLSIM_MUTANT="+strconv.Itoa(n))
	return run.Output()
}

// kill lets the command compare with the mutant, number n.
func (m *mutant) kill(t *testing.T, bin string, n int) {
	out, err := runMutants(t, bin, n, m.threads)
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
