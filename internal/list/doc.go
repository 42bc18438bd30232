// Package list is the kernel's struct list_head (include/linux/list.h, Linux 6.18): a circular doubly
// linked list whose links live inside the items, so that adding, removing and splicing allocate nothing.
//
// It stands beside rbtree on the lowest floor and is internal because it carries no idea of its own:
// rdllist, txlist, wait queues and run queues are lists, and their meaning is told where they stand.
//
//	kernel                 here
//	list_add               PushFront
//	list_add_tail          PushBack
//	list_del_init          Unlink
//	list_splice            SpliceFront
//	list_empty             Empty
//	container_of           Node.Owner
//
// Leaves out hlists, the lockless variants and poisoning: a Node that is taken off is the zero Node again.
//
//	List ── head ──> Node ──> Node ──> … back to head
//	                  └ owner: the item that the Node is a field of
//
// Read list.go, then eventpoll/epitem.go, which is on three lists at once.
package list
