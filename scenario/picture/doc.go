// Package picture draws a run: a lane for each thread with its system calls as boxes, an arrow for each wake-up from
// who wakes to who is woken, and under the lanes the lists of each epoll over time. The picture is one SVG without
// scripts or fonts of its own.
//
//	d := picture.New()
//	k := kernel.Boot(kernel.Options{Machine: sim.Options{Trace: d.Event}})
//	…
//	os.WriteFile("run.svg", []byte(d.SVG()), 0o666)
//
// A [Drawing] is a pure function over the events of the machine: the same run is the same bytes. From left to right
// stands the order of events, not time, which mostly stands still; where the clock moves a dashed line says by how
// much. A run that is too long for one line is broken into several, as music is. Meant for up to a few hundred calls.
//
// Leaves out locks, functions and all that package steps is for.
//
//	sim.Event ──► Drawing ── ticks: places from left to right
//	               ├ lanes ──► lane ── boxes ──► box: from tick to tick, with the parts in which it sleeps
//	               ├ arrows                            drawing.go
//	               └ epolls ──► rows ──► bars: an item on a list, from tick to tick
//
//	layout.go gives ticks their x and breaks them into systems; svg.go writes.
//
// The colours are those of Okabe and Ito, which people tell apart whatever they see of red and green.
//
// Read drawing.go, layout.go, svg.go in this order. Package steps tells the same run in words.
package picture

// Files:
//
//	drawing.go                  what is drawn
//	layout.go short.go svg.go   where; labels; as SVG
