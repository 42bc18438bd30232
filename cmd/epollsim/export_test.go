package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/casebook"
)

// A pack is of the casebook, though a folder here is called like a case.
func TestPackOfTheCasebook(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range casebook.All() {
		require.NoError(t, os.Mkdir(c.ID, 0o700))
	}
	f := exportFlags{pack: "pack"}
	ids, many, open, err := f.scenarios(nil, nil)
	require.NoError(t, err)
	require.True(t, many)
	require.Len(t, ids, len(casebook.All()))
	for _, id := range ids[:20] {
		_, err := open(id)
		require.NoError(t, err)
	}
}
