//go:build !(linux && amd64)

package host_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/kernel/host"
)

func TestUnsupported(t *testing.T) {
	_, err := host.New(host.Options{})
	require.ErrorIs(t, err, host.ErrUnsupported)
	require.Empty(t, host.Release())
}
