package explore

import (
	"encoding/json"
	"io"
)

// Schema is the version of the JSON form; docs/explore.md describes it.
const Schema = 1

type jsonOutcome struct {
	Schema      int    `json:"schema"`
	Kind        string `json:"kind"`
	Text        string `json:"text"`
	Count       uint64 `json:"count"`
	Schedule    string `json:"schedule,omitempty"`
	Preemptions int    `json:"preemptions"`
	Steps       uint64 `json:"steps"`
}

type jsonInterleaving struct {
	Schema   int      `json:"schema"`
	Kind     string   `json:"kind"`
	Schedule string   `json:"schedule"`
	Columns  []string `json:"columns"`
	Rows     []Row    `json:"rows"`
}

type jsonCondition struct {
	Schema      int    `json:"schema"`
	Kind        string `json:"kind"`
	Text        string `json:"text"`
	Observation string `json:"observation"`
	Positive    uint64 `json:"positive"`
	Negative    uint64 `json:"negative"`
	Holds       string `json:"holds,omitempty"`
	Fails       string `json:"fails,omitempty"`
}

type jsonVerdict struct {
	Schema        int    `json:"schema"`
	Kind          string `json:"kind"`
	Name          string `json:"name"`
	Verdict       string `json:"verdict"`
	Exhaustive    bool   `json:"exhaustive"`
	Bound         int    `json:"bound"`
	Schedules     uint64 `json:"schedules"`
	Interleavings uint64 `json:"interleavings"`
	Redundant     uint64 `json:"redundant"`
	Failed        uint64 `json:"failed"`
	Limited       uint64 `json:"limited"`
	Limit         string `json:"limit,omitempty"`
	LimitSchedule string `json:"limit_schedule,omitempty"`
}

// WriteJSON writes r as NDJSON: a line for each failure, state and condition, then the verdict.
func (r *Report) WriteJSON(w io.Writer, name string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	var first error
	put := func(v any) {
		if err := enc.Encode(v); first == nil {
			first = err
		}
	}
	outcome := func(kind string, o *Outcome) {
		put(jsonOutcome{Schema, kind, o.Text, o.Count, o.Witness.Token, o.Witness.Preemptions, o.Witness.Steps})
	}
	for _, o := range r.Failures {
		outcome("failure", o)
	}
	for _, o := range r.States {
		outcome("state", o)
	}
	for _, t := range r.Conditions {
		put(jsonCondition{Schema, "condition", t.Text, t.Observation(), t.Positive.Count, t.Negative.Count,
			t.Positive.Witness.Token, t.Negative.Witness.Token})
	}
	bound, bounded := r.Covered.Limit()
	if !bounded || r.Exhaustive {
		bound = -1
	}
	limit := ""
	if r.Limited > 0 {
		limit = r.Limit.Err.Error()
	}
	put(jsonVerdict{Schema, "verdict", name, r.Verdict(), r.Exhaustive, bound, r.Total, r.Interleavings(), r.Redundant, r.Failed, r.Limited,
		limit, r.Limit.Token})
	return first
}

// WriteJSON writes t, the interleaving of a schedule, as a line of NDJSON.
func (t *Table) WriteJSON(w io.Writer, token string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(jsonInterleaving{Schema, "interleaving", token, t.Columns, t.Rows})
}
