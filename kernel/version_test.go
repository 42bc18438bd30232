package kernel

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]Version{
		"2.6.28": {Major: 2, Minor: 6, Patch: 28}, "2.6.39": {Major: 2, Minor: 6, Patch: 39}, "3.0": {Major: 3},
		"5.10": {Major: 5, Minor: 10}, "6.1.0": {Major: 6, Minor: 1}, "5.5-rc1": {Major: 5, Minor: 5, RC: 1},
		"6.18": {Major: 6, Minor: 18}, "6.18.32": {Major: 6, Minor: 18, Patch: 32}, "6.18.y": Baseline,
		"6.3+sb": {Major: 6, Minor: 3, StoreBuffer: true}, "mainline": Mainline,
	} {
		v, err := ParseVersion(text)
		require.NoError(t, err)
		require.Equal(t, want, v, text)
		again, err := ParseVersion(v.String())
		require.NoError(t, err)
		require.Equal(t, v, again, "%s is written %s", text, v)
	}
	for text, why := range map[string]string{
		"": "expected", "6": "expected", "6.x": "expected", "6.1.2.3": "expected", "5.5-rc": "expected", "5.5-rc0": "expected",
		"5.5.0-rc1": "expected", "6.18.300": "expected", "-1.2": "expected", "+sb": "expected",
		"2.6.27": "modelled are", "2.6": "modelled are", "2.7.1": "modelled are", "2.6.40": "modelled are", "3.20": "modelled are",
		"4.21": "modelled are", "6.19": "modelled are", "7.0": "modelled are", "5.10.3": "as it was released", "6.1.y": "only 6.18.y",
	} {
		_, err := ParseVersion(text)
		require.ErrorContains(t, err, why, text)
	}
}

func TestParseVersionNeverPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[0-9.y+sbrc-]{0,12}`).Draw(t, "version")
		if v, err := ParseVersion(s); err == nil {
			again, err := ParseVersion(v.String())
			require.NoError(t, err)
			require.Equal(t, v, again)
			v.rules()
		}
	})
}

func TestVersionsHaveAnOrder(t *testing.T) {
	var all []Version
	for _, s := range []string{"2.6.28", "2.6.39", "3.0", "5.4", "5.5-rc1", "5.5-rc2", "5.5", "6.17", "6.18", "6.18.1", "6.18.32", "6.18.y", "mainline"} {
		all = append(all, at(s))
	}
	require.True(t, slices.IsSortedFunc(all, Version.Compare))
}

// Each row of the table sets the one switch it names, and says why if it sets or shows nothing.
func TestTableOfBehaviours(t *testing.T) {
	for i := range table {
		b := &table[i]
		require.NotEmpty(t, b.Text, b.ID)
		require.Equal(t, b.set == nil, b.Kind == Listed, b.ID)
		require.Equal(t, b.set == nil, b.Switch == "", b.ID)
		require.Equal(t, b.Scenario == "", b.Why != "", "%s: a scenario, or a reason", b.ID)
		require.True(t, b.To == (Version{}) || b.From.Before(b.To), b.ID)
		for _, commit := range b.Commits {
			require.Regexp(t, "^[0-9a-f]{12}$", commit, b.ID)
		}
		if b.set == nil {
			continue
		}
		var r rules
		b.set(&r)
		field := reflect.ValueOf(r)
		for _, name := range strings.Split(b.Switch, ".") {
			field = field.FieldByName(name)
			require.True(t, field.IsValid(), "%s: no switch %s", b.ID, b.Switch)
		}
		require.False(t, field.IsZero(), "%s: %s stays as it is", b.ID, b.Switch)
		require.True(t, b.Within(b.begin()) || b.From == (Version{}), b.ID)
	}
	require.Equal(t, rules{}, Baseline.rules(), "the baseline is what no row names")
	require.Equal(t, rules{}, Version{Major: 6, Minor: 18, Late: true, StoreBuffer: true}.rules())
}

// Every switch of the rules is in the table.
func TestEverySwitchIsInTheTable(t *testing.T) {
	named := map[string]bool{}
	for i := range table {
		named[table[i].Switch] = true
	}
	named["Vfs.NoKeys"] = true // with Epoll.NoKeys
	r := reflect.TypeFor[rules]()
	for i := range r.NumField() {
		f := r.Field(i)
		if f.Type.Kind() != reflect.Struct {
			require.True(t, named[f.Name], f.Name)
			continue
		}
		for j := range f.Type.NumField() {
			require.True(t, named[f.Name+"."+f.Type.Field(j).Name], "%s.%s", f.Name, f.Type.Field(j).Name)
		}
	}
}

// Between two profiles nothing changes, and at each something does.
func TestProfiles(t *testing.T) {
	all := Profiles()
	require.Equal(t, Oldest, all[0])
	require.Equal(t, []Version{Baseline, Mainline}, all[len(all)-2:])
	for i, v := range all[:len(all)-1] {
		next := all[i+1]
		if next == Baseline { // which is the last release before it
			continue
		}
		sb, nextSB := v, next
		sb.StoreBuffer, nextSB.StoreBuffer = true, true
		require.NotEqual(t, sb.rules(), nextSB.rules(), "%s and %s", v, next)
	}
	rapid.Check(t, func(t *rapid.T) {
		v := Version{Major: 6, Minor: 18, Patch: rapid.IntRange(0, 255).Draw(t, "patch")}
		if rapid.Bool().Draw(t, "mainline") {
			major := rapid.IntRange(3, 6).Draw(t, "major")
			v = Version{Major: major, Minor: rapid.IntRange(0, lastMinor[major]).Draw(t, "minor")}
		}
		at, _ := slices.BinarySearchFunc(all, v, Version.Compare)
		if at == len(all) || all[at] != v {
			at--
		}
		require.Equal(t, all[at].rules(), v.rules(), "%s is as %s", v, all[at])
	})
}
