package fuzz

import (
	"errors"
	"slices"

	"github.com/epollsim/epollsim/kernel"
)

// Rows of a program of two threads: what is set up, what the second thread does, what the main one does meanwhile.
const (
	setupRows    = 14
	secondRows   = 3
	mainRows     = 7
	togetherRows = setupRows + secondRows + mainRows
)

// together makes a program of two threads: the set-up is made on the model at once, the rest chosen in view of it.
func (g *generator) together(words []uint64) {
	g.twoThreads = true
	g.sequential(words[:2*setupRows], setupSlots)
	words = words[2*setupRows:]
	p := g.prog
	g.concurrent = true
	g.calls, g.end = p.second, secondRows
	g.list(words[:2*secondRows], secondSlots)
	p.second = g.calls
	g.calls, g.end = p.main, mainRows
	g.list(words[2*secondRows:2*(secondRows+mainRows)], actSlots)
	p.main = g.calls
	g.calls, g.end = p.after, 10
	g.look()
	p.after = g.calls
}

func (g *generator) list(words []uint64, slots []*op) {
	for i := 0; i+1 < len(words); i += 2 {
		g.row(words[i], words[i+1], slots)
	}
}

// look asks what is left when both threads have ended: the events of every epoll.
func (g *generator) look() {
	for _, fd := range g.open {
		if g.kinds[fd] == epoll {
			g.make(rows["epoll_wait"], []int64{int64(fd), 64, 0})
		}
	}
}

// concurrent makes the program of some random numbers; blocks says that the default schedule never ends.
func (m *model) concurrent(words []uint64) (p *program, blocks bool, err error) {
	err = m.run(nil, func(c kernel.Calls) {
		m.gen.begin(&m.prog, c, 40)
		m.gen.together(words)
	})
	p = &m.prog
	if err != nil || len(p.second) == 0 {
		return p, true, err
	}
	o, err := m.together(p, nil)
	if err != nil {
		return p, false, err
	}
	for i, text := range o.calls {
		p.calls[i].want = []byte(text)
	}
	return p, slices.Contains(o.main, blocked) || slices.Contains(o.second, blocked), nil
}

// tryTogether makes a program of two threads and compares it.
func (t *trial) tryTogether(words []uint64) (*program, verdict, error) {
	var v verdict
	p, blocks, failed := t.model.concurrent(words)
	if failed != nil {
		v.modelErr = failed
		t.model = newModel(kernel.Version{})
		return p, v, nil
	}
	if blocks {
		v.discarded = true
		return p, v, nil
	}
	var err error
	v.difference, v.late, err = compareTogether(p, t.model, t.judge)
	if errors.Is(err, errModel) {
		v.modelErr, err = err, nil
	}
	return p, v, err
}
