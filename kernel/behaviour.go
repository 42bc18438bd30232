package kernel

import "slices"

// Kind says who can see a behaviour.
type Kind string

// The kinds of behaviours.
const (
	Semantic    Kind = "semantic"     // a program without a race
	Race        Kind = "race"         // a program under some schedule
	StoreBuffer Kind = "store buffer" // a real machine that shows stores late; a version with "+sb"
	Listed      Kind = "listed"       // known, and not modelled
)

// Behaviour is something that some releases do otherwise than the baseline.
type Behaviour struct {
	ID       string
	Kind     Kind
	From, To Version  // in From and later, before To; zero: since before Oldest, and still so
	Text     string   // what these releases do, in a sentence
	Commits  []string // that began or ended it, as far as they are known
	Switch   string   // the field of the rules that it sets, "" if nothing is modelled
	Scenario string   // the case that shows it, "" if none can
	Why      string   // nothing is modelled or shown: the reason

	set func(*rules)
}

// At reports whether v does it.
func (b *Behaviour) At(v Version) bool {
	if b.Kind == StoreBuffer && !v.StoreBuffer {
		return false
	}
	return b.Within(v)
}

// Within is At without regard to store buffers.
func (b *Behaviour) Within(v Version) bool {
	return !v.Before(b.From) && (b.To == Version{} || v.Before(b.To))
}

// Range is the releases in words: "5.5 to before 5.13".
func (b *Behaviour) Range() string {
	from, to := "", ""
	if b.From != (Version{}) {
		from = "since " + b.From.String()
	}
	if b.To != (Version{}) {
		to = "before " + b.To.String()
	}
	switch {
	case from == "" && to == "":
		return "all"
	case b.From == Mainline:
		return mainline
	case from == "" || to == "":
		return from + to
	}
	return b.From.String() + " to " + to
}

// Behaviours returns all that is known of how releases differ, in the order of the releases that it begins with
// or, if it was always so, ends with.
func Behaviours() []Behaviour {
	all := slices.Clone(table)
	slices.SortStableFunc(all, func(a, b Behaviour) int { return a.begin().Compare(b.begin()) })
	return all
}

func (b *Behaviour) begin() Version {
	switch {
	case b.From != Version{}:
		return b.From
	case b.To != Version{}:
		return b.To
	}
	return Baseline
}

// Change is a behaviour that one of two versions shows and the other does not.
type Change struct {
	Behaviour
	Gained bool // it is the second version that shows it
}

// Diff returns what changes from a to b.
func Diff(a, b Version) []Change {
	var changes []Change
	for _, c := range Behaviours() {
		switch inA, inB := c.At(a), c.At(b); {
		case inA == inB:
		default:
			changes = append(changes, Change{c, inB})
		}
	}
	return changes
}

// Profiles returns the versions at which a modelled behaviour begins or ends, oldest first: between two of them
// all releases are alike.
func Profiles() []Version {
	all := []Version{Oldest, Baseline}
	for i := range table {
		for _, v := range []Version{table[i].From, table[i].To} {
			if table[i].set != nil && v != (Version{}) && !v.Before(Oldest) {
				all = append(all, v)
			}
		}
	}
	slices.SortFunc(all, Version.Compare)
	return slices.Compact(all)
}
