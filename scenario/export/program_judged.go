package export

import (
	"fmt"
	"strings"
)

// judged are the statements that compare what a call has stored.
func (c *Call) judged() []string {
	var lines []string
	for i, f := range c.Out {
		lines = append(lines, judge(i, f, c.Out)...)
	}
	return lines
}

// judge compares one field of the results, number i.
func judge(i int, f Field, out Object) []string {
	statement := func(format string, args ...any) []string { return []string{fmt.Sprintf(format+";", args...)} }
	switch v := f.Value.(type) {
	case Data:
		return statement("data_is(%s, %d)", bytesOf(v), v.Len())
	case Wide:
		return statement("value_is(%s)", wide(v))
	case Names:
		return statement("signal_is(%s)", names(v))
	case Address:
		if v.Given {
			return statement("address_is_given(%s, %d)", quote(v.IP), v.Port)
		}
		return statement("address_is(%s)", addressText(v))
	case []int64:
		return judgeFds(i, f.Name, v, out)
	case []Object:
		return judgeList(f.Name, v)
	case int64:
		if f.Name == "running" {
			return statement("timer_is(%d, %s)", v, integer(out.get("interval_ns").(int64)))
		}
		return nil // interval_ns, with running
	}
	panic(fmt.Sprintf("export: no C compares %T", f.Value))
}

func judgeFds(i int, name string, fds []int64, out Object) []string {
	list := strings.Join(array("int", fds, integer), ", ")
	switch {
	case name != "fds":
		return []string{fmt.Sprintf("set_is(%d, %s);", i, list)}
	case out.get("data") != nil:
		return []string{fmt.Sprintf("rights_are(%s);", list)}
	}
	return []string{fmt.Sprintf("pair_is(%d, %d);", fds[0], fds[1])}
}

func judgeList(name string, list []Object) []string {
	if name == "ready" {
		want := array("struct pollfd", list, func(o Object) string { return pollfd(o, "revents") })
		return []string{fmt.Sprintf("revents_are(%s);", strings.Join(want, ", "))}
	}
	if len(list) == 0 {
		return nil
	}
	if list[0].get("wd") != nil {
		want := array("struct wanted", list, func(o Object) string {
			return fmt.Sprintf("{%d, %s, %d, %s}", o.get("wd"), names(o.get("mask").(Names)), o.get("cookie"), quote(o.get("name").(string)))
		})
		return []string{fmt.Sprintf("inotify_is(%s);", strings.Join(want, ", "))}
	}
	var lines []string
	for i, o := range list {
		lines = append(lines, fmt.Sprintf("event_is(%d, %s, %s);", i, names(o.get("events").(Names)), wide(o.get("data").(Wide))))
	}
	return lines
}
