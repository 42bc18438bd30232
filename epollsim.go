// Package epollsim is a user-space model of the Linux kernel's eventpoll subsystem. This root package only
// carries the scenarios of testdata/, so that the command and users' tests have them without files.
//
// The floors, lowest first: abi, rbtree, sim; waitqueue; vfs; devices, eventpoll; kernel; scenario;
// cmd/epollsim. An arrow only ever points down; floors_test.go holds the imports against that. Start with
// README.md, then package kernel for the Go API or package scenario for Starlark programs.
package epollsim

import "embed"

// Testdata holds testdata/: cases/ID.star with its golden trace cases/ID.strace beside it, and litmus/ and
// history/ for the explorer.
//
//go:embed testdata/cases testdata/litmus testdata/history
var Testdata embed.FS
