package kernel

import "github.com/epollsim/epollsim/eventpoll"

// Cover makes k count which branches of its epoll are reached.
func (k *Kernel) Cover(c *eventpoll.Coverage) { k.epoll.Cover = c }
