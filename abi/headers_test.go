package abi

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const headers = `
#define _GNU_SOURCE
#include <errno.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/pidfd.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
`

// Names that are no macro, so that the preprocessor cannot be asked whether the headers have them.
var enumerators = map[string]bool{"P_ALL": true, "P_PID": true, "P_PGID": true, "P_PIDFD": true}

// Names that glibc gives another value than the kernel.
var glibcDiffers = map[string]string{
	"SIGRTMIN": "glibc keeps the first two real-time signals",
	"SIG_DFL":  "a function pointer",
	"SIG_IGN":  "a function pointer",
}

// The values are those of the headers of this machine, and the texts those of its strerror: generates a C program that
// prints all of them, and compares.
func TestAgainstSystemHeaders(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("needs the headers of Linux on x86-64")
	}
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("needs gcc")
	}

	want := map[string]string{}
	program := bytes.NewBufferString(headers + "#define V(name) printf(#name \" %lld\\n\", (long long)(name));\nint main(void) {\n")
	ask := func(name string, value int64) {
		want[name] = strconv.FormatInt(value, 10)
		if enumerators[name] {
			fmt.Fprintf(program, "V(%s)\n", name)
		} else {
			fmt.Fprintf(program, "#ifdef %s\nV(%s)\n#endif\n", name, name)
		}
	}
	for _, c := range Constants() {
		if glibcDiffers[c.Name] == "" && !strings.HasPrefix(c.Name, "SIGRT_") {
			ask(c.Name, c.Value)
		}
	}
	for e := range errnos {
		if name := errnos[e].name; name != "" {
			ask(name, int64(e))
		}
	}
	for _, a := range errnoAliases {
		ask(a.name, int64(a.errno))
	}
	for e := Errno(0); e < ERESTARTSYS; e++ {
		want[fmt.Sprintf("strerror(%d)", e)] = e.Error()
		fmt.Fprintf(program, "printf(\"strerror(%d) %%s\\n\", strerror(%d));\n", e, e)
	}
	want["epoll_event"] = strconv.Itoa(SizeofEpollEvent)
	fmt.Fprintln(program, `printf("epoll_event %zu\n", sizeof(struct epoll_event)); return 0; }`)

	binary := filepath.Join(t.TempDir(), "values")
	compile := exec.Command(gcc, "-O0", "-w", "-x", "c", "-o", binary, "-")
	compile.Stdin = program
	message, err := compile.CombinedOutput()
	if bytes.Contains(message, []byte("fatal error")) {
		t.Skipf("a header is missing: %s", message)
	}
	require.NoError(t, err, "%s", message)
	output, err := exec.Command(binary).Output()
	require.NoError(t, err)

	for lines := bufio.NewScanner(bytes.NewReader(output)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if value != want[name] {
			t.Errorf("%s is %s in the headers, %s here", name, value, want[name])
		}
		delete(want, name)
	}
	unknown := slices.Sorted(maps.Keys(want))
	t.Logf("not in the headers of this machine: %v", unknown)
	require.Less(t, len(unknown), 30, "nearly all names must have been compared")
}
