// Where memcached 1.6 listens: -l, -p, -s, -a and -b, and the file of ports.
import { connect as connectTo, createServer } from 'node:net';
import type { AddressInfo, NetConnectOpts } from 'node:net';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { eventEconomy } from '../reactor/backends';
import { EADDRINUSE, EAFNOSUPPORT, EMFILE } from '../reactor/errno.h';
import { EV_READ } from '../reactor/event.h';
import {
  IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, SOL_SOCKET, SO_KEEPALIVE, SO_LINGER, SO_REUSEADDR, TCP_NODELAY,
} from '../reactor/socket.h';
import { accept, close, getsockname } from '../reactor/syscalls';
import { startListening } from '../lib/1.6/listen';
import type { ListenOptions } from '../lib/1.6/listen';
import { parsePlaces } from '../lib/1.6/places';
import { freePort } from '../scripts/free-port';
import { backends } from './support/server';
import { start, stopAll } from './support/simulated';
import { init, until } from './support/sockets';
import { Stderr } from './support/stderr';
import { where } from './support/where';

const EX_OSERR = 71;

const HAS_IPV6 = Object.values(networkInterfaces()).flat().some((address) => address?.address === '::1');
const on6 = where(HAS_IPV6, 'an interface with ::1', test.serial);
const onUnix = where(process.platform !== 'win32', 'unix sockets', test.serial);

interface Outcome {
  status: number;
  /** The sockets that listen, in their order, with the protocols that they are for. */
  sockets: [sfd: number, protocol: string | null][];
  said: string[];
}

async function listenWith(options: Partial<ListenOptions>): Promise<Outcome> {
  const sockets: Outcome['sockets'] = [];
  const stderr = new Stderr();
  const status = await startListening({
    inter: null, port: 0, udpport: null, backlog: 1024, socketpath: null, access: 0o700, portFilename: null,
    listening: (sfd, protocol) => sockets.push([sfd, protocol]) > 0,
    ...options,
  });
  stderr.restore();
  return { status, sockets, said: stderr.lines() };
}

/** A folder of the test's own. */
function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'listen-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

function portOf(sfd: number): number {
  const addr = { sinFamily: 0, sinPort: 0, sinAddr: 0 };
  getsockname(sfd, addr);
  return addr.sinPort;
}

/** A client comes to `sfd` when it connects to there. */
async function serves(t: ExecutionContext, sfd: number, to: NetConnectOpts): Promise<void> {
  await new Promise(setImmediate); // node:net listens a tick after it was asked to
  const peer = connectTo(to);
  await Promise.all([once(peer, 'connect'), until(sfd, EV_READ)]);
  const fd = accept(sfd, null);
  t.not(fd, -1);
  close(fd);
  peer.destroy();
}

for (const backend of backends) {
  on6(`${backend}: by default the server listens on all interfaces, by IPv4 and IPv6; the ports file has both`, async (t) => {
    init(backend);
    const portFilename = join(folder(t), 'ports');
    const { status, sockets, said } = await listenWith({ portFilename });
    t.deepEqual([status, said, sockets.length], [0, [], 2]);
    const [[four], [six]] = sockets;
    t.is(readFileSync(portFilename, 'latin1'), `TCP INET: ${portOf(four)}\nTCP INET6: ${portOf(six)}\n`);
    t.false(existsSync(`${portFilename}.lck`));
    await serves(t, four, { host: '127.0.0.1', port: portOf(four) });
    await serves(t, six, { host: '::1', port: portOf(six) });
    for (const [sfd] of sockets) close(sfd);
  });

  on6(`${backend}: -l takes addresses with ports of their own, and host names`, async (t) => {
    init(backend);
    const port = await freePort();
    const inter = `127.0.0.1:${port},proto[ascii]:[::1]:${port};localhost`;
    const { status, sockets, said } = await listenWith({ inter });
    t.deepEqual([status, said], [0, []]);
    const [[four, first], [six, second], [named]] = sockets;
    t.deepEqual([first, second], [null, 'ascii']);
    t.deepEqual([portOf(four), portOf(six)], [port, port]);
    await serves(t, four, { host: '127.0.0.1', port });
    await serves(t, six, { host: '::1', port });
    t.true(portOf(named) > 0);
    for (const [sfd] of sockets) close(sfd);
  });

  on6(`${backend}: an address in use is left out if another one is free`, async (t) => {
    init(backend);
    const other = createServer().listen({ host: '0.0.0.0', port: 0 });
    t.teardown(() => other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { status, sockets, said } = await listenWith({ port });
    t.deepEqual([status, said, sockets.length], [0, [], 1]);
    await serves(t, sockets[0][0], { host: '::1', port });
    close(sockets[0][0]);
    const four = await listenWith({ port, inter: '127.0.0.1' });
    t.deepEqual([four.status, four.sockets], [EX_OSERR, []]);
    t.deepEqual(four.said, ['failed to listen on one of interface(s) 127.0.0.1: address already in use']);
  });

  test.serial(`${backend}: a foreign address and an unknown host name are each reported in one line`, async (t) => {
    init(backend);
    const foreign = await listenWith({ inter: '192.0.2.1' });
    t.is(foreign.status, EX_OSERR);
    t.deepEqual(foreign.said, ['failed to listen on one of interface(s) 192.0.2.1: address not available']);
    const unknown = await listenWith({ inter: 'nobody.invalid' });
    t.is(unknown.status, EX_OSERR);
    t.is(unknown.said.length, 1);
    t.regex(unknown.said[0], /nobody\.invalid: (Name or service not known|Temporary failure in name resolution)$/);
  });

  onUnix(`${backend}: -s listens on a path, with the permissions of -a, and does not change the umask`, async (t) => {
    init(backend);
    const socketpath = join(folder(t), 'socket');
    const mask = process.umask(0o022);
    t.teardown(() => process.umask(mask));
    for (const access of [0o700, 0o777, 0o660]) {
      // From the second time on the socket of the time before is in the way.
      const { status, sockets, said } = await listenWith({ socketpath, access });
      t.deepEqual([status, said, sockets.length], [0, [], 1]);
      t.true(statSync(socketpath).isSocket());
      t.is(statSync(socketpath).mode & 0o777, access);
      t.is(process.umask(0o022), 0o022);
      await serves(t, sockets[0][0], { path: socketpath });
      close(sockets[0][0]);
    }
  });

  onUnix(`${backend}: -s removes nothing but a socket, and reports in one line what is in the way`, async (t) => {
    init(backend);
    const path = join(folder(t), 'file');
    writeFileSync(path, 'a file');
    const taken = await listenWith({ socketpath: path });
    t.deepEqual([taken.status, taken.sockets], [EX_OSERR, []]);
    t.deepEqual(taken.said, [`failed to listen on UNIX socket: ${path}: address already in use`]);
    t.is(readFileSync(path, 'latin1'), 'a file');
    const missing = await listenWith({ socketpath: join(path, '..', 'missing', 'socket') });
    t.is(missing.status, EX_OSERR);
    t.is(missing.said.length, 1);
    t.regex(missing.said[0], /missing\/socket: no such file or directory$/);
  });
}

test.serial('a ports file that cannot be written is reported, and the server listens all the same', async (t) => {
  init('epoll');
  const portFilename = join(folder(t), 'missing', 'ports');
  const { status, sockets, said } = await listenWith({ inter: '127.0.0.1', portFilename });
  t.deepEqual([status, sockets.length], [0, 1]);
  t.deepEqual(said, [`Failed to open "${portFilename}.lck": no such file or directory`]);
  close(sockets[0][0]);
});

test.serial('if no connection can be made for a listening socket, the status is 1', async (t) => {
  init('epoll');
  const { status, said } = await listenWith({ inter: '127.0.0.1', listening: (sfd) => close(sfd) !== 0 });
  t.deepEqual([status, said], [1, []]);
});

test.serial('listening sockets are non-blocking, have the options that C sets, and the backlog of -b', async (t) => {
  eventEconomy(false);
  const sim = start();
  t.teardown(stopAll);
  const { sockets } = await listenWith({ port: 11211, backlog: 77 });
  const [[four], [six]] = sockets;
  for (const sfd of [four, six]) {
    t.is(sim.sockopt(sfd, SOL_SOCKET, SO_REUSEADDR), 1);
    t.is(sim.sockopt(sfd, SOL_SOCKET, SO_KEEPALIVE), 1);
    t.deepEqual(sim.sockopt(sfd, SOL_SOCKET, SO_LINGER), { lOnoff: 0, lLinger: 0 });
    t.is(sim.sockopt(sfd, IPPROTO_TCP, TCP_NODELAY), 1);
    t.is(portOf(sfd), 11211);
  }
  t.is(sim.sockopt(six, IPPROTO_IPV6, IPV6_V6ONLY), 1);
  t.is(sim.sockopt(four, IPPROTO_IPV6, IPV6_V6ONLY), undefined);
  const calls = sim.calls.filter(({ name }) => name === 'listen').map(({ args }) => args);
  t.deepEqual(calls, [[77], [77]]);
  t.is(sim.calls.filter(({ name, args }) => name === 'fcntl' && args[0] === 4).length, 2);
});

test.serial('a system without IPv6 serves IPv4 alone', async (t) => {
  for (const lacking of ['socket', 'bind']) {
    eventEconomy(false);
    const sim = start();
    t.teardown(stopAll);
    let first = true;
    sim.onCall = ({ name }) => {
      if (name !== lacking) return undefined;
      const isFour = first;
      first = false;
      return isFour ? undefined : { errno: EAFNOSUPPORT };
    };
    const { status, sockets, said } = await listenWith({});
    t.deepEqual([status, sockets.length, said], [0, 1, []]);
    t.is(sim.openFds().length, 1);
  }
});

test.serial('a call that fails is reported in one line, and no socket stays open', async (t) => {
  for (const [name, errnum, says] of [
    ['socket', EMFILE, 'too many open files'],
    ['listen', EADDRINUSE, 'address already in use'],
    ['fcntl', EMFILE, 'too many open files'],
  ] as const) {
    eventEconomy(false);
    const sim = start();
    t.teardown(stopAll);
    sim.onCall = (call) => (call.name === name ? { errno: errnum } : undefined);
    const { status, said } = await listenWith({ port: 11211 });
    t.is(status, EX_OSERR);
    t.is(said.at(-1), `failed to listen on TCP port 11211: ${says}`);
    t.deepEqual(sim.openFds(), []);
  }
});

test('places: hosts, ports and protocols are parsed', (t) => {
  const all = { host: null, port: 1, protocol: null };
  const four = { host: '127.0.0.1', port: 1, protocol: null };
  const six = { host: '::1', port: 1, protocol: null };
  t.deepEqual(parsePlaces(null, 1), [all]);
  t.deepEqual(parsePlaces('*', 1), [all]);
  t.deepEqual(parsePlaces('*:2', 1), [{ ...all, port: 2 }]);
  t.deepEqual(parsePlaces('127.0.0.1', 1), [four]);
  t.deepEqual(parsePlaces('127.0.0.1,::1;[::1]', 1), [four, six, six]);
  t.deepEqual(parsePlaces(',127.0.0.1:2,,', 1), [{ ...four, port: 2 }]);
  t.deepEqual(parsePlaces('[::1]:2,[::1]:-1', 1), [{ ...six, port: 2 }, { ...six, port: 0 }]);
  t.deepEqual(parsePlaces('127.0.0.1', -1), [{ ...four, port: 0 }]);
  t.deepEqual(parsePlaces('proto[binary]:127.0.0.1', 1), [{ ...four, protocol: 'binary' }]);
  t.deepEqual(parsePlaces('proto[ascii]:tag[name]:[::1]:2', 1), [{ host: '::1', port: 2, protocol: 'ascii' }]);
  t.deepEqual(parsePlaces('tag_name_:[::1],tag[8_bytes_]:127.0.0.1', 1), [six, four]);
  t.deepEqual(parsePlaces('prototype,tagged', 1), ['prototype', 'tagged'].map((host) => ({ ...four, host })));
});

test('places: mistakes are reported', (t) => {
  const wrong: Record<string, string> = {
    '': 'There is no address',
    '127.0.0.1,[::1': 'Invalid IPV6 address: "[::1"',
    '[::1]2': 'Invalid IPV6 address: "[::1]2"',
    '127.0.0.1:x': 'Invalid port number: "x"',
    '127.0.0.1:': 'Invalid port number: ""',
    '127.0.0.1:65536': 'Invalid port number: "65536"',
    '[::1]:-2': 'Invalid port number: "-2"',
    'proto[http]:127.0.0.1': 'Invalid protocol spec: "proto[http]:127.0.0.1"',
    'proto[ascii:127.0.0.1': 'Invalid protocol spec: "proto[ascii:127.0.0.1"',
    'proto[proxy]:127.0.0.1': 'Server not built with proxy: "proto[proxy]:127.0.0.1"',
    'tag[name:127.0.0.1': 'Invalid tag in socket config: "tag[name:127.0.0.1"',
    'tag[]:127.0.0.1': 'Listener tags must be between 1 and 8 characters: ""',
    'tag_123456789_:127.0.0.1': 'Listener tags must be between 1 and 8 characters: "123456789"',
    'notls:127.0.0.1': "'notls' option is valid only when SSL is enabled",
  };
  for (const [inter, message] of Object.entries(wrong)) t.is(parsePlaces(inter, 1), message);
});
