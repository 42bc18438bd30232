package casebook

// Also are the cases of other names.
func (t Topic) Also() []string { return t.also }
