package kernel

import "github.com/epollsim/epollsim/sim"

// UserMemory says what the threads of a kernel share in user mode, where code between two calls is one step. It matters to
// explorers alone, which visit far fewer interleavings if they know that steps have nothing to do with each other. The zero
// value is everything: what one thread does between two calls is ordered with what every other does.
type UserMemory struct {
	touch   func(*Thread)
	private bool
}

// NoUserMemory says of all threads that what they do between two calls is nobody else's business.
var NoUserMemory = UserMemory{private: true}

// UserMemoryOf calls touch with each thread that returns to user code, to call TouchUser for what that may read or change
// until its next call.
func UserMemoryOf(touch func(*Thread)) UserMemory { return UserMemory{touch: touch} }

// ShareUserMemory is Options.UserMemory for who learns only later what threads touch.
func (k *Kernel) ShareUserMemory(touch func(*Thread)) { k.memory = UserMemoryOf(touch) }

// The memory that user code shares; what a thread does between two calls touches it.
var (
	classUser = sim.NewClass("user memory")
	fieldUser = sim.NewField("any")
	userID    = sim.ID(classUser) << 48
)

// TouchUser says that what t does between this call and the next reads or changes part i of the memory that user code
// shares. It is for UserMemoryOf.
func (t *Thread) TouchUser(i int, write bool) {
	t.k.m.Touch(sim.Access{ID: userID + sim.ID(i) + 1, Field: fieldUser, Write: write})
}
