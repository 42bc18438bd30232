// Package gvisor measures gVisor's epoll, a model of the same subsystem in Go, doing what the row "cycle" and the row
// "add_del" of epollsim bench core do. It has no fd table, scheduler or points in its path, so it is a peer to look
// at, not the same work. A module of its own, so that the product does not depend on gVisor.
package gvisor

import (
	"testing"

	"gvisor.dev/gvisor/pkg/abi/linux"
	"gvisor.dev/gvisor/pkg/context"
	"gvisor.dev/gvisor/pkg/sentry/fsimpl/eventfd"
	"gvisor.dev/gvisor/pkg/sentry/vfs"
	"gvisor.dev/gvisor/pkg/usermem"
)

func setUp(b *testing.B) (*vfs.EpollInstance, *vfs.FileDescription, func(uint64), func()) {
	ctx := context.Background()
	fs := &vfs.VirtualFilesystem{}
	if err := fs.Init(ctx); err != nil {
		b.Fatal(err)
	}
	epfd, err := fs.NewEpollInstanceFD(ctx)
	if err != nil {
		b.Fatal(err)
	}
	e, err := eventfd.New(ctx, fs, 0, false, linux.O_RDWR|linux.O_NONBLOCK)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 8)
	write := func(v uint64) {
		buf[0] = byte(v)
		if _, err := e.Write(ctx, usermem.BytesIOSequence(buf), vfs.WriteOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	read := func() {
		if _, err := e.Read(ctx, usermem.BytesIOSequence(buf), vfs.ReadOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	return epfd.Impl().(*vfs.EpollInstance), e, write, read
}

func BenchmarkCycle(b *testing.B) {
	ep, e, write, read := setUp(b)
	if err := ep.AddInterest(e, 4, linux.EpollEvent{Events: linux.EPOLLIN}); err != nil {
		b.Fatal(err)
	}
	events := make([]linux.EpollEvent, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		write(1)
		if n := len(ep.ReadEvents(events[:0], 8)); n != 1 {
			b.Fatal(n)
		}
		read()
	}
}

func BenchmarkAddDel(b *testing.B) {
	ep, e, _, _ := setUp(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := ep.AddInterest(e, 4, linux.EpollEvent{Events: linux.EPOLLIN}); err != nil {
			b.Fatal(err)
		}
		if err := ep.DeleteInterest(e, 4); err != nil {
			b.Fatal(err)
		}
	}
}
