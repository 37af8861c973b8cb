// The rules of the reactor with real sockets, on each backend that has them. (With a clock and readiness that a test
// decides, and rule by rule, in event.spec.ts.)
import { spawnSync } from 'node:child_process';
import { connect as connectTo, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import { closeSync, readFile, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import test from 'ava';
import { closeOnExec } from '../reactor/cloexec';
import { EADDRINUSE, EADDRNOTAVAIL, EAGAIN, EBADF, errno } from '../reactor/errno.h';
import {
  EVLOOP_NONBLOCK, EVLOOP_ONCE, EV_PERSIST, EV_READ, EV_SIGNAL, EV_TIMEOUT, EV_WRITE, Event,
} from '../reactor/event.h';
import { eventActive, eventAdd, eventDel, eventDispatch, eventLoop, eventSet } from '../reactor/event';
import { evtimerAdd, evtimerSet, signalAdd, signalDel, signalSet } from '../reactor/evtimer';
import { Connection } from '../reactor/net/connection';
import { WriteBuffer } from '../reactor/net/writebuffer';
import { Orphans } from '../reactor/net/orphans';
import { Waiting } from '../reactor/net/waiting';
import { AF_INET, SHUT_WR, SOCK_STREAM } from '../reactor/socket.h';
import { accept, bind, close, listen, read, shutdown, socket, write } from '../reactor/syscalls';
import { backends } from './support/server';
import { LOOPBACK, connections, descriptors, init, listener, unblock, until } from './support/sockets';

interface Pair {
  /** Ours. */
  fd: number;
  peer: Socket;
  done: () => void;
}

async function pair(): Promise<Pair> {
  const server = listener();
  await new Promise(setImmediate); // node:net listens a tick after it was asked to
  const peer = connectTo({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  peer.on('error', () => {});
  await Promise.all([once(peer, 'connect'), until(server.fd, EV_READ)]);
  const fd = accept(server.fd, null);
  unblock(fd);
  close(server.fd);
  return {
    fd, peer,
    done: () => {
      peer.destroy();
      close(fd);
    },
  };
}

const buf = new Uint8Array(1 << 20);
const text = (length: number): string => Buffer.from(buf.buffer, 0, length).toString();

for (const backend of backends) {
  test.serial(`${backend}: a read gives bytes, EAGAIN when there are none, and 0 at the end of the stream`, async (t) => {
    init(backend);
    const { fd, peer, done } = await pair();
    t.is(read(fd, buf, 0, 10), -1);
    t.is(errno, EAGAIN);
    peer.write('hello');
    await until(fd, EV_READ);
    t.is(read(fd, buf, 0, 3), 3);
    t.is(text(3), 'hel');
    t.is(read(fd, buf, 0, 10), 2);
    t.is(read(fd, buf, 0, 10), -1);
    t.is(errno, EAGAIN);
    peer.end();
    await until(fd, EV_READ);
    t.is(read(fd, buf, 0, 10), 0);
    buf.set(Buffer.from('still heard'));
    t.is(write(fd, buf, 0, 11), 11);
    t.is(shutdown(fd, SHUT_WR), 0);
    const heard: Buffer[] = [];
    peer.on('data', (chunk: Buffer) => heard.push(chunk));
    const ended = once(peer, 'end');
    await Promise.all([ended, eventLoop(EVLOOP_NONBLOCK)]);
    t.is(Buffer.concat(heard).toString(), 'still heard');
    done();
  });

  test.serial(`${backend}: a read of 0 bytes gives 0 and takes nothing, whatever there is to read`, async (t) => {
    init(backend);
    const { fd, peer, done } = await pair();
    t.is(read(fd, buf, 0, 0), 0);
    peer.write('hello');
    await until(fd, EV_READ);
    t.is(read(fd, buf, 0, 0), 0);
    t.is(read(fd, buf, 0, 10), 5);
    done();
    t.is(read(fd, buf, 0, 0), -1);
    t.is(errno, EBADF);
  });

  test.serial(`${backend}: writes to a peer that does not read end in EAGAIN, and go on when it reads`, async (t) => {
    init(backend);
    const { fd, peer } = await pair();
    peer.pause();
    let sent = 0;
    let stopped = 0;
    while (stopped < 3 && sent < 200 * buf.length) {
      const res = write(fd, buf, 0, buf.length);
      if (res > 0) sent += res;
      else {
        stopped++;
        t.is(errno, EAGAIN);
        await eventLoop(EVLOOP_NONBLOCK);
      }
    }
    t.is(stopped, 3);
    let received = 0;
    peer.on('data', (chunk: Buffer) => void (received += chunk.length));
    peer.resume();
    await until(fd, EV_WRITE);
    t.true(write(fd, buf, 0, 1) === 1);
    close(fd);
    const over = once(peer, 'end');
    await Promise.all([over, eventLoop(EVLOOP_NONBLOCK)]);
    t.is(received, sent + 1);
    peer.destroy();
  });

  test.serial(`${backend}: with economy, writes of callbacks are sent in one piece, even if the loop has ended`, async (t) => {
    init(backend, true);
    const { fd, peer, done } = await pair();
    const ev = new Event();
    eventSet(ev, -1, 0, () => {
      write(fd, buf.fill(97, 0, 5), 0, 5);
      write(fd, buf.fill(98, 0, 5), 0, 5);
    }, null);
    eventActive(ev, EV_READ, 1);
    t.is(await eventLoop(EVLOOP_ONCE | EVLOOP_NONBLOCK), 0);
    const [chunk] = await once(peer, 'data') as [Buffer];
    t.is(chunk.toString(), 'aaaaabbbbb');
    done();
  });

  test.serial(`${backend}: with economy, a write by Node's own callbacks while the loop waits is sent at once`, async (t) => {
    init(backend, true);
    const { fd, peer, done } = await pair();
    const reader = new Event();
    eventSet(reader, fd, EV_READ | EV_PERSIST, () => {
      read(fd, buf, 0, 10);
      eventDel(reader);
      eventDel(tooLate);
    }, null);
    eventAdd(reader, null);
    const tooLate = new Event();
    evtimerSet(tooLate, () => {
      t.fail();
      eventDel(reader);
    }, null);
    evtimerAdd(tooLate, { tvSec: 20, tvUsec: 0 });
    peer.once('data', (chunk: Buffer) => {
      t.is(chunk.toString(), 'hello');
      peer.write('heard');
    });
    setTimeout(() => write(fd, Buffer.from('hello'), 0, 5), 20);
    t.is(await eventDispatch(), 1);
    done();
  });

  test.serial(`${backend}: readiness is reported as long as it lasts, and without EV_PERSIST once`, async (t) => {
    init(backend);
    const { fd, peer, done } = await pair();
    peer.write('x');
    for (const [flags, times] of [[EV_READ | EV_PERSIST, 3], [EV_READ, 1]] as const) {
      const ev = new Event();
      let called = 0;
      eventSet(ev, fd, flags, (_fd, which) => {
        t.is(which, EV_READ);
        if (++called === times) eventDel(ev);
      }, null);
      eventAdd(ev, null);
      t.is(await eventDispatch(), 1, 'no event is left');
      t.is(called, times);
    }
    done();
  });

  test.serial(`${backend}: one event for both directions fires once with both flags, two events each with their own`, async (t) => {
    init(backend);
    const { fd, peer, done } = await pair();
    peer.write('x');
    await until(fd, EV_READ);
    const seen: number[] = [];
    const both = new Event();
    eventSet(both, fd, EV_READ | EV_WRITE, (_fd, which) => seen.push(which), null);
    eventAdd(both, null);
    while (seen.length === 0) await eventLoop(EVLOOP_ONCE);
    t.deepEqual(seen, [EV_READ | EV_WRITE]);
    const [reader, writer] = [new Event(), new Event()];
    eventSet(reader, fd, EV_READ, (_fd, which) => seen.push(which), null);
    eventSet(writer, fd, EV_WRITE, (_fd, which) => seen.push(which), null);
    eventAdd(reader, null);
    eventAdd(writer, null);
    t.is(await eventDispatch(), 1);
    t.deepEqual(seen.slice(1).sort(), [EV_READ, EV_WRITE]);
    done();
  });

  test.serial(`${backend}: timeouts fire in their order, and end a persistent event`, async (t) => {
    init(backend);
    const { fd, done } = await pair();
    const order: string[] = [];
    const timer = (name: string, tvUsec: number): void => {
      const ev = new Event();
      evtimerSet(ev, () => order.push(name), null);
      evtimerAdd(ev, { tvSec: 0, tvUsec });
    };
    timer('late', 60_000);
    timer('early', 20_000);
    timer('early too', 20_000);
    const reader = new Event();
    eventSet(reader, fd, EV_READ | EV_PERSIST, (_fd, which) => order.push(which === EV_TIMEOUT ? 'timeout' : 'read'), null);
    eventAdd(reader, { tvSec: 0, tvUsec: 40_000 });
    t.is(await eventDispatch(), 1);
    t.deepEqual(order, ['early', 'early too', 'timeout', 'late']);
    done();
  });

  test.serial(`${backend}: input that came while the process was busy is reported before a late timeout`, async (t) => {
    init(backend);
    const { fd, peer, done } = await pair();
    const seen: number[] = [];
    const reader = new Event();
    eventSet(reader, fd, EV_READ, (_fd, which) => seen.push(which), null);
    eventAdd(reader, { tvSec: 0, tvUsec: 200_000 });
    setImmediate(() => {
      peer.write('hello');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    });
    t.is(await eventDispatch(), 1);
    t.deepEqual(seen, [EV_READ]);
    done();
  });

  test.serial(`${backend}: a callback can delete an event that is already active`, async (t) => {
    init(backend);
    const called: string[] = [];
    const [first, second] = [new Event(), new Event()];
    eventSet(first, -1, 0, () => {
      called.push('first');
      eventDel(second);
    }, null);
    eventSet(second, -1, 0, () => called.push('second'), null);
    eventActive(first, EV_READ, 1);
    eventActive(second, EV_READ, 1);
    t.is(await eventLoop(EVLOOP_ONCE | EVLOOP_NONBLOCK), 0);
    t.deepEqual(called, ['first']);
  });

  test.serial(`${backend}: a signal fires its event while the loop waits`, async (t) => {
    init(backend);
    const ev = new Event();
    const seen: number[] = [];
    signalSet(ev, constants.signals.SIGUSR2, (sig, which) => {
      seen.push(sig, which);
      signalDel(ev);
    }, null);
    signalAdd(ev, null);
    const timer = new Event();
    evtimerSet(timer, () => process.kill(process.pid, 'SIGUSR2'), null);
    evtimerAdd(timer, { tvSec: 0, tvUsec: 1000 });
    t.is(await eventDispatch(), 1);
    t.deepEqual(seen, [constants.signals.SIGUSR2, EV_SIGNAL]);
  });

  test.serial(`${backend}: Node's own loop runs while ours waits`, async (t) => {
    init(backend);
    const turns: string[] = [];
    const timer = new Event();
    evtimerSet(timer, () => turns.push('libevent'), null);
    evtimerAdd(timer, { tvSec: 1, tvUsec: 0 });
    const start = new Event();
    evtimerSet(start, () => {
      setTimeout(() => turns.push('timeout'), 50);
      setImmediate(() => turns.push('immediate'));
      process.nextTick(() => turns.push('tick'));
      void Promise.resolve().then(() => turns.push('promise'));
      readFile(__filename, () => turns.push('file'));
    }, null);
    evtimerAdd(start, { tvSec: 0, tvUsec: 1000 });
    t.is(await eventDispatch(), 1);
    t.is(turns.at(-1), 'libevent');
    t.deepEqual([...turns].sort(), ['file', 'immediate', 'libevent', 'promise', 'tick', 'timeout']);
  });

  test.serial(`${backend}: a port in use and a foreign address give errors at once`, (t) => {
    init(backend);
    const { fd, port } = listener();
    const other = socket(AF_INET, SOCK_STREAM, 0);
    t.is(bind(other, { sinFamily: AF_INET, sinPort: 0, sinAddr: 0xc0000201 }), -1);
    t.is(errno, EADDRNOTAVAIL);
    const res = bind(other, { sinFamily: AF_INET, sinPort: port, sinAddr: LOOPBACK });
    t.is(res === -1 ? errno : listen(other, 1) === -1 && errno, EADDRINUSE);
    t.is(close(other), 0);
    t.is(close(fd), 0);
    t.is(close(fd), -1);
    t.is(errno, EBADF);
  });
}

test.serial('net: after the last bytes a read gives the end of the stream, as from the kernel', async (t) => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = connectTo({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [socket] = await once(server, 'connection') as [Socket];
  const connection = new Connection(socket, new WriteBuffer());
  peer.end('hello');
  await once(socket, 'end');
  t.is(connection.poll() & EV_READ, EV_READ);
  t.is(connection.read(buf, 0, 3), 3);
  t.is(connection.read(buf, 3, 10), 2);
  t.is(text(5), 'hello');
  t.is(connection.poll() & EV_READ, EV_READ);
  t.is(connection.read(buf, 0, 10), 0);
  t.is(connection.read(buf, 0, 10), 0);
  connection.close(false, new Orphans());
  peer.destroy();
  server.close();
});

test.serial('net: an exception at the end of a wait is thrown to the caller that waits', async (t) => {
  const waiting = new Waiting(() => {
    throw new Error('broken');
  });
  await t.throwsAsync(waiting.yieldToNode(), { message: 'broken' });
  for (const alone of [true, false]) {
    const wait = waiting.wait(60_000);
    waiting.wake(alone);
    await t.throwsAsync(wait, { message: 'broken' });
  }
  await t.throwsAsync(waiting.wait(1), { message: 'broken' });
});

/** What a child process has open, as /proc says it: three sockets for input and output, and what it inherits. */
function openInChild(): string {
  return spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' }).stdout;
}

test.serial('epoll: a child process inherits no listener, no connection, and no descriptor of the backend', (t) => {
  init('epoll', true); // with io_uring, where it is to be had
  const sockets = [listener().fd, ...connections(1)[0]];
  const inherited = openInChild();
  t.regex(inherited, / 0 -> \S/);
  const here = descriptors();
  for (const fd of sockets) t.false(inherited.includes(here.get(fd) ?? '->'), inherited);
  t.notRegex(inherited, /eventpoll|io_uring/);
  for (const fd of sockets) close(fd);
});

test.serial('epoll: after closeOnExec(false) a child process inherits the sockets, as in 2003', (t) => {
  init('epoll');
  closeOnExec(false);
  t.teardown(() => closeOnExec(true));
  const sockets = [listener().fd, ...connections(1)[0]];
  const inherited = openInChild();
  const here = descriptors();
  for (const fd of sockets) t.true(inherited.includes(here.get(fd) ?? '?'), inherited);
  for (const fd of sockets) close(fd);
});

/** Nothing for a descriptor that is gone: a thread that ends closes its own. */
function fdinfo(fd: number): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
  } catch {
    return '';
  }
}

test.serial('epoll: a wait that fails for good ends the loop with -1 and errno, and is reported in one line', async (t) => {
  init('epoll');
  const { fd } = listener();
  const ev = new Event();
  eventSet(ev, fd, EV_READ, () => {}, null);
  eventAdd(ev, null);
  const watchesIt = new RegExp(`^tfd: +${fd} `, 'm');
  const sets = [...descriptors()].filter(([, what]) => what.includes('eventpoll')).map(([set]) => set);
  for (const set of sets) if (watchesIt.test(fdinfo(set))) closeSync(set);

  const written: string[] = [];
  const original = process.stderr.write.bind(process.stderr);
  process.stderr.write = (chunk: Uint8Array | string) => written.push(chunk.toString()) > 0;
  const result = await eventLoop(0);
  process.stderr.write = original;
  t.is(result, -1);
  t.is(errno, EBADF);
  t.deepEqual(written, ['epoll_wait: bad file descriptor\n']);
  close(fd);
});
