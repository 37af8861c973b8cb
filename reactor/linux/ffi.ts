// The real system calls, through koffi: numbers in, numbers out. After a failed call we read errno at once. koffi is
// optional. If koffi or a symbol is missing, `loadSystem` returns null and eventInit does not choose epoll.
import { endianness } from 'node:os';
import { closesOnExec } from '../cloexec';
import type { Batch, Syscalls } from '../syscalls.h';
import type { Linger, Sockaddr, SockaddrRoom } from '../socket.h';
import { SHUT_RDWR, SOCK_CLOEXEC } from '../socket.h';
import { fillSockaddr } from '../sockaddr';
import type { Iovec } from '../uio.h';
import { EINVAL, setErrno } from '../errno.h';
import { loadKoffi } from '../koffi';
import type { Koffi } from '../koffi';
import { getenv } from '../stdlib.h';
import { AddressBuffer } from './sockaddr';
import type { Names } from './sockaddr';
import { openUring } from './uring';

type Native = (...args: (number | bigint)[]) => number;

/** The system calls, those that only epoll needs, and libuv's functions for embedders. */
export interface System {
  syscalls: Syscalls;
  epollCreate1(flags: number): number;
  /** `event`: the address of a struct epoll_event. */
  epollCtl(epfd: number, op: number, fd: number, event: number): number;
  epollWait(epfd: number, events: number, maxevents: number, timeout: number): number;
  /** libuv: uv_backend_fd, readable when Node's own loop has I/O. */
  uvBackendFd(): number;
  /** libuv: uv_update_time and uv_backend_timeout: milliseconds until its next timer, 0 for work now, -1 for none. */
  uvBackendTimeout(): number;
  /** The address of the first byte of a buffer. It is valid as long as the caller keeps the buffer. */
  addressOf(buf: Uint8Array): number;
}

const SYS_IO_URING_SETUP = 425;
const SYS_IO_URING_ENTER = 426;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_POPULATE = 0x8000;

/** What the layout of C's structures depends on. */
export interface Machine {
  endianness: 'BE' | 'LE';
  pointerBytes: number;
}

/** Whether structures have the layout that this file, epoll.ts and uring.ts use. */
export function hasOurLayouts(machine: Machine): boolean {
  return machine.endianness === 'LE' && machine.pointerBytes === 8;
}

/** `machine`: a spec may claim another one than the one that we run on. */
export function loadSystem(machine?: Machine): System | null {
  const k = loadKoffi();
  if (k === null) return null;
  if (!hasOurLayouts(machine ?? { endianness: endianness(), pointerBytes: k.sizeof('void *') })) return null;
  try {
    return bindSystem(k);
  } catch {
    return null; // no such symbol: not Linux
  }
}

function bindSystem(k: Koffi): System {
  const lib = k.load(null);
  const native = (prototype: string): Native => lib.func(prototype) as Native;

  const call = (res: number): number => {
    if (res === -1) setErrno(k.errno());
    return res;
  };

  const libcSocket = native('int socket(int, int, int)');
  const libcBind = native('int bind(int, uintptr_t, uint32_t)');
  const libcListen = native('int listen(int, int)');
  const libcAccept = native('int accept(int, uintptr_t, uintptr_t)');
  const libcAccept4 = native('int accept4(int, uintptr_t, uintptr_t, int)');
  const libcConnect = native('int connect(int, uintptr_t, uint32_t)');
  const libcGetsockname = native('int getsockname(int, uintptr_t, uintptr_t)');
  const libcGetpeername = native('int getpeername(int, uintptr_t, uintptr_t)');
  const libcFcntl = native('int fcntl(int, int, int)');
  const libcSetsockopt = native('int setsockopt(int, int, int, uintptr_t, uint32_t)');
  const libcRead = native('intptr_t read(int, uintptr_t, size_t)');
  const libcWrite = native('intptr_t write(int, uintptr_t, size_t)');
  const libcSend = native('intptr_t send(int, uintptr_t, size_t, int)');
  const libcSendmsg = native('intptr_t sendmsg(int, uintptr_t, int)');
  const libcRecvfrom = native('intptr_t recvfrom(int, uintptr_t, size_t, int, uintptr_t, uintptr_t)');
  const libcSendto = native('intptr_t sendto(int, uintptr_t, size_t, int, uintptr_t, uint32_t)');
  const libcShutdown = native('int shutdown(int, int)');
  const libcClose = native('int close(int)');
  const libcGetrandom = native('intptr_t getrandom(uintptr_t, size_t, unsigned int)');
  const libcGettimeofday = native('int gettimeofday(uintptr_t, uintptr_t)');
  const libcTime = native('intptr_t time(uintptr_t)');
  const libcMmap = native('intptr_t mmap(uintptr_t, size_t, int, int, int, intptr_t)');
  // syscall(2) has as many arguments as the call needs.
  const ioUringSetup = native('intptr_t syscall(intptr_t, uint32_t, uintptr_t)');
  const ioUringEnter = native('intptr_t syscall(intptr_t, uint32_t, uint32_t, uint32_t, uint32_t, uintptr_t, size_t)');
  const epollCreate1 = native('int epoll_create1(int)');
  const epollCtl = native('int epoll_ctl(int, int, int, uintptr_t)');
  const epollWait = native('int epoll_wait(int, uintptr_t, int, int)');
  const uvUpdateTime = native('void uv_update_time(uintptr_t)');
  const uvBackendFd = native('int uv_backend_fd(uintptr_t)');
  const uvBackendTimeout = native('int uv_backend_timeout(uintptr_t)');
  const uvLoop = native('uintptr_t uv_default_loop()')();

  // Structures that we pass by address: at 24 an option's value, at 32 a timeval, at 64 a msghdr, at 128 its iovecs.
  const scratch = new DataView(new ArrayBuffer(4096));
  const base = Number(k.address(scratch.buffer));
  const option = base + 24;
  const TIMEVAL = 32;
  const MSGHDR = 64;
  const IOVEC = 128;
  const timeval = base + TIMEVAL;

  // koffi accepts any number as an address, so we must check that it lies within its buffer.
  let lastBuf: Uint8Array | null = null;
  let lastBase = 0;
  let otherBuf: Uint8Array | null = null;
  let otherBase = 0;
  const addressIn = (buf: Uint8Array, offset: number, length: number): number | bigint => {
    const whole = Number.isInteger(offset) && Number.isInteger(length);
    if (!whole || offset < 0 || length < 0 || offset + length > buf.length) {
      throw new RangeError(`${length} bytes at ${offset} are not within a buffer of ${buf.length}`);
    }
    const address = baseOf(buf) + offset;
    // Addresses exceed V8's small integers, so each new number is garbage. We keep those that are likely to come again.
    const i = Math.floor(address / 64) % KEPT;
    if (keptAddress[i] !== address) keptNumber[i] = keptAddress[i] = address;
    return keptNumber[i];
  };
  /** A prime, because buffers lie at multiples of powers of two. */
  const KEPT = 2039;
  const keptAddress = new Float64Array(KEPT);
  /** The same as heap objects of V8. (An array that begins with bigints stores numbers like that.) */
  const keptNumber = new Array<number | bigint>(KEPT).fill(0n);
  // Remembers two buffers, since a program often alternates between one to read into and one to write from.
  const baseOf = (buf: Uint8Array): number => {
    if (buf === lastBuf) return lastBase;
    const base = buf === otherBuf ? otherBase : addressOf(buf);
    otherBuf = lastBuf;
    otherBase = lastBase;
    lastBuf = buf;
    lastBase = base;
    return base;
  };
  // A small typed array may move within the JavaScript heap until `buf.buffer` is accessed.
  const addressOf = (buf: Uint8Array): number => Number(k.address(buf.buffer)) + buf.byteOffset;

  const addresses = new AddressBuffer(addressOf, {
    inetPton: lib.func('int inet_pton(int, str, uintptr_t)') as Names['inetPton'],
    inetNtop: lib.func('uintptr_t inet_ntop(int, uintptr_t, uintptr_t, uint32_t)') as Names['inetNtop'],
    ifNametoindex: lib.func('uint32_t if_nametoindex(str)') as Names['ifNametoindex'],
    ifIndextoname: lib.func('uintptr_t if_indextoname(uint32_t, uintptr_t)') as Names['ifIndextoname'],
  });
  const { sockaddr, addrlen } = addresses;
  /** A call that takes an address. */
  const withAddress = (libcCall: Native, fd: number, addr: Sockaddr): number => {
    const length = addresses.put(addr);
    if (length !== -1) return call(libcCall(fd, sockaddr, length));
    setErrno(EINVAL);
    return -1;
  };
  /** A call that fills an address in. */
  const intoAddress = (libcCall: Native, fd: number, addr: SockaddrRoom): number => {
    addresses.clear();
    const res = call(libcCall(fd, sockaddr, addrlen));
    if (res !== -1) fillSockaddr(addr, addresses.take());
    return res;
  };

  // Opened at first use. Only the economy uses it.
  let ring: Batch | null | undefined;
  const openRing = (): Batch | null => getenv('EVENT_NOIOURING') !== null ? null : openUring({
    setup: (entries, params) => ioUringSetup(SYS_IO_URING_SETUP, entries, params),
    enter: (fd, toSubmit, minComplete, flags) => {
      const res = ioUringEnter(SYS_IO_URING_ENTER, fd, toSubmit, minComplete, flags, 0, 0);
      return res === -1 ? -k.errno() : res;
    },
    map: (fd, offset, length) => {
      const address = libcMmap(0, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
      return address === -1 ? null : k.view(address, length);
    },
    close: libcClose,
    shutdown: (fd) => libcShutdown(fd, SHUT_RDWR),
    addressOf: baseOf,
  });

  const syscalls: Syscalls = {
    socket: (domain, type, protocol) => {
      return call(libcSocket(domain, closesOnExec ? type | SOCK_CLOEXEC : type, protocol));
    },
    bind: (fd, addr) => withAddress(libcBind, fd, addr),
    listen: (fd, backlog) => call(libcListen(fd, backlog)),
    accept: (fd, addr) => {
      addresses.clear();
      const res = call(
        closesOnExec ? libcAccept4(fd, sockaddr, addrlen, SOCK_CLOEXEC) : libcAccept(fd, sockaddr, addrlen),
      );
      if (res !== -1 && addr !== null) fillSockaddr(addr, addresses.take());
      return res;
    },
    connect: (fd, addr) => withAddress(libcConnect, fd, addr),
    getsockname: (fd, addr) => intoAddress(libcGetsockname, fd, addr),
    getpeername: (fd, addr) => intoAddress(libcGetpeername, fd, addr),
    fcntl: (fd, cmd, arg) => call(libcFcntl(fd, cmd, arg)),
    setsockopt: (fd, level, optname, optval) => {
      return call(libcSetsockopt(fd, level, optname, option, putOption(optval)));
    },
    read: (fd, buf, offset, length) => call(libcRead(fd, addressIn(buf, offset, length), length)),
    write: (fd, buf, offset, length) => call(libcWrite(fd, addressIn(buf, offset, length), length)),
    send: (fd, buf, offset, length, flags) => call(libcSend(fd, addressIn(buf, offset, length), length, flags)),
    sendmsg: (fd, iov, flags) => call(libcSendmsg(fd, putMsghdr(iov), flags)),
    recvfrom: (fd, buf, offset, length, addr) => {
      addresses.clear();
      const res = call(libcRecvfrom(fd, addressIn(buf, offset, length), length, 0, sockaddr, addrlen));
      if (res !== -1 && addr !== null) fillSockaddr(addr, addresses.take());
      return res;
    },
    sendto: (fd, buf, offset, length, addr) => {
      const addrlen = addresses.put(addr);
      if (addrlen !== -1) return call(libcSendto(fd, addressIn(buf, offset, length), length, 0, sockaddr, addrlen));
      setErrno(EINVAL);
      return -1;
    },
    shutdown: (fd, how) => call(libcShutdown(fd, how)),
    close: (fd) => call(libcClose(fd)),
    gettimeofday: (tv) => {
      const res = call(libcGettimeofday(timeval, 0));
      tv.tvSec = scratch.getUint32(TIMEVAL, true);
      tv.tvUsec = scratch.getUint32(TIMEVAL + 8, true);
      return res;
    },
    time: () => call(libcTime(0)),
    monotonic: () => performance.now() / 1000,
    getrandom: (buf) => call(libcGetrandom(addressOf(buf), buf.length, 0)),
    lingering: 0,
    seesAllInput: true,
    get batch() {
      if (ring === undefined) ring = openRing();
      return ring;
    },
  };

  /** Writes a struct msghdr and its struct iovec[], as on 64-bit systems. Returns its address. */
  function putMsghdr(iov: readonly Iovec[]): number {
    let at = IOVEC;
    for (const { buf, offset, length } of iov) {
      putWord(at, Number(addressIn(buf, offset, length)));
      putWord(at + 8, length);
      at += 16;
    }
    putWord(MSGHDR + 16, base + IOVEC);
    putWord(MSGHDR + 24, iov.length);
    return base + MSGHDR;
  }

  function putWord(at: number, value: number): void {
    scratch.setUint32(at, value % 2 ** 32, true);
    scratch.setUint32(at + 4, value / 2 ** 32, true);
  }

  function putOption(optval: number | Linger): number {
    if (typeof optval === 'number') {
      scratch.setInt32(24, optval, true);
      return 4;
    }
    scratch.setInt32(24, optval.lOnoff, true);
    scratch.setInt32(28, optval.lLinger, true);
    return 8;
  }

  return {
    syscalls,
    epollCreate1: (flags) => call(epollCreate1(flags)),
    epollCtl: (epfd, op, fd, event) => call(epollCtl(epfd, op, fd, event)),
    epollWait: (epfd, events, maxevents, timeout) => call(epollWait(epfd, events, maxevents, timeout)),
    uvBackendFd: () => uvBackendFd(uvLoop),
    uvBackendTimeout: () => {
      uvUpdateTime(uvLoop);
      return uvBackendTimeout(uvLoop);
    },
    addressOf,
  };
}
