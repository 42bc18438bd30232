package fuzz

import (
	"maps"
	"slices"
	"time"

	"github.com/epollsim/epollsim/kernel"
)

// reduce takes single calls out of a program that differs, as long as it does: rapid removes what one random
// number made, which may be several calls. Numbers of files move with the calls that open them.
func (t *trial) reduce(p *program, v verdict) (*program, verdict, error) {
	start := time.Now()
	for again := true; again; {
		again = false
		if p.threads() == 1 && v.difference != nil {
			p.calls = p.calls[:v.difference.Index+1]
		}
		for at := p.count() - 1; at >= 0 && time.Since(start) < t.opts.Shrink; at-- {
			q, err := t.model.without(p, at)
			if err != nil {
				continue
			}
			w, err := t.check(q)
			if err != nil {
				return p, v, err
			}
			if w.bad() {
				p, v, again = q, w, true
			}
		}
	}
	return p, v, nil
}

// check compares a program that was made before.
func (t *trial) check(p *program) (v verdict, err error) {
	if p.threads() == 1 {
		v.difference, v.late, err = compareAgain(p, t.judge)
		return v, err
	}
	v.difference, v.late, err = compareTogether(p, t.model, t.judge)
	return v, err
}

// clone returns p with memory of its own.
func (p *program) clone() *program {
	q := *p
	for _, list := range []*[]call{&q.calls, &q.main, &q.second, &q.after} {
		*list = slices.Clone(*list)
		for i, c := range *list {
			(*list)[i].args, (*list)[i].want = slices.Clone(c.args), slices.Clone(c.want)
		}
	}
	return &q
}

// without makes p again without its call number skip.
func (m *model) without(p *program, skip int) (*program, error) {
	q := &program{}
	numbers := map[int64]int64{} // old to new
	rename := func(fd int64) int64 {
		if n, ok := numbers[fd]; ok {
			return n
		}
		return fd
	}
	err := m.run(nil, func(c kernel.Calls) {
		g := &m.gen
		g.begin(q, c, 1<<20)
		for i, old := range p.calls {
			if i == skip {
				continue
			}
			g.runner.ret, g.runner.ret2 = -1, -1
			g.make(old.op, old.rename(rename))
			if old.op.effect != nil && old.ret >= 0 {
				maps.Copy(numbers, map[int64]int64{int64(old.ret): int64(g.runner.ret), int64(old.ret2): int64(g.runner.ret2)})
			}
		}
		q.calls = g.calls
	})
	at := len(p.calls)
	for _, list := range []struct{ from, to *[]call }{{&p.main, &q.main}, {&p.second, &q.second}, {&p.after, &q.after}} {
		for _, old := range *list.from {
			if at != skip {
				*list.to = append(*list.to, call{op: old.op, args: old.rename(rename)})
			}
			at++
		}
	}
	q.files, q.spoil = true, true
	return q, err
}
