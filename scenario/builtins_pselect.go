package scenario

import "go.starlark.net/starlark"

var pselectRows = []row{
	{sig: "ppoll(fds, timeout_ns=None, sigmask=None)", result: "list of (fd, revents)",
		help: "poll with the timeout in ns, None: for ever, and the signals of the list sigmask blocked meanwhile, and only those", fn: ppoll, lists: true},
	{sig: "pselect(r, w, x, timeout_ns=None, sigmask=None)", result: "(list, list, list)",
		help: "select with the timeout in ns, None: for ever, and the signals of the list sigmask blocked meanwhile", fn: pselect, lists: true},
}

func ppoll(c *call) (starlark.Value, error) {
	fds := c.pollFds()
	timeout, sigmask := c.timespec(), c.signals()
	if c.err != nil {
		return nil, c.err
	}
	_, err := c.calls.Ppoll(fds, timeout, sigmask)
	return c.polled(fds, err)
}

func pselect(c *call) (starlark.Value, error) {
	in, n := c.fdSet()
	out, m := c.fdSet()
	ex, k := c.fdSet()
	timeout, sigmask := c.timespec(), c.signals()
	if c.err != nil {
		return nil, c.err
	}
	nfds := max(n, m, k)
	_, err := c.calls.Pselect6(nfds, in, out, ex, timeout, sigmask)
	return c.selected(nfds, err, in, out, ex)
}
