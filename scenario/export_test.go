package scenario

// PlainResult reports whether the results of a builtin are told to lead to nothing that can change.
func PlainResult(builtin string) bool { return plainCalls[builtin] }
