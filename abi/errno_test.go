package abi

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestErrnoText(t *testing.T) {
	for _, c := range []struct {
		e          Errno
		name, text string
	}{
		{0, "errno 0", "Success"},
		{EINVAL, "EINVAL", "Invalid argument"},
		{EWOULDBLOCK, "EAGAIN", "Resource temporarily unavailable"},
		{ENOTSUP, "EOPNOTSUPP", "Operation not supported"},
		{EDEADLOCK, "EDEADLK", "Resource deadlock avoided"},
		{41, "errno 41", "Unknown error 41"},
		{EHWPOISON, "EHWPOISON", "Memory page has hardware error"},
		{134, "errno 134", "Unknown error 134"},
		{ERESTARTSYS, "ERESTARTSYS", "To be restarted if SA_RESTART is set"},
		{ERESTART_RESTARTBLOCK, "ERESTART_RESTARTBLOCK", "Interrupted by signal"},
		{^Errno(0), fmt.Sprintf("errno %d", ^uintptr(0)), fmt.Sprintf("Unknown error %d", ^uintptr(0))},
	} {
		assert.Equal(t, c.name, c.e.Name())
		assert.Equal(t, c.text, c.e.Error())
	}
}

func TestErrnos(t *testing.T) {
	list := Errnos()
	assert.Len(t, list, 131, "1 to 133 without 41 and 58")
	assert.True(t, slices.IsSorted(list))
	assert.Equal(t, EPERM, list[0])
	assert.Equal(t, EHWPOISON, list[130])
	for _, e := range list {
		back, ok := ErrnoByName(e.Name())
		assert.True(t, ok, e.Name())
		assert.Equal(t, e, back)
	}
	for name, want := range map[string]Errno{"EWOULDBLOCK": EAGAIN, "ENOTSUP": EOPNOTSUPP, "EDEADLOCK": EDEADLK, "ERESTARTNOHAND": 514} {
		e, ok := ErrnoByName(name)
		assert.True(t, ok, name)
		assert.Equal(t, want, e)
	}
	for _, name := range []string{"", "EWHAT", "einval", "errno 41"} {
		_, ok := ErrnoByName(name)
		assert.False(t, ok, name)
	}
}

func TestErrnoIs(t *testing.T) {
	for _, c := range []struct {
		target error
		want   []Errno
	}{
		{fs.ErrPermission, []Errno{EPERM, EACCES}},
		{fs.ErrExist, []Errno{EEXIST, ENOTEMPTY}},
		{fs.ErrNotExist, []Errno{ENOENT}},
		{errors.ErrUnsupported, []Errno{ENOSYS, EOPNOTSUPP}},
		{fs.ErrClosed, nil},
		{EINTR, []Errno{EINTR}},
	} {
		var got []Errno
		for _, e := range Errnos() {
			if errors.Is(fmt.Errorf("open: %w", e), c.target) {
				got = append(got, e)
			}
		}
		assert.Equal(t, c.want, got, "%v", c.target)
	}
}
