package replay

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/epollsim/epollsim/abi"
)

// How arguments stand in a scenario.

// constants are the names that a scenario has.
var constants = func() map[string]bool {
	names := map[string]bool{}
	for _, c := range abi.Constants() {
		names[c.Name] = true
	}
	return names
}()

// word is v by the names of a group, or the number where a scenario has no such name.
func word(v int64, text string) string {
	for name := range strings.SplitSeq(text, "|") {
		if _, err := strconv.ParseInt(name, 0, 64); err != nil && !constants[name] {
			return strconv.FormatInt(v, 10)
		}
	}
	return text
}

func flagWord(group string, v int) string { return word(int64(v), abi.Flags(group, int64(v))) }
func enumWord(group string, v int) string { return word(int64(v), abi.Enum(group, int64(v))) }

// andFlags is a last argument of flags, nothing if there are none.
func andFlags(group string, v int) string {
	if v == 0 {
		return ""
	}
	return ", " + flagWord(group, v)
}

func eventsWord(e abi.Events) string { return flagWord("EPOLL", int(uint32(e))) }

// optionWord is the name of an option of setsockopt.
func optionWord(level, name int) string {
	switch level {
	case abi.SOL_SOCKET:
		return enumWord("SO", name)
	case abi.IPPROTO_TCP:
		return enumWord("TCP", name)
	case abi.IPPROTO_IPV6:
		return enumWord("IPV6", name)
	case abi.IPPROTO_IP:
		return enumWord("IP", name)
	}
	return strconv.Itoa(name)
}

func levelWord(level int) string {
	if level == abi.IPPROTO_TCP || level == abi.IPPROTO_IPV6 {
		return enumWord("IPPROTO", level)
	}
	return enumWord("SOL", level)
}

// addrText is an address as the builtins take it.
func addrText(a abi.Sockaddr) string {
	switch {
	case anyInet(&a):
		return fmt.Sprintf("(%q, %d)", a.Inet.Addr(), a.Inet.Port())
	case a.Family == abi.AF_UNSPEC:
		return "None"
	}
	return strconv.Quote(a.Path)
}

// longestText is how much of what is written stands in a scenario: what it is matters to nobody.
const longestText = 32

func dataText(p []byte) string {
	plain := len(p) > 0 && len(p) <= longestText
	for _, c := range p {
		plain = plain && (c >= ' ' && c < 0x7f || c == '\n' || c == '\r')
	}
	if plain {
		return "b" + strconv.Quote(string(p))
	}
	return fmt.Sprintf(`b"x" * %d`, len(p))
}

// timeoutOf is the timeout of a wait in ms. Time that passed in vain is cut short; where something came, it had time to: how
// fast it does on another machine nobody knows.
func timeoutOf(ms int64, brought bool) int64 {
	switch {
	case ms <= 0:
		return ms
	case brought:
		return max(ms, 10_000)
	}
	return 20
}
