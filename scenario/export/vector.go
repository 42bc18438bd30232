package export

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// Schema is the version of the format. It counts up when a field goes or means something else.
const Schema = 1

// Vector is a scenario as the calls it made, with what the model returned.
type Vector struct {
	Schema int    `json:"schema"`
	Name   string `json:"name"`
	Claim  string `json:"claim"` // the first line of the scenario's comment
	Kernel string `json:"kernel"`

	Terminal bool   `json:"terminal,omitempty"` // calls look at descriptors 0 to 2
	Threads  int    `json:"threads,omitempty"`  // how many, if not one
	Calls    []Call `json:"calls"`
}

// Call is one system call.
type Call struct {
	At     string `json:"at"`               // FILE:LINE of the scenario
	Thread int    `json:"thread,omitempty"` // 0: the first
	Text   string `json:"text"`             // for people
	Name   string `json:"call"`             // of the builtin, which is that of the system call but for …_read and …_write
	Args   Object `json:"args"`
	Return *int64 `json:"return,omitempty"` // absent: not compared, but the call succeeds
	Errno  string `json:"errno,omitempty"`
	Out    Object `json:"out,omitempty"` // what the call stored, where that is determined

	Handled []Names `json:"handled,omitempty"` // signals whose handlers have run before the call returned

	row *row
}

// Object is a JSON object whose fields keep their order.
type Object []Field

// Field is one of its fields. A value is an int64, a string, a Names, a Wide, a Data, an Address, a list of those, an
// Object, or nil.
type Field struct {
	Name  string
	Value any
}

// MarshalJSON writes the fields in order.
func (o Object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(f.Value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", f.Name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// get returns the value of a field, nil if there is none.
func (o Object) get(name string) any {
	for _, f := range o {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

// Names is a number that has a spelling in C: "EPOLLIN|EPOLLET".
type Names string

// Wide is a number of 64 bits that is no quantity: the data of an event, the value of a counter. In JSON it is a string,
// "0x4", because not every reader of JSON has numbers of 64 bits.
type Wide uint64

// MarshalJSON writes the number in hexadecimal, as a string.
func (w Wide) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `"%#x"`, uint64(w)), nil }

// Data is bytes. What repeats is stored once: a write that fills a buffer is as short as any other.
type Data struct {
	Unit  []byte
	Times int
}

// dataOf finds the shortest unit that p is a repetition of, if that is short enough to matter.
func dataOf(p []byte) Data {
	const longest = 64
	for n := 1; n <= longest && n <= len(p)/2; n++ {
		if len(p)%n == 0 && bytes.Equal(p[n:], p[:len(p)-n]) {
			return Data{p[:n], len(p) / n}
		}
	}
	return Data{p, 1}
}

// Len returns how many bytes d is.
func (d Data) Len() int { return len(d.Unit) * d.Times }

// MarshalJSON writes {"hex": UNIT, "times": N}.
func (d Data) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"hex":%q,"times":%d}`, hex.EncodeToString(d.Unit), d.Times), nil
}

// Address is of a socket: a name of AF_UNIX, or IP and port. Given says that the kernel chose the port, which stands for
// itself: the same number elsewhere in the vector is the same port, if it is of the same protocol.
type Address struct {
	Name  string
	IP    string
	Port  int
	Given bool
}

// MarshalJSON writes a string or an object.
func (a Address) MarshalJSON() ([]byte, error) {
	if a.IP == "" {
		return json.Marshal(a.Name)
	}
	return json.Marshal(struct {
		IP    string `json:"ip"`
		Port  int    `json:"port"`
		Given bool   `json:"given,omitempty"`
	}{a.IP, a.Port, a.Given})
}

// JSON returns v with a line for each call.
func (v *Vector) JSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	head := *v
	head.Calls = []Call{}
	if err := enc.Encode(head); err != nil {
		return nil, err
	}
	text, _ := strings.CutSuffix(b.String(), "]}\n")
	b.Reset()
	b.WriteString(text)
	for i, c := range v.Calls {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n")
		if err := enc.Encode(c); err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - 1) // the encoder's line end
	}
	b.WriteString("\n]}\n")
	return b.Bytes(), nil
}
