package fuzz

import "github.com/epollsim/epollsim/kernel"

// modelJudge is a model of any version: it stands in for the host in tests.
type modelJudge struct{ m *model }

func (j *modelJudge) close() error { return nil }

func (j *modelJudge) sequential(p *program, result func(i int, text []byte)) error {
	r := newRunner()
	return j.m.run(nil, func(c kernel.Calls) {
		r.Calls = c
		for i, call := range p.calls {
			result(i, r.do(call.op, call.args))
		}
	})
}

func (j *modelJudge) together(p *program) (*outcome, error) { return j.m.together(p, nil) }
