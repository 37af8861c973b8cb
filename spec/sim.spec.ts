// The simulated backend itself: its sockets behave as Linux's do on loopback, a test decides what they do and what time
// it is, and the same seed gives the same run. A process has one simulation at a time, so tests run one after another.
import { constants } from 'node:os';

import test from 'ava';
import fc from 'fast-check';

import { eventEconomy } from '../reactor/backends';
import {
  EADDRINUSE, EAGAIN, EBADF, ECONNREFUSED, ECONNRESET, EINPROGRESS, EINTR, EINVAL, EMFILE, ENOTCONN, EPIPE, errno,
} from '../reactor/errno.h';
import { EVLOOP_NONBLOCK, EV_PERSIST, EV_READ, EV_WRITE, Event } from '../reactor/event.h';
import type { Timeval } from '../reactor/time';
import { eventAdd, eventDel, eventDispatch, eventInit, eventLoop, eventSet, evsel } from '../reactor/event';
import { evtimerAdd, evtimerSet } from '../reactor/evtimer';
import { Random, Simulation, installSimulation, randomFaults, simops } from '../reactor/sim';
import type { Call, CallName, SimClient, SimulationOptions } from '../reactor/sim';
import {
  AF_INET, F_GETFL, F_SETFL, INADDR_ANY, O_NONBLOCK, SHUT_RD, SHUT_WR, SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE, SO_LINGER,
  SO_REUSEADDR,
} from '../reactor/socket.h';
import type { SockaddrIn } from '../reactor/socket.h';
import {
  accept, bind, close, connect, fcntl, getpeername, getrandom, getsockname, gettimeofday, listen, monotonic, read,
  sendmsg, setsockopt, shutdown, socket, write,
} from '../reactor/syscalls';
import { fails, readText, writeText } from './support/calls';

const { EALREADY, EISCONN } = constants.errno;
const PORT = 11211;

let running: Simulation | null = null;

test.afterEach.always(() => {
  running?.stop();
  running = null;
  installSimulation(null);
});

function start(options: Partial<SimulationOptions> = {}): Simulation {
  running = new Simulation({ seed: 1, ...options });
  installSimulation(running);
  eventEconomy(false);
  eventInit();
  return running;
}

function address(port: number): SockaddrIn {
  return { sinFamily: AF_INET, sinPort: port, sinAddr: INADDR_ANY };
}

function newSocket(): number {
  return socket(AF_INET, SOCK_STREAM, 0);
}

function listenOn(port: number, backlog = 1024): number {
  const fd = newSocket();
  bind(fd, address(port));
  listen(fd, backlog);
  return fd;
}

/** A client, and the descriptor under which the program has accepted it. */
function accepted(sim: Simulation): [SimClient, number] {
  const listener = listenOn(PORT);
  const client = sim.connect(PORT);
  return [client, accept(listener, null)];
}

function on(fd: number, events: number, callback: (fd: number) => void): Event {
  const ev = new Event();
  eventSet(ev, fd, events, callback, null);
  eventAdd(ev, null);
  return ev;
}

function timer(seconds: number, callback: () => void): void {
  const ev = new Event();
  evtimerSet(ev, callback, null);
  evtimerAdd(ev, { tvSec: Math.floor(seconds), tvUsec: Math.round((seconds % 1) * 1e6) });
}

/** A server that sends back what it gets, as far as the other end takes it. */
function echoServer(port: number): void {
  on(listenOn(port), EV_READ | EV_PERSIST, (listener) => {
    const fd = accept(listener, null);
    if (fd !== -1) echo(fd);
  });
}

function echo(fd: number): void {
  const buf = Buffer.alloc(64);
  let have = 0;
  let sent = 0;
  const finish = (ev: Event): void => {
    eventDel(ev);
    close(fd);
  };
  const reader = on(fd, EV_READ | EV_PERSIST, () => {
    const n = read(fd, buf, 0, buf.length);
    if (n === 0 || (n === -1 && errno !== EAGAIN && errno !== EINTR)) finish(reader);
    if (n <= 0) return;
    have = n;
    sent = 0;
    eventDel(reader);
    eventAdd(writer, null);
  });
  const writer = new Event();
  eventSet(writer, fd, EV_WRITE | EV_PERSIST, () => {
    const n = write(fd, buf, sent, have - sent);
    if (n === -1 && errno !== EAGAIN && errno !== EINTR) finish(writer);
    if (n === -1) return;
    sent += n;
    if (sent < have) return;
    eventDel(writer);
    eventAdd(reader, null);
  }, null);
}

// Which backend

test.serial('backend: sim is available only when a simulation is installed', (t) => {
  installSimulation(null);
  t.is(simops.init(), null);
  start();
  t.is(evsel.name, 'sim');
});

test.serial('backend: EVENT_NOSIM in the environment forbids it', (t) => {
  start();
  process.env['EVENT_NOSIM'] = '';
  t.is(simops.init(), null);
  delete process.env['EVENT_NOSIM'];
  t.not(simops.init(), null);
});

// Descriptors

test.serial('descriptors: numbers begin at 3, and the lowest free one is used again', (t) => {
  const sim = start();
  t.deepEqual([newSocket(), newSocket(), newSocket()], [3, 4, 5]);
  close(4);
  close(3);
  t.deepEqual([newSocket(), newSocket(), newSocket()], [3, 4, 6]);
  t.deepEqual(sim.openFds(), [3, 4, 5, 6]);
});

test.serial('descriptors: every call on a descriptor that is not open gives EBADF', (t) => {
  start();
  const closed = newSocket();
  close(closed);
  const buf = Buffer.alloc(1);
  for (const fd of [-1, closed, 99]) {
    fails(t, bind(fd, address(PORT)), EBADF);
    fails(t, listen(fd, 1), EBADF);
    fails(t, accept(fd, null), EBADF);
    fails(t, connect(fd, address(PORT)), EBADF);
    fails(t, getsockname(fd, address(0)), EBADF);
    fails(t, fcntl(fd, F_GETFL, 0), EBADF);
    fails(t, setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, 1), EBADF);
    fails(t, read(fd, buf, 0, 1), EBADF);
    fails(t, write(fd, buf, 0, 1), EBADF);
    fails(t, shutdown(fd, SHUT_WR), EBADF);
    fails(t, close(fd), EBADF);
  }
});

test.serial('descriptors: calls beyond the maximum give EMFILE, and a client to be accepted goes on waiting', (t) => {
  const sim = start({ maxFds: 5 });
  const listener = listenOn(PORT);
  const client = sim.connect(PORT);
  const other = newSocket();
  fails(t, newSocket(), EMFILE);
  fails(t, accept(listener, null), EMFILE);
  t.false(client.ended || client.wasReset);
  close(other);
  t.is(accept(listener, null), other);
});

test.serial('fcntl: F_GETFL gives what F_SETFL set, and the next socket starts without it', (t) => {
  const sim = start();
  const [, fd] = accepted(sim);
  const flags = fcntl(fd, F_GETFL, 0);
  t.is(flags & O_NONBLOCK, 0);
  t.is(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
  t.is(fcntl(fd, F_GETFL, 0), flags | O_NONBLOCK);
  close(fd);
  t.is(newSocket(), fd);
  t.is(fcntl(fd, F_GETFL, 0), flags);
  fails(t, fcntl(fd, 12345, 0), EINVAL);
});

test.serial('setsockopt: accepted sockets inherit what was set on the listening one, but not O_NONBLOCK', (t) => {
  const sim = start();
  const listener = listenOn(PORT);
  setsockopt(listener, SOL_SOCKET, SO_KEEPALIVE, 1);
  fcntl(listener, F_SETFL, O_NONBLOCK);
  sim.connect(PORT);
  const fd = accept(listener, null);
  t.is(sim.sockopt(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  t.is(fcntl(fd, F_GETFL, 0) & O_NONBLOCK, 0);
});

test.serial('setsockopt: a test can see the options set', (t) => {
  const sim = start();
  const fd = newSocket();
  const linger = { lOnoff: 1, lLinger: 5 };
  t.is(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
  t.is(setsockopt(fd, SOL_SOCKET, SO_LINGER, linger), 0);
  linger.lLinger = 9;
  t.is(sim.sockopt(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  t.deepEqual(sim.sockopt(fd, SOL_SOCKET, SO_LINGER), { lOnoff: 1, lLinger: 5 });
  t.is(sim.sockopt(fd, SOL_SOCKET, SO_REUSEADDR), undefined);
});

// Ports and connections

test.serial('bind: a port that is taken gives EADDRINUSE, until it is closed', (t) => {
  start();
  const first = listenOn(PORT);
  const second = newSocket();
  fails(t, bind(second, address(PORT)), EADDRINUSE);
  close(first);
  t.is(bind(second, address(PORT)), 0);
  fails(t, bind(second, address(PORT + 1)), EINVAL);
});

test.serial('bind: SO_REUSEADDR shares a port until one listens', (t) => {
  start();
  const [first, second, third] = [newSocket(), newSocket(), newSocket()];
  for (const fd of [first, second, third]) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  t.is(bind(first, address(PORT)), 0);
  t.is(bind(second, address(PORT)), 0);
  t.is(listen(first, 1), 0);
  fails(t, listen(second, 1), EADDRINUSE);
  fails(t, bind(third, address(PORT)), EADDRINUSE);
});

test.serial('bind: port 0 gives a free port, which getsockname reports', async (t) => {
  const sim = start();
  const fd = newSocket();
  t.is(bind(fd, address(0)), 0);
  t.is(listen(fd, 1), 0);
  const addr = address(0);
  t.is(getsockname(fd, addr), 0);
  t.true(addr.sinPort > 1024);
  t.true(sim.connect(addr.sinPort).connected);
  await sim.idle();
});

test.serial('connect: it is refused while no socket listens', (t) => {
  const sim = start();
  t.throws(() => sim.connect(PORT), { code: 'ECONNREFUSED' });
  const fd = newSocket();
  bind(fd, address(PORT));
  t.throws(() => sim.connect(PORT), { code: 'ECONNREFUSED' });
  listen(fd, 1);
  t.notThrows(() => sim.connect(PORT));
  close(fd);
  t.throws(() => sim.connect(PORT), { code: 'ECONNREFUSED' });
});

test.serial('accept: it gives connections in order, with their addresses, then EAGAIN', (t) => {
  const sim = start();
  const listener = listenOn(PORT);
  fails(t, accept(listener, null), EAGAIN);
  const clients = [sim.connect(PORT), sim.connect(PORT)];
  t.deepEqual(clients.map(({ fd }) => fd), [-1, -1]);
  for (const client of clients) {
    const peer = address(0);
    const fd = accept(listener, peer);
    t.deepEqual(peer, { sinFamily: AF_INET, sinPort: client.port, sinAddr: 0x7f000001 });
    t.is(client.fd, fd);
    const own = address(0);
    getsockname(fd, own);
    t.is(own.sinPort, PORT);
  }
  t.not(clients[0].port, clients[1].port);
  fails(t, accept(listener, null), EAGAIN);
  fails(t, accept(newSocket(), null), EINVAL);
});

test.serial('backlog: a connection beyond it waits until one is accepted', (t) => {
  const sim = start();
  const listener = listenOn(PORT, 1);
  const clients = [0, 1, 2, 3].map(() => sim.connect(PORT));
  const connected = (): boolean[] => clients.map((client) => client.connected);
  t.deepEqual(connected(), [true, true, false, false]);
  accept(listener, null);
  t.deepEqual(connected(), [true, true, true, false]);
  clients[3].send('early');
  const fds = [1, 2, 3].map(() => accept(listener, null));
  t.deepEqual(connected(), [true, true, true, true]);
  t.is(readText(fds[2]), 'early');
});

test.serial('backlog: waiting connections are reset when the listening socket is closed', (t) => {
  const sim = start();
  const listener = listenOn(PORT);
  const client = sim.connect(PORT);
  close(listener);
  t.true(client.wasReset);
});

test.serial('connect of the program: EINPROGRESS, then writable, then bytes both ways', async (t) => {
  const sim = start();
  const served: SimClient[] = [];
  sim.serve(PORT, (client) => served.push(client));
  const fd = newSocket();
  fails(t, connect(fd, address(PORT)), EINPROGRESS);
  fails(t, connect(fd, address(PORT)), EALREADY);
  t.is(writeText(fd, 'too early'), -EAGAIN);
  on(fd, EV_WRITE, () => {
    fails(t, connect(fd, address(PORT)), EISCONN);
    writeText(fd, 'from the program');
    on(fd, EV_READ, () => {
      t.is(readText(fd), 'to the program');
    });
  });
  const ended = eventDispatch();
  await sim.idle();
  t.is(served.length, 1);
  t.true(served[0].connected);
  t.is(served[0].take().toString(), 'from the program');
  served[0].send('to the program');
  t.is(await ended, 1);
});

test.serial('connect of the program: without a listener, the socket becomes writable, and a read gives ECONNREFUSED', async (t) => {
  const sim = start();
  const fd = newSocket();
  fails(t, connect(fd, address(PORT)), EINPROGRESS);
  const seen: (string | number)[] = [];
  on(fd, EV_WRITE, () => seen.push(readText(fd)));
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [ECONNREFUSED]);
  fails(t, read(fd, Buffer.alloc(1), 0, 1), ENOTCONN);
  t.is(sim.elapsed, 0);
});

test.serial('connect of the program: it can connect to itself', async (t) => {
  start();
  echoServer(PORT);
  const fd = newSocket();
  connect(fd, address(PORT));
  const seen: (string | number)[] = [];
  on(fd, EV_WRITE, () => {
    writeText(fd, 'hello');
    on(fd, EV_READ, () => {
      seen.push(readText(fd));
      running?.stop();
    });
  });
  t.is(await eventDispatch(), -1);
  t.deepEqual(seen, ['hello']);
});

// Bytes

test.serial('read: it gives EAGAIN, then bytes as they were sent, at most as many as asked for, and 0 after the end', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  t.is(readText(fd), EAGAIN);
  client.send('abc');
  client.send(Uint8Array.of(0xff, 0));
  t.is(readText(fd, 2), 'ab');
  t.is(readText(fd), 'c\xff\0');
  t.is(readText(fd), EAGAIN);
  client.send('last');
  client.end();
  t.is(readText(fd), 'last');
  t.is(readText(fd), '');
  t.is(readText(fd), '');
});

test.serial('read and write: they use only the given part of the buffer', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  client.send('bytes');
  const buf = Buffer.from('..........');
  t.is(read(fd, buf, 2, 3), 3);
  t.is(buf.toString(), '..byt.....');
  t.is(write(fd, buf, 1, 4), 4);
  t.is(client.take().toString(), '.byt');
  t.throws(() => read(fd, buf, 8, 3), { instanceOf: RangeError });
  t.throws(() => write(fd, buf, -1, 1), { instanceOf: RangeError });
  t.throws(() => sendmsg(fd, [{ buf, offset: 0, length: 11 }], 0), { instanceOf: RangeError });
});

test.serial('send: later changes to the buffer have no effect', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  const bytes = Buffer.from('before');
  client.send(bytes);
  bytes.fill('x');
  t.is(readText(fd), 'before');
});

test.serial('take: it gives what came since the last take', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  writeText(fd, 'one ');
  writeText(fd, 'two');
  t.is(client.take().toString(), 'one two');
  t.is(client.take().length, 0);
});

test.serial('end: the program reads the end, and its answer still arrives', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  client.end();
  t.is(readText(fd), '');
  t.is(writeText(fd, 'answer'), 6);
  t.is(client.take().toString(), 'answer');
  t.throws(() => {
    client.send('more');
  });
});

test.serial('reset: the program reads the bytes, then ECONNRESET once, then 0; a write gives EPIPE', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  client.send('bytes');
  client.reset();
  t.is(readText(fd), 'bytes');
  t.is(readText(fd), ECONNRESET);
  t.is(readText(fd), '');
  t.is(writeText(fd, 'x'), -EPIPE);
});

test.serial('reset: a write gives ECONNRESET just as a read does, once', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  client.reset();
  t.is(writeText(fd, 'x'), -ECONNRESET);
  t.is(writeText(fd, 'x'), -EPIPE);
  t.is(readText(fd), '');
});

test.serial('close: the program reads the end; its first write goes nowhere, the next gives EPIPE', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  client.close();
  t.is(readText(fd), '');
  t.is(writeText(fd, 'answer'), 6);
  t.is(writeText(fd, 'answer'), -EPIPE);
});

test.serial('close: a client that closes with unread bytes resets the connection', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  client.pauseReading();
  writeText(fd, 'unread');
  client.close();
  t.is(readText(fd), ECONNRESET);
});

test.serial('close by the program: the client gets the rest and the end', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  writeText(fd, 'bye');
  close(fd);
  t.true(client.ended);
  t.false(client.wasReset);
  t.is(client.take().toString(), 'bye');
  t.notThrows(() => {
    client.send('into the void');
  });
  t.true(client.wasReset);
});

test.serial('close by the program: with unread bytes, or as SO_LINGER says, it resets the connection', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  client.send('unread');
  close(fd);
  t.true(client.wasReset);
  t.false(client.ended);

  close(3);
  const [lingering, other] = accepted(sim);
  setsockopt(other, SOL_SOCKET, SO_LINGER, { lOnoff: 1, lLinger: 0 });
  close(other);
  t.true(lingering.wasReset);
});

test.serial('shutdown: for writing, the client gets the end and the program EPIPE', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  t.is(shutdown(fd, SHUT_WR), 0);
  t.true(client.ended);
  t.is(writeText(fd, 'x'), -EPIPE);
  client.send('still heard');
  t.is(readText(fd), 'still heard');
});

test.serial('shutdown: for reading, the program reads what is there and then the end', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  client.send('there');
  shutdown(fd, SHUT_RD);
  t.is(readText(fd), 'there');
  t.is(readText(fd), '');
  fails(t, shutdown(newSocket(), SHUT_WR), ENOTCONN);
});

test.serial('send buffer: it takes as much as it holds, then gives EAGAIN until the client reads', async (t) => {
  const sim = start({ sendBuffer: 10 });
  const [client, fd] = accepted(sim);
  client.pauseReading();
  t.is(writeText(fd, '0123456'), 7);
  t.is(writeText(fd, '789abc'), 3);
  t.is(writeText(fd, 'abc'), -EAGAIN);
  t.is(client.take().length, 0);

  const seen: number[] = [];
  on(fd, EV_WRITE, () => seen.push(writeText(fd, 'abc')));
  const ended = eventDispatch();
  await sim.idle();
  t.deepEqual(seen, []);
  client.resumeReading();
  t.is(await ended, 1);
  t.deepEqual(seen, [3]);
  t.is(client.take().toString(), '0123456789abc');
});

test.serial('inspection: a test can see the bytes in the kernel, in both directions, and the state of a connection', (t) => {
  const sim = start({ sendBuffer: 10 });
  const listener = listenOn(PORT);
  const client = sim.connect(PORT);
  client.send('one ');
  client.send('two');
  t.is(client.state, 'backlog');
  const fd = accept(listener, null);
  t.is(client.state, 'open');
  t.is(client.toProgram.length, 7);
  t.is(client.toProgram.peek(5).toString(), 'one t');
  t.is(read(fd, Buffer.alloc(2), 0, 2), 2);
  t.is(client.toProgram.peek(100).toString(), 'e two');

  t.true(client.reading);
  client.pauseReading();
  t.false(client.reading);
  writeText(fd, '012345');
  t.is(client.toClient.peek(3).toString(), '012');
  t.is(client.space, 4);
  t.is(client.take().length, 0);
  client.end();
  t.is(client.state, 'ended');
  t.is(read(fd, Buffer.alloc(9), 0, 9), 5);
  close(fd);
  t.is(client.state, 'closed');
});

test.serial('inspection: a test can see a reset', (t) => {
  const [client] = accepted(start());
  client.reset();
  t.is(client.state, 'reset');
});

test.serial('send buffer: the end of the stream comes after the bytes that it holds', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  client.pauseReading();
  writeText(fd, 'held');
  close(fd);
  t.false(client.ended);
  client.resumeReading();
  t.true(client.ended);
  t.is(client.take().toString(), 'held');
});

test.serial('readiness: it is level-triggered, and reported as long as it lasts', async (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  client.send('abc');
  let seen = '';
  on(fd, EV_READ | EV_PERSIST, () => {
    seen += String(readText(fd, 1));
  });
  t.is(await eventLoop(EVLOOP_NONBLOCK), 0);
  t.is(seen, 'abc');
});

for (const [name, happen] of [
  ['a reset', (client) => client.reset()],
  ['an end in both directions', (client, fd) => {
    client.end();
    shutdown(fd, SHUT_WR);
  }],
] as [string, (client: SimClient, fd: number) => void][]) {
  test.serial(`readiness: ${name} wakes readers and writers alike`, async (t) => {
    const sim = start();
    const [client, fd] = accepted(sim);
    const seen: string[] = [];
    client.pauseReading();
    while (writeText(fd, 'fill') > 0);
    on(fd, EV_WRITE, () => seen.push('write'));
    on(fd, EV_READ, () => seen.push('read'));
    await eventLoop(EVLOOP_NONBLOCK);
    t.deepEqual(seen, []);
    happen(client, fd);
    t.is(await eventDispatch(), 1);
    t.deepEqual(seen, ['read', 'write']);
  });
}

test.serial('readiness: a closed descriptor is no longer watched, and a new one with its number is not either', async (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  client.send('x');
  on(fd, EV_READ | EV_PERSIST, () => t.fail());
  close(fd);
  t.is(newSocket(), fd);
  t.is(await eventLoop(EVLOOP_NONBLOCK), 0);
});

// Interventions

test.serial('onCall: it is asked before each call, with what the call would find', (t) => {
  const sim = start({ sendBuffer: 100 });
  const [client, fd] = accepted(sim);
  client.send('12345');
  const asked: Call[] = [];
  sim.onCall = (call) => {
    asked.push(call);
    return undefined;
  };
  readText(fd, 3);
  writeText(fd, 'answer');
  fcntl(fd, F_SETFL, O_NONBLOCK);
  gettimeofday({ tvSec: 0, tvUsec: 0 });
  t.deepEqual(asked, [
    { name: 'read', fd, args: [], length: 3, available: 5 },
    { name: 'write', fd, args: [], length: 6, available: 100 },
    { name: 'fcntl', fd, args: [F_SETFL, O_NONBLOCK], length: 0, available: 0 },
  ]);
});

test.serial('onCall: an errno makes the call fail without effect', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  client.send('bytes');
  sim.onCall = ({ name }) => (name === 'read' ? { errno: EINTR } : undefined);
  t.is(readText(fd), EINTR);
  sim.onCall = null;
  t.is(readText(fd), 'bytes');
});

test.serial('onCall: every call that a program makes can be made to fail', (t) => {
  const sim = start();
  const [, fd] = accepted(sim);
  const buf = Buffer.alloc(1);
  const names: CallName[] = [];
  sim.onCall = ({ name }) => {
    names.push(name);
    return { errno: EINVAL };
  };
  fails(t, newSocket(), EINVAL);
  fails(t, bind(fd, address(1)), EINVAL);
  fails(t, listen(fd, 1), EINVAL);
  fails(t, accept(fd, null), EINVAL);
  fails(t, connect(fd, address(1)), EINVAL);
  fails(t, getsockname(fd, address(0)), EINVAL);
  fails(t, getpeername(fd, address(0)), EINVAL);
  fails(t, fcntl(fd, F_GETFL, 0), EINVAL);
  fails(t, setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, 1), EINVAL);
  fails(t, read(fd, buf, 0, 1), EINVAL);
  fails(t, write(fd, buf, 0, 1), EINVAL);
  fails(t, shutdown(fd, SHUT_WR), EINVAL);
  fails(t, close(fd), EINVAL);
  fails(t, getrandom(buf), EINVAL);
  t.deepEqual(names, [
    'socket', 'bind', 'listen', 'accept', 'connect', 'getsockname', 'getpeername', 'fcntl', 'setsockopt', 'read',
    'write', 'shutdown', 'close', 'getrandom',
  ]);
  t.deepEqual(sim.openFds(), [3, fd]);
});

test.serial('onCall: a limit bounds the bytes moved, but at least one byte moves', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  client.send('0123456789');
  sim.onCall = () => ({ limit: 4 });
  t.is(readText(fd), '0123');
  t.is(writeText(fd, 'abcdefgh'), 4);
  sim.onCall = () => ({ limit: 0 });
  t.is(readText(fd), '4');
  t.is(client.take().toString(), 'abcd');
});

test.serial('onCall: ECONNRESET on a read ends the connection for both sides', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  sim.onCall = ({ name }) => (name === 'read' ? { errno: ECONNRESET } : undefined);
  t.is(readText(fd), ECONNRESET);
  sim.onCall = null;
  t.true(client.wasReset);
  t.is(readText(fd), '');
  t.is(writeText(fd, 'x'), -EPIPE);
});

test.serial('faults: a function decides when onCall is not set', (t) => {
  const sim = start({ faults: ({ name }) => (name === 'socket' ? { errno: EMFILE } : undefined) });
  fails(t, newSocket(), EMFILE);
  sim.onCall = () => ({ errno: EINTR });
  fails(t, newSocket(), EINTR);
});

test.serial('faults: a table makes the named calls fail with the given errnos and frequency, the same by seed', (t) => {
  const call: Call = { name: 'write', fd: 3, args: [], length: 1, available: 1 };
  const outcomes = (seed: number): string[] => {
    const hook = randomFaults({ write: { probability: 0.25, errnos: [EAGAIN, EINTR] } }, new Random(seed));
    return Array.from({ length: 1000 }, () => JSON.stringify(hook(call) ?? null));
  };
  const seen = outcomes(7);
  t.deepEqual(outcomes(7), seen);
  t.notDeepEqual(outcomes(8), seen);
  const kinds = ['null', JSON.stringify({ errno: EAGAIN }), JSON.stringify({ errno: EINTR })];
  t.deepEqual([...new Set(seen)].sort(), kinds.sort());
  const failed = seen.filter((outcome) => outcome !== 'null').length;
  t.true(failed > 150 && failed < 350);
  const always = randomFaults({ write: { probability: 1, errnos: [EAGAIN] } }, new Random(1));
  t.deepEqual(always(call), { errno: EAGAIN });
  t.is(always({ ...call, name: 'read' }), undefined);
});

// The record of calls

test.serial('transcript: it lists the calls of one connection, in the form of a trace of the C server', async (t) => {
  const sim = start();
  echoServer(PORT);
  void eventDispatch();
  const client = sim.connect(PORT);
  client.send('hello');
  await sim.idle();
  const { fd } = client;
  const expected = [['accept'], ['read', 64, 5], ['write', 5, 5]];
  t.deepEqual(sim.transcript(client), expected);
  t.deepEqual(sim.transcript(fd), expected);
  client.close();
  await sim.idle();
  t.deepEqual(sim.transcript(client), [...expected, ['read', 64, 0], ['close']]);

  const next = sim.connect(PORT);
  await sim.idle();
  t.is(next.fd, fd);
  t.deepEqual(sim.transcript(fd), [['accept']]);
  t.is(sim.transcript(client).length, 5);
});

test.serial('calls: each has name, descriptor, arguments, length, and result or errno name', (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  client.send('abc');
  const before = sim.calls.length;
  readText(fd, 10);
  readText(fd, 7);
  fcntl(fd, F_GETFL, 0);
  t.deepEqual(sim.calls.slice(before).map(({ socket: _, ...call }) => call), [
    { name: 'read', fd, args: [], length: 10, result: 3 },
    { name: 'read', fd, args: [], length: 7, result: 'EAGAIN' },
    { name: 'fcntl', fd, args: [F_GETFL, 0], length: null, result: 2 },
  ]);
});

test.serial('calls: they are not recorded when recording is off', (t) => {
  const sim = start({ record: false });
  newSocket();
  t.is(sim.calls.length, 0);
  sim.recording = true;
  newSocket();
  t.is(sim.calls.length, 1);
});

// Chance

/** A run in which clients send at chosen times to an echo server, and read late. What they got, and the calls. */
async function chatter(options: Partial<SimulationOptions>): Promise<{ heard: string[]; log: string }> {
  const sim = start({ autoAdvance: true, sendBuffer: 32, ...options });
  echoServer(PORT);
  const clients: SimClient[] = [];
  for (let i = 0; i < 3; i++) {
    sim.at(1, () => {
      const client = sim.connect(PORT);
      clients.push(client);
      client.pauseReading();
      for (let k = 0; k < 5; k++) {
        sim.at(2 + k, () => {
          client.send(`client ${i}, line ${k}, with some more bytes so that it takes several writes\n`);
        });
      }
    });
  }
  sim.at(20, () => {
    for (const client of clients) client.resumeReading();
  });
  sim.at(30, () => {
    sim.stop();
  });
  await eventDispatch();
  return { heard: clients.map((client) => client.take().toString()), log: JSON.stringify(sim.calls) };
}

const EXPECTED = [0, 1, 2].map((i) => {
  return [0, 1, 2, 3, 4].map((k) => {
    return `client ${i}, line ${k}, with some more bytes so that it takes several writes\n`;
  }).join('');
});

test.serial('seed: the same seed gives the same run, call by call, and every byte arrives', async (t) => {
  const faults = { read: { probability: 0.2, errnos: [EINTR] }, write: { probability: 0.2, errnos: [EAGAIN, EINTR] } };
  await fc.assert(fc.asyncProperty(fc.integer(), async (seed) => {
    const first = await chatter({ seed, shortIo: true, shuffle: true, faults });
    const second = await chatter({ seed, shortIo: true, shuffle: true, faults });
    t.is(first.log, second.log);
    t.deepEqual(first.heard, EXPECTED);
  }), { numRuns: 20 });
});

test.serial('seed: another seed gives another run', async (t) => {
  const logs = new Set<string>();
  for (let seed = 0; seed < 5; seed++) logs.add((await chatter({ seed, shortIo: true })).log);
  t.is(logs.size, 5);
});

test.serial('seed: it has no effect when nothing is random', async (t) => {
  t.deepEqual(await chatter({ seed: 1 }), await chatter({ seed: 2 }));
});

test.serial('seed: the sequence of numbers never changes, so that a seed can be noted down', (t) => {
  const random = new Random(1);
  t.deepEqual([random.next(), random.next(), random.next()], [2693262067, 11749833, 2265367787]);
});

test.serial('shortIo: reads and writes move between one byte and all', (t) => {
  const sim = start({ shortIo: true });
  const [client, fd] = accepted(sim);
  const sizes = new Set<number>();
  for (let i = 0; i < 200; i++) {
    client.send('abc');
    const text = readText(fd);
    t.true(typeof text === 'string' && text.length > 0);
    sizes.add(String(text).length);
    while (typeof readText(fd) === 'string');
    sizes.add(10 + writeText(fd, 'xyz'));
  }
  t.deepEqual([...sizes].sort((a, b) => a - b), [1, 2, 3, 11, 12, 13]);
});

test.serial('shortIo: accept gives some of the waiting connections in a turn, and all in the end', async (t) => {
  const sizes = new Set<number>();
  for (let seed = 0; seed < 20; seed++) {
    const sim = start({ seed, shortIo: true });
    const batches: number[] = [];
    on(listenOn(PORT), EV_READ | EV_PERSIST, (listener) => {
      let n = 0;
      while (accept(listener, null) !== -1) n++;
      batches.push(n);
    });
    for (let i = 0; i < 3; i++) sim.connect(PORT);
    t.is(await eventLoop(EVLOOP_NONBLOCK), 0);
    t.is(batches.reduce((sum, n) => sum + n), 3);
    sizes.add(batches[0]);
  }
  t.deepEqual([...sizes].sort(), [1, 2, 3]);
});

test.serial('shuffle: ready descriptors are reported in random order; without it, in the order they became ready', async (t) => {
  const orderOf = async (seed: number, shuffle: boolean): Promise<string> => {
    const sim = start({ seed, shuffle });
    const pairs = [0, 1, 2].map(() => sim.socketpair());
    let seen = '';
    pairs.forEach(([, b], i) => {
      on(b, EV_READ, () => {
        seen += String(i);
      });
    });
    for (const i of [2, 0, 1]) writeText(pairs[i][0], 'x');
    t.is(await eventDispatch(), 1);
    return seen;
  };
  const orders = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    t.is(await orderOf(seed, false), '201');
    orders.add(await orderOf(seed, true));
  }
  t.is(orders.size, 6);
});

test.serial('getrandom: it fills the buffer, the same by seed', (t) => {
  const bytes = (seed: number): Buffer => {
    start({ seed });
    const buf = Buffer.alloc(16);
    t.is(getrandom(buf), 16);
    return buf;
  };
  t.deepEqual(bytes(5), bytes(5));
  t.notDeepEqual(bytes(5), bytes(6));
});

// Time

test.serial('clock: it begins at a fixed date or at the given one, and stands still', (t) => {
  const tv: Timeval = { tvSec: 0, tvUsec: 0 };
  start();
  gettimeofday(tv);
  t.deepEqual(new Date(tv.tvSec * 1000), new Date('2003-06-23T00:00:00Z'));
  const sim = start({ startTime: 1000.25 });
  gettimeofday(tv);
  t.deepEqual(tv, { tvSec: 1000, tvUsec: 250000 });
  t.is(sim.now, 1000.25);
});

test.serial('advance: timers and actions fire in the order of their times, each at its time', async (t) => {
  const sim = start();
  const seen: [string, number][] = [];
  timer(2, () => seen.push(['timer', sim.elapsed]));
  timer(0.5, () => seen.push(['timer', sim.elapsed]));
  timer(5, () => seen.push(['too late', sim.elapsed]));
  sim.at(1, () => seen.push(['action', sim.elapsed]));
  sim.at(3, () => seen.push(['action', sim.elapsed]));
  void eventDispatch();
  await sim.advance(0.4);
  t.deepEqual(seen, []);
  await sim.advance(3.6);
  t.deepEqual(seen, [['timer', 0.5], ['action', 1], ['timer', 2], ['action', 3]]);
  t.is(sim.elapsed, 4);
});

test.serial('advance: actions of the same time run in the order in which they were given', async (t) => {
  const sim = start();
  const seen: string[] = [];
  for (const name of ['a', 'b', 'c']) sim.at(1, () => seen.push(name));
  sim.at(0.5, () => sim.at(1, () => seen.push('d')));
  await sim.advance(1);
  t.deepEqual(seen, ['a', 'b', 'c', 'd']);
});

test.serial('advance: time passes also without a running loop', async (t) => {
  const sim = start();
  await sim.advance(1.5);
  t.is(sim.elapsed, 1.5);
  timer(1, () => {});
  const ended = eventDispatch();
  await sim.advance(10);
  t.is(await ended, 1);
  t.is(sim.elapsed, 11.5);
});

test.serial('setClock: it moves the clock and nothing else', async (t) => {
  const sim = start();
  sim.setClock(5000);
  t.is(sim.now, 5000);
  t.is(sim.elapsed, 0);
  await sim.advance(2);
  t.is(sim.now, 5002);
  sim.setClock(1);
  t.is(sim.now, 1);
});

test.serial('slowDown: the monotonic clock advances each time it is read', (t) => {
  const sim = start();
  t.is(monotonic(), 0);
  sim.slowDown(0.25);
  t.is(monotonic(), 0.25);
  t.is(monotonic(), 0.5);
  t.is(sim.elapsed, 0.5);
});

test.serial('idle: it resolves when all that the test did has been processed', async (t) => {
  const sim = start();
  echoServer(PORT);
  void eventDispatch();
  const clients = [0, 1, 2].map(() => sim.connect(PORT));
  await sim.idle();
  clients.forEach((client, i) => {
    client.send(`to ${i}`);
  });
  await sim.idle();
  t.deepEqual(clients.map((client) => client.take().toString()), ['to 0', 'to 1', 'to 2']);
  await sim.idle();
  t.is(sim.elapsed, 0);
});

test.serial('idle: it rejects when the loop does not come to rest, and stops the loop', async (t) => {
  const sim = start({ maxTurns: 500 });
  on(sim.socketpair()[0], EV_WRITE | EV_PERSIST, () => {});
  const ended = eventDispatch();
  await t.throwsAsync(sim.idle(), { message: /without coming to rest/ });
  t.is(await ended, -1);
});

test.serial('autoAdvance: a fully scheduled run advances by itself', async (t) => {
  const sim = start({ autoAdvance: true });
  echoServer(PORT);
  const seen: [number, string][] = [];
  sim.at(10, () => {
    const client = sim.connect(PORT);
    client.onReceive = () => {
      seen.push([sim.elapsed, client.take().toString()]);
      if (seen.length === 3) sim.stop();
      sim.at(sim.elapsed + 60, () => {
        client.send(`line ${seen.length}`);
      });
    };
    client.send('line 0');
  });
  t.is(await eventDispatch(), -1);
  t.deepEqual(seen, [[10, 'line 0'], [70, 'line 1'], [130, 'line 2']]);
});

test.serial('onReceive: it reports bytes, the end and a reset, but not from within the program', async (t) => {
  const sim = start();
  const [client, fd] = accepted(sim);
  const [other, otherFd] = [sim.connect(PORT), accept(3, null)];
  let told = 0;
  for (const each of [client, other]) {
    each.onReceive = () => {
      told++;
    };
  }
  timer(1, () => {
    writeText(fd, 'x');
    writeText(fd, 'y');
    t.is(told, 0);
  });
  timer(2, () => {
    close(fd);
  });
  timer(3, () => {
    setsockopt(otherFd, SOL_SOCKET, SO_LINGER, { lOnoff: 1, lLinger: 0 });
    close(otherFd);
  });
  timer(4, () => {});
  const ended = eventDispatch();
  await sim.advance(1);
  t.is(told, 1);
  await sim.advance(1);
  t.is(told, 2);
  await sim.advance(1);
  t.is(told, 3);
  await sim.advance(1);
  t.is(await ended, 1);
});

test.serial('stop: it ends the loop with -1, from an action, a callback or outside', async (t) => {
  const inAction = start();
  on(inAction.socketpair()[0], EV_READ, () => {});
  inAction.soon(() => {
    inAction.stop();
  });
  t.is(await eventDispatch(), -1);

  const inCallback = start();
  let calls = 0;
  on(inCallback.socketpair()[0], EV_WRITE | EV_PERSIST, () => {
    calls++;
    inCallback.stop();
  });
  t.is(await eventDispatch(), -1);
  t.is(calls, 1);

  const outside = start();
  on(outside.socketpair()[0], EV_READ, () => {});
  const ended = eventDispatch();
  await outside.idle();
  outside.stop();
  t.is(await ended, -1);
});

test.serial('interrupt: the loop looks again at what it waits for', async (t) => {
  const sim = start();
  on(sim.socketpair()[0], EV_READ, () => {});
  const ended = eventDispatch();
  await sim.idle();
  const seen: number[] = [];
  timer(1, () => {
    seen.push(sim.elapsed);
    sim.stop();
  });
  sim.interrupt();
  await sim.idle();
  await sim.advance(4);
  t.deepEqual(seen, [1]);
  t.is(await ended, -1);
  t.is(sim.calls.find(({ name }) => name === 'epoll_wait')?.result, 'EINTR');
});

test.serial('kill: it says whether the signal has a listener', (t) => {
  const sim = start();
  t.false(sim.kill(constants.signals.SIGUSR2));
  const seen: unknown[] = [];
  const listener = (name: string, sig: number): void => {
    seen.push(name, sig);
  };
  process.on('SIGUSR2', listener);
  t.true(sim.kill(constants.signals.SIGUSR2));
  process.removeListener('SIGUSR2', listener);
  t.deepEqual(seen, ['SIGUSR2', constants.signals.SIGUSR2]);
});
