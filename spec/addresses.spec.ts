// Addresses of the three families: IPv4, IPv6, and paths of unix sockets. On each backend with real sockets, then in a
// simulation.
import { connect as connectTo } from 'node:net';
import type { NetConnectOpts, Socket } from 'node:net';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants, networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { eventEconomy } from '../reactor/backends';
import { EADDRINUSE, EAFNOSUPPORT, EAGAIN, EBADF, EINVAL, ENOENT, ENOTCONN, EOPNOTSUPP, errno } from '../reactor/errno.h';
import { EVLOOP_NONBLOCK, EV_READ, EV_WRITE } from '../reactor/event.h';
import { eventLoop } from '../reactor/event';
import { sockaddrStorage } from '../reactor/sockaddr';
import {
  AF_INET, AF_INET6, AF_UNIX, IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE, SO_LINGER,
  SO_REUSEADDR, TCP_NODELAY,
} from '../reactor/socket.h';
import type { Sockaddr, SockaddrIn, SockaddrIn6, SockaddrUn } from '../reactor/socket.h';
import {
  accept, bind, close, connect, getpeername, getsockname, listen, read, setsockopt, shutdown, socket, write,
} from '../reactor/syscalls';
import { freePort } from '../scripts/free-port';
import { fails, readText, writeText } from './support/calls';
import { backends } from './support/server';
import { start, stopAll } from './support/simulated';
import { LOOPBACK, init, listener, unblock, until } from './support/sockets';
import { where } from './support/where';

const { ENOPROTOOPT } = constants.errno;

const HAS_IPV6 = Object.values(networkInterfaces()).flat().some((address) => address?.address === '::1');
const on6 = where(HAS_IPV6, 'an interface with ::1', test.serial);
const onUnix = where(process.platform !== 'win32', 'unix sockets', test.serial);
const onLinux = where(process.platform === 'linux', '/proc', test.serial);

function in4(port: number, sinAddr = LOOPBACK): SockaddrIn {
  return { sinFamily: AF_INET, sinPort: port, sinAddr };
}

function in6(port: number, sin6Addr = '::1'): SockaddrIn6 {
  return { sin6Family: AF_INET6, sin6Port: port, sin6Addr };
}

function un(sunPath: string): SockaddrUn {
  return { sunFamily: AF_UNIX, sunPath };
}

/** A path in a folder of the test's own. */
function newPath(t: ExecutionContext, name = 'socket'): string {
  const folder = mkdtempSync(join(tmpdir(), 'addresses-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, name);
}

function listenAt(addr: Sockaddr, domain: number, v6Only = false): number {
  const fd = socket(domain, SOCK_STREAM, 0);
  if (v6Only) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (bind(fd, addr) === -1 || listen(fd, 1024) === -1) throw new Error(`errno ${errno}`);
  return fd;
}

function portOf(fd: number): number {
  const addr = in4(0);
  getsockname(fd, addr);
  return addr.sinPort;
}

/** A client, and the descriptor of our end. */
async function meet(server: number, options: NetConnectOpts): Promise<[Socket, number]> {
  await new Promise(setImmediate); // node:net listens a tick after it was asked to
  const peer = connectTo(options);
  await Promise.all([once(peer, 'connect'), until(server, EV_READ)]);
  return [peer, unblock(accept(server, null))];
}

/** Bytes go both ways. */
async function talk(t: ExecutionContext, peer: Socket, fd: number): Promise<void> {
  peer.write('hello');
  await until(fd, EV_READ);
  t.is(readText(fd), 'hello');
  t.is(writeText(fd, 'and back'), 8);
  const [heard] = await Promise.all([once(peer, 'data') as Promise<[Buffer]>, eventLoop(EVLOOP_NONBLOCK)]);
  t.is(heard[0].toString(), 'and back');
}

for (const backend of backends) {
  on6(`${backend}: a listener on ::1 serves, and getsockname and getpeername give its addresses`, async (t) => {
    init(backend);
    const server = listenAt(in6(0), AF_INET6);
    const port = portOf(server);
    const [peer, fd] = await meet(server, { host: '::1', port });
    await talk(t, peer, fd);
    const addr = sockaddrStorage();
    t.is(getsockname(fd, addr), 0);
    t.is(addr.ssFamily, AF_INET6);
    t.deepEqual(addr.in6, in6(port));
    t.is(getpeername(fd, addr), 0);
    t.deepEqual(addr.in6, in6(peer.localPort ?? 0));
    fails(t, getpeername(server, addr), ENOTCONN);
    peer.destroy();
    close(fd);
    fails(t, getpeername(fd, addr), EBADF);
    close(server);
  });

  on6(`${backend}: an IPv6 socket accepts IPv4 clients, too, unless it has IPV6_V6ONLY`, async (t) => {
    init(backend);
    const both = listenAt(in6(0, '::'), AF_INET6);
    const port = portOf(both);
    await new Promise(setImmediate); // node:net listens a tick after it was asked to
    const peer = connectTo({ host: '127.0.0.1', port });
    await Promise.all([once(peer, 'connect'), until(both, EV_READ)]);
    const addr = sockaddrStorage();
    const fd = accept(both, addr);
    t.deepEqual(addr.in6, in6(peer.localPort ?? 0, '::ffff:127.0.0.1'));
    fails(t, bind(socket(AF_INET, SOCK_STREAM, 0), in4(port, 0)), EADDRINUSE);
    peer.destroy();
    close(fd);
    close(both);

    const own = await freePort();
    const six = listenAt(in6(own, '::'), AF_INET6, true);
    const four = listenAt(in4(own, 0), AF_INET);
    for (const [server, host] of [[six, '::1'], [four, '127.0.0.1']] as const) {
      const [client, served] = await meet(server, { host, port: own });
      await talk(t, client, served);
      client.destroy();
      close(served);
    }
    close(six);
    close(four);
  });

  on6(`${backend}: a program can connect to ::1`, async (t) => {
    init(backend);
    const server = listenAt(in6(0), AF_INET6);
    await new Promise(setImmediate);
    const fd = unblock(socket(AF_INET6, SOCK_STREAM, 0));
    connect(fd, in6(portOf(server)));
    await until(fd, EV_WRITE);
    await until(server, EV_READ);
    const addr = sockaddrStorage();
    t.is(getpeername(fd, addr), 0);
    t.deepEqual(addr.in6, in6(portOf(server)));
    close(fd);
    close(server);
  });

  test.serial(`${backend}: bind fails with an address of another family, or with an invalid one`, (t) => {
    init(backend);
    const four = socket(AF_INET, SOCK_STREAM, 0);
    t.is(bind(four, in6(0)), -1);
    fails(t, setsockopt(four, IPPROTO_IPV6, IPV6_V6ONLY, 1), ENOPROTOOPT);
    close(four);
    const six = socket(AF_INET6, SOCK_STREAM, 0);
    fails(t, bind(six, in6(0, 'localhost')), EINVAL);
    fails(t, bind(six, in4(0)), EINVAL);
    close(six);
    fails(t, socket(12345, SOCK_STREAM, 0), EAFNOSUPPORT);
  });

  onUnix(`${backend}: a unix socket serves; its file has the mode that the umask leaves, and stays after close`, async (t) => {
    init(backend);
    const path = newPath(t);
    for (const mode of [0o700, 0o770]) {
      const mask = process.umask(0o777 & ~mode);
      const server = listenAt(un(path), AF_UNIX);
      process.umask(mask);
      const stat = statSync(path);
      t.true(stat.isSocket());
      t.is(stat.mode & 0o777, mode);
      const [peer, fd] = await meet(server, { path });
      await talk(t, peer, fd);
      const addr = sockaddrStorage();
      t.is(getsockname(fd, addr), 0);
      t.deepEqual([addr.ssFamily, addr.un], [AF_UNIX, un(path)]);
      t.is(getpeername(fd, addr), 0);
      t.deepEqual([addr.ssFamily, addr.un], [AF_UNIX, un('')]);
      const ended = once(peer.resume(), 'end');
      close(fd);
      await Promise.all([ended, eventLoop(EVLOOP_NONBLOCK)]);
      peer.destroy();
      close(server);
      t.true(statSync(path).isSocket());
      rmSync(path);
    }
  });

  onUnix(`${backend}: a unix socket's file can get another mode between bind and listen`, async (t) => {
    init(backend);
    const path = newPath(t);
    const server = socket(AF_UNIX, SOCK_STREAM, 0);
    t.is(bind(server, un(path)), 0);
    chmodSync(path, 0o640);
    t.is(listen(server, 16), 0);
    t.is(statSync(path).mode & 0o777, 0o640);
    const [peer, fd] = await meet(server, { path });
    peer.destroy();
    close(fd);
    close(server);
  });

  onUnix(`${backend}: bind to a path fails where the folder is missing, a file is there, or the path is too long`, (t) => {
    init(backend);
    const path = newPath(t);
    const fd = socket(AF_UNIX, SOCK_STREAM, 0);
    fails(t, bind(fd, un(join(path, 'socket'))), ENOENT);
    fails(t, bind(fd, un(`/${'x'.repeat(200)}`)), EINVAL);
    writeFileSync(path, 'a file');
    fails(t, bind(fd, un(path)), EADDRINUSE);
    t.is(readFileSync(path, 'latin1'), 'a file');
    rmSync(path);
    t.is(bind(fd, un(path)), 0);
    const other = socket(AF_UNIX, SOCK_STREAM, 0);
    fails(t, bind(other, un(path)), EADDRINUSE);
    close(other);
    close(fd);
  });

  onUnix(`${backend}: a unix socket has the options of sockets, but none of TCP`, (t) => {
    init(backend);
    const fd = socket(AF_UNIX, SOCK_STREAM, 0);
    t.is(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    t.is(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
    t.is(setsockopt(fd, SOL_SOCKET, SO_LINGER, { lOnoff: 0, lLinger: 0 }), 0);
    fails(t, setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1), EOPNOTSUPP);
    const addr = sockaddrStorage();
    t.is(getsockname(fd, addr), 0);
    t.deepEqual([addr.ssFamily, addr.un], [AF_UNIX, un('')]);
    close(fd);
  });

  for (const economy of [false, true]) {
    onUnix(`${backend}${economy ? ' with economy' : ''}: a program can connect to a unix socket, and close it`, async (t) => {
      init(backend, economy);
      const path = newPath(t);
      const server = listenAt(un(path), AF_UNIX);
      const far = unblock(socket(AF_UNIX, SOCK_STREAM, 0));
      connect(far, un(path));
      await until(far, EV_WRITE);
      await until(server, EV_READ);
      const fd = unblock(accept(server, null));
      const addr = sockaddrStorage();
      t.is(getpeername(far, addr), 0);
      t.deepEqual(addr.un, un(path));
      t.is(writeText(far, 'unread'), 6);
      await until(fd, EV_READ);
      setsockopt(fd, SOL_SOCKET, SO_LINGER, { lOnoff: 1, lLinger: 0 });
      t.is(close(fd), 0);
      await until(far, EV_READ);
      t.true(read(far, new Uint8Array(1), 0, 1) <= 0);
      close(far);
      close(server);
      await eventLoop(EVLOOP_NONBLOCK);
    });
  }

  test.serial(`${backend}: a sockaddr_in gets an IPv4 address, or only the family and port of another kind`, async (t) => {
    init(backend);
    const { fd: server, port } = listener();
    const [peer, fd] = await meet(server, { host: '127.0.0.1', port });
    const addr = in4(0, 0);
    t.is(getpeername(fd, addr), 0);
    t.deepEqual(addr, in4(peer.localPort ?? 0));
    const storage = sockaddrStorage();
    t.is(getsockname(fd, storage), 0);
    t.deepEqual([storage.ssFamily, storage.in], [AF_INET, in4(port)]);
    peer.destroy();
    close(fd);
    close(server);
    const six = socket(AF_INET6, SOCK_STREAM, 0);
    t.is(getsockname(six, addr), 0);
    t.deepEqual([addr.sinFamily, addr.sinPort], [AF_INET6, 0]);
    close(six);
  });
}

on6('epoll: a link-local address includes its interface', (t) => {
  const local = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) => addresses
    .filter(({ address, scopeid }) => address.startsWith('fe80:') && scopeid !== undefined && scopeid > 0)
    .map(({ address }) => `${address}%${name}`));
  init('epoll');
  for (const sin6Addr of local) {
    const fd = socket(AF_INET6, SOCK_STREAM, 0);
    t.is(bind(fd, in6(0, sin6Addr)), 0);
    const addr = sockaddrStorage();
    getsockname(fd, addr);
    t.is(addr.in6.sin6Addr, sin6Addr);
    close(fd);
  }
  const fd = socket(AF_INET6, SOCK_STREAM, 0);
  fails(t, bind(fd, in6(0, 'fe80::1%nowhere')), EINVAL);
  close(fd);
});

onUnix('epoll: an abstract unix socket name begins with a NUL', (t) => {
  init('epoll');
  const name = `\0addresses-${process.pid}`;
  const server = listenAt(un(name), AF_UNIX);
  const addr = sockaddrStorage();
  t.is(getsockname(server, addr), 0);
  t.deepEqual(addr.un, un(name));
  close(server);
});

onUnix('net: a unix socket closed before listen leaves no file; a listening one has no file but its path', (t) => {
  init('net');
  const path = newPath(t);
  const fd = socket(AF_UNIX, SOCK_STREAM, 0);
  t.is(bind(fd, un(path)), 0);
  t.true(existsSync(path));
  close(fd);
  t.false(existsSync(path));
  const server = listenAt(un(path), AF_UNIX);
  t.false(existsSync(`${path}~`));
  close(server);
});

onUnix('net: listen fails with EADDRINUSE if a file has the name that node:net needs, and leaves it alone', (t) => {
  init('net');
  const path = newPath(t);
  writeFileSync(`${path}~`, 'a file');
  const fd = socket(AF_UNIX, SOCK_STREAM, 0);
  t.is(bind(fd, un(path)), 0);
  fails(t, listen(fd, 1), EADDRINUSE);
  t.is(readFileSync(`${path}~`, 'latin1'), 'a file');
  close(fd);
});

/** The processes that this one has started. */
function children(): string[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').split(' ').filter(Boolean);
}

/** The process that keeps the socket, as soon as there is one that was not there `before`. */
async function keeper(before: readonly string[]): Promise<number> {
  for (;;) {
    const pid = children().find((child) => !before.includes(child));
    if (pid !== undefined) return Number(pid);
    await new Promise(setImmediate);
  }
}

onLinux('net: clients of a unix socket wait in the kernel, too, until they are accepted', async (t) => {
  init('net');
  const path = newPath(t);
  const server = listenAt(un(path), AF_UNIX);
  const before = children();
  const peers = Array.from({ length: 40 }, () => connectTo({ path, allowHalfOpen: true }));
  await Promise.all(peers.map((peer) => once(peer, 'connect')));
  await keeper(before);
  const late = Array.from({ length: 10 }, () => connectTo({ path, allowHalfOpen: true }));
  await Promise.all(late.map((peer) => once(peer, 'connect')));
  t.true(statSync(path).isSocket(), 'the path stays');

  const replies = [...peers, ...late].map(async (peer) => {
    const [reply] = await once(peer, 'data') as [Buffer];
    peer.destroy();
    return reply.toString();
  });
  for (let served = 0; served < replies.length;) {
    await until(server, EV_READ);
    for (let fd = accept(server, null); fd !== -1; fd = accept(server, null)) {
      writeText(fd, 'served');
      close(fd);
      served++;
    }
    t.is(errno, EAGAIN);
  }
  t.deepEqual(await Promise.all(replies), replies.map(() => 'served'));
  close(server);
});

onLinux('net: when the process that keeps a unix socket is killed, the path serves again, with the same mode', async (t) => {
  init('net');
  const path = newPath(t);
  const server = listenAt(un(path), AF_UNIX);
  chmodSync(path, 0o741);
  const { ino } = statSync(path);
  const before = children();
  const peers = Array.from({ length: 40 }, () => connectTo({ path }).on('error', () => {}));
  await Promise.all(peers.map((peer) => once(peer, 'connect')));
  process.kill(await keeper(before), 'SIGKILL');
  while (statSync(path).ino === ino) await new Promise(setImmediate);
  t.is(statSync(path).mode & 0o777, 0o741);
  for (const peer of peers) peer.destroy();
  for (let fd = accept(server, null); fd !== -1; fd = accept(server, null)) close(fd);
  const [peer, fd] = await meet(server, { path });
  await talk(t, peer, fd);
  peer.destroy();
  close(fd);
  close(server);
});

test.afterEach.always(() => {
  stopAll();
});

test.serial('sim: IPv6 and IPv4 have separate ports with IPV6_V6ONLY, and share them without it', (t) => {
  eventEconomy(false);
  const sim = start();
  const addr = sockaddrStorage();
  const six = listenAt(in6(80, '::'), AF_INET6, true);
  const four = listenAt(in4(80, 0), AF_INET);
  for (const [server, to] of [[six, in6(80)], [four, in4(80)]] as const) {
    const client = sim.connect(to);
    const fd = accept(server, addr);
    t.is(client.fd, fd);
    t.deepEqual(server === six ? addr.in6 : addr.in, server === six ? in6(client.port) : in4(client.port));
    client.send('hello');
    t.is(readText(fd), 'hello');
    t.is(writeText(fd, 'back'), 4);
    t.is(client.take().toString(), 'back');
  }
  const both = listenAt(in6(81, '::'), AF_INET6);
  fails(t, bind(socket(AF_INET, SOCK_STREAM, 0), in4(81, 0)), EADDRINUSE);
  const client = sim.connect(81);
  const fd = accept(both, addr);
  t.deepEqual(addr.in6, in6(client.port, '::ffff:127.0.0.1'));
  t.is(getpeername(fd, addr), 0);
  t.deepEqual(addr.in6, in6(client.port, '::ffff:127.0.0.1'));
  fails(t, getpeername(both, addr), ENOTCONN);
});

test.serial('sim: a unix socket serves at its path, which only one socket can bind', async (t) => {
  eventEconomy(false);
  const sim = start();
  t.throws(() => sim.connect(un('/socket')), { code: 'ECONNREFUSED' });
  const server = listenAt(un('/socket'), AF_UNIX);
  fails(t, bind(socket(AF_UNIX, SOCK_STREAM, 0), un('/socket')), EADDRINUSE);
  const client = sim.connect(un('/socket'));
  const fd = accept(server, null);
  client.send('hello');
  t.is(readText(fd), 'hello');
  const addr = sockaddrStorage();
  t.is(getsockname(fd, addr), 0);
  t.deepEqual(addr.un, un('/socket'));
  t.is(getpeername(fd, addr), 0);
  t.deepEqual([addr.ssFamily, addr.un], [AF_UNIX, un('')]);

  const own = socket(AF_UNIX, SOCK_STREAM, 0);
  connect(own, un('/socket'));
  await until(own, EV_WRITE);
  t.not(accept(server, null), -1);
  const lost = socket(AF_UNIX, SOCK_STREAM, 0);
  connect(lost, un('/nowhere'));
  await until(lost, EV_WRITE);
  fails(t, shutdown(lost, 0), ENOTCONN);
  fails(t, write(lost, new Uint8Array(1), 0, 1), ENOENT);
});

test.serial('sim: bind can be made to fail with ENOENT, although there are no folders', (t) => {
  eventEconomy(false);
  start({ faults: { bind: { probability: 1, errnos: [ENOENT] } } });
  fails(t, bind(socket(AF_UNIX, SOCK_STREAM, 0), un('/missing/socket')), ENOENT);
});
