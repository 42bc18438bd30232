package strace_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/epollsim/epollsim/scenario/strace"
)

// BenchmarkReader reads the log of a redis-server and its clients; BenchmarkTyped gives its calls types too.
func BenchmarkReader(b *testing.B) { benchmarkReader(b, false) }
func BenchmarkTyped(b *testing.B)  { benchmarkReader(b, true) }

func benchmarkReader(b *testing.B, typed bool) {
	text, err := os.ReadFile("../../testdata/strace/redis_benchmark.strace")
	if err != nil {
		b.Fatal(err)
	}
	lines := bytes.Count(text, []byte("\n"))
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r := strace.NewReader(bytes.NewReader(text), "log", strace.ReaderOptions{})
		for {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if typed && rec.Kind == strace.RecordCall && strace.Modelled(rec.Call.Name) {
				_, _ = rec.Call.Typed()
			}
		}
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(lines), "ns/line")
}
