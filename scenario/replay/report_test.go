package replay

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/strace"
)

// reported has something of all that a report may tell, but a notice.
const reported = `7 epoll_create1(0) = 3
7 pipe([4, 5]) = 0
7 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
7 epoll_wait(3, [], 8, 10) = 0
7 getpid() = 7
this is no line of strace's
7 write(5, "x", 1) = 1
7 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
7 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
7 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
7 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
7 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 6
7 bind(6, {sa_family=AF_INET, sin_port=htons(7001), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
7 listen(6, 5) = 0
7 accept(6, NULL, NULL) = 7
7 read(4, "x", 8) = 2
`

var update = flag.Bool("update", false, "rewrite testdata")

// The report as text and as JSON is as it stands in testdata.
func TestReportGolden(t *testing.T) {
	log, err := Read(strace.NewReader(strings.NewReader(reported), "log", strace.ReaderOptions{}), "log")
	require.NoError(t, err)
	r := Run(log, Options{Inferences: true, Doctor: true})
	require.Equal(t, ExitDiverged, r.ExitCode())
	r.Divergence.State, r.Divergence.Steps, r.Steps = "…\n", []string{"…"}, 1 // they change with the model
	var text, lines strings.Builder
	r.Text(&text)
	require.NoError(t, r.JSON(&lines))
	golden(t, "report.txt", text.String())
	golden(t, "report.json", lines.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// The JSON form has all that a report has: each field of it has an effect on some line.
func TestJSONHasEveryField(t *testing.T) {
	written := func(r *Report) string {
		var b strings.Builder
		require.NoError(t, r.JSON(&b))
		for line := range strings.Lines(b.String()) {
			require.True(t, json.Valid([]byte(line)))
		}
		return b.String()
	}
	fill := func() *Report {
		log, err := Read(strace.NewReader(strings.NewReader(reported), "log", strace.ReaderOptions{}), "log")
		require.NoError(t, err)
		r := Run(log, Options{Inferences: true, Doctor: true})
		r.Timeouts, r.Rechecked, r.Overlaps, r.Several, r.GaveUp = 1, 1, 1, true, true
		r.Hints = []string{"hint"}
		return r
	}
	full := written(fill())
	for i := range reflect.TypeFor[Report]().NumField() {
		field := reflect.TypeFor[Report]().Field(i)
		if field.Name == "Notices" || field.Name == "Unknown" { // none in this log; said by Stats
			continue
		}
		r := fill()
		reflect.ValueOf(r).Elem().Field(i).SetZero()
		require.NotEqual(t, full, written(r), field.Name)
	}
}
