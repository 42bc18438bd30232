package scenario_test

import (
	"fmt"
	"os"

	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

// A program, run and judged. Here the kernel is the fake one of these tests; kernel.Boot returns the model.
func Example() {
	p, err := scenario.Compile("hello.star", []byte(`
ep = epoll_create1()
r, w = pipe()
epoll_ctl(ep, EPOLL_CTL_ADD, r, EPOLLIN)
write(w, b"x")
print(epoll_wait(ep, timeout = 0) == [(EPOLLIN, r)])
check(read(r, 10) == b"y", "it was an x")
epoll_ctl(ep, EPOLL_CTL_ADD, r, EPOLLIN) == 0
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	result := scenario.Run(newFakeWorld(sim.Options{}), p, scenario.Options{Stdout: os.Stdout})
	for _, f := range result.Failed {
		fmt.Println(f)
	}
	for _, u := range result.Unlooked {
		fmt.Println(u)
	}
	fmt.Println("exit code", result.ExitCode())
	// Output:
	// True
	// hello.star:7:1: check failed: read(r, 10) == b"y": it was an x
	// hello.star:8:1: epoll_ctl(...) failed with EEXIST, and the program never looked at it (compare it with an errno such as == EEXIST, or test it; a comparison with a value of another type does not count)
	// exit code 1
}

// A mistake says where, what was found, and what was expected.
func ExampleCompile() {
	_, err := scenario.Compile("typo.star", []byte("epol_create1()\nx = EPOLLINN\n"))
	fmt.Println(err)
	// Output:
	// typo.star:1:1: undefined: epol_create1 (did you mean epoll_create1?)
	// typo.star:2:5: undefined: EPOLLINN (did you mean EPOLLIN?)
}
