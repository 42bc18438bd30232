//go:build linux

#include "textflag.h"

// Offsets in the task record; see task in task_linux_amd64.go.
#define STATE 0
#define COUNT 8
#define CALLS 16
#define SIGNALS 24
#define RING 64

#define SYS_rt_sigreturn 15
#define SYS_clone 56
#define SYS_futex 202

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

#define REQUEST 1
#define DONE 2

// serve is all the code that a task of the host ever runs: it waits for a list of system calls, makes them, and says
// so. R15 is the task record and stays so for ever, which is what sigHandler relies on. It uses no Go stack, no g and
// no TLS.
TEXT ·serve(SB), NOSPLIT|NOFRAME, $0
wait:
	MOVL STATE(R15), AX
	CMPL AX, $REQUEST
	JEQ  run
	MOVQ R15, DI
	MOVQ $FUTEX_WAIT, SI
	MOVLQZX AX, DX
	XORQ R10, R10
	MOVQ $SYS_futex, AX
	SYSCALL
	JMP  wait

run:
	MOVQ CALLS(R15), R13
	MOVQ COUNT(R15), R12

next:
	MOVQ 0(R13), AX
	MOVQ AX, BX // a new task must not look at the list: its parent may be past it
	MOVQ 8(R13), DI
	MOVQ 16(R13), SI
	MOVQ 24(R13), DX
	MOVQ 32(R13), R10
	MOVQ 40(R13), R8
	MOVQ 48(R13), R9
	SYSCALL
	CMPQ BX, $SYS_clone
	JNE  store
	TESTQ AX, AX
	JNE  store
	// A new task: its record is on top of its stack.
	MOVQ SP, AX
	MOVQ (AX), R15
	JMP  wait

store:
	MOVQ AX, 56(R13)
	ADDQ $64, R13
	SUBQ $1, R12
	JNE  next
	MOVL $DONE, AX
	XCHGL AX, STATE(R15)
	MOVQ R15, DI
	MOVQ $FUTEX_WAKE, SI
	MOVQ $1, DX
	MOVQ $SYS_futex, AX
	SYSCALL
	JMP  wait

// sigHandler runs in a task when it takes a signal: the number goes to the ring of the task.
TEXT ·sigHandler(SB), NOSPLIT|NOFRAME, $0
	MOVQ SIGNALS(R15), AX
	MOVQ AX, CX
	ANDQ $63, CX
	MOVB DI, RING(R15)(CX*1)
	ADDQ $1, AX
	MOVQ AX, SIGNALS(R15)
	RET

// sigReturn is where sigHandler returns to.
TEXT ·sigReturn(SB), NOSPLIT|NOFRAME, $0
	MOVQ $SYS_rt_sigreturn, AX
	SYSCALL
	INT  $3

// func cloneTask(flags, stack, childTid uintptr) int
TEXT ·cloneTask(SB), NOSPLIT, $0-32
	MOVQ flags+0(FP), DI
	MOVQ stack+8(FP), SI
	XORQ DX, DX
	MOVQ childTid+16(FP), R10
	XORQ R8, R8
	MOVQ $SYS_clone, AX
	SYSCALL
	TESTQ AX, AX
	JEQ  child
	MOVQ AX, ret+24(FP)
	RET

child:
	MOVQ SP, AX
	MOVQ (AX), R15
	JMP  ·serve(SB)

// func handlerAddresses() (handler, restorer uintptr)
TEXT ·handlerAddresses(SB), NOSPLIT, $0-16
	LEAQ ·sigHandler(SB), AX
	MOVQ AX, handler+0(FP)
	LEAQ ·sigReturn(SB), AX
	MOVQ AX, restorer+8(FP)
	RET
