package export

import (
	"fmt"
	"strconv"
	"strings"
)

// tell is a call for people: with the names of constants, what repeats written once, on one line.
func (c *Call) tell(result string) string {
	args := make([]string, len(c.Args))
	for i, f := range c.Args {
		args[i] = told(f.Value)
	}
	switch d := c.Out.get("data").(type) {
	case Data:
		result = told(d)
	default:
		result = short(result, 100)
	}
	return fmt.Sprintf("%s(%s) = %s", c.Name, strings.Join(args, ", "), result)
}

func told(value any) string {
	switch v := value.(type) {
	case nil:
		return "NULL"
	case string:
		return short(strconv.Quote(v), 60)
	case Wide:
		return strconv.FormatUint(uint64(v), 10)
	case Data:
		text := short(strconv.Quote(string(v.Unit)), 60)
		if v.Times > 1 {
			text += " * " + strconv.Itoa(v.Times)
		}
		return text
	case Address:
		if v.IP == "" {
			return short(strconv.Quote(v.Name), 60)
		}
		return fmt.Sprintf("%s:%d", v.IP, v.Port)
	case []Object:
		items := make([]string, len(v))
		for i, o := range v {
			items[i] = told(o)
		}
		return "[" + short(strings.Join(items, ", "), 100) + "]"
	case Object:
		items := make([]string, len(v))
		for i, f := range v {
			items[i] = told(f.Value)
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	return short(fmt.Sprint(value), 100)
}

func short(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
