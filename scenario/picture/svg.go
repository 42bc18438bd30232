package picture

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// page is a picture that is being written.
type page struct {
	strings.Builder
	y float64 // where the next system begins
}

func (p *page) put(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// escape makes text safe between tags and in attributes. What XML cannot hold at all, such as a control character in
// the name of a thread, becomes U+FFFD.
func escape(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text)) // never fails: the builder takes everything
	return b.String()
}

const style = `<style>
text{font:10.5px 'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#111}
.n{font-weight:bold}.l{font-size:11.5px;font-weight:bold}.s{font-size:10px;fill:#444}
.lane{stroke:#999}.clock{stroke:#777;stroke-dasharray:3 3}
.box{stroke-width:1.4}.wait{fill:#eef6fc;stroke:#0072b2}.write{fill:#fdebdf;stroke:#d55e00}
.read{fill:#e0f4ed;stroke:#009e73}.other{fill:#f3f3f3;stroke:#777}.signal{fill:#fbe9f2;stroke:#cc79a7}
.failed{stroke-dasharray:5 2}.sleep{fill:url(#sleep);stroke:none}
.rdllist{fill:#e69f00;stroke:#7a5400}.txlist{fill:#fff3d6;stroke:#7a5400}.ovflist{fill:#cc79a7;stroke:#7d3560}
.wake{stroke:#000;stroke-width:1.6;fill:none;marker-end:url(#head)}
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8Z"/></marker>
<pattern id="sleep" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="7" height="7" fill="#fff"/><path d="M0 0V7" stroke="#9fc5dd" stroke-width="2"/></pattern></defs>`

// SVG returns the picture.
func (d *Drawing) SVG() string {
	var p page
	p.y = margin
	width := 0.0
	for _, s := range d.systems() {
		d.drawSystem(&p, s)
		width = max(width, s.width())
	}
	d.legend(&p)
	width = max(marginLeft+width+margin, 760)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img">
<title>a run of epollsim</title>
%s
<rect width="100%%" height="100%%" fill="#fff"/>
%s</svg>
`, width, p.y, width, p.y, style, p.String())
}

// drawSystem draws one line: the lanes, then the lists.
func (d *Drawing) drawSystem(p *page, s *system) {
	top := p.y + clockSpace
	lanes := map[*lane]float64{} // the middle of each
	y := top + arrowSpace + laneHeight/2
	for _, l := range d.lanes {
		if s.overlaps(l.begin, l.end) {
			lanes[l] = y
			y += laneHeight
		}
	}
	bottom := y - laneHeight/2
	for _, c := range d.clocks {
		if c.at >= s.first && c.at <= s.last {
			x := marginLeft + s.at(c.at)
			p.put(`<path class="clock" d="M%.1f %.1fV%.1f"/><text class="s" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, x, top, bottom, x, top-6, escape(c.text))
		}
	}
	for _, l := range d.lanes {
		if y, ok := lanes[l]; ok {
			l.draw(p, s, y)
		}
	}
	for _, a := range d.arrows {
		if a.at > s.first && a.at <= s.last {
			a.draw(p, s, lanes, top)
		}
	}
	p.y = bottom + epollSpace
	for _, ep := range d.epolls {
		ep.draw(p, s)
	}
	p.y += gapSystems
}

func (l *lane) draw(p *page, s *system, y float64) {
	x0, x1 := marginLeft+s.at(l.begin), marginLeft+s.at(l.end)
	p.put(`<text class="l" x="%.1f" y="%.1f">%d %s</text>`, margin, y+4, l.task, escape(cut(l.name, 14)))
	p.put(`<path class="lane" d="M%.1f %.1fH%.1f"/>`, x0, y, x1)
	for _, b := range l.boxes {
		if s.overlaps(b.begin, b.end) && (b.end < 0 || s.at(b.end) > s.at(b.begin)) {
			b.draw(p, s, y-boxHeight/2)
		}
	}
	if l.end >= s.first && l.end <= s.last {
		p.put(`<path d="M%.1f %.1fv10" stroke="#111" stroke-width="2"/>`, x1, y-5)
	}
}

func (b *box) draw(p *page, s *system, y float64) {
	x0, x1 := marginLeft+s.at(b.begin), marginLeft+s.at(b.end)
	class := kindOf(b.call)
	if b.failed {
		class += " failed"
	}
	p.put(`<g><title>%s</title><rect class="box %s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3"/>`, escape(b.title), class, x0, y, x1-x0, boxHeight)
	for _, sl := range b.sleeps {
		if s.overlaps(sl.begin, sl.end) {
			from, to := marginLeft+s.at(sl.begin), marginLeft+s.at(sl.end)
			p.put(`<rect class="sleep" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, from, y+boxHeight-bandHeight-1, to-from, bandHeight)
		}
	}
	if room := int((x1 - x0 - 6) / fontWidth); room >= 3 {
		for i, line := range b.lines {
			name := ""
			if i == 0 {
				name = ` class="n"`
			}
			p.put(`<text%s x="%.1f" y="%.1f">%s</text>`, name, x0+6, y+13+float64(i)*12, escape(cut(line, room)))
		}
	}
	p.put(`</g>`)
}

func (a arrow) draw(p *page, s *system, lanes map[*lane]float64, top float64) {
	to, ok := lanes[a.to]
	if !ok {
		return
	}
	from, ok := lanes[a.from]
	if !ok {
		from = top - boxHeight/2
	}
	half := boxHeight / 2
	if from > to {
		half = -half
	}
	x := marginLeft + s.at(a.at)
	p.put(`<path class="wake" d="M%.1f %.1fV%.1f"><title>%s</title></path>`, x, from+half, to-half, escape(a.title))
}

// draw draws the items of an epoll that were on a list, a row each.
func (ep *epoll) draw(p *page, s *system) {
	first := true
	for _, r := range ep.rows {
		if !r.seen(s) {
			continue
		}
		if first {
			p.put(`<text class="l" x="%.1f" y="%.1f">%s</text>`, margin, p.y+12, escape(ep.name))
			first = false
			p.y += rowHeight
		}
		p.put(`<text x="%.1f" y="%.1f">%s</text>`, margin+10, p.y+10, escape(r.item))
		p.put(`<path d="M%.1f %.1fH%.1f" stroke="#ddd"/>`, marginLeft, p.y+barHeight/2, marginLeft+s.width())
		for _, b := range r.bars {
			if s.overlaps(b.begin, b.end) && s.at(b.end) > s.at(b.begin) {
				b.draw(p, s)
			}
		}
		p.y += rowHeight
	}
}

func (r *row) seen(s *system) bool {
	for _, b := range r.bars {
		if s.overlaps(b.begin, b.end) {
			return true
		}
	}
	return false
}

func (b *bar) draw(p *page, s *system) {
	x0, x1 := marginLeft+s.at(b.begin), marginLeft+s.at(b.end)
	y, height := p.y, barHeight
	if b.list == "ovflist" { // besides the other lists
		y, height = y+barHeight/2, barHeight/2
	}
	p.put(`<g><title>%s</title><rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, b.list, b.list, x0, y, x1-x0, height)
	if b.list != "ovflist" && x1-x0 > float64(len(b.list))*fontWidth+6 {
		p.put(`<text class="s" x="%.1f" y="%.1f" style="fill:#111">%s</text>`, x0+4, p.y+10, b.list)
	}
	p.put(`</g>`)
}

// kindOf is the class of a call's box: who waits, who makes something happen, who takes it.
func kindOf(call string) string {
	has := func(prefixes ...string) bool {
		for _, p := range prefixes {
			if strings.HasPrefix(call, p) {
				return true
			}
		}
		return false
	}
	switch {
	case call == "signal":
		return "signal"
	case has("epoll_wait", "epoll_pwait", "poll", "ppoll", "select", "pselect"):
		return "wait"
	case has("write", "send", "connect", "shutdown", "close", "kill", "tgkill", "timerfd_settime"):
		return "write"
	case has("read", "recv", "accept"):
		return "read"
	}
	return "other"
}

// legend says what the shapes mean.
func (d *Drawing) legend(p *page) {
	x := margin
	entry := func(class, text string) {
		p.put(`<rect class="box %s" x="%.1f" y="%.1f" width="22" height="11"/><text class="s" x="%.1f" y="%.1f">%s</text>`, class, x, p.y, x+27, p.y+9, text)
		x += 27 + float64(len(text))*6.1 + 16
	}
	entry("wait", "waits for events")
	entry("write", "makes one")
	entry("read", "takes one")
	entry("sleep", "sleeps")
	entry("rdllist", "on rdllist")
	entry("txlist", "on txlist")
	entry("ovflist", "on ovflist")
	p.put(`<path class="wake" d="M%.1f %.1fh24"/><text class="s" x="%.1f" y="%.1f">wakes</text>`, x, p.y+6, x+29, p.y+9)
	p.y += 11 + margin
}
