// Package explore visits the distinguishable interleavings of whatever runs on a simulated machine. It knows no
// kernel: a Program is run again and again, each time from the beginning on a fresh machine, and says what each run
// showed.
//
//	report := explore.Explore(func(opts sim.Options) explore.Result {
//		m := sim.New(opts) // or kernel.Boot(kernel.Options{Machine: opts})
//		defer m.Close()
//		x := 0
//		… m.Go(…) …
//		err := m.Run()
//		return explore.Result{Err: err, State: fmt.Sprint("x=", x)}
//	}, explore.Options{})
//
// The program adds to the options it is given what it needs besides (MaxSteps, Check, Describe) and leaves Strategy
// and Pool alone. It must do the same whenever its tasks are scheduled the same way.
package explore
