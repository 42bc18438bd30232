//go:build !(linux && amd64)

package devices_test

import "testing"

func TestPipeLikeHost(t *testing.T)        { skipHost(t) }
func TestEventfdLikeHost(t *testing.T)     { skipHost(t) }
func TestUnwatchableLikeHost(t *testing.T) { skipHost(t) }
func TestFlagsLikeHost(t *testing.T)       { skipHost(t) }

func skipHost(t *testing.T) { t.Skip("needs Linux: compares the model with the running kernel") }

func benchHostEventfd(b *testing.B)     { b.Skip("needs Linux") }
func benchHostPipe(b *testing.B, _ int) { b.Skip("needs Linux") }
