// A datagram socket that listens: takes requests in, and sends the answers.
import { EV_PERSIST, EV_READ, EV_WRITE, Event } from '../event.h';
import { eventAdd, eventDel, eventSet } from '../event';
import { errno } from '../errno.h';
import { isForNow } from '../economy/held';
import { portOf, sockaddrStorage } from '../sockaddr';
import { AF_INET6 } from '../socket.h';
import type { Sockaddr } from '../socket.h';
import type { Syscalls } from '../syscalls.h';
import { DATAGRAM_BYTES, Request } from './request';

/** How many datagrams are taken in a turn, so that others get their turn. */
const PER_TURN = 32;
/** While more than this waits to be sent, further answers are lost, as datagrams may be. */
const UNSENT_MAX_BYTES = 1024 * 1024;

/** No datagram is longer. */
const received = new Uint8Array(65536);
const packet = new Uint8Array(DATAGRAM_BYTES);

export class RequestSocket {
  /** The program's event, which waits for requests. */
  evread: Event | null = null;
  /** Requests that the program has not accepted. */
  readonly queue: Request[] = [];
  private readonly port: number;
  private readonly room = sockaddrStorage();
  private readonly reader = new Event();
  private readonly writer = new Event();
  private readonly answers: Request[] = [];
  private unsent = 0;

  /** `onRequest` is called in a turn in which requests have come. */
  constructor(private readonly kernel: Syscalls, readonly fd: number, onRequest: (socket: RequestSocket) => void) {
    kernel.getsockname(fd, this.room);
    this.port = portOf(this.peer());
    eventSet(this.reader, fd, EV_READ | EV_PERSIST, () => {
      this.receive();
      if (this.queue.length > 0) onRequest(this);
    }, null);
    eventSet(this.writer, fd, EV_WRITE | EV_PERSIST, () => this.send(), null);
  }

  /** Whether `ev` is an event of ours. */
  owns(ev: Event): boolean {
    return ev === this.reader || ev === this.writer;
  }

  /** The program begins to wait for requests. 0 or -1. */
  watch(ev: Event): number {
    this.evread = ev;
    return eventAdd(this.reader, null);
  }

  unwatch(): number {
    this.evread = null;
    return eventDel(this.reader);
  }

  close(): void {
    this.evread = null;
    eventDel(this.reader);
    eventDel(this.writer);
    this.answers.length = 0;
  }

  /** Takes received datagrams. Invalid ones get no answer. */
  receive(): void {
    const { kernel, fd, room } = this;
    for (let i = 0; i < PER_TURN; i++) {
      const length = kernel.recvfrom(fd, received, 0, received.length, room);
      if (length === -1) {
        if (isForNow(errno)) return;
        continue; // an earlier answer was not delivered
      }
      const request = Request.parse(received, length, this.peer(), this.port);
      if (request !== null) this.queue.push(request);
    }
  }

  /** Sends the complete answer of `request`. */
  answer(request: Request): void {
    if (request.unsent === 0 || this.unsent > UNSENT_MAX_BYTES) return;
    this.answers.push(request);
    this.unsent += request.unsent;
    if (this.answers.length === 1) this.send();
  }

  /** Sends as much as the kernel takes; the rest when it takes more. */
  private send(): void {
    for (let request = this.answers.at(0); request !== undefined; request = this.answers.at(0)) {
      while (request.unsent > 0) {
        const { unsent } = request;
        const length = request.frame(packet);
        const res = this.kernel.sendto(this.fd, packet, 0, length, request.peer);
        if (res === -1) {
          if (!isForNow(errno)) break; // the client cannot be reached
          eventAdd(this.writer, null);
          return;
        }
        request.framed();
        this.unsent -= unsent - request.unsent;
      }
      this.unsent -= request.unsent;
      this.answers.shift();
    }
    eventDel(this.writer);
  }

  /** The address that a call has put to `room`. */
  private peer(): Sockaddr {
    const { room } = this;
    return room.ssFamily === AF_INET6 ? { ...room.in6 } : { ...room.in };
  }
}
