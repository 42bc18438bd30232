package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Chart draws the rows: a line of panels for each scene, a panel for each cost, both axes logarithmic. The text of a
// panel says what its lines show.
func Chart(rows []Cost) string {
	c := &chart{}
	y := chartTop
	for _, s := range scenes {
		var of []Cost
		for _, r := range rows {
			if r.Scene == s.name {
				of = append(of, r)
			}
		}
		if len(of) == 0 {
			continue
		}
		c.put(`<text class="h" x="%d" y="%d">%s</text>`, margin, y, s.title)
		c.put(`<text class="s" x="%d" y="%d">%s</text>`, margin, y+17, s.about)
		for i, m := range measures {
			c.panel(margin+axisRoom+i*(panelWidth+axisRoom+panelGap), y+52, s, m, of)
		}
		y += sceneHeight
	}
	c.legend()
	width := margin + len(measures)*(panelWidth+axisRoom+panelGap)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img">
<title>what a call of select, poll and epoll costs</title>
<style>
text{font:11px 'DejaVu Sans',Helvetica,Arial,sans-serif;fill:#111}.h{font-size:14px;font-weight:bold}.p{font-weight:bold}.s{fill:#444}
.t{font-size:9.5px;fill:#444}.axis{stroke:#777;fill:none}.grid{stroke:#e4e4e4}.line{fill:none;stroke-width:2}.end{stroke:#888;stroke-dasharray:2 3}
</style>
<rect width="100%%" height="100%%" fill="#fff"/>
%s</svg>
`, width, y, c.b.String())
}

// Sizes in pixels.
const (
	margin      = 16
	chartTop    = 64
	axisRoom    = 44
	panelWidth  = 190
	panelHeight = 150
	panelGap    = 12
	sceneHeight = 270
)

// sceneText is a scene as the chart and the table name it, and what varies in it.
type sceneText struct {
	name, title, about, axis string
	size                     func(Cost) int
}

var scenes = []sceneText{
	{SceneIdle, "Idle files", "The same active pipes beside more and more that have nothing: select and poll ask every file, epoll those that were woken.",
		"idle pipes", func(c Cost) int { return c.Idle }},
	{SceneActive, "All active", "Every file has something at every call: epoll asks as many files as poll does.",
		"active pipes", func(c Cost) int { return c.Active }},
	{SceneReady, "A long ready list", "All are ready, are read empty, and the next call finds nothing: level-triggered asks all again, edge-triggered none.",
		"ready pipes", func(c Cost) int { return c.Active }},
}

type measure struct {
	name string
	of   func(Cost) float64
}

var measures = []measure{
	{"->poll calls", func(c Cost) float64 { return c.PollCalls }},
	{"wait-queue insertions", func(c Cost) float64 { return c.QueueInsertions }},
	{"bytes copied", func(c Cost) float64 { return c.BytesCopied }},
	{"kernel allocations", func(c Cost) float64 { return c.Allocations }},
	{"ns in the model, here", func(c Cost) float64 { return c.NS }},
}

// pens tell the lines apart by colour, dash and mark, since they often lie on each other.
var pens = []struct{ colour, dash, mark string }{
	{"#0072b2", "", `<rect x="%.1f" y="%.1f" width="7" height="7" fill="%s"/>`},
	{"#d55e00", "", `<circle cx="%.1f" cy="%.1f" r="3.8" fill="%s"/>`},
	{"#009e73", "", `<path d="M%.1f %.1fl5 8h-10z" fill="%s"/>`},
	{"#cc79a7", "6 4", `<path d="M%.1f %.1fl4 4l-4 4l-4 -4z" fill="%s"/>`},
}

// offsets move a mark so that its middle is at the point.
var offsets = [][2]float64{{-3.5, -3.5}, {0, 0}, {0, -5}, {0, -4}}

type chart struct{ b strings.Builder }

func (c *chart) put(format string, args ...any) {
	fmt.Fprintf(&c.b, format, args...)
	c.b.WriteByte('\n')
}

// scale is a logarithmic axis. What is below one is drawn at its foot.
type scale struct {
	low, high float64 // decades
	at, size  float64 // pixels
}

func (s scale) pos(v float64) float64 {
	return s.at + s.size*(math.Log10(max(v, math.Pow(10, s.low)))-s.low)/(s.high-s.low)
}

func (c *chart) panel(x, y int, s sceneText, m measure, rows []Cost) {
	var most, widest, narrowest float64 = 10, 10, math.MaxInt
	for _, r := range rows {
		most, widest = max(most, m.of(r)), max(widest, float64(s.size(r)))
		narrowest = min(narrowest, float64(s.size(r)))
	}
	xs := scale{math.Floor(math.Log10(max(narrowest, 1))), math.Ceil(math.Log10(widest)), float64(x), panelWidth}
	if xs.low == xs.high {
		xs.high++
	}
	high := math.Ceil(math.Log10(most))
	ys := scale{-0.11 * high, high, float64(y + panelHeight), -panelHeight} // room for 0 below 1
	c.put(`<text class="p" x="%d" y="%d">%s</text>`, x, y-8, m.name)
	for d := xs.low; d <= xs.high; d++ {
		at := xs.pos(math.Pow(10, d))
		c.put(`<path class="grid" d="M%.1f %dV%d"/><text class="t" x="%.1f" y="%d" text-anchor="middle">%s</text>`, at, y, y+panelHeight, at, y+panelHeight+14, power(d))
	}
	for d := 0.0; d <= ys.high; d++ {
		at := ys.pos(math.Pow(10, d))
		c.put(`<path class="grid" d="M%d %.1fH%d"/><text class="t" x="%d" y="%.1f" text-anchor="end">%s</text>`, x, at, x+panelWidth, x-5, at+3, power(d))
	}
	c.put(`<text class="t" x="%d" y="%d" text-anchor="end">0</text>`, x-5, y+panelHeight+3)
	c.put(`<path class="axis" d="M%d %dV%dH%d"/>`, x, y, y+panelHeight, x+panelWidth)
	c.put(`<text class="t" x="%d" y="%d" text-anchor="middle">%s</text>`, x+panelWidth/2, y+panelHeight+28, s.axis)
	for i, name := range Names() {
		c.line(i, name, xs, ys, s, m, rows)
	}
}

func (c *chart) line(pen int, name string, xs, ys scale, s sceneText, m measure, rows []Cost) {
	var points []string
	p := pens[pen]
	for _, r := range rows {
		if r.Call != name {
			continue
		}
		x, y := xs.pos(float64(s.size(r))), ys.pos(m.of(r))
		points = append(points, fmt.Sprintf("%.1f %.1f", x, y))
		c.put(p.mark, x+offsets[pen][0], y+offsets[pen][1], p.colour)
	}
	if len(points) > 0 {
		c.put(`<path class="line" stroke="%s" stroke-dasharray="%s" d="M%s"><title>%s</title></path>`, p.colour, p.dash, strings.Join(points, "L"), name)
	}
}

func (c *chart) legend() {
	x := float64(margin)
	for i, name := range Names() {
		p := pens[i]
		c.put(`<path class="line" stroke="%s" stroke-dasharray="%s" d="M%.1f 20h34"/>`, p.colour, p.dash, x)
		c.put(p.mark, x+17+offsets[i][0], 20+offsets[i][1], p.colour)
		c.put(`<text x="%.1f" y="24">%s</text>`, x+42, name)
		x += 130
	}
	c.put(`<text class="s" x="%.1f" y="24">per call, in the model; select ends at FD_SETSIZE, 1024</text>`, x)
}

func power(decade float64) string {
	n := math.Pow(10, decade)
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%gM", n/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%gk", n/1e3)
	}
	return fmt.Sprintf("%g", n)
}

// Table is the rows as text, a block for each scene.
func Table(rows []Cost) string {
	var b strings.Builder
	for _, s := range scenes {
		i := slices.IndexFunc(rows, func(r Cost) bool { return r.Scene == s.name })
		if i < 0 {
			continue
		}
		fmt.Fprintf(&b, "%s: %s\n", s.title, s.about)
		fmt.Fprintf(&b, "%12s  %-8s %7s %8s %12s %12s %12s %12s %12s\n", s.axis, "call", "calls", "events", "->poll", "insertions", "bytes", "allocations", "model ns")
		for _, r := range rows[i:] {
			if r.Scene != s.name {
				break
			}
			fmt.Fprintf(&b, "%12d  %-8s %7d %8.1f %12.1f %12.1f %12.1f %12.2f %12.0f\n",
				s.size(r), r.Call, r.Calls, r.Events, r.PollCalls, r.QueueInsertions, r.BytesCopied, r.Allocations, r.NS)
		}
		b.WriteByte('\n')
	}
	b.WriteString("Each figure is per call. select ends at FD_SETSIZE: an fd_set of libc has 1024 bits.\n")
	return b.String()
}
