package scenario

import "go.starlark.net/starlark"

var taskRows = []row{
	{sig: "spawn(fn, *args, name=None)", result: "task", help: "start a thread that calls fn(*args); name: of the function if not given", fn: spawn, own: true},
	{sig: "fork(fn, *args, name=None)", result: "process", help: "start a process that calls fn(*args), with a copy of the fd table; Starlark values are shared", fn: fork, own: true},
	{sig: "join(t)", result: "0, or the wait status of a process", help: "wait until the thread or process t has ended", fn: join},
	{sig: "exit(code=0)", result: "does not return", help: "end all threads of this process", fn: exit},
	{sig: "getpid()", result: "int", help: "the number of this process", fn: getpid, own: true},
	{sig: "sched_yield()", result: "0", help: "let another thread run", fn: schedYield},
}

func spawn(c *call) (starlark.Value, error) {
	child := c.child(c.proc)
	if c.err != nil {
		return nil, c.err
	}
	c.run.spawned = true
	if c.run.forked {
		c.resolve()
	}
	tid, err := c.calls.Clone(child.name, child.main)
	return c.result(&task{name: child.name, tid: tid, proc: c.proc}, err)
}

func fork(c *call) (starlark.Value, error) {
	proc := &group{}
	child := c.child(proc)
	if c.err != nil {
		return nil, c.err
	}
	if c.run.spawned {
		c.resolve()
	}
	c.run.forked = true
	pid, err := c.calls.Fork(child.name, child.main)
	proc.pid = pid
	return c.result(&process{name: child.name, group: proc}, err)
}

// child makes the thread that will call the function with the arguments of c.
func (c *call) child(proc *group) *thread {
	fn := c.function()
	v := c.next()
	if c.err != nil {
		return nil
	}
	name := fn.Name()
	if v != starlark.None {
		c.at--
		name = c.text()
	}
	t := c.run.newThread(name, proc, c.place())
	t.fn, t.args = fn, c.rest
	t.path = c.path.start(name)
	c.started = &t.path
	t.key = (c.thread.key*32 + c.path.children%32) & (1<<30 - 1)
	c.give(t)
	return t
}

// resolve finds the number of the calling process, which kill needs for its threads. It is known already
// unless this is the first process. Programs that never kill a thread across processes are spared the call.
func (t *thread) resolve() {
	if t.proc.pid == 0 {
		t.proc.pid = t.calls.Getpid()
	}
}

func join(c *call) (starlark.Value, error) {
	switch t := c.next().(type) {
	case *task:
		return c.zero(c.calls.Join(t.tid))
	case *process:
		_, status, err := c.calls.Wait4(t.pid, 0)
		return c.int(status, err)
	default:
		c.wrong("got %s, want what spawn or fork returned", given(t))
	}
	return nil, c.err
}

func exit(c *call) (starlark.Value, error) {
	code := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	c.calls.ExitGroup(code)
	panic("scenario: ExitGroup returned")
}

func getpid(c *call) (starlark.Value, error) { return c.int(c.calls.Getpid(), nil) }

func schedYield(c *call) (starlark.Value, error) { return c.zero(c.calls.SchedYield()) }
