package eventpoll

import "github.com/epollsim/epollsim/sim"

var (
	classWs     = sim.NewClass("wakeup_source")
	fieldWs     = sim.NewField("ws")
	fieldActive = sim.NewField("active")
)

// WakeupSource keeps a system from suspending while it is active, models struct wakeup_source as far as
// EPOLLWAKEUP uses it. All methods take nil.
type WakeupSource struct {
	Name   string
	Active bool
	id     sim.ID
}

// stay keeps the system awake: __pm_stay_awake.
func (ws *WakeupSource) stay(m *sim.Machine) {
	if ws != nil {
		ws.set(m, true)
	}
}

// relax lets it sleep: __pm_relax.
func (ws *WakeupSource) relax(m *sim.Machine) {
	if ws != nil {
		ws.set(m, false)
	}
}

//go:noinline
func (ws *WakeupSource) set(m *sim.Machine, active bool) {
	m.Write(ws.id, fieldActive)
	ws.Active = active
}

// unregister ends it: wakeup_source_unregister.
func (ws *WakeupSource) unregister(m *sim.Machine) {
	if ws != nil {
		ws.relax(m)
		m.Free(ws.id)
	}
}

// stayAwake marks that the item is listed: ep_pm_stay_awake. ep.mtx is held.
func (epi *epitem) stayAwake(ep *Eventpoll) { epi.ws.stay(ep.m) }

// stayAwakeRCU is stayAwake for the callback, which holds no mutex: ep_pm_stay_awake_rcu. Without
// CONFIG_PM_SLEEP no item ever has a source.
func (epi *epitem) stayAwakeRCU(ep *Eventpoll) {
	if ep.statics.PMSleep {
		ep.m.RCUReadLock()
		ep.m.Read(epi.id, fieldWs)
		epi.ws.stay(ep.m)
		ep.m.RCUReadUnlock()
	}
}

// keepAwake hands the claim of an item over to the epoll for the time of the harvest: the epoll's source is
// active before the item's is dropped, so that there is no gap to suspend in.
func (ep *Eventpoll) keepAwake(ws *WakeupSource) {
	ep.m.Read(ws.id, fieldActive)
	if ws.Active {
		ep.ws.stay(ep.m)
	}
	ws.relax(ep.m)
}

// makeWakeupSource creates the sources of an EPOLLWAKEUP item: ep_create_wakeup_source.
func (ep *Eventpoll) makeWakeupSource(epi *epitem) {
	if ep.ws == nil {
		ep.ws = ep.newWakeupSource("eventpoll")
	}
	ws := ep.newWakeupSource(epi.file.Name)
	ep.m.Write(epi.id, fieldWs)
	epi.ws = ws
}

func (ep *Eventpoll) newWakeupSource(name string) *WakeupSource {
	ep.sys.Counters.Allocations++
	return &WakeupSource{Name: name, id: ep.m.NewID(classWs)}
}

// dropWakeupSource destroys it, after a grace period, because the callback looks at it under RCU:
// ep_destroy_wakeup_source.
func (ep *Eventpoll) dropWakeupSource(epi *epitem) {
	ws := epi.ws
	ep.m.Write(epi.id, fieldWs)
	epi.ws = nil
	ep.m.SynchronizeRCU()
	ws.unregister(ep.m)
}
