// Requests by UDP (-U): each datagram is a request, and its answer comes in as many as it needs. What is no request
// gets no answer.
import { networkInterfaces } from 'node:os';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { eventEconomy } from '../reactor/backends';
import { serveDatagrams } from '../reactor/datagram';
import { EAGAIN, EBADF, ECONNREFUSED, EINVAL, EISCONN, EMFILE, EMSGSIZE, EOPNOTSUPP } from '../reactor/errno.h';
import { EVLOOP_NONBLOCK, EVLOOP_ONCE, EV_PERSIST, EV_READ, EV_WRITE } from '../reactor/event.h';
import { eventAdd, eventDel, eventLoop } from '../reactor/event';
import { sockaddrStorage } from '../reactor/sockaddr';
import { AF_INET, AF_INET6, AF_UNIX, INADDR_ANY, SOCK_DGRAM } from '../reactor/socket.h';
import type { SockaddrIn6 } from '../reactor/socket.h';
import {
  accept, bind, close, connect, getpeername, getsockname, listen, read, recvfrom, sendto, shutdown, socket, write,
} from '../reactor/syscalls';
import { fails, readText, writeText } from './support/calls';
import { Client } from './support/client';
import { DatagramClient, answers, request } from './support/datagrams';
import type { Answer } from './support/datagrams';
import { backends } from './support/server';
import type { Server } from './support/server';
import { sharedServer } from './support/shared-server';
import { SMALL_MEMORY, SimServer } from './support/sim-server';
import { PORT, failOnce, newEvent, start, stopAll } from './support/simulated';
import { init } from './support/sockets';
import { Stderr } from './support/stderr';
import { where } from './support/where';

const HAS_IPV6 = Object.values(networkInterfaces()).flat().some((address) => address?.address === '::1');
const on6 = where(HAS_IPV6, 'an interface with ::1', test);

const IN6: SockaddrIn6 = { sin6Family: AF_INET6, sin6Port: PORT, sin6Addr: '::1' };

const KILOBYTES_100 = 'abcdefghij'.repeat(10240);

/** What is no request, by what is wrong with it. */
const ILL_FORMED: Readonly<Record<string, Buffer>> = {
  'nothing': Buffer.alloc(0),
  'half a header': request(7, '').subarray(0, 4),
  'a header without its last byte': request(7, '').subarray(0, 7),
  'a header alone': request(7, ''),
  'no header': Buffer.from('get key\r\n'),
  'one of two': request(7, 'get key\r\n', 2),
  'the second of two': request(7, 'get key\r\n', 2, 1),
  'one of none': request(7, 'get key\r\n', 0),
  'one of 257': request(7, 'get key\r\n', 257),
};

// Servers of their own.

/** On net, a server listens only when it has found that all its ports are free. */
async function connected(port: number, tries = 20): Promise<Client> {
  try {
    return await Client.connect(port);
  } catch (error) {
    if (tries === 0) throw error;
    return connected(port, tries - 1);
  }
}

/** The ports of UDP, as `stats conns` tells them. */
async function udpPorts(server: Server): Promise<number[]> {
  const client = await connected(server.port);
  const conns = await client.ask('stats conns\r\n', 'END\r\n');
  client.socket.destroy();
  return [...conns.matchAll(/:addr udp6?:.*:(\d+)\r\n/g)].map(([, port]) => Number(port));
}

for (const backend of backends) {
  const shared = sharedServer({ backend, today: true, args: ['-U', '-1', ...(HAS_IPV6 ? ['-l', '[::1]:-1'] : [])] });
  test(`${backend}: requests get replies, large ones in pieces; ill-formed requests get none`, async (t) => {
    const [port] = await udpPorts(await shared());
    const client = await DatagramClient.connect(port);
    t.teardown(() => client.close());
    t.deepEqual(await client.ask(1, 'get key\r\n'), { id: 1, text: 'END\r\n', lengths: [13] });
    t.is((await client.ask(0xffff, 'set key 5 0 5\r\nvalue\r\n')).text, 'STORED\r\n');
    t.deepEqual(await client.ask(0xffff, 'get key\r\n'), {
      id: 0xffff, text: 'VALUE key 5 5\r\nvalue\r\nEND\r\n', lengths: [35],
    });

    const value = KILOBYTES_100.slice(0, 50_000);
    await client.ask(2, `set large 0 0 ${value.length}\r\n${value}\r\n`);
    await client.ask(3, `append large 0 0 ${value.length}\r\n${value}\r\n`);
    const { text, lengths } = await client.ask(4, 'get large\r\n');
    t.is(text, `VALUE large 0 100000\r\n${value}${value}\r\nEND\r\n`);
    t.deepEqual(lengths.slice(0, -1), new Array<number>(lengths.length - 1).fill(1400));

    for (const datagram of Object.values(ILL_FORMED)) client.send(datagram);
    t.deepEqual(await client.ask(8, 'mn\r\n'), { id: 8, text: 'MN\r\n', lengths: [12] });
  });

  test(`${backend}: requests of several clients at once get their own replies`, async (t) => {
    const [port] = await udpPorts(await shared());
    const clients = await Promise.all([1, 2, 3].map(() => DatagramClient.connect(port)));
    for (const [i, client] of clients.entries()) {
      t.teardown(() => client.close());
      client.send(request(5, `set key${i} 0 0 1\r\n${i}\r\n`));
      client.send(request(6, `get key${i}\r\n`));
    }
    for (const [i, client] of clients.entries()) {
      t.deepEqual((await client.answersUntil(6)).map(({ text }) => text), [
        'STORED\r\n', `VALUE key${i} 0 1\r\n${i}\r\nEND\r\n`,
      ]);
    }
  });

  on6(`${backend}: requests by IPv6 get replies`, async (t) => {
    const port = (await udpPorts(await shared())).at(-1) ?? 0;
    const client = await DatagramClient.connect(port, '::1');
    t.teardown(() => client.close());
    t.is((await client.ask(1, 'mn\r\n')).text, 'MN\r\n');
  });

  test.serial(`${backend}: a datagram socket refuses listen and accept; once closed, recvfrom and sendto give EBADF`, (t) => {
    init(backend);
    // The servers of this spec get the environment, too.
    t.teardown(() => backends.forEach((name) => Reflect.deleteProperty(process.env, `EVENT_NO${name.toUpperCase()}`)));
    const [near, far] = [1, 2].map(() => socket(AF_INET, SOCK_DGRAM, 0));
    const addr = { sinFamily: AF_INET, sinPort: 0, sinAddr: 0x7f000001 };
    t.deepEqual([bind(near, addr), bind(far, addr)], [0, 0]);
    fails(t, bind(near, addr), EINVAL);
    fails(t, listen(near, 1), EOPNOTSUPP);
    fails(t, accept(near, null), EOPNOTSUPP);
    close(near);
    close(far);
    const buf = new Uint8Array(10);
    fails(t, recvfrom(near, buf, 0, 10, null), EBADF);
    fails(t, sendto(near, buf, 0, 10, addr), EBADF);
  });
}

// In a simulation.

async function simulated(
  t: ExecutionContext, args: readonly string[] = [], options: Parameters<typeof SimServer.start>[1] = {},
): Promise<SimServer> {
  const server = await SimServer.start(['-U', String(PORT), ...args], { today: true, memory: SMALL_MEMORY, ...options });
  t.teardown(() => server.stop());
  return server;
}

/** The answers to what `send` sends. */
async function answersTo(server: SimServer, ...datagrams: Buffer[]): Promise<Answer[]> {
  const client = server.sim.datagrams(PORT);
  for (const datagram of datagrams) client.send(datagram);
  await server.sim.idle();
  return answers(client.take());
}

for (const classic of [false, true]) {
  const how = classic ? 'with the calls of C' : 'with fewer calls';
  test.serial(`sim, ${how}: a reply of 100 KB comes in numbered pieces of at most 1400 bytes`, async (t) => {
    const server = await simulated(t, [], { classic });
    const peer = await server.connect();
    t.is(await peer.ask(`set key 0 0 ${KILOBYTES_100.length}\r\n${KILOBYTES_100}\r\n`), 'STORED\r\n');
    const [{ id, text, lengths }, ...others] = await answersTo(server, request(0x1234, 'get key\r\n'));
    t.deepEqual([id, others], [0x1234, []]);
    t.is(text, `VALUE key 0 ${KILOBYTES_100.length}\r\n${KILOBYTES_100}\r\nEND\r\n`);
    t.is(lengths.length, Math.ceil(text.length / 1392));
    t.deepEqual(new Set(lengths.slice(0, -1)), new Set([1400]));
  });

  test.serial(`sim, ${how}: a datagram that is no request gets no reply, and does not disturb the others`, async (t) => {
    const server = await simulated(t, [], { classic });
    for (const [what, datagram] of Object.entries(ILL_FORMED)) {
      t.deepEqual(await answersTo(server, datagram), [], what);
    }
    const all = Object.values(ILL_FORMED).flatMap((datagram, i) => [datagram, request(i, 'mn\r\n')]);
    const fds: number[] = [];
    for (let i = 0; i < 3; i++) {
      t.deepEqual((await answersTo(server, ...all)).map(({ id }) => id), Object.keys(ILL_FORMED).map((_, id) => id));
      fds.push(server.sim.openFds().length);
    }
    t.is(fds[2], fds[0]);
    const peer = await server.connect();
    t.is(await peer.ask('mn\r\n'), 'MN\r\n');
  });
}

test.serial('sim: a datagram from the port of a server gets no reply, or both would go on for ever', async (t) => {
  const server = await simulated(t);
  const other = server.sim.datagrams(PORT, PORT);
  other.send(request(1, 'ERROR\r\n'));
  await server.sim.idle();
  t.deepEqual(other.take(), []);
});

test.serial('sim: any number of requests, of commands in a request, and of replies is served at once', async (t) => {
  const server = await simulated(t);
  const ids = Array.from({ length: 100 }, (_, id) => id);
  t.deepEqual((await answersTo(server, ...ids.map((id) => request(id, 'mn\r\n')))).map(({ id }) => id), ids);
  const [{ text }] = await answersTo(server, request(1, 'mn\r\n'.repeat(100)));
  t.is(text, 'MN\r\n'.repeat(100));
  t.deepEqual(await answersTo(server, request(1, 'set key 0 0 1 noreply\r\n1\r\n')), []);
  t.is((await answersTo(server, request(1, 'get key\r\n')))[0].text, 'VALUE key 0 1\r\n1\r\nEND\r\n');
});

test.serial('sim: an incomplete request ends without a reply, and does not continue in the next one', async (t) => {
  const server = await simulated(t);
  t.deepEqual(await answersTo(server, request(1, 'set key 0 0 10\r\nabc'), request(2, 'get ke')), []);
  t.is((await answersTo(server, request(3, 'get key\r\n')))[0].text, 'END\r\n');
  t.deepEqual(await answersTo(server, request(4, 'quit\r\n')), []);
});

test.serial('sim: IPv6 has a socket of its own', async (t) => {
  const server = await simulated(t);
  const client = server.sim.datagrams(IN6);
  client.send(request(1, 'mn\r\n'));
  await server.sim.idle();
  t.is(answers(client.take())[0].text, 'MN\r\n');
});

test.serial('sim: stats counts the UDP sockets as connections, but not the requests', async (t) => {
  const server = await simulated(t);
  const stat = (text: string, name: string): number => Number(new RegExp(`STAT ${name} (\\d+)`).exec(text)?.[1]);
  const peer = await server.connect();
  const before = await peer.ask('stats\r\n', 'END\r\n');
  const [{ text }] = await answersTo(server, request(1, 'stats\r\n'));
  for (const name of ['curr_connections', 'total_connections']) t.is(stat(text, name), stat(before, name), name);
  t.is(stat(text, 'curr_connections'), 2 + 2 - 1 + 1); // TCP and UDP, of two families; the first is left out, as in C
});

test.serial('sim: stats conns shows the UDP sockets with their addresses, as idle', async (t) => {
  const server = await simulated(t);
  const peer = await server.connect();
  const lines = (await peer.ask('stats conns\r\n', 'END\r\n')).split('\r\n');
  const fds = lines.flatMap((line) => /^STAT (\d+):UDP UDP$/.exec(line)?.[1] ?? []);
  t.is(fds.length, 2);
  for (const [i, address] of [`udp:0.0.0.0:${PORT}`, `udp6:[::]:${PORT}`].entries()) {
    const own = lines.flatMap((line) => (line.startsWith(`STAT ${fds[i]}:`) ? line.split(/:(.*)/)[1] : []));
    t.deepEqual(own, ['UDP UDP', `addr ${address}`, 'state conn_read', 'secs_since_last_cmd 0']);
  }
});

test.serial('sim: UDP requests are answered even when -c connections are open', async (t) => {
  const server = await simulated(t, ['-c', '1']);
  const peer = await server.connect();
  t.is(await peer.ask('mn\r\n'), 'MN\r\n');
  t.is((await answersTo(server, request(1, 'mn\r\n')))[0].text, 'MN\r\n');
});

test.serial('sim: a datagram that the kernel does not take is sent later', async (t) => {
  const server = await simulated(t);
  const peer = await server.connect();
  await peer.ask(`set key 0 0 5000\r\n${'x'.repeat(5000)}\r\n`);
  let calls = 0;
  server.sim.onCall = ({ name }) => (name === 'sendto' && ++calls % 3 === 2 ? { errno: EAGAIN } : undefined);
  const found = await answersTo(server, request(1, 'get key\r\n'), request(2, 'get key\r\n'));
  t.deepEqual(found.map(({ id, text }) => [id, text.length]), [[1, 5025], [2, 5025]]);
  server.sim.onCall = null;
});

test.serial('sim: an unreachable client does not affect the others', async (t) => {
  const server = await simulated(t);
  for (const name of ['sendto', 'recvfrom'] as const) failOnce(server.sim, name, ECONNREFUSED);
  const found = await answersTo(server, request(1, 'mn\r\n'), request(2, 'mn\r\n'));
  t.is(found.at(-1)?.id, 2);
});

test.serial('sim: a request that finds no descriptor is lost', async (t) => {
  const server = await simulated(t);
  failOnce(server.sim, 'socket', EMFILE);
  const stderr = new Stderr();
  t.deepEqual(await answersTo(server, request(1, 'mn\r\n')), []);
  stderr.restore();
  t.deepEqual(stderr.lines(), ['accept(): too many open files']);
  t.is((await answersTo(server, request(2, 'mn\r\n')))[0].text, 'MN\r\n');
});

test.serial('a server without TCP serves UDP, also with -c 1', async (t) => {
  const server = await simulated(t, ['-p', '0', '-c', '1', '-o', 'no_maxconns_fast']);
  const found = await answersTo(server, request(1, 'mn\r\n'), request(2, 'mn\r\n'));
  t.deepEqual(found.map(({ id, text }) => [id, text]), [[1, 'MN\r\n'], [2, 'MN\r\n']]);
});

test.serial('without -U the server does not listen by UDP', async (t) => {
  const server = await SimServer.start([], { today: true });
  t.teardown(() => server.stop());
  t.deepEqual(await answersTo(server, request(1, 'mn\r\n')), []);
});

// The layer by itself.

/** A datagram socket that listens. */
function listening(): number {
  serveDatagrams();
  const fd = socket(AF_INET, SOCK_DGRAM, 0);
  bind(fd, { sinFamily: AF_INET, sinPort: PORT, sinAddr: INADDR_ANY });
  listen(fd, 1);
  return fd;
}

test.serial('a request is read, then gives EAGAIN, then its end; close sends what was written', (t) => {
  eventEconomy(false);
  const sim = start();
  t.teardown(stopAll);
  const server = listening();
  const client = sim.datagrams(PORT);
  fails(t, accept(server, null), EAGAIN);
  client.send(request(9, 'hello'));
  const addr = sockaddrStorage();
  const fd = accept(server, addr);
  t.is(addr.in.sinPort, client.port);
  fails(t, accept(server, null), EAGAIN);
  t.is(getpeername(fd, addr), 0);
  t.is(addr.in.sinPort, client.port);
  t.is(getsockname(fd, addr), 0);
  t.is(addr.in.sinPort, PORT);

  const buf = new Uint8Array(3);
  t.is(read(fd, buf, 0, 3), 3);
  t.is(readText(fd), 'lo');
  fails(t, read(fd, buf, 0, 3), EAGAIN);
  t.is(read(fd, buf, 0, 3), 0);
  t.is(writeText(fd, 'and '), 4);
  t.is(writeText(fd, 'back'), 4);
  t.is(shutdown(fd, 1), 0);
  t.deepEqual(client.take(), []);
  close(fd);
  t.deepEqual(answers(client.take()), [{ id: 9, text: 'and back', lengths: [16] }]);

  for (const call of [() => bind(fd, addr.in), () => connect(fd, addr.in)]) {
    client.send(request(1, 'x'));
    t.is(accept(server, null), fd); // its number comes again
    fails(t, call(), call.toString().includes('bind') ? EINVAL : EISCONN);
    fails(t, listen(fd, 1), EINVAL);
    fails(t, accept(fd, null), EINVAL);
    close(fd);
  }
  t.is(close(server), 0);
});

test.serial('a reply too long for its headers to number is not sent', (t) => {
  eventEconomy(false);
  const sim = start();
  t.teardown(stopAll);
  const server = listening();
  const client = sim.datagrams(PORT);
  client.send(request(1, 'x'));
  const fd = accept(server, null);
  const most = new Uint8Array(65535 * 1392);
  t.is(write(fd, most, 0, 1), 1);
  fails(t, write(fd, most, 0, most.length), EMSGSIZE);
  fails(t, write(fd, most, 0, 1), EMSGSIZE);
  close(fd);
  t.deepEqual(client.take(), []);
});

test.serial("events: the listener's fires while requests wait, a request's fires at once and in each turn", async (t) => {
  eventEconomy(false);
  const sim = start();
  t.teardown(stopAll);
  const server = listening();
  const seen: string[] = [];
  const turn = async (): Promise<string[]> => {
    await eventLoop(EVLOOP_ONCE | EVLOOP_NONBLOCK);
    return seen.splice(0);
  };
  const listener = newEvent(server, EV_READ | EV_PERSIST, () => seen.push('request'));
  t.is(eventAdd(listener, null), 0);
  t.deepEqual(await turn(), []);
  const client = sim.datagrams(PORT);
  client.send(Buffer.from('none'));
  t.deepEqual(await turn(), []);
  client.send(request(1, 'x'));
  t.deepEqual(await turn(), ['request']);
  t.deepEqual(await turn(), ['request']);
  const fd = accept(server, null);
  const both = newEvent(fd, EV_READ | EV_WRITE | EV_PERSIST, (_fd, which) => seen.push(`read and write ${which}`));
  t.is(eventAdd(both, null), 0);
  t.deepEqual(await turn(), ['read and write 6']);
  t.deepEqual(await turn(), ['read and write 6']);
  eventDel(both);
  const once = newEvent(fd, EV_READ, () => seen.push('read'));
  t.is(eventAdd(once, null), 0);
  t.deepEqual(await turn(), ['read']);
  t.deepEqual(await turn(), []);
  close(fd);
  fails(t, eventAdd(newEvent(server, EV_WRITE, () => {}), null), EINVAL);
  eventDel(listener);
  client.send(request(1, 'x'));
  t.deepEqual(await turn(), []);
  close(server);
});

test.serial('in a simulation a datagram socket has an address of its own, beside TCP', (t) => {
  eventEconomy(false);
  const sim = start();
  t.teardown(stopAll);
  fails(t, socket(AF_UNIX, SOCK_DGRAM, 0), EINVAL);
  const fd = socket(AF_INET, SOCK_DGRAM, 0);
  bind(fd, { sinFamily: AF_INET, sinPort: PORT, sinAddr: INADDR_ANY });
  fails(t, listen(fd, 1), EOPNOTSUPP);
  const client = sim.datagrams(PORT);
  client.send('hello');
  const buf = new Uint8Array(3);
  const addr = sockaddrStorage();
  t.is(recvfrom(fd, buf, 0, 3, addr), 3); // the rest is lost
  fails(t, recvfrom(fd, buf, 0, 3, addr), EAGAIN);
  t.is(sendto(fd, buf, 0, 3, addr.in), 3);
  t.deepEqual(client.take(), [Buffer.from('hel')]);
  t.deepEqual(sim.calls.map(({ name, result }) => [name, result]).slice(-3), [
    ['recvfrom', 3], ['recvfrom', 'EAGAIN'], ['sendto', 3],
  ]);
});
