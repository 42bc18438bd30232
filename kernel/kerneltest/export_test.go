package kerneltest

// Directly explores without the lower bounds first.
func Directly() Option { return func(o *options) { o.Direct = true } }
