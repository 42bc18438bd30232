// Package files follows the descriptors of the tasks in a log of strace: which numbers are open in which table, who shares a
// table with whom, and what was open before the log begins. Nothing is run; it believes the results in the log.
//
//	t := files.New()
//	for … { t.Apply(&rec) } // each record of a log, in its order
//	for _, in := range t.Inherited() { … }
//	for _, n := range t.Notices() { … }
//
// A descriptor that is used and that no call of the log has made was inherited. It belongs to the first task of its family,
// and to all that were forked from that before somebody closed it: they share one open file. What kind of file it is shows in the
// decorations of -y, in what fstat said, and in the calls that were good for it.
//
// Leaves out limits, and the contents and positions of files. A number that io_uring or a tracer opened or closed is a surprise; the next
// call that makes a descriptor sets it right.
//
// # Who points at whom
//
//	strace.Task ──► member ──► Table ── numbers ──► entry: closed on exec? ──► File
//	                  │          └ family: what the first task of all these had from before ──► File
//	                  └ process: those that end and exec together
//
// # Lock order
//
//	(none here)
//
// # Names
//
//	files_struct       Table
//	struct file        File
//	dup_fd             Table.copy
//	do_close_on_exec   Table.exec
//	close_range(2)     rows["close_range"]
//
// # What to read next
//
// rows.go has what each system call does to descriptors.
package files

// Files:
//
//	tracker.go watch.go         the tasks of a log; as records are read
//	table.go file.go            tables of descriptors; what a file is
//	rows.go uses.go             what calls do to descriptors; what they need
