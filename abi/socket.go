package abi

// Address families, the domain of socket. See address_families(7).
const (
	AF_UNSPEC     = 0
	AF_UNIX       = 1
	AF_LOCAL      = AF_UNIX
	AF_INET       = 2
	AF_AX25       = 3
	AF_IPX        = 4
	AF_APPLETALK  = 5
	AF_NETROM     = 6
	AF_BRIDGE     = 7
	AF_ATMPVC     = 8
	AF_X25        = 9
	AF_INET6      = 10
	AF_ROSE       = 11
	AF_DECnet     = 12
	AF_NETBEUI    = 13
	AF_SECURITY   = 14
	AF_KEY        = 15
	AF_NETLINK    = 16
	AF_PACKET     = 17
	AF_ASH        = 18
	AF_ECONET     = 19
	AF_ATMSVC     = 20
	AF_RDS        = 21
	AF_SNA        = 22
	AF_IRDA       = 23
	AF_PPPOX      = 24
	AF_WANPIPE    = 25
	AF_LLC        = 26
	AF_IB         = 27
	AF_MPLS       = 28
	AF_CAN        = 29
	AF_TIPC       = 30
	AF_BLUETOOTH  = 31
	AF_IUCV       = 32
	AF_RXRPC      = 33
	AF_ISDN       = 34
	AF_PHONET     = 35
	AF_IEEE802154 = 36
	AF_CAIF       = 37
	AF_ALG        = 38
	AF_NFC        = 39
	AF_VSOCK      = 40
	AF_KCM        = 41
	AF_QIPCRTR    = 42
	AF_SMC        = 43
	AF_XDP        = 44
	AF_MCTP       = 45

	PF_UNSPEC = AF_UNSPEC
	PF_UNIX   = AF_UNIX
	PF_LOCAL  = AF_UNIX
	PF_INET   = AF_INET
	PF_INET6  = AF_INET6
)

var familyRows = []row{
	{"AF_UNSPEC", AF_UNSPEC, plain},
	{"AF_UNIX", AF_UNIX, plain},
	{"AF_LOCAL", AF_LOCAL, alias},
	{"AF_INET", AF_INET, plain},
	{"AF_AX25", AF_AX25, plain},
	{"AF_IPX", AF_IPX, plain},
	{"AF_APPLETALK", AF_APPLETALK, plain},
	{"AF_NETROM", AF_NETROM, plain},
	{"AF_BRIDGE", AF_BRIDGE, plain},
	{"AF_ATMPVC", AF_ATMPVC, plain},
	{"AF_X25", AF_X25, plain},
	{"AF_INET6", AF_INET6, plain},
	{"AF_ROSE", AF_ROSE, plain},
	{"AF_DECnet", AF_DECnet, plain},
	{"AF_NETBEUI", AF_NETBEUI, plain},
	{"AF_SECURITY", AF_SECURITY, plain},
	{"AF_KEY", AF_KEY, plain},
	{"AF_NETLINK", AF_NETLINK, plain},
	{"AF_PACKET", AF_PACKET, plain},
	{"AF_ASH", AF_ASH, plain},
	{"AF_ECONET", AF_ECONET, plain},
	{"AF_ATMSVC", AF_ATMSVC, plain},
	{"AF_RDS", AF_RDS, plain},
	{"AF_SNA", AF_SNA, plain},
	{"AF_IRDA", AF_IRDA, plain},
	{"AF_PPPOX", AF_PPPOX, plain},
	{"AF_WANPIPE", AF_WANPIPE, plain},
	{"AF_LLC", AF_LLC, plain},
	{"AF_IB", AF_IB, plain},
	{"AF_MPLS", AF_MPLS, plain},
	{"AF_CAN", AF_CAN, plain},
	{"AF_TIPC", AF_TIPC, plain},
	{"AF_BLUETOOTH", AF_BLUETOOTH, plain},
	{"AF_IUCV", AF_IUCV, plain},
	{"AF_RXRPC", AF_RXRPC, plain},
	{"AF_ISDN", AF_ISDN, plain},
	{"AF_PHONET", AF_PHONET, plain},
	{"AF_IEEE802154", AF_IEEE802154, plain},
	{"AF_CAIF", AF_CAIF, plain},
	{"AF_ALG", AF_ALG, plain},
	{"AF_NFC", AF_NFC, plain},
	{"AF_VSOCK", AF_VSOCK, plain},
	{"AF_KCM", AF_KCM, plain},
	{"AF_QIPCRTR", AF_QIPCRTR, plain},
	{"AF_SMC", AF_SMC, plain},
	{"AF_XDP", AF_XDP, plain},
	{"AF_MCTP", AF_MCTP, plain},
	{"PF_UNSPEC", PF_UNSPEC, alias},
	{"PF_UNIX", PF_UNIX, alias},
	{"PF_LOCAL", PF_LOCAL, alias},
	{"PF_INET", PF_INET, alias},
	{"PF_INET6", PF_INET6, alias},
}

// Socket types, the low four bits, and the flags or'ed to them. See socket(2), accept4(2).
const (
	SOCK_STREAM    = 1
	SOCK_DGRAM     = 2
	SOCK_RAW       = 3
	SOCK_RDM       = 4
	SOCK_SEQPACKET = 5
	SOCK_DCCP      = 6
	SOCK_PACKET    = 10

	SOCK_CLOEXEC  = 0x80000
	SOCK_NONBLOCK = 0x800
)

var socketTypeRows = []row{
	{"SOCK_STREAM", SOCK_STREAM, plain},
	{"SOCK_DGRAM", SOCK_DGRAM, plain},
	{"SOCK_RAW", SOCK_RAW, plain},
	{"SOCK_RDM", SOCK_RDM, plain},
	{"SOCK_SEQPACKET", SOCK_SEQPACKET, plain},
	{"SOCK_DCCP", SOCK_DCCP, plain},
	{"SOCK_PACKET", SOCK_PACKET, plain},
}

var socketFlagRows = []row{
	{"SOCK_CLOEXEC", SOCK_CLOEXEC, plain},
	{"SOCK_NONBLOCK", SOCK_NONBLOCK, plain},
}

// Protocols of AF_INET and AF_INET6; strace prints those of AF_UNIX as plain numbers. See ip(7).
const (
	IPPROTO_IP       = 0
	IPPROTO_ICMP     = 1
	IPPROTO_IGMP     = 2
	IPPROTO_IPIP     = 4
	IPPROTO_TCP      = 6
	IPPROTO_EGP      = 8
	IPPROTO_PUP      = 12
	IPPROTO_UDP      = 17
	IPPROTO_IDP      = 22
	IPPROTO_TP       = 29
	IPPROTO_DCCP     = 33
	IPPROTO_IPV6     = 41
	IPPROTO_ROUTING  = 43
	IPPROTO_FRAGMENT = 44
	IPPROTO_RSVP     = 46
	IPPROTO_GRE      = 47
	IPPROTO_ESP      = 50
	IPPROTO_AH       = 51
	IPPROTO_ICMPV6   = 58
	IPPROTO_NONE     = 59
	IPPROTO_DSTOPTS  = 60
	IPPROTO_MTP      = 92
	IPPROTO_BEETPH   = 94
	IPPROTO_ENCAP    = 98
	IPPROTO_PIM      = 103
	IPPROTO_COMP     = 108
	IPPROTO_L2TP     = 115
	IPPROTO_SCTP     = 132
	IPPROTO_MH       = 135
	IPPROTO_UDPLITE  = 136
	IPPROTO_MPLS     = 137
	IPPROTO_ETHERNET = 143
	IPPROTO_RAW      = 255
	IPPROTO_MPTCP    = 262
)

var protocolRows = []row{
	{"IPPROTO_IP", IPPROTO_IP, plain},
	{"IPPROTO_ICMP", IPPROTO_ICMP, plain},
	{"IPPROTO_IGMP", IPPROTO_IGMP, plain},
	{"IPPROTO_IPIP", IPPROTO_IPIP, plain},
	{"IPPROTO_TCP", IPPROTO_TCP, plain},
	{"IPPROTO_EGP", IPPROTO_EGP, plain},
	{"IPPROTO_PUP", IPPROTO_PUP, plain},
	{"IPPROTO_UDP", IPPROTO_UDP, plain},
	{"IPPROTO_IDP", IPPROTO_IDP, plain},
	{"IPPROTO_TP", IPPROTO_TP, plain},
	{"IPPROTO_DCCP", IPPROTO_DCCP, plain},
	{"IPPROTO_IPV6", IPPROTO_IPV6, plain},
	{"IPPROTO_ROUTING", IPPROTO_ROUTING, plain},
	{"IPPROTO_FRAGMENT", IPPROTO_FRAGMENT, plain},
	{"IPPROTO_RSVP", IPPROTO_RSVP, plain},
	{"IPPROTO_GRE", IPPROTO_GRE, plain},
	{"IPPROTO_ESP", IPPROTO_ESP, plain},
	{"IPPROTO_AH", IPPROTO_AH, plain},
	{"IPPROTO_ICMPV6", IPPROTO_ICMPV6, plain},
	{"IPPROTO_NONE", IPPROTO_NONE, plain},
	{"IPPROTO_DSTOPTS", IPPROTO_DSTOPTS, plain},
	{"IPPROTO_MTP", IPPROTO_MTP, plain},
	{"IPPROTO_BEETPH", IPPROTO_BEETPH, plain},
	{"IPPROTO_ENCAP", IPPROTO_ENCAP, plain},
	{"IPPROTO_PIM", IPPROTO_PIM, plain},
	{"IPPROTO_COMP", IPPROTO_COMP, plain},
	{"IPPROTO_L2TP", IPPROTO_L2TP, plain},
	{"IPPROTO_SCTP", IPPROTO_SCTP, plain},
	{"IPPROTO_MH", IPPROTO_MH, plain},
	{"IPPROTO_UDPLITE", IPPROTO_UDPLITE, plain},
	{"IPPROTO_MPLS", IPPROTO_MPLS, plain},
	{"IPPROTO_ETHERNET", IPPROTO_ETHERNET, plain},
	{"IPPROTO_RAW", IPPROTO_RAW, plain},
	{"IPPROTO_MPTCP", IPPROTO_MPTCP, plain},
}

// Directions of shutdown. See shutdown(2).
const (
	SHUT_RD   = 0
	SHUT_WR   = 1
	SHUT_RDWR = 2
)

var shutdownRows = []row{
	{"SHUT_RD", SHUT_RD, plain},
	{"SHUT_WR", SHUT_WR, plain},
	{"SHUT_RDWR", SHUT_RDWR, plain},
}

// Flags of send and recv, and the four that the kernel keeps to itself. See send(2), recv(2).
const (
	MSG_OOB              = 0x1
	MSG_PEEK             = 0x2
	MSG_DONTROUTE        = 0x4
	MSG_CTRUNC           = 0x8
	MSG_PROBE            = 0x10
	MSG_TRUNC            = 0x20
	MSG_DONTWAIT         = 0x40
	MSG_EOR              = 0x80
	MSG_WAITALL          = 0x100
	MSG_FIN              = 0x200
	MSG_SYN              = 0x400
	MSG_CONFIRM          = 0x800
	MSG_RST              = 0x1000
	MSG_ERRQUEUE         = 0x2000
	MSG_NOSIGNAL         = 0x4000
	MSG_MORE             = 0x8000
	MSG_WAITFORONE       = 0x10000
	MSG_SENDPAGE_NOTLAST = 0x20000
	MSG_BATCH            = 0x40000
	MSG_NO_SHARED_FRAGS  = 0x80000
	MSG_ZEROCOPY         = 0x4000000
	MSG_FASTOPEN         = 0x20000000
	MSG_CMSG_CLOEXEC     = 0x40000000
	MSG_CMSG_COMPAT      = 0x80000000
)

var messageRows = []row{
	{"MSG_OOB", MSG_OOB, plain},
	{"MSG_PEEK", MSG_PEEK, plain},
	{"MSG_DONTROUTE", MSG_DONTROUTE, plain},
	{"MSG_CTRUNC", MSG_CTRUNC, plain},
	{"MSG_PROBE", MSG_PROBE, spelling},
	{"MSG_TRUNC", MSG_TRUNC, plain},
	{"MSG_DONTWAIT", MSG_DONTWAIT, plain},
	{"MSG_EOR", MSG_EOR, plain},
	{"MSG_WAITALL", MSG_WAITALL, plain},
	{"MSG_FIN", MSG_FIN, plain},
	{"MSG_SYN", MSG_SYN, plain},
	{"MSG_CONFIRM", MSG_CONFIRM, plain},
	{"MSG_RST", MSG_RST, plain},
	{"MSG_ERRQUEUE", MSG_ERRQUEUE, plain},
	{"MSG_NOSIGNAL", MSG_NOSIGNAL, plain},
	{"MSG_MORE", MSG_MORE, plain},
	{"MSG_WAITFORONE", MSG_WAITFORONE, plain},
	{"MSG_SENDPAGE_NOTLAST", MSG_SENDPAGE_NOTLAST, spelling},
	{"MSG_BATCH", MSG_BATCH, plain},
	{"MSG_NO_SHARED_FRAGS", MSG_NO_SHARED_FRAGS, spelling},
	{"MSG_ZEROCOPY", MSG_ZEROCOPY, plain},
	{"MSG_FASTOPEN", MSG_FASTOPEN, plain},
	{"MSG_CMSG_CLOEXEC", MSG_CMSG_CLOEXEC, plain},
	{"MSG_CMSG_COMPAT", MSG_CMSG_COMPAT, spelling},
}
