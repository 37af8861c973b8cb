// The net backend's own limits: node:net accepts and reads by itself, and they keep that within what a kernel would do.
// (What net has in common with epoll is in reactor.spec.ts.)
import { connect as connectTo, createServer } from 'node:net';
import type { AddressInfo, Server as NetServer, ServerOpts, Socket } from 'node:net';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { EAGAIN, errno } from '../reactor/errno.h';
import { Errx } from '../reactor/err';
import { EVLOOP_NONBLOCK, EV_READ } from '../reactor/event.h';
import { eventLoop } from '../reactor/event';
import { Connection } from '../reactor/net/connection';
import { WriteBuffer } from '../reactor/net/writebuffer';
import { Descriptor } from '../reactor/net/descriptor';
import { probe } from '../reactor/net/probe';
import { CHUNKS_MAX, ReceiveBuffer } from '../reactor/net/receive';
import { AF_INET, SOCK_STREAM } from '../reactor/socket.h';
import { accept, bind, close, getsockname, lingering, listen, sendmsg, socket, write } from '../reactor/syscalls';
import { Client, ask } from './support/client';
import { environment, program, startServer } from './support/server';
import type { Server } from './support/server';
import { LOOPBACK, init, listener, unblock, until } from './support/sockets';
import { where } from './support/where';

const { EFAULT } = constants.errno;
const LINUX = process.platform === 'linux';
const buf = new Uint8Array(1 << 20);

/** Node's clocks and timers, which stand still unless they are put on. */
class StoppedClock {
  private now = performance.now();
  private timers: { due: number; callback: () => void }[] = [];
  private readonly real = { setTimeout, clearTimeout };
  private readonly performanceNow = performance.now.bind(performance);
  private readonly dateNow = Date.now;

  constructor(t: ExecutionContext) {
    const start = Date.now() - this.now;
    performance.now = () => this.now;
    Date.now = () => Math.floor(start + this.now);
    const set = (callback: () => void, delay = 0): unknown => {
      const timer = { due: this.now + delay, callback, unref: () => timer, ref: () => timer };
      this.timers.push(timer);
      return timer;
    };
    const clear = (timer: unknown): void => void (this.timers = this.timers.filter((other) => other !== timer));
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
    t.teardown(() => {
      performance.now = this.performanceNow;
      Date.now = this.dateNow;
      Object.assign(globalThis, this.real);
    });
  }

  async advance(milliseconds: number): Promise<void> {
    this.now += milliseconds;
    await turns(3);
    for (const timer of this.timers.filter(({ due }) => due <= this.now)) {
      this.timers.splice(this.timers.indexOf(timer), 1);
      timer.callback();
    }
    await turns(3);
  }
}

/** Turns of our loop, and of Node's. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await eventLoop(EVLOOP_NONBLOCK);
    await new Promise(setImmediate);
  }
}

async function pair(): Promise<{ fd: number; peer: Socket }> {
  const server = listener();
  await new Promise(setImmediate); // it listens a tick after it was asked to
  const peer = connectTo({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  peer.on('error', () => {}); // 'close' follows
  await Promise.all([once(peer, 'connect'), until(server.fd, EV_READ)]);
  const fd = unblock(accept(server.fd, null));
  close(server.fd);
  return { fd, peer };
}

/** Writes until nothing is taken any more. */
async function fill(fd: number): Promise<number> {
  let sent = 0;
  for (let stopped = 0; stopped < 10;) {
    const res = write(fd, buf, 0, buf.length);
    if (res > 0) sent += res;
    else {
      if (errno !== EAGAIN) throw new Error(`errno ${errno}`);
      stopped++;
      await turns(3);
    }
  }
  return sent;
}

/** Has it read, until there is nothing more; says how many bytes came. */
async function receivedBy(peer: Socket): Promise<number> {
  peer.resume();
  for (let over = false; !over; over = peer.readableEnded || peer.destroyed) await turns(1);
  peer.destroy();
  await turns(3);
  return peer.bytesRead;
}

for (const economy of [false, true]) {
  const mode = economy ? ' with economy' : '';

  test.serial(`net${mode}: bytes left after close still arrive if there is progress within 60 seconds`, async (t) => {
    init('net', economy);
    const { fd, peer } = await pair();
    const clock = new StoppedClock(t);
    const sent = await fill(fd);
    close(fd);
    await clock.advance(59_000);
    t.is(await receivedBy(peer), sent);
    t.is(lingering(), 0);
  });

  test.serial(`net${mode}: bytes left after close are dropped after 60 seconds without progress`, async (t) => {
    init('net', economy);
    const { fd, peer } = await pair();
    const clock = new StoppedClock(t);
    const sent = await fill(fd);
    close(fd);
    t.is(lingering(), 1);
    await clock.advance(59_000);
    await clock.advance(2000);
    await clock.advance(0);
    t.is(lingering(), 0);
    t.true(await receivedBy(peer) < sent);
  });
}

test.serial('net: a write beyond its buffer gives EFAULT, and sends nothing', async (t) => {
  init('net');
  const { fd, port } = listener();
  const client = await Client.connect(port);
  await until(fd);
  const connection = unblock(accept(fd, null));
  const bytes = Buffer.from('hello');
  t.is(write(connection, bytes, 1, 5), -1);
  t.is(errno, EFAULT);
  t.is(sendmsg(connection, [{ buf: bytes, offset: 0, length: 5 }, { buf: bytes, offset: 1, length: 5 }], 0), -1);
  t.is(errno, EFAULT);
  t.is(sendmsg(connection, [{ buf: bytes, offset: 0, length: 5 }], 0), 5);
  close(connection);
  t.is(await client.closed(), 'hello');
  close(fd);
});

test.serial('net: a port taken by another process between bind and listen ends the loop', async (t) => {
  init('net');
  const fd = socket(AF_INET, SOCK_STREAM, 0);
  const addr = { sinFamily: AF_INET, sinPort: 0, sinAddr: LOOPBACK };
  t.is(bind(fd, addr), 0);
  getsockname(fd, addr);
  const other = createServer().listen(addr.sinPort, '127.0.0.1');
  t.teardown(() => other.close());
  await once(other, 'listening');
  t.is(listen(fd, 1), 0);
  const error = await t.throwsAsync(until(fd, EV_READ), { instanceOf: Errx });
  t.is(error.status, 1);
  t.is(error.message, `failed to listen on 127.0.0.1:${addr.sinPort}: address already in use`);
  t.is(close(fd), 0);
});

test.serial('net: a probe thread that starts too late does not try the port', async (t) => {
  const threads = process.getBuiltinModule('node:worker_threads');
  const { Worker } = threads;
  t.teardown(() => Object.assign(threads, { Worker }));
  let over: Promise<unknown> = Promise.resolve(), result: Int32Array = new Int32Array(0);
  class LateWorker extends EventEmitter {
    constructor(source: string, options: { workerData: { result: Int32Array } }) {
      super();
      ({ result } = options.workerData);
      over = new Promise((resolve) => setImmediate(() => new Worker(source, options).on('exit', resolve)));
    }

    unref(): void {}

    terminate(): void {}
  }
  Object.assign(threads, { Worker: LateWorker });
  t.is(probe({ sinFamily: AF_INET, sinPort: 0, sinAddr: LOOPBACK }, false, SOCK_STREAM, 100), 0);
  await over;
  t.is(result.at(2), 0, 'no port');
});

/** Runs in the server: the worker thread that tries a port for bind finds every port free. */
const PROBE_FOOLED = `
require('node:worker_threads').Worker = class extends require('node:events') {
  constructor(_source, { workerData: { port, result } }) {
    super();
    result.set([2, 0, port]);
  }
  unref() {}
};`;

test('net: a server that loses its port after bind reports it in one line, and ends with status 1', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.teardown(() => other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const hook = join(mkdtempSync(join(tmpdir(), 'net-spec-')), 'hook.js');
  t.teardown(() => rmSync(dirname(hook), { recursive: true }));
  writeFileSync(hook, PROBE_FOOLED);
  const child = spawn(process.execPath, ['-r', hook, program, '--1.0', '-p', String(port), '-l', '127.0.0.1'], {
    env: { ...process.env, NODE_V8_COVERAGE: undefined, ...environment('net') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [said, [status]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number]>]);
  t.is(said, `memcached-ts: failed to listen on 127.0.0.1:${port}: address already in use\n`);
  t.is(status, 1);
});

/** Descriptors that the server has open. */
function descriptors({ process: { pid } }: Server): number {
  return readdirSync(`/proc/${String(pid)}/fd`).length;
}

/** The process that keeps the server's listening socket. */
function keeperOf({ process: { pid } }: Server): number {
  return Number(readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'latin1'));
}

/** `first` are served before the others come. */
async function crowd(server: Server, first: number, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < first) {
    const client = await Client.connect(server.port);
    await client.ask('version\r\n');
    clients.push(client);
  }
  return [...clients, ...await Promise.all(Array.from({ length: count - first }, () => Client.connect(server.port)))];
}

/** All ask at once. A client that has its answer makes room for another. */
async function askInTurns(clients: readonly Client[]): Promise<string[]> {
  return Promise.all(clients.map(async (client) => {
    const reply = await client.ask('version\r\n');
    client.destroy();
    return reply;
  }));
}

const onLinux = where(LINUX, '/proc', test.serial);

onLinux('net: clients beyond -c wait in the kernel, take no descriptor, and are served later', async (t) => {
  const server = await startServer({ backend: 'net', args: ['-c', '20'] });
  t.teardown(() => server.stop());
  const before = descriptors(server);
  const clients = await crowd(server, 20, 300);
  await clients[0].ask('version\r\n');
  t.true(descriptors(server) <= before + 20 + 16, `${descriptors(server)} after ${before}`);
  const replies = await askInTurns(clients);
  t.deepEqual(replies, clients.map(() => 'VERSION 1.0.4\r\n'));
  t.is(await ask(server.port, 'version\r\n'), 'VERSION 1.0.4\r\n');
});

onLinux('net: no client is disconnected when there are more clients than descriptors', async (t) => {
  const server = await startServer({ backend: 'net', under: ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh'] });
  t.teardown(() => server.stop());
  const clients = await crowd(server, 1, 200);
  await clients[0].ask('version\r\n');
  t.true(descriptors(server) < 64);
  t.deepEqual(await askInTurns(clients), clients.map(() => 'VERSION 1.0.4\r\n'));
});

onLinux('net: when the process that keeps the socket is killed, the server listens again', async (t) => {
  const server = await startServer({ backend: 'net', args: ['-c', '2'] });
  t.teardown(() => server.stop());
  const clients = await crowd(server, 2, 50);
  while (keeperOf(server) === 0) await clients[0].ask('version\r\n');
  const killed = keeperOf(server);
  process.kill(killed, 'SIGKILL');
  while (keeperOf(server) === killed) await clients[0].ask('version\r\n');
  for (const client of clients) client.destroy();
  t.is(await ask(server.port, 'version\r\n'), 'VERSION 1.0.4\r\n');
});

onLinux('net: the process that keeps the socket ends with the server', async (t) => {
  const server = await startServer({ backend: 'net', args: ['-c', '2'] });
  const clients = await crowd(server, 2, 50);
  while (keeperOf(server) === 0) await clients[0].ask('version\r\n');
  const keeper = keeperOf(server);
  server.process.kill('SIGKILL');
  while (isRunning(keeper)) await new Promise(setImmediate);
  t.false(isRunning(keeper));
  for (const client of clients) client.destroy();
});

function isRunning(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1][0] !== 'Z';
  } catch {
    return false;
  }
}

interface Accepted {
  connection: Connection;
  socket: Socket;
  peer: Socket;
  server: NetServer;
}

async function accepted(options: ServerOpts = {}): Promise<Accepted> {
  const server = createServer({ allowHalfOpen: true, ...options }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = connectTo({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
  const [socket] = await once(server, 'connection') as [Socket];
  return { connection: new Connection(socket, new WriteBuffer()), socket, peer, server };
}

test.serial('net: few chunks are read ahead from a client that sends byte by byte, as each takes much memory', async (t) => {
  const { connection, socket, peer, server } = await accepted();
  for (let sent = 0; !socket.isPaused(); sent++) {
    t.true(sent <= 2 * CHUNKS_MAX);
    peer.write('x');
    await once(socket, 'data');
  }
  for (let n = socket.bytesRead; n > 0; n--) t.is(connection.read(buf, 0, 1), 1);
  peer.write('y');
  await once(socket, 'data');
  t.is(connection.read(buf, 0, 10), 1);
  peer.destroy();
  socket.destroy();
  server.close();
});

test.serial('net: chunks already read are released, even if there is always more to read', async (t) => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const input = new ReceiveBuffer();
  const chunks: WeakRef<Uint8Array>[] = [];
  const push = (): void => {
    const chunk = new Uint8Array(1000);
    chunks.push(new WeakRef(chunk));
    input.push(chunk);
  };
  for (let i = 0; i < 3; i++) push();
  for (let i = 0; i < 1000; i++) {
    push();
    t.is(input.read(buf, 0, 1000), 1000);
  }
  await new Promise(setImmediate);
  gc();
  t.is(chunks.filter((chunk) => chunk.deref() !== undefined).length, 3);
  t.is(input.length, 3000);
});

test.serial('net: bytes of a connection that was not accepted are not read', async (t) => {
  const { connection, socket, peer, server } = await accepted({ pauseOnConnect: true });
  await new Promise<void>((resolve) => void peer.write('hello', () => resolve()));
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  t.is(socket.bytesRead, 0);
  connection.open(new Descriptor(connection, () => {}));
  await once(socket, 'data');
  t.is(connection.read(buf, 0, 10), 5);
  peer.destroy();
  socket.destroy();
  server.close();
});
