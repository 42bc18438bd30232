// Package devicetest is the suite that every device of the model passes: a new device is a [Device] in a test file of its
// own, and one line where [Test] is called.
//
// A device says how to open its files, which moves can be made on them, and what Linux was seen to do: for each move the
// edges that three watchers of each file get, and the wake-ups. The suite holds the device to that, and to what is
// expected of any file:
//
//   - the poll mask says what a read and a write would then do: EAGAIN exactly if the mask lacks the bits of the sheet;
//   - every bit that the mask gains is announced by a wake-up whose key has it, or has no key;
//   - nobody hears of anything that no row tells of, and a mask that nobody touches stays as it is;
//   - ->poll hooks its poller before it reads the state: what happens just before the hook is in the mask.
//
// All files are opened with O_NONBLOCK; who sleeps, and in which order sleepers are woken, is for a device's own tests.
//
// A watcher is an edge-triggered epoll item reduced to the three rules of the fact sheets: ready at the ADD if the mask has
// what it asks for, ready after a wake-up whose key it wants, and asked again when it is harvested.
//
//	Device ── Rows: Given, Do, Edges, Wakes            World ── moves
//	   └ Open(World) ────────────────────────────────>   └ File ── watchers (all, in, out), queues ── recorder
//
// Read example_test.go, a whole device in a hundred lines; device.go for what a device says, then test.go for what is made
// of it.
package devicetest

// Files:
//
//	device.go                   what a device says of itself, and the world it is tested in
//	test.go                     the suite
//	watcher.go                  who watches: an edge-triggered hook for each file
