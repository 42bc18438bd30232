package steps

import (
	"fmt"
	"time"

	"github.com/epollsim/epollsim/sim"
)

// functionText is a function with its arguments.
func functionText(e sim.Event) string { return e.What + "(" + e.Detail + ")" }

func resultText(e sim.Event) string {
	if e.Detail == "" {
		return ""
	}
	return " = " + e.Detail
}

// text is what an event says, and the object it says it of.
func text(e sim.Event) (text, object string) {
	object = name(e.Access.ID)
	switch e.Kind {
	case sim.EventAccess:
		return accessText(e.Access), object
	case sim.EventLock, sim.EventUnlock:
		return e.Kind.String(), object
	case sim.EventSleep:
		if e.Other != nil {
			return "waits for the lock, held by " + e.Other.String(), object
		}
		return "sleeps: " + e.What, object
	case sim.EventWake:
		return fmt.Sprintf("%s: %s → %s", e.Other, e.From, e.To), ""
	case sim.EventMove:
		return moveText(e), name(owner(e))
	}
	return e.What, object
}

// owner is the object whose list or value changed.
func owner(e sim.Event) sim.ID {
	if e.Of != 0 {
		return e.Of
	}
	return e.Access.ID
}

func moveText(e sim.Event) string {
	text := fmt.Sprintf("%s: %s → %s", e.What, e.From, e.To)
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}

func accessText(a sim.Access) string {
	op := "read"
	if a.Write {
		op = "write"
	}
	if a.Field == 0 {
		return op
	}
	text := op + " ." + a.Field.String()
	if a.Sub != 0 {
		text += fmt.Sprintf("[%d]", a.Sub)
	}
	return text
}

func clockText(before, now int64) string {
	return fmt.Sprintf("clock: +%s → %d.%09d s", time.Duration(now-before), now/1e9, now%1e9)
}

// name is the object of a line, nothing if there is none.
func name(id sim.ID) string {
	if id == 0 {
		return ""
	}
	return id.String()
}
