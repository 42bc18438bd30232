package casebook

import (
	"fmt"
	"strings"
)

// Topic is what the casebook is asked to show: something that people should see once, or a case of the field, f01 to f62,
// where programs have stumbled.
type Topic struct {
	ID     string
	Reason string   // why no case can show it; "": some do
	also   []string // cases that show it under other names
}

// Group is a heading and what stands under it.
type Group struct {
	Title  string
	Topics []Topic
}

// groups of topics, but those of the field.
var groups = []struct{ title, ids string }{
	{"Level and edge", `lt-partial-read et-partial-read et-more-data et-strict-pipe ready-before-add et-mod-rearms add-twice et-eventfd-no-read
		et-short-read et-write-until-eagain pipe-out-edge lt-stale-item lt-rotation err-hup-unasked rdhup-hup`},
	{"A terminal", `tty-et-in-unread tty-lt-in-unread tty-lt-in-read tty-et-mod tty-et-out-newline tty-et-out-nonewline tty-lt-out tty-et-out-mod`},
	{"Several threads", `oneshot no-oneshot-two-workers spurious-eagain wait-then-ctl-add wait-then-close-fd herd-one-epfd herd-n-epfds exclusive
		exclusive-rules ovflist coalesce coalesce-in-out starvation signal-eintr timeouts four-orders`},
	{"Descriptor and description", `ghost-dup ghost-fork ghost-reuse two-fds-one-file del-before-close scm-rights same-fd-two-epfds close-epfd`},
	{"Nesting, limits, errors", `nested self-add loop depth eperm ctl-errors wait-errors create-errors enospc wakeup-source pollfree`},
	{"Servers", `echo-lt echo-et et-accept connect-nonblock reactor`},
	{"Cost", `cost-select-poll-epoll cost-all-active libevent-curve cost-lt-et no-mmap`},
}

// fieldCases is how many cases of the field there are.
const fieldCases = 62

// alsoShown are cases that show a topic under names of their own.
var alsoShown = map[string][]string{
	"herd-one-epfd": {"lt-two-waiters", "et-one-event-two-waiters"},
	"coalesce":      {"et-two-writes"},
	"signal-eintr":  {"signal-wait", "signal-pwait"},
	"timeouts":      {"deadline-vs-write"},
	"four-orders":   {"et-one-event-two-waiters", "exclusive-not-all"},

	"f08": {"r-ctlwake", "r-modbarrier"},
	"f51": {"eperm", "memfd-eperm"},
	"f52": {"mounts-idle"},
	"f53": {"sigfd-edges"},
	"f55": {"false-negative-6.17", "no-false-negative"},
}

// unshown are topics that no case can show, and why.
var unshown = map[string]string{}

// Topics returns what the casebook is asked to show.
func Topics() []Group {
	var all []Group
	add := func(title string, ids []string) {
		g := Group{Title: title}
		for _, id := range ids {
			g.Topics = append(g.Topics, Topic{ID: id, Reason: unshown[id], also: alsoShown[id]})
		}
		all = append(all, g)
	}
	for _, g := range groups {
		add(g.title, strings.Fields(g.ids))
	}
	var field []string
	for i := range fieldCases {
		field = append(field, fmt.Sprintf("f%02d", i+1))
	}
	add("The field", field)
	return all
}

// Cases returns which of all show the topic: the case of its id, those whose ids go on from there behind a hyphen, and
// some of other names.
func (t Topic) Cases(all []Case) []Case {
	var cases []Case
	for _, c := range all {
		if c.ID == t.ID || strings.HasPrefix(c.ID, t.ID+"-") {
			cases = append(cases, c)
		}
	}
	for _, id := range t.also {
		for _, c := range all {
			if c.ID == id {
				cases = append(cases, c)
			}
		}
	}
	return cases
}
