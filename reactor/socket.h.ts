// Constants and structures for the socket calls, with Linux's numbers on every backend.

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_CLOEXEC = 0o2000000;
export const INADDR_ANY = 0;

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_SNDBUF = 7;
export const SO_KEEPALIVE = 9;
export const SO_LINGER = 13;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const IPPROTO_IPV6 = 41;
/** The socket takes no IPv4 clients, so another one can have the port for IPv4. */
export const IPV6_V6ONLY = 26;

export const F_GETFL = 3;
export const F_SETFL = 4;
export const O_NONBLOCK = 0o4000;

/** More will follow, so the system may delay a packet that is not full. */
export const MSG_MORE = 0x8000;

export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

/** struct sockaddr_in, in host byte order: 127.0.0.1 is 0x7f000001. */
export interface SockaddrIn {
  sinFamily: number;
  sinPort: number;
  sinAddr: number;
}

/** struct sockaddr_in6, the address as text: '::1'. A link-local one has its interface: 'fe80::1%eth0'. */
export interface SockaddrIn6 {
  sin6Family: number;
  sin6Port: number;
  sin6Addr: string;
}

/** struct sockaddr_un. The path is '' if a socket has none, such as a client's. */
export interface SockaddrUn {
  sunFamily: number;
  sunPath: string;
}

/** struct sockaddr, which a program gives to a call. */
export type Sockaddr = SockaddrIn | SockaddrIn6 | SockaddrUn;

/** struct sockaddr_storage, which a call fills in. `ssFamily` says which of the others counts. */
export interface SockaddrStorage {
  ssFamily: number;
  in: SockaddrIn;
  in6: SockaddrIn6;
  un: SockaddrUn;
}

/** Where a call puts an address. A SockaddrIn gets no more than family and port of an address of another family. */
export type SockaddrRoom = SockaddrIn | SockaddrStorage;

/** struct linger: if `lOnoff`, close(2) waits `lLinger` seconds for unsent data. */
export interface Linger {
  lOnoff: number;
  lLinger: number;
}
