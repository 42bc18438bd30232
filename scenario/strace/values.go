package strace

import (
	"reflect"
	"time"

	"github.com/epollsim/epollsim/abi"
)

// integer gives an argument as a number, whatever its type; false if it is none.
func integer(arg any) (int64, bool) {
	v := reflect.ValueOf(arg)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	switch {
	case !v.IsValid():
	case v.CanInt():
		return v.Int(), true
	case v.CanUint():
		return int64(v.Uint()), true
	}
	return 0, false
}

// isNil reports whether an argument is NULL.
func isNil(arg any) bool {
	if arg == nil {
		return true
	}
	switch v := reflect.ValueOf(arg); v.Kind() {
	case reflect.Pointer, reflect.Slice:
		return v.IsNil()
	}
	return false
}

// value gives an argument of type T or *T.
func value[T any](arg any) (T, bool) {
	switch v := arg.(type) {
	case T:
		return v, true
	case *T:
		if v != nil {
			return *v, true
		}
	}
	var zero T
	return zero, false
}

// duration gives a time that is a struct timespec or timeval, or a number of these units. It is false where there is none: a
// program that waits for ever passes NULL, the model a negative number.
func duration(arg any, unit time.Duration) (abi.Timespec, bool) {
	if ts, ok := value[abi.Timespec](arg); ok {
		return ts, true
	}
	if tv, ok := value[abi.Timeval](arg); ok {
		return tv.Timespec(), true
	}
	n, ok := integer(arg)
	if !ok || n < 0 {
		return abi.Timespec{}, false
	}
	perSecond := int64(time.Second / unit)
	return abi.Timespec{Sec: n / perSecond, Nsec: n % perSecond * int64(unit)}, true
}

// less gives what is left of ts after ns nanoseconds, at least nothing.
func less(ts abi.Timespec, ns int64) abi.Timespec {
	sec, nsec := ts.Sec-ns/1e9, ts.Nsec-ns%1e9
	if nsec < 0 {
		sec, nsec = sec-1, nsec+1e9
	}
	if sec < 0 {
		return abi.Timespec{}
	}
	return abi.Timespec{Sec: sec, Nsec: nsec}
}
