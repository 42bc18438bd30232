// Package verify runs a scenario on the model and on the host's kernel and compares the two, call by call
// and thread by thread: values, errno, masks, the order of events.
//
// A program with one thread must give the same on both. With several, the host picks a schedule that nobody
// knows; it agrees if its results equal those of the model's default schedule, of one that keeps to the order in which the
// host's threads had their turns, or of one of many random ones. What a run owns is not compared: pids, times. A run in
// which the machine was later than the scenario's times allow shows nothing; there is another then.
//
//	Program ── scenario.Run ──> model, one schedule after the other ──> History ─┐
//	   └────── scenario.Run ──> kernel/host ──────────────────────────> History ─┴── compare ──> Report
//
// Leaves out scenarios that only the model can run (inspect, versions), which are told and not counted.
//
// Read verify.go, then compare.go and follow.go, the strategy of the host's order; repeat.go shakes the host's schedule and collects what it shows, explored.go looks that up
// among all interleavings of the model.
package verify
