package strace

import "github.com/epollsim/epollsim/abi"

// modeField is a field of several bits in a word of a terminal's modes: the names of its values, lowest first.
type modeField struct {
	mask  uint32
	names []string
}

// termiosWords are the four words of modes. The fields stand before the flags.
var termiosWords = [...]struct {
	name, group string
	of          func(*abi.Termios) uint32
	fields      []modeField
}{
	{"c_iflag", "TTY_IFLAG", func(t *abi.Termios) uint32 { return t.Iflag }, nil},
	{"c_oflag", "TTY_OFLAG", func(t *abi.Termios) uint32 { return t.Oflag }, []modeField{
		{0o400, []string{"NL0", "NL1"}}, {0o3000, []string{"CR0", "CR1", "CR2", "CR3"}},
		{0o14000, []string{"TAB0", "TAB1", "TAB2", "XTABS"}}, {0o20000, []string{"BS0", "BS1"}},
		{0o40000, []string{"VT0", "VT1"}}, {0o100000, []string{"FF0", "FF1"}},
	}},
	{"c_cflag", "TTY_CFLAG", func(t *abi.Termios) uint32 { return t.Cflag }, []modeField{
		{0o17, []string{
			"B0", "B50", "B75", "B110", "B134", "B150", "B200", "B300", "B600", "B1200", "B1800", "B2400", "B4800",
			"B9600", "B19200", "B38400",
		}},
		{0o60, []string{"CS5", "CS6", "CS7", "CS8"}},
	}},
	{"c_lflag", "TTY_LFLAG", func(t *abi.Termios) uint32 { return t.Lflag }, nil},
}

// printTermios shows the modes of a terminal, without its control characters, as strace does by default. A | stands
// behind fields even if nothing follows, and nothing for no flags.
func printTermios(w *Writer, s *scene, i int) bool {
	t, ok := value[abi.Termios](s.args[i])
	w.print("{")
	for _, word := range termiosWords {
		v := word.of(&t)
		w.print("%s=", word.name)
		for _, f := range word.fields {
			w.print("%s|", f.names[v&f.mask/(f.mask&-f.mask)])
			v &^= f.mask
		}
		if v != 0 {
			w.print("%s", abi.Flags(word.group, int64(v)))
		}
		w.print(", ")
	}
	w.print("...}")
	return ok
}
