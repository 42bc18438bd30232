// Package casebook reads the cases that are embedded in the program: testdata/cases, testdata/litmus, and
// testdata/history, the bugs that older kernels had. A case tells about itself in the comments at its top: the claim in
// the first line, then lines that begin with a word and a colon (myth, model only, expect, and "at
// VERSION" for what it shows there), then prose and a drawing of threads over epolls over files.
//
//	epollsim.Testdata ── All ──> Case (casebook.go)
//	                      inventory.go: topic ──> the cases that show it, or the reason why none can
//
// Leaves out running them: scenario, verify and sim/explore take a Case's Source.
//
// Read casebook.go, then inventory.go, from which docs/topics.md is written.
package casebook
