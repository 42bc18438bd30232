package devices_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// checked are the options of a run that looks at a pipe after every step.
func checked(p **pipe) sim.Options {
	return sim.Options{Check: true, AfterStep: func() {
		if *p == nil {
			return
		}
		if err := (*p).Check(); err != nil {
			(*p).s.M.Violation("%v", err)
		}
	}}
}

// blocking runs main and the tasks it spawns on a fresh pipe.
func blocking(t *testing.T, flags int, main func(t *sim.Task, p *pipe)) {
	t.Helper()
	var p *pipe
	s := newSystem(t, checked(&p))
	p = newPipe(t, s, flags, devices.PipeRules{})
	spawn(s, "main", func(task *sim.Task) { main(task, p) })
	require.NoError(t, s.M.Run())
}

// reader spawns a task that reads n bytes and logs the result.
func reader(p *pipe, log *[]string, name string, n int) {
	spawn(p.s, name, func(*sim.Task) { *log = append(*log, fmt.Sprintf("%s %d", name, p.read(n))) })
}

func writer(p *pipe, log *[]string, name string, n int) *thread {
	return spawn(p.s, name, func(*sim.Task) { *log = append(*log, fmt.Sprintf("%s %d", name, p.write(n))) })
}

func TestPipeBlockedReadersAreServedInOrder(t *testing.T) {
	blocking(t, 0, func(task *sim.Task, p *pipe) {
		var log []string
		for _, name := range []string{"a", "b", "c"} {
			reader(p, &log, name, 1)
		}
		settle(task)
		require.Len(t, p.State().RdWait, 3)
		p.write(3)
		settle(task)
		require.Equal(t, "a 1, b 1, c 1", strings.Join(log, ", "))
	})
}

func TestPipeOneReaderTakesAll(t *testing.T) {
	blocking(t, 0, func(task *sim.Task, p *pipe) {
		var log []string
		for _, name := range []string{"a", "b", "c"} {
			reader(p, &log, name, 3)
		}
		settle(task)
		p.write(3)
		settle(task)
		require.Equal(t, []string{"a 3"}, log)
		require.Equal(t, []string{"task 3 (b)", "task 4 (c)"}, p.State().RdWait)
		p.w.Put()
		settle(task)
		require.Equal(t, "a 3, b 0, c 0", strings.Join(log, ", "))
	})
}

func TestPipeBlockedWritersAreServedInOrder(t *testing.T) {
	blocking(t, 0, func(task *sim.Task, p *pipe) {
		p.write(65536)
		var log []string
		for _, name := range []string{"a", "b", "c"} {
			writer(p, &log, name, 4096)
		}
		settle(task)
		require.Len(t, p.State().WrWait, 3)
		p.read(4095)
		settle(task)
		require.Empty(t, log, "no slot is free")
		p.read(1)
		settle(task)
		require.Equal(t, []string{"a 4096"}, log)
		p.read(65536)
		settle(task)
		require.Equal(t, "a 4096, b 4096, c 4096", strings.Join(log, ", "), "b passes the turn on")
	})
}

// TestPipeBlockedWriterWakes are the rows of the wake-up and edge tables with a writer that sleeps.
func TestPipeBlockedWriterWakes(t *testing.T) {
	blocking(t, 0, func(task *sim.Task, p *pipe) {
		log := listen(map[string]*waitqueue.Head{"rd": p.RdWait(), "wr": p.WrWait()})
		var done []string
		writer(p, &done, "a", 65536+4096) // to an empty pipe
		settle(task)
		require.Equal(t, []string{"rd IN|RDNORM interruptible sync"}, *log, "goes to sleep, was empty")
		*log = nil
		p.read(65536)
		settle(task)
		require.Equal(t, []string{"a 69632"}, done)
		require.Equal(t, []string{"wr OUT|WRNORM interruptible sync", "rd IN|RDNORM interruptible sync", "wr OUT|WRNORM interruptible sync"}, *log,
			"the read freed a slot; the write found it empty and leaves room")
	})
	blocking(t, 0, func(task *sim.Task, p *pipe) {
		p.write(65536)
		rs, ws := watchAll(p.r), watchAll(p.w)
		rs.harvest()
		var done []string
		writer(p, &done, "a", 8192)
		settle(task)
		require.Equal(t, "- / - / -", rs.harvest(), "blocked writer starts: the pipe was not empty")
		p.read(4096)
		settle(task)
		require.Equal(t, "- / - / -", rs.harvest(), "refilled")
		require.Equal(t, "- / - / -", ws.harvest(), "full again at evaluation")
		p.read(8192)
		settle(task)
		require.Equal(t, []string{"a 8192"}, done)
		require.Equal(t, "IN / IN / -", rs.harvest())
		require.Equal(t, "OUT / - / OUT", ws.harvest())
	})
}

// TestPipeReaderConsumesEdge: a blocked reader takes the byte before the watcher looks.
func TestPipeReaderConsumesEdge(t *testing.T) {
	blocking(t, 0, func(task *sim.Task, p *pipe) {
		rs := watchAll(p.r)
		var done []string
		reader(p, &done, "a", 1)
		settle(task)
		p.write(1)
		settle(task)
		require.Equal(t, []string{"a 1"}, done)
		require.Equal(t, "- / - / -", rs.harvest())
	})
}

func TestPipeWriterLosesItsReaders(t *testing.T) {
	var th *thread
	blocking(t, 0, func(task *sim.Task, p *pipe) {
		var log []string
		th = writer(p, &log, "a", 100000)
		settle(task)
		p.r.Put()
		settle(task)
		require.Equal(t, []string{"a 65536"}, log)
		require.Equal(t, 1, th.sigpipes)
		require.Equal(t, -int(abi.EPIPE), p.write(1))
		require.Equal(t, 0, p.write(0), "nothing can be written to nobody")
		require.Equal(t, 1, task.Owner.(*thread).sigpipes)
	})
}

func TestPipeNonblockDoesNotWakeSleepers(t *testing.T) {
	blocking(t, 0, func(task *sim.Task, p *pipe) {
		var log []string
		reader(p, &log, "a", 1)
		settle(task)
		p.r.SetFlags(abi.O_NONBLOCK)
		settle(task)
		require.Empty(t, log)
		require.Equal(t, again, p.read(1))
		p.write(1)
		settle(task)
		require.Equal(t, []string{"a 1"}, log)
	})
}

func TestPipeSignals(t *testing.T) {
	restart := -int(abi.ERESTARTSYS)
	blocking(t, 0, func(task *sim.Task, p *pipe) {
		var log []string
		var sleeper *sim.Task
		run := func(name string, call func() int) {
			spawn(p.s, name, func(t *sim.Task) {
				sleeper = t
				log = append(log, fmt.Sprintf("%s %d", name, call()))
			})
			settle(task)
		}
		run("read", func() int { return p.read(1) })
		signal(sleeper)
		settle(task)
		run("chosen", func() int { return p.read(1) })
		p.write(1)
		sleeper.SetSignal(true, false) // after the wake-up: the byte comes first
		settle(task)
		p.write(65536)
		run("write", func() int { return p.write(4096) })
		signal(sleeper)
		settle(task)
		p.read(65536)
		run("partial", func() int { return p.write(65536 + 1) })
		signal(sleeper)
		settle(task)
		require.Equal(t, []string{fmt.Sprintf("read %d", restart), "chosen 1", fmt.Sprintf("write %d", restart), "partial 65536"}, log)
		require.Empty(t, p.State().RdWait)
		require.Empty(t, p.State().WrWait)
	})
}

// TestPipeCloseWhileReading: a sleeping read keeps the description, as a system call does.
func TestPipeCloseWhileReading(t *testing.T) {
	blocking(t, 0, func(task *sim.Task, p *pipe) {
		var log []string
		p.r.Get()
		spawn(p.s, "a", func(*sim.Task) {
			log = append(log, fmt.Sprint(p.read(1)))
			p.r.Put()
		})
		settle(task)
		p.r.Put() // close
		require.Equal(t, 1, p.write(1))
		settle(task)
		require.Equal(t, []string{"1"}, log)
		require.Equal(t, -int(abi.EPIPE), p.write(1))
	})
}

// explore runs program under every schedule with at most bound preemptions, and counts those that end with somebody
// asleep.
func explore(t *testing.T, rules devices.PipeRules, bound int, program func(p *pipe)) (schedules, lost int) {
	t.Helper()
	e := &sim.Enumeration{Bound: bound}
	pool := &sim.Pool{}
	defer pool.Close()
	for more := true; more; more = e.Advance() {
		var p *pipe
		e.Begin()
		opts := checked(&p)
		opts.Strategy, opts.Pool = e, pool
		s := &vfs.System{M: sim.New(opts)}
		p = newPipe(t, s, 0, rules)
		program(p)
		if err := s.M.Run(); err != nil {
			var deadlock *sim.DeadlockError
			require.ErrorAs(t, err, &deadlock)
			lost++
		}
		s.M.Close()
		schedules++
	}
	return schedules, lost
}

// TestPipeInterleavings: two readers of a byte each and a writer of two; nobody is left asleep.
func TestPipeInterleavings(t *testing.T) {
	schedules, lost := explore(t, devices.PipeRules{}, 2, func(p *pipe) {
		for _, name := range []string{"a", "b"} {
			spawn(p.s, name, func(*sim.Task) { require.Equal(t, 1, p.read(1)) })
		}
		spawn(p.s, "w", func(*sim.Task) { require.Equal(t, 2, p.write(2)) })
	})
	require.Zero(t, lost, "of %d", schedules)
	t.Logf("%d schedules", schedules)
}

// TestPipeIndicesInOneLoad is R-PIPEIDX. The writer w1 of a full ring is woken and
//  1. loads head;
//  2. w2 fills a slot, r empties it, and the ring was not full meanwhile: nobody is woken;
//  3. w1 loads tail, which is beyond its head, takes the ring for full, and sleeps for ever.
func TestPipeIndicesInOneLoad(t *testing.T) {
	program := func(p *pipe) {
		p.resize(8192)
		p.write(8192)
		spawn(p.s, "w1", func(*sim.Task) { p.write(4096) })
		spawn(p.s, "r", func(*sim.Task) {
			p.read(8192)
			p.read(4096)
		})
		spawn(p.s, "w2", func(*sim.Task) { p.write(4096) })
	}
	schedules, lost := explore(t, devices.PipeRules{}, 1, program)
	require.Zero(t, lost, "of %d", schedules)
	schedules, lost = explore(t, devices.PipeRules{SplitIndices: true}, 1, program)
	require.NotZero(t, lost, "of %d", schedules)
	t.Logf("head and tail in two loads: %d of %d schedules lose a wake-up", lost, schedules)
}

// TestPipePollsBehindTheHook is R-PIPEPOLL: one poller, one write.
func TestPipePollsBehindTheHook(t *testing.T) {
	program := func(p *pipe) {
		table := p.s.NewFdTable()
		fd, _ := table.Reserve(0, false)
		table.Install(fd, p.r)
		spawn(p.s, "poller", func(task *sim.Task) {
			table.Poll(&vfs.PollWqueues{}, task, []abi.PollFd{{Fd: int32(fd), Events: abi.POLLIN}}, sim.Forever, false)
		})
		spawn(p.s, "writer", func(*sim.Task) { p.write(1) })
	}
	_, lost := explore(t, devices.PipeRules{}, 1, program)
	require.Zero(t, lost)
	_, lost = explore(t, devices.PipeRules{PollSamplesFirst: true}, 1, program)
	require.NotZero(t, lost)
}

// TestPipeResizeShowsBytes: F_SETPIPE_SZ stores tail before head, and ->poll of an empty pipe can see IN in between.
func TestPipeResizeShowsBytes(t *testing.T) {
	seen := 0
	for seed := range 300 {
		var p *pipe
		opts := checked(&p)
		opts.Strategy = sim.NewRandom(uint64(seed))
		s := newSystem(t, opts)
		p = newPipe(t, s, 0, devices.PipeRules{})
		p.write(1)
		p.read(1)
		spawn(s, "resize", func(*sim.Task) { p.resize(8192) })
		spawn(s, "poll", func(*sim.Task) {
			got := mask(p.r)
			require.Contains(t, []abi.Events{none, rdn}, got)
			if got != 0 {
				seen++
			}
		})
		require.NoError(t, s.M.Run())
		require.Equal(t, none, mask(p.r))
	}
	require.NotZero(t, seen)
}
