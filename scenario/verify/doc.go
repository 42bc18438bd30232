// Package verify runs a scenario on the model and on the host's kernel and compares the two, call by call
// and thread by thread: values, errno, masks, the order of events.
//
// A program with one thread must give the same on both. With several, the host picks a schedule that nobody
// knows; it agrees if its results equal those of the model's default schedule, or of one of many random ones.
// What a run owns is not compared: pids, times.
//
//	Program ── scenario.Run ──> model, one schedule after the other ──> History ─┐
//	   └────── scenario.Run ──> kernel/host ──────────────────────────> History ─┴── compare ──> Report
//
// Leaves out scenarios that only the model can run (inspect, versions), which are told and not counted.
//
// Read verify.go, then compare.go; repeat.go shakes the host's schedule and collects what it shows, explored.go looks that up
// among all interleavings of the model.
package verify
