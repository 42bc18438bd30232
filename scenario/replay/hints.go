package replay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/scenario/strace/files"
)

// What a log may lack. Calls that are not in it, though the program made them, end in a divergence somewhere later: there the log is
// asked whether it looks as if some had been left out.

// enough is how many calls a log has of which something can be said.
const enough = 16

// classes are the calls without which a replay misses something, by the class of strace that has them.
var classes = []struct {
	name  string
	calls []string
	uses  []string // a program that makes these makes some of calls too
}{
	{
		"%desc", []string{"close", "dup", "dup2", "dup3", "fcntl", "epoll_ctl", "epoll_wait", "epoll_pwait", "poll", "read", "write"},
		[]string{"socket", "accept", "accept4", "connect", "clone", "clone3", "fork", "execve"},
	},
	{
		"%network", []string{"socket", "socketpair", "accept", "accept4", "bind", "connect", "recvfrom", "sendto", "recvmsg", "sendmsg", "setsockopt", "getsockopt", "shutdown", "listen"},
		nil,
	},
}

// often is how many descriptors have to come from nowhere before a log is one that leaves out the calls that make them: one may be a mistake.
const often = 16

// opens are the calls that open files by their paths. Hardly a program makes none of them.
var opens = []string{"openat", "open", "creat", "openat2"}

// hints tells what the log may lack; it is asked where a replay has diverged.
func (log *Log) hints() []string {
	var list []string
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	const advice = "record with: strace -f -ttt -s 256 -e trace=%desc,%network,%process,%signal -o FILE"
	if n := log.Stats.Unknown; n > 0 {
		add("%d lines of the log cannot be read, the first: %s; what they tell is missing", n, log.Stats.First)
	}
	calls := log.Stats.Calls
	switch {
	case calls < enough:
	case log.failures == 0:
		add("not one of %d calls has failed: this log may have been made with strace -z (or -e status=), which leaves out what a replay "+
			"needs; record without", calls)
	case log.failures == calls:
		add("every call has failed: this log seems to have been made with strace -Z (or -e status=), which leaves out what a replay " +
			"needs; record without")
	}
	for _, c := range classes {
		if calls >= enough && !log.has(c.calls) && (c.uses == nil && log.sockets || log.has(c.uses)) {
			add("there is no call of strace's class %s (%s …): a filter has left them out; %s", c.name, strings.Join(c.calls[:3], ", "), advice)
		}
	}
	if calls >= enough && !log.seen["close"] && log.has(classes[0].calls) {
		add("there is no close: a filter has left it out, so that numbers seem to be open which are free; %s", advice)
	}
	if in := log.strangers; len(in) > 0 && !log.attached {
		add("%s: fd %d is used, and no call of the log has made it: a filter may have left that out; %s", in[0].Seen, in[0].Fd, advice)
	}
	if log.Stats.Tasks == 1 && !log.Stats.Form.Pids && len(log.Notices) == 0 {
		add("the log is of one task and has no numbers of tasks: if the program has threads or children, record with strace -f")
	}
	return list
}

func (log *Log) has(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return log.seen[name] })
}

// lacks keeps what the descriptors tell of calls that were left out.
func (log *Log) lacks(t *files.Tracker) {
	for _, in := range t.Inherited() {
		if in.File.Kind == files.Epoll {
			log.epolls[number{in.Task.Serial, in.Fd}] = true
		}
		if in.Fd > 2 && in.File.Kind != files.Unknown {
			log.strangers = append(log.strangers, in)
		}
		log.sockets = log.sockets || in.File.Kind == files.Socket || in.File.Kind == files.Listener
	}
	if (t.Reopened >= often || t.Unopened) && (!log.has(opens) || !log.seen["mmap"]) {
		log.blind, log.sharing = true, log.given
	}
	log.blind = log.blind || log.attached && !log.has(classes[1].calls) && log.has(classes[0].calls)
}
