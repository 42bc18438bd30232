package kerneltest

import "time"

// Directly explores without the lower bounds first.
func Directly() Option { return func(o *options) { o.Direct = true } }

// Impatient makes a run that takes longer than limit call tell, until the function that it returns is called.
func Impatient(limit time.Duration, tell func(string)) (undo func()) {
	oldLimit, oldTell := stuck, giveUp
	stuck, giveUp = limit, tell
	return func() { stuck, giveUp = oldLimit, oldTell }
}
