// struct sockaddr_in, sockaddr_in6 and sockaddr_un, as Linux has them in memory.
import { AF_INET, AF_INET6, AF_UNIX } from '../socket.h';
import type { Sockaddr } from '../socket.h';

/** The functions of libc that know addresses and interfaces; the numbers are addresses in memory. */
export interface Names {
  inetPton(family: number, text: string, to: number): number;
  inetNtop(family: number, from: number, to: number, bytes: number): number;
  /** 0 for an interface that is not there. */
  ifNametoindex(name: string): number;
  ifIndextoname(index: number, to: number): number;
}

const IN_BYTES = 16;
const IN6_BYTES = 28;
/** sizeof(struct sockaddr_un): the family and 108 bytes of path. */
const UN_BYTES = 110;
/** Room for the longest; a path that does not fit is as long as the room, and the kernel refuses it. */
const ROOM = 128;

// Where things are in the buffer: the length for calls that fill in an address, the address, and a text of libc's.
const LENGTH = 0;
const ADDR = 16;
const TEXT = ADDR + ROOM;
const TEXT_BYTES = 64;
const SIZE = TEXT + TEXT_BYTES;

export class AddressBuffer {
  /** The address of the struct sockaddr, and of its length. */
  readonly sockaddr: number;
  readonly addrlen: number;
  private readonly bytes = new Uint8Array(new ArrayBuffer(SIZE));
  private readonly view = new DataView(this.bytes.buffer);
  private readonly text: number;

  constructor(addressOf: (buf: Uint8Array) => number, private readonly names: Names) {
    const base = addressOf(this.bytes);
    this.sockaddr = base + ADDR;
    this.addrlen = base + LENGTH;
    this.text = base + TEXT;
  }

  /** Makes room for an address, before a call that fills one in. */
  clear(): void {
    this.view.setUint32(LENGTH, UN_BYTES, true);
  }

  /** Writes `addr`. Returns its length in bytes, or -1 if it is no address. */
  put(addr: Sockaddr): number {
    const { bytes, view } = this;
    bytes.fill(0, ADDR, ADDR + ROOM);
    if ('sunPath' in addr) {
      view.setUint16(ADDR, AF_UNIX, true);
      const path = Buffer.from(addr.sunPath);
      bytes.set(path.subarray(0, ROOM - 2), ADDR + 2);
      // Only a name that begins with a NUL, or none at all, does without a NUL at its end.
      const ends = path.length > 0 && path[0] !== 0 ? 1 : 0;
      return Math.min(2 + path.length + ends, ROOM);
    }
    if ('sin6Addr' in addr) return this.putIn6(addr.sin6Addr, addr.sin6Port);
    view.setUint16(ADDR, AF_INET, true);
    view.setUint16(ADDR + 2, addr.sinPort);
    view.setUint32(ADDR + 4, addr.sinAddr);
    return IN_BYTES;
  }

  /** The address that a call has filled in. */
  take(): Sockaddr {
    const { view } = this;
    const family = view.getUint16(ADDR, true);
    if (family === AF_UNIX) return { sunFamily: AF_UNIX, sunPath: this.path() };
    if (family !== AF_INET6) {
      return { sinFamily: family, sinPort: view.getUint16(ADDR + 2), sinAddr: view.getUint32(ADDR + 4) };
    }
    this.names.inetNtop(AF_INET6, this.sockaddr + 8, this.text, TEXT_BYTES);
    let sin6Addr = this.string(TEXT, TEXT_BYTES);
    const scope = view.getUint32(ADDR + 24, true);
    if (scope !== 0 && this.names.ifIndextoname(scope, this.text) !== 0) {
      sin6Addr += `%${this.string(TEXT, TEXT_BYTES)}`;
    }
    return { sin6Family: AF_INET6, sin6Port: view.getUint16(ADDR + 2), sin6Addr };
  }

  private putIn6(text: string, port: number): number {
    const { view, names } = this;
    const parts = text.split('%', 2);
    const zone = parts.at(1);
    view.setUint16(ADDR, AF_INET6, true);
    view.setUint16(ADDR + 2, port);
    if (names.inetPton(AF_INET6, parts[0], this.sockaddr + 8) !== 1) return -1;
    if (zone !== undefined) {
      const scope = /^\d+$/.test(zone) ? Number(zone) : names.ifNametoindex(zone);
      if (scope === 0) return -1;
      view.setUint32(ADDR + 24, scope, true);
    }
    return IN6_BYTES;
  }

  private path(): string {
    const length = Math.min(this.view.getUint32(LENGTH, true), UN_BYTES) - 2;
    if (length <= 0) return '';
    if (this.bytes[ADDR + 2] === 0) return Buffer.from(this.bytes.subarray(ADDR + 2, ADDR + 2 + length)).toString();
    return this.string(ADDR + 2, length);
  }

  /** The bytes before the first NUL. */
  private string(at: number, length: number): string {
    const all = this.bytes.subarray(at, at + length);
    const end = all.indexOf(0);
    return Buffer.from(end === -1 ? all : all.subarray(0, end)).toString();
  }
}
