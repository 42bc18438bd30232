package eventpoll

// startScan moves the whole ready list to txlist. From here to doneScan every callback goes to ovflist and
// rdllist is touched by the scanner alone. ep.mtx is held. Models ep_start_scan.
func (ep *Eventpoll) startScan() {
	m := ep.m
	ep.lock.Lock()
	ep.seqBump()
	m.Write(ep.id, fieldRdllist)
	ep.txlist.SpliceFront(&ep.rdllist)
	m.Write(ep.id, fieldOvflist)
	ep.ovflist = nil
	if m.Observed() {
		ep.seqWrite()
		ep.spliced()
	}
	ep.lock.Unlock()
}

// doneScan gives back what the scan did not take. The ready list is then: the untouched rest of txlist,
// what fired during the scan in the order of first firing, and the LT items that were delivered. It reports
// whether old kernels wake the pollers of ep. Models ep_done_scan.
func (ep *Eventpoll) doneScan() (pwake bool) {
	m := ep.m
	ep.lock.Lock()
	// ovflist has the newest first; each goes to the front, so the oldest ends up first (c141175d011f).
	for epi := ep.ovflist; epi != nil; {
		next := epi.next
		epi.next = inactive
		if !epi.rdllink.Linked() {
			ep.statics.reach(scanMergesOvflist)
			if ep.rules.OverflowToTail {
				ep.listTail(epi, "ovflist", "")
			} else {
				ep.listHead(epi, "ovflist")
			}
			epi.stayAwake(ep)
		} else {
			ep.statics.reach(scanMergesListed)
			ep.moved(epi, "ovflist", "rdllist", "is there already")
		}
		epi = next
	}
	if m.Observed() {
		ep.seqWrite()
		ep.returned()
	}
	m.Write(ep.id, fieldOvflist)
	ep.ovflist = inactive
	m.Write(ep.id, fieldRdllist)
	ep.rdllist.SpliceFront(&ep.txlist)
	left := !ep.rdllist.Empty()
	ep.seqBump()
	ep.ws.relax(m)
	if left {
		if !(ep.old && ep.rules.ScanEndWakesNobody) && ep.hasSleepers() {
			ep.statics.reach(scanEndWakesWaiter)
			ep.wakeWaiter(false)
		}
		pwake = ep.old && ep.rules.ScanEndWakesPollers && ep.pollWait.Active()
	}
	ep.lock.Unlock()
	return pwake
}

// endScan is doneScan and the release of ep.mtx.
func (ep *Eventpoll) endScan() {
	pwake := ep.doneScan()
	ep.mtx.Unlock()
	if pwake {
		ep.wakePollers(0)
	}
}
