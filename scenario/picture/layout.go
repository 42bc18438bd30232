package picture

import "unicode/utf8"

// Measures, in pixels.
const (
	marginLeft = 130.0 // for the names of lanes and lists
	margin     = 14.0
	plotWidth  = 1120.0
	fontWidth  = 6.3 // of a character of the boxes, 10.5 px monospace
	laneHeight = 70.0
	boxHeight  = 52.0
	bandHeight = 8.0 // of a sleep, along the bottom of its box
	rowHeight  = 17.0
	barHeight  = 13.0
	clockSpace = 20.0
	arrowSpace = 8.0 // above the first lane, for wake-ups by timers
	epollSpace = 8.0
	gapSystems = 26.0
)

// widthOf is how wide a box with these lines must be.
func widthOf(lines []string) float64 {
	most := 6
	for _, line := range lines {
		most = max(most, utf8.RuneCountInString(line))
	}
	return float64(most)*fontWidth + 12
}

// system is one line of the picture: the ticks from first up to last, as far as they fit.
type system struct {
	first, last int
	x           []float64 // of each tick, from the left of the plot
}

// width is how much of the plot is used.
func (s *system) width() float64 { return s.x[len(s.x)-1] }

// at returns where tick i is; what began before the system begins at its left, what ends behind it at its right.
func (s *system) at(i int) float64 {
	switch {
	case i < 0 || i > s.last:
		return s.width()
	case i < s.first:
		return 0
	}
	return s.x[i-s.first]
}

// overlaps reports whether something from begin to end (-1: open) is seen in the system.
func (s *system) overlaps(begin, end int) bool {
	return begin <= s.last && (end < 0 || end > s.first || end == s.first && begin == end)
}

// systems breaks the ticks into lines.
func (d *Drawing) systems() []*system {
	x := make([]float64, len(d.ticks))
	for i, t := range d.ticks {
		if i > 0 {
			x[i] = x[i-1] + t.gap
		}
		if t.after >= 0 {
			x[i] = max(x[i], x[t.after]+t.width)
		}
	}
	var all []*system
	for first := 0; first < len(x); {
		last := d.breakAt(x, first)
		s := &system{first: first, last: last}
		for i := first; i <= last; i++ {
			s.x = append(s.x, x[i]-x[first]+margin)
		}
		s.x[len(s.x)-1] += margin
		all = append(all, s)
		first = last + 1
		if last < len(x)-1 {
			first = last // what goes on begins where the line before it ended
		}
		if first == len(x)-1 {
			break
		}
	}
	return all
}

// breakAt returns the last tick of the line that begins with first: where a call begins and none has just begun, if
// that is not too far back.
func (d *Drawing) breakAt(x []float64, first int) int {
	last := first + 1
	for last+1 < len(x) && x[last+1]-x[first] <= plotWidth-3*margin {
		last++
	}
	if last >= len(x)-1 {
		return len(x) - 1
	}
	for i := last; i > first && x[i]-x[first] > plotWidth*0.5; i-- {
		if d.ticks[i].begin && !d.cuts(x, i) {
			return i
		}
	}
	return last
}

// cuts reports whether a line that ends at tick i leaves little of a box that has begun.
func (d *Drawing) cuts(x []float64, i int) bool {
	const little = 100
	for _, l := range d.lanes {
		for _, b := range l.boxes {
			if b.begin < i && (b.end < 0 || b.end > i) && x[i]-x[b.begin] < little {
				return true
			}
		}
	}
	return false
}
