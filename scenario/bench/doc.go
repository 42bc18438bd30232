// Package bench measures the core of the model beside the host's kernel, on the machine of whoever asks. The two are
// measured in rounds that take turns, and the best round of each counts, because machines are shared and noisy; what
// carries over from one machine to another is the ratio. Multiplex counts in the model alone what a call of select, poll
// and epoll costs; its counts are the same everywhere.
//
//	Core ── rounds in turn ──> model (kernel), host (host_linux.go) ──> Row: the best of each, their ratio
//	Multiplex ── scenes ──> chain of pipes ── multiplexer: select, poll, epoll LT, ET ──> counters ──> table, chart.go
//
// Leaves out what a program does between its calls, and memory beyond what Go allocates.
//
// Read bench.go; for the other multiplex.go, then multiplexer.go. docs/bench.md has the figures and what they say.
package bench

// Files:
//
//	bench.go                    rounds and rows; host_linux.go, host_other.go: the host's side
//	multiplex.go                scenes; multiplexer.go: select, poll and epoll in them; chart.go: the drawing
