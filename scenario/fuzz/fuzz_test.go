package fuzz

import (
	"testing"

	"github.com/epollsim/epollsim/kernel"
)

func BenchmarkModel(b *testing.B) {
	m := newModel(kernel.Version{})
	gen := words(100)
	calls, i := 0, 0
	for b.Loop() {
		i++
		p, err := m.sequential(gen.Example(i), 100)
		if err != nil {
			b.Fatal(err)
		}
		calls += p.count()
	}
	b.ReportMetric(float64(calls)/float64(i), "calls/program")
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "programs/s")
}

func TestShow(t *testing.T) {
	m := newModel(kernel.Version{})
	for seed := range 3 {
		p, err := m.sequential(words(100).Example(seed+1), 100)
		t.Log(err)
		for _, c := range p.calls {
			t.Logf("%s == %s", c.String(), c.want)
		}
	}
}

func TestHost(t *testing.T) {
	m := newModel(kernel.Version{})
	j, err := newHostJudge(1)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	seen := map[string]int{}
	for seed := range 3000 {
		p, err := m.sequential(words(100).Example(seed+1), 100)
		if err != nil {
			t.Fatal(seed, err)
		}
		d, err := compare(p, j)
		if err != nil {
			t.Fatal(err)
		}
		if d != nil {
			k := p.calls[d.Index].op.name + " " + d.Model + " / " + d.Host
			if seen[k]++; seen[k] == 1 && len(seen) < 40 {
				t.Log(seed, d)
			}
		}
	}
}
