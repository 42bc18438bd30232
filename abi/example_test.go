package abi_test

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/epollsim/epollsim/abi"
)

// An event mask has one spelling for strace's eyes and a shorter one for the steps inside a call.
func ExampleEvents() {
	key := abi.EPOLLIN | abi.EPOLLRDNORM
	fmt.Println(key)
	fmt.Println(key.Short())
	// Output:
	// EPOLLIN|EPOLLRDNORM
	// IN|RDNORM
}

// One number means different things as different arguments; the group says which.
func ExampleFlags() {
	const v = 0x80800
	for _, group := range []string{"O", "PIPE2", "EFD", "SFD", "INOTIFY_INIT1", "ACCEPT4"} {
		fmt.Println(abi.Flags(group, v))
	}
	// Output:
	// O_RDONLY|O_NONBLOCK|O_CLOEXEC
	// O_NONBLOCK|O_CLOEXEC
	// EFD_CLOEXEC|EFD_NONBLOCK
	// SFD_CLOEXEC|SFD_NONBLOCK
	// IN_NONBLOCK|IN_CLOEXEC
	// SOCK_CLOEXEC|SOCK_NONBLOCK
}

func ExampleEnum() {
	fmt.Println(abi.Enum("EPOLL_CTL", abi.EPOLL_CTL_ADD))
	fmt.Println(abi.Enum("EPOLL_CTL", 9))
	// Output:
	// EPOLL_CTL_ADD
	// 0x9 /* EPOLL_CTL_??? */
}

func ExampleParseFlags() {
	v, ok := abi.ParseFlags("O_RDWR|O_NONBLOCK|0x4")
	fmt.Printf("%#x %v\n", v, ok)
	// Output: 0x806 true
}

// An errno is an error, and the errors of package fs know it.
func ExampleErrno() {
	err := fmt.Errorf("open: %w", abi.ENOENT)
	fmt.Println(err)
	fmt.Println(abi.ENOENT.Name(), errors.Is(err, fs.ErrNotExist))
	// Output:
	// open: No such file or directory
	// ENOENT true
}

func ExampleSigSet() {
	var set abi.SigSet
	set.Add(abi.SIGUSR1)
	set.Add(abi.SIGCHLD)
	fmt.Println(set)
	// Output: [USR1 CHLD]
}
