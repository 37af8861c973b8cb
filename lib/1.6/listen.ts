// The listening sockets: the addresses of -l, -p and -U, or the path of -s, and the file that lists the ports
// (memcached.c: server_sockets, server_socket, server_socket_unix, and main's part that calls them).
import { lookup } from 'node:dns/promises';
import { closeSync, lstatSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { EADDRINUSE, EAFNOSUPPORT, EMFILE, errno, strerror } from '../../reactor/errno.h';
import { sockaddrStorage } from '../../reactor/sockaddr';
import {
  AF_INET, AF_INET6, AF_UNIX, F_GETFL, F_SETFL, INADDR_ANY, IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, O_NONBLOCK,
  SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE, SO_LINGER, SO_REUSEADDR, SO_SNDBUF, TCP_NODELAY,
} from '../../reactor/socket.h';
import type { Linger, Sockaddr, SockaddrUn } from '../../reactor/socket.h';
import { bind, close, fcntl, getsockname, listen, setsockopt, socket } from '../../reactor/syscalls';
import { inetAton } from '../libc/arpa_inet';
import { fprintf, perror, stderr } from '../libc/stdio';
import { EX_OSERR } from '../libc/sysexits';
import { parsePlaces } from './places';
import type { Place } from './places';

const EXIT_FAILURE = 1;

/** close(2) does not wait for unsent data. */
const NO_LINGER: Linger = { lOnoff: 0, lLinger: 0 };

/** C asks for this much, then for less until the system agrees. Here, the system grants what it can at once. */
const MAX_SENDBUF_SIZE = 256 * 1024 * 1024;

export type Transport = 'TCP' | 'UDP';

export interface ListenOptions {
  /** The addresses of -l, joined by commas or semicolons; null for all interfaces. */
  inter: string | null;
  /** The TCP port if `inter` names none; 0 or -1 for any free port; null for no TCP. */
  port: number | null;
  /** The UDP port, likewise. */
  udpport: number | null;
  backlog: number;
  /** The path of -s, in place of `inter` and the ports, or null. */
  socketpath: string | null;
  /** The permissions of `socketpath`. */
  access: number;
  /** Where to write the ports (MEMCACHED_PORT_FILENAME), or null. */
  portFilename: string | null;
  /** Makes a listening connection of a socket. `protocol`: the word of proto[…], or null. False ends startListening. */
  listening(sfd: number, protocol: string | null, transport: Transport): boolean;
}

/** An error message, for the line on stderr that also names the address; null for success. */
type Failure = string | null;
/** `listening` has printed the error. */
const TOLD = '';

// memcached.c: main, "create the listening sockets"
/** Listens on all addresses. Resolves to 0, or to the exit status, after a line on stderr. */
export async function startListening(options: ListenOptions): Promise<number> {
  const { socketpath } = options;
  if (socketpath === null) return listenOnPorts(options);
  return statusOf(serverSocketUnix(socketpath, options), `UNIX socket: ${socketpath}`);
}

/** 0, or the exit status, after a line on stderr that says where listening has failed. */
function statusOf(result: Failure, where: string): number {
  if (result === null) return 0;
  if (result === TOLD) return EXIT_FAILURE;
  fprintf(stderr, `failed to listen on ${where}: ${result}\n`);
  return EX_OSERR;
}

/** Listens on the ports, and lists them in the file. */
async function listenOnPorts(options: ListenOptions): Promise<number> {
  const { portFilename } = options;
  if (portFilename === null) return listenWithBoth(options, () => {});
  // Written under another name and renamed, so that a reader of the file finds all ports in it.
  const temporary = `${portFilename}.lck`;
  let file: number;
  try {
    file = openSync(temporary, 'a');
  } catch (error) {
    fprintf(stderr, `Failed to open "${temporary}": ${reason(error)}\n`);
    return listenWithBoth(options, () => {});
  }
  const status = await listenWithBoth(options, (line) => writeSync(file, line));
  closeSync(file);
  if (status !== 0) return status;
  try {
    renameSync(temporary, portFilename);
  } catch (error) {
    fprintf(stderr, `Failed to rename "${temporary}" to "${portFilename}": ${reason(error)}\n`);
  }
  return 0;
}

/** TCP first, then UDP at the same addresses. */
async function listenWithBoth(options: ListenOptions, tell: (line: string) => void): Promise<number> {
  const { inter, port, udpport } = options;
  for (const [transport, number] of [['TCP', port], ['UDP', udpport]] as const) {
    if (number === null) continue;
    const result = await serverSockets(number, transport, options, tell);
    const status = statusOf(result, inter === null ? `${transport} port ${number}` : `one of interface(s) ${inter}`);
    if (status !== 0) return status;
  }
  return 0;
}

// memcached.c: server_sockets
/** Passes a line for each port to `tell`. Tries every address; the first failure counts. */
async function serverSockets(
  port: number, transport: Transport, options: ListenOptions, tell: (line: string) => void,
): Promise<Failure> {
  const places = parsePlaces(options.inter, port);
  if (typeof places === 'string') return places;
  let first: Failure = null;
  for (const place of places) {
    const failure = await serverSocket(place, transport, options, tell);
    if (failure === TOLD) return TOLD;
    first ??= failure;
  }
  return first;
}

// memcached.c: server_socket
/** Listens on all addresses of a host. Skips addresses in use, and families that the system lacks. */
async function serverSocket(
  place: Place, transport: Transport, options: ListenOptions, tell: (line: string) => void,
): Promise<Failure> {
  let addresses: readonly Sockaddr[];
  try {
    addresses = await resolve(place);
  } catch (error) {
    return reason(error);
  }
  let success = 0, failure: Failure = null;
  for (const addr of addresses) {
    const family = 'sin6Addr' in addr ? AF_INET6 : AF_INET;
    const sfd = newSocket(family, transport === 'UDP' ? SOCK_DGRAM : SOCK_STREAM);
    if (sfd === -1) {
      failure = strerror(errno);
      if (errno === EMFILE) return failure;
      continue;
    }
    if (family === AF_INET6 && setsockopt(sfd, IPPROTO_IPV6, IPV6_V6ONLY, 1) === -1) {
      failure = strerror(errno);
      perror('setsockopt');
      close(sfd);
      continue;
    }
    setsockopt(sfd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (transport === 'UDP') setsockopt(sfd, SOL_SOCKET, SO_SNDBUF, MAX_SENDBUF_SIZE);
    else setConnectionOptions(sfd);

    if (bind(sfd, addr) === -1) {
      failure = strerror(errno);
      // Some backends learn only here that the system has no IPv6.
      const goesOn = errno === EADDRINUSE || errno === EAFNOSUPPORT;
      close(sfd);
      if (!goesOn) return failure;
      continue;
    }
    if (listen(sfd, options.backlog) === -1) return closed(sfd);
    success++;
    tell(`${transport} ${family === AF_INET6 ? 'INET6' : 'INET'}: ${boundPort(sfd)}\n`);
    if (!options.listening(sfd, place.protocol, transport)) return TOLD;
  }
  return success === 0 ? failure : null;
}

/** Sets what connections inherit from a listening socket. */
function setConnectionOptions(sfd: number): void {
  if (setsockopt(sfd, SOL_SOCKET, SO_KEEPALIVE, 1) === -1) perror('setsockopt');
  if (setsockopt(sfd, SOL_SOCKET, SO_LINGER, NO_LINGER) === -1) perror('setsockopt');
  if (setsockopt(sfd, IPPROTO_TCP, TCP_NODELAY, 1) === -1) perror('setsockopt');
}

// memcached.c: server_socket_unix
/** Listens on a path. Removes a socket that was left there, but nothing else. */
function serverSocketUnix(path: string, options: ListenOptions): Failure {
  const addr: SockaddrUn = { sunFamily: AF_UNIX, sunPath: path };
  const sfd = newSocket(AF_UNIX, SOCK_STREAM);
  if (sfd === -1) return strerror(errno);

  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(path);
  } catch {
    // bind reports the error.
  }
  setsockopt(sfd, SOL_SOCKET, SO_REUSEADDR, 1);
  setsockopt(sfd, SOL_SOCKET, SO_KEEPALIVE, 1);
  setsockopt(sfd, SOL_SOCKET, SO_LINGER, NO_LINGER);

  const oldUmask = process.umask(~(options.access & 0o777) & 0o777);
  const res = bind(sfd, addr);
  process.umask(oldUmask);
  if (res === -1 || listen(sfd, options.backlog) === -1) return closed(sfd);
  return options.listening(sfd, null, 'TCP') ? null : TOLD;
}

// memcached.c: new_socket, new_socket_unix
/** A non-blocking socket, or -1. */
function newSocket(domain: number, type: number): number {
  const sfd = socket(domain, type, 0);
  if (sfd === -1) return -1;
  const flags = fcntl(sfd, F_GETFL, 0);
  if (flags < 0 || fcntl(sfd, F_SETFL, flags | O_NONBLOCK) < 0) {
    perror('setting O_NONBLOCK');
    close(sfd);
    return -1;
  }
  return sfd;
}

/** Closes a socket whose last call has failed. Returns the message for that call's errno. */
function closed(sfd: number): string {
  const failure = strerror(errno);
  close(sfd);
  return failure;
}

function boundPort(sfd: number): number {
  const addr = sockaddrStorage();
  getsockname(sfd, addr);
  return addr.ssFamily === AF_INET6 ? addr.in6.sin6Port : addr.in.sinPort;
}

/** getaddrinfo(3) with AI_PASSIVE: the addresses of a host, or, for null, the wildcard addresses. */
async function resolve({ host, port }: Place): Promise<Sockaddr[]> {
  if (host === null) {
    return [
      { sinFamily: AF_INET, sinPort: port, sinAddr: INADDR_ANY },
      { sin6Family: AF_INET6, sin6Port: port, sin6Addr: '::' },
    ];
  }
  const found = await lookup(host, { all: true, verbatim: true });
  return found.map(({ address, family }): Sockaddr => {
    if (family === 6) return { sin6Family: AF_INET6, sin6Port: port, sin6Addr: address };
    const inp = { value: 0 };
    inetAton(address, inp);
    return { sinFamily: AF_INET, sinPort: port, sinAddr: inp.value };
  });
}

/** The message of a Node.js error, without the name of the failed call. */
function reason(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return String(error);
  if (error.code === 'ENOTFOUND') return 'Name or service not known';
  if (error.code === 'EAI_AGAIN') return 'Temporary failure in name resolution';
  return 'errno' in error && typeof error.errno === 'number' ? strerror(-error.errno) : String(error.code);
}
