package abi

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEventsText(t *testing.T) {
	for _, c := range []struct {
		events        Events
		string, short string
	}{
		{0, "0", "0"},
		{EPOLLIN | EPOLLET, "EPOLLIN|EPOLLET", "IN|ET"},
		{EPOLLRDNORM | EPOLLIN | EPOLLHUP, "EPOLLIN|EPOLLHUP|EPOLLRDNORM", "IN|HUP|RDNORM"},
		{EPOLLIN | 0x8000, "EPOLLIN|0x8000", "IN|0x8000"},
		{0x8000, "0x8000 /* EPOLL??? */", "0x8000"},
		{EPOLLERR | POLLFREE, "EPOLLERR|0x4000", "ERR|FREE"},
		{EPOLLURINGWAKE, "0x8000000 /* EPOLL??? */", "URING_WAKE"},
	} {
		assert.Equal(t, c.string, c.events.String())
		assert.Equal(t, c.short, c.events.Short())
		for _, text := range []string{c.string, c.short} {
			back, ok := ParseEvents(text)
			assert.True(t, ok, text)
			assert.Equal(t, c.events, back, text)
		}
	}
	for _, s := range []string{"", "EPOLLIN|", "EPOLL", "POLLIN", "EPOLL_CLOEXEC", "0x100000000"} {
		_, ok := ParseEvents(s)
		assert.False(t, ok, "%q", s)
	}
}

// The bits of poll and of epoll are the same.
func TestPollBitsAreEpollBits(t *testing.T) {
	for _, r := range pollRows {
		if e, ok := eventByName("E" + r.name); ok {
			assert.Equal(t, r.value, e, r.name)
		}
	}
}
