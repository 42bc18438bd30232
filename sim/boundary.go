package sim

// Boundary is a point that touches nothing: the entry of a system call.
func (m *Machine) Boundary() {
	if m.observed {
		m.point(Access{})
	}
}
