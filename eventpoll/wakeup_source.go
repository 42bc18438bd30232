package eventpoll

// WakeupSource keeps a system from suspending while it is active, models struct wakeup_source as far as
// EPOLLWAKEUP uses it. All methods take nil.
type WakeupSource struct {
	Name   string
	Active bool
}

func (ws *WakeupSource) stay() {
	if ws != nil {
		ws.Active = true
	}
}

func (ws *WakeupSource) relax() {
	if ws != nil {
		ws.Active = false
	}
}

// Unregister ends it.
func (ws *WakeupSource) Unregister() { ws.relax() }

// stayAwake marks that the item is listed: ep_pm_stay_awake.
func (epi *epitem) stayAwake() { epi.ws.stay() }

// keepAwake hands the item's claim over to the epoll for the time of the harvest: the epoll's source is
// active before the item's is dropped, so that there is no gap to suspend in.
func (ep *Eventpoll) keepAwake(epi *epitem) {
	if epi.ws == nil {
		return
	}
	if epi.ws.Active {
		ep.ws.stay()
	}
	epi.ws.relax()
}

// makeWakeupSource creates the sources of an EPOLLWAKEUP item: ep_create_wakeup_source.
func (ep *Eventpoll) makeWakeupSource(epi *epitem) {
	if ep.ws == nil {
		ep.ws = &WakeupSource{Name: "eventpoll"}
	}
	epi.ws = &WakeupSource{Name: epi.file.Name}
	ep.sys.Counters.Allocations++
}

// dropWakeupSource destroys it, after a grace period, because the callback looks at it under RCU:
// ep_destroy_wakeup_source.
func (ep *Eventpoll) dropWakeupSource(epi *epitem) {
	ws := epi.ws
	epi.ws = nil
	ep.m.SynchronizeRCU()
	ws.Unregister()
}
