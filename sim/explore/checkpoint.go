package explore

func (x *exploration) resume() bool { return true }
