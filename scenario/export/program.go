package export

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/abi"
)

//go:embed c/*.c
var sources embed.FS

// files of c/ in the order in which a program has them: later ones use earlier ones.
var files = []string{"terminal", "data", "epoll", "file", "vector", "splice", "poll", "signal", "thread", "time", "socket", "tty", "inotify"}

// needs are the files that a file uses.
var needs = map[string][]string{"file": {"data"}, "vector": {"data"}, "poll": {"data"}, "signal": {"data"}, "thread": {"signal"}, "socket": {"data", "file"}, "tty": {"file"}, "inotify": {"file"}}

// Seconds is how long a program may take before it gives up.
const Seconds = 60

// WriteProgram writes a stand-alone C program that makes the calls of v and reports in KTAP. With several vectors the
// program runs the one that its argument names.
func WriteProgram(w io.Writer, vectors ...*Vector) error {
	var b bytes.Buffer
	writeHead(&b, vectors)
	for i, v := range vectors {
		writeCase(&b, i, v)
	}
	writeMain(&b, vectors)
	_, err := w.Write(b.Bytes())
	return err
}

func writeHead(b *bytes.Buffer, vectors []*Vector) {
	b.WriteString("/* Written by epollsim export. Build: cc -Wall -Wextra -Werror FILE.c, with an old libc -pthread. Output: KTAP; exit code 0 if every call did as\n" +
		"   Linux " + vectors[0].Kernel + " does, 1 if not. */\n\n")
	used := map[string]bool{"data": true}
	for _, v := range vectors {
		if v.Terminal {
			use(used, "terminal")
		}
		for _, c := range v.Calls {
			for _, f := range strings.Fields(c.row.file) {
				use(used, f)
			}
		}
	}
	b.WriteString(source("head"))
	writeNames(b, vectors)
	b.WriteString(source("base"))
	for _, f := range files {
		if used[f] {
			b.WriteByte('\n')
			b.WriteString(source(f))
		}
	}
}

// writeNames defines the constants that the calls use, where the libc does not have them.
func writeNames(b *bytes.Buffer, vectors []*Vector) {
	used := map[string]bool{}
	for _, v := range vectors {
		for _, c := range v.Calls {
			collect(used, c.Args)
			collect(used, c.Out)
			collect(used, c.Handled)
		}
	}
	b.WriteString("\n/* Names that not every libc has. */\n")
	for _, c := range abi.Constants() {
		if used[c.Name] {
			fmt.Fprintf(b, "#ifndef %s\n#define %[1]s %#x\n#endif\n", c.Name, uint64(c.Value))
			delete(used, c.Name) // some stand in two groups
		}
	}
	b.WriteByte('\n')
}

func collect(used map[string]bool, value any) {
	switch v := value.(type) {
	case Names:
		for name := range strings.SplitSeq(string(v), "|") {
			used[name] = true
		}
	case []Names:
		for _, n := range v {
			collect(used, n)
		}
	case []Object:
		for _, o := range v {
			collect(used, o)
		}
	case Object:
		for _, f := range v {
			collect(used, f.Value)
		}
	}
}

func use(used map[string]bool, file string) {
	used[file] = true
	for _, f := range needs[file] {
		use(used, f)
	}
}

func source(name string) string {
	text, err := sources.ReadFile("c/" + name + ".c")
	if err != nil {
		panic("export: " + err.Error())
	}
	return string(text)
}

// perFunction is how many calls stand in one C function: compilers take their time over long ones.
const perFunction = 200

// writeCase writes the function case_I of a vector, and case_I_T for each of its threads.
func writeCase(b *bytes.Buffer, i int, v *Vector) {
	fmt.Fprintf(b, "\n/* %s", comment(v.Name))
	if v.Claim != "" {
		fmt.Fprintf(b, ": %s", comment(v.Claim))
	}
	b.WriteString(" */\n")
	list := byThread(v)
	for thread, calls := range list {
		writeThread(b, fmt.Sprintf("case_%d_%d", i, thread), calls)
	}
	terminal := "NULL"
	if v.Terminal {
		terminal = "terminal"
	}
	fmt.Fprintf(b, "static int case_%d(void) {\n\tstart(%d, %d, %s);\n", i, len(v.Calls), Seconds, terminal)
	if len(list) > 1 {
		fmt.Fprintf(b, "\tstatic void (*const list[])(void) = {NULL")
		for thread := range list[1:] {
			fmt.Fprintf(b, ", case_%d_%d", i, thread+1)
		}
		b.WriteString("};\n\tbodies = list;\n")
	}
	fmt.Fprintf(b, "\tcase_%d_0();\n", i)
	if len(list) > 1 {
		b.WriteString("\tjoin_all();\n")
	}
	b.WriteString("\treturn finish();\n}\n")
}

// writeThread writes the function NAME, which makes the calls of a thread, in parts if there are many.
func writeThread(b *bytes.Buffer, name string, calls []*Call) {
	groups := slices.Collect(slices.Chunk(repeats(calls), perFunction))
	if len(groups) == 1 {
		writeCalls(b, name, groups[0])
		return
	}
	for part, group := range groups {
		writeCalls(b, fmt.Sprintf("%s_%d", name, part), group)
	}
	fmt.Fprintf(b, "static void %s(void) {\n", name)
	for part := range groups {
		fmt.Fprintf(b, "\t%s_%d();\n", name, part)
	}
	b.WriteString("}\n\n")
}

func writeCalls(b *bytes.Buffer, name string, calls []repeated) {
	fmt.Fprintf(b, "static void %s(void) {\n", name)
	for _, r := range calls {
		writeRepeated(b, r)
	}
	b.WriteString("}\n\n")
}

func writeMain(b *bytes.Buffer, vectors []*Vector) {
	if len(vectors) == 1 {
		b.WriteString("\nint main(void) {\n\treturn case_0();\n}\n")
		return
	}
	b.WriteString("\nint main(int argc, char **argv) {\n")
	for i, v := range vectors {
		fmt.Fprintf(b, "\tif (argc == 2 && strcmp(argv[1], %s) == 0)\n\t\treturn case_%d();\n", quote(v.Name), i)
	}
	b.WriteString("\treturn 2;\n}\n")
}

// repeated is a call that is made several times in a row, with the same result each time.
type repeated struct {
	Call
	times int
}

func repeats(calls []*Call) []repeated {
	var all []repeated
	for _, c := range calls {
		if n := len(all); n > 0 && c.Text == all[n-1].Text && sameResult(&all[n-1].Call, c) {
			all[n-1].times++
			continue
		}
		all = append(all, repeated{*c, 1})
	}
	return all
}

func writeRepeated(b *bytes.Buffer, r repeated) {
	indent := "\t"
	if r.times > 1 {
		fmt.Fprintf(b, "\tfor (int i = 0; i < %d; i++) {\n", r.times)
		indent = "\t\t"
	}
	for _, line := range r.statements() {
		b.WriteString(indent + line + "\n")
	}
	if r.times > 1 {
		b.WriteString("\t}\n")
	}
}

// statements are the lines of one call: made, judged, told.
func (c *Call) statements() []string {
	name := "call_" + c.Name
	if c.row.call != nil {
		name = c.row.call(c.Args)
	}
	lines := []string{
		fmt.Sprintf("begin(%s);", quote(c.At+" "+strings.ReplaceAll(c.Text, "#", `\#`))), // a # begins a directive of KTAP
		fmt.Sprintf("%s(%s);", name, strings.Join(c.arguments(), ", ")),
	}
	switch {
	case c.Errno != "":
		lines = append(lines, fmt.Sprintf("failed(%s, %s);", c.Errno, quote(c.Errno)))
	case c.Return != nil:
		lines = append(lines, fmt.Sprintf("returned(%s);", integer(*c.Return)))
	default:
		lines = append(lines, "succeeded();")
	}
	lines = append(lines, c.judged()...)
	if c.Handled != nil {
		lines = append(lines, fmt.Sprintf("handled_are(%s);", strings.Join(array("int", c.Handled, names), ", ")))
	}
	return append(lines, "end();")
}
