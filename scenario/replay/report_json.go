package replay

import (
	"encoding/json"
	"io"
)

// Schema is the version of the JSON form. What is new in a version of epollsim comes as new fields; another number says that an
// old one means something else.
const Schema = 1

// JSON writes the report as lines of JSON: one "replay", before it one "notice", "inference", "note" or "divergence" for each. All that
// Text says is in it.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, line := range r.lines() {
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// lines are the objects that JSON writes.
func (r *Report) lines() []any {
	var list []any
	for _, n := range r.Notices {
		list = append(list, jsonLine{Type: "notice", File: n.Pos.File, Line: n.Pos.Line, Col: n.Pos.Col, Text: n.Text})
	}
	for _, i := range r.Inferences {
		list = append(list, jsonLine{Type: "inference", File: r.Name, Line: i.Line, Text: i.What})
	}
	for _, n := range r.Notes {
		list = append(list, jsonLine{
			Type: "note", File: r.Name, Line: n.Lines[0], Lines: n.Lines, Count: n.Count, Pattern: n.Pattern, Text: n.Text,
		})
	}
	if d := r.Divergence; d != nil {
		list = append(list, jsonLine{
			Type: "divergence", File: d.Pos.File, Line: d.Pos.Line, Col: d.Pos.Col, Tid: d.Tid, Call: d.Call, Log: d.Log,
			Model: d.Model, Limit: d.Limit, Hints: r.Hints, State: d.State, Calls: d.Calls, Steps: d.Steps,
		})
	}
	sum := jsonSum{
		Type: "replay", Schema: Schema, File: r.Name, Exit: r.ExitCode(), Lines: r.Stats.Lines, Calls: r.Stats.Calls, Tasks: r.Stats.Tasks,
		Replayed: r.Replayed, Checked: r.Checked, Taken: r.Taken, Skipped: append([]Count{}, r.Skipped...), Inferred: r.Inferred,
		Timeouts: r.Timeouts, Rechecked: r.Rechecked, Overlaps: r.Overlaps, Tries: r.Tries, Several: r.Several, GaveUp: r.GaveUp,
		Steps: r.Steps, Unknown: r.Stats.Unknown,
	}
	if e := r.Stats.First; e != nil {
		sum.FirstUnknown = &jsonPlace{e.File, e.Line, e.Col, e.Msg}
	}
	return append(list, sum)
}

// jsonLine is one of the lines before the last.
type jsonLine struct {
	Type    string   `json:"type"`
	File    string   `json:"file"`
	Line    int      `json:"line"`
	Col     int      `json:"col,omitempty"`
	Lines   []int    `json:"lines,omitempty"`
	Count   int      `json:"count,omitempty"`
	Pattern string   `json:"pattern,omitempty"`
	Tid     int      `json:"tid,omitempty"`
	Call    string   `json:"call,omitempty"`
	Log     string   `json:"log,omitempty"`
	Model   string   `json:"model,omitempty"`
	Limit   bool     `json:"limit,omitempty"`
	Text    string   `json:"text,omitempty"`
	Hints   []string `json:"hints,omitempty"`
	State   string   `json:"state,omitempty"`
	Calls   []string `json:"calls,omitempty"`
	Steps   []string `json:"steps,omitempty"`
}

// jsonSum is the last line.
type jsonSum struct {
	Type         string     `json:"type"`
	Schema       int        `json:"schema"`
	File         string     `json:"file"`
	Exit         int        `json:"exit"`
	Lines        int        `json:"lines"`
	Calls        int        `json:"calls"`
	Tasks        int        `json:"tasks"`
	Replayed     int        `json:"replayed"`
	Checked      int        `json:"checked"`
	Taken        int        `json:"taken"`
	Skipped      []Count    `json:"skipped"`
	Inferred     int        `json:"inferred"`
	Timeouts     int        `json:"timeouts"`
	Rechecked    int        `json:"rechecked"`
	Overlaps     int        `json:"overlaps"`
	Tries        int        `json:"tries"`
	Several      bool       `json:"several"`
	GaveUp       bool       `json:"gave_up"`
	Steps        uint64     `json:"steps"`
	Unknown      int        `json:"unknown"`
	FirstUnknown *jsonPlace `json:"first_unknown,omitempty"`
}

// jsonPlace is a place in a log and what is wrong there.
type jsonPlace struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
	Text string `json:"text"`
}
