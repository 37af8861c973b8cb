// A close while input is unread: what the program wrote before it arrives, instead of being lost to a reset. The rules
// on the simulated backend, then with real sockets. (By chance they are in economy-random.spec.ts, and the server is in
// economy-server.spec.ts.) A process has one simulation at a time, so tests run one after another.
import test from 'ava';
import type { ExecutionContext } from 'ava';

import { eventEconomy } from '../reactor/backends';
import { LINGER_IDLE_SECONDS, LINGER_MAX_BYTES, LINGER_MAX_SECONDS } from '../reactor/economy/lingering';
import { AHEAD_BYTES } from '../reactor/economy/readahead';
import { EAGAIN, EBADF, ECONNRESET, EINTR, ENOMEM, ENOTCONN, EPIPE } from '../reactor/errno.h';
import { EV_PERSIST, EV_READ, EV_WRITE } from '../reactor/event.h';
import { eventAdd, eventDel, eventDispatch } from '../reactor/event';
import type { SimClient, Simulation } from '../reactor/sim';
import {
  AF_INET, F_GETFL, F_SETFL, O_NONBLOCK, SHUT_RD, SHUT_RDWR, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SO_LINGER,
} from '../reactor/socket.h';
import {
  accept, bind, close, connect, fcntl, getsockname, lingering, listen, read, setsockopt, shutdown, socket,
} from '../reactor/syscalls';
import { fails, readText, writeText } from './support/calls';
import { Client } from './support/client';
import { backends } from './support/server';
import { Kernel, PORT, accepted, failOnce, listening, newEvent, start, stopAll, turn } from './support/simulated';
import { init, listener, unblock, until } from './support/sockets';

test.beforeEach(() => eventEconomy(true));

test.afterEach.always(stopAll);

/** A client that has sent more than the program has read, and the program's descriptor. */
function talking(sim: Simulation): [SimClient, number] {
  const [[client, fd]] = accepted(sim);
  unblock(fd);
  client.send('a request, and more');
  return [client, fd];
}

/** One that the program has closed in a turn, after it has read a part and replied. */
async function closed(t: ExecutionContext, sim: Simulation): Promise<[SimClient, number]> {
  const [client, fd] = talking(sim);
  await turn(() => {
    t.is(readText(fd, 9), 'a request');
    t.is(writeText(fd, 'a reply'), 7);
    t.is(close(fd), 0);
  });
  return [client, fd];
}

test.serial('a close with input unread: the reply arrives, then the end, and no reset', async (t) => {
  const sim = start();
  const [client, fd] = await closed(t, sim);
  t.is(client.take().toString(), 'a reply');
  t.true(client.ended);
  t.false(client.wasReset);
  t.deepEqual(sim.openFds(), [fd]);

  const over = eventDispatch();
  client.send('what was on its way');
  await sim.idle();
  t.false(client.wasReset);
  client.end();
  t.is(await over, 1);
  t.false(client.wasReset);
  t.deepEqual(sim.openFds(), []);
});

test.serial('the calls: SHUT_WR, then reads until the end of the stream, then close', async (t) => {
  const sim = start();
  const [client, fd] = talking(sim);
  const kernel = new Kernel(sim);
  await turn(() => {
    readText(fd, 9);
    writeText(fd, 'a reply');
    close(fd);
  });
  t.deepEqual(kernel.calls(), [
    `read ${fd}: 9 of 9`, `write ${fd}: 7 of 7`, `read ${fd}: 10 of 65536`, `shutdown ${fd}: 0`,
  ]);
  client.send('more');
  client.end();
  t.is(await eventDispatch(), 1);
  t.deepEqual(kernel.calls(), [`read ${fd}: 4 of 65536`, `read ${fd}: 0 of 65536`, `close ${fd}: 0`]);
});

test.serial('if the client has ended its stream, the descriptor is closed at once', async (t) => {
  const sim = start();
  const [client, fd] = talking(sim);
  client.end();
  const kernel = new Kernel(sim);
  await turn(() => {
    readText(fd, 19);
    close(fd);
  });
  t.deepEqual(kernel.calls(), [`read ${fd}: 19 of 19`, `read ${fd}: 0 of 65536`, `close ${fd}: 0`]);
  t.true(client.ended);
});

// Closes that are what they were

/** Ways to a close at which it is known that nothing is unread. */
const ORDINARY: Record<string, (client: SimClient, fd: number, sim: Simulation) => void> = {
  'after a read that gave less than it was asked for': (_client, fd) => void readText(fd),
  'after the end of the stream': (client, fd) => {
    client.end();
    readText(fd, 19);
    readText(fd, 19);
  },
  'after an EAGAIN, then the end of the stream': (client, fd, sim) => {
    failOnce(sim, 'read', EAGAIN);
    readText(fd, 19);
    client.end();
    readText(fd, 19);
    readText(fd, 19);
  },
  'after a reset': (client, fd) => {
    client.reset();
    readText(fd, 19);
    readText(fd, 19);
  },
  'after a read that failed': (_client, fd, sim) => {
    failOnce(sim, 'read', ECONNRESET);
    readText(fd, 9);
  },
};

for (const [name, before] of Object.entries(ORDINARY)) {
  test.serial(`a close makes no other call ${name}`, async (t) => {
    const sim = start();
    const [client, fd] = talking(sim);
    const kernel = new Kernel(sim);
    await turn(() => {
      before(client, fd, sim);
      kernel.calls();
      t.is(close(fd), 0);
      t.deepEqual(kernel.calls(), [`close ${fd}: 0`]);
    });
    t.is(lingering(), 0);
  });
}

test.serial('a close makes no other call after a write that failed', async (t) => {
  const sim = start();
  const [, fd] = talking(sim);
  const kernel = new Kernel(sim);
  await turn(() => {
    failOnce(sim, 'write', EPIPE);
    writeText(fd, 'a reply');
    close(fd);
  });
  t.deepEqual(kernel.calls(), [`write ${fd}: EPIPE of 7`, `shutdown ${fd}: ENOTCONN`, `close ${fd}: 0`]);
});

test.serial('in a later turn than the last read, a close makes one read: if there is nothing, it closes at once', async (t) => {
  const sim = start();
  const [client, fd] = talking(sim);
  await turn(() => readText(fd));
  const kernel = new Kernel(sim);
  await turn(() => close(fd));
  t.deepEqual(kernel.calls(), [`read ${fd}: EAGAIN of 65536`, `close ${fd}: 0`]);
  t.true(client.ended);
  t.false(client.wasReset);
});

test.serial('in a later turn than the last read, input that came meanwhile is unread input', async (t) => {
  const sim = start();
  const [client, fd] = talking(sim);
  await turn(() => readText(fd));
  client.send('more');
  await turn(() => close(fd));
  t.true(client.ended);
  t.false(client.wasReset);
  t.is(lingering(), 1);
});

for (const [name, length, got] of [['found nothing for now', 10, EAGAIN], ['asked for nothing', 0, '']] as const) {
  test.serial(`input that comes after a read that ${name} is unread input, too`, async (t) => {
    const sim = start();
    const [client, fd] = talking(sim);
    await turn(() => readText(fd));
    await turn(() => t.is(readText(fd, length), got));
    client.send('more');
    await turn(() => close(fd));
    t.false(client.wasReset);
    t.is(lingering(), 1);
  });
}

test.serial('the rules hold outside of the loop, too', (t) => {
  const sim = start();
  const [client, fd] = talking(sim);
  readText(fd);
  client.send('more');
  close(fd);
  t.true(client.ended);
  t.false(client.wasReset);
});

test.serial('a blocking descriptor is closed at once', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  client.send('hello');
  await turn(() => close(fd));
  t.true(client.wasReset);
  t.deepEqual(sim.openFds(), []);
});

test.serial('a descriptor that was made blocking again is closed at once', async (t) => {
  const sim = start();
  const [client, fd] = talking(sim);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) & ~O_NONBLOCK);
  await turn(() => close(fd));
  t.true(client.wasReset);
});

test.serial('a descriptor with SO_LINGER, its own or inherited from its listener, is closed at once', async (t) => {
  const sim = start();
  for (const on of ['connection', 'listener']) {
    const server = listening();
    if (on === 'listener') setsockopt(server, SOL_SOCKET, SO_LINGER, { lOnoff: 1, lLinger: 0 });
    const client = sim.connect(PORT);
    const fd = unblock(accept(server, null));
    if (on === 'connection') setsockopt(fd, SOL_SOCKET, SO_LINGER, { lOnoff: 1, lLinger: 0 });
    client.send('hello');
    await turn(() => close(fd));
    t.true(client.wasReset);
    close(server);
  }
  t.deepEqual(sim.openFds(), []);
});

test.serial('SO_LINGER with l_onoff 0 changes nothing', async (t) => {
  const sim = start();
  const [client, fd] = talking(sim);
  setsockopt(fd, SOL_SOCKET, SO_LINGER, { lOnoff: 0, lLinger: 0 });
  await turn(() => close(fd));
  t.false(client.wasReset);
});

test.serial('calls that fail, or only ask, change nothing', async (t) => {
  const sim = start();
  const [client, fd] = talking(sim);
  fcntl(fd, F_GETFL, 0);
  failOnce(sim, 'fcntl', EINTR);
  t.is(fcntl(fd, F_SETFL, 0), -1);
  failOnce(sim, 'setsockopt', ENOMEM);
  t.is(setsockopt(fd, SOL_SOCKET, SO_LINGER, { lOnoff: 1, lLinger: 0 }), -1);
  await turn(() => close(fd));
  t.false(client.wasReset);
});

test.serial('a datagram socket is closed at once, without a read', async (t) => {
  const sim = start();
  const stream = socket(AF_INET, SOCK_STREAM, 0);
  close(stream);
  const fd = unblock(socket(AF_INET, SOCK_DGRAM, 0));
  t.is(fd, stream, 'though its number was that of a stream');
  const kernel = new Kernel(sim);
  await turn(() => close(fd));
  t.deepEqual(kernel.calls(), [`close ${fd}: 0`]);
});

test.serial('a listener, and a socket that is not connected, are closed at once', (t) => {
  const sim = start();
  const [server, fresh] = [listening(), socket(AF_INET, SOCK_STREAM, 0)];
  for (const fd of [server, fresh]) t.is(close(unblock(fd)), 0);
  t.deepEqual(sim.openFds(), []);
});

test.serial('a connection that the program has made is treated alike', async (t) => {
  const sim = start();
  let far: SimClient | null = null;
  sim.serve(80, (client) => (far = client).send('a greeting'));
  const fd = unblock(socket(AF_INET, SOCK_STREAM, 0));
  connect(fd, { sinFamily: AF_INET, sinPort: 80, sinAddr: 0x7f000001 });
  await until(fd);
  await turn(() => {
    writeText(fd, 'a request');
    close(fd);
  });
  const peer = far as SimClient | null;
  t.is(peer?.take().toString(), 'a request');
  t.deepEqual([peer?.ended, peer?.wasReset], [true, false]);
});

// Bounds

test.serial(`bounds: after ${LINGER_IDLE_SECONDS} seconds without a byte the descriptor is closed`, async (t) => {
  const sim = start();
  const [client, fd] = await closed(t, sim);
  const over = eventDispatch();
  await sim.advance(LINGER_IDLE_SECONDS - 0.5);
  client.send('more');
  await sim.idle();
  await sim.advance(LINGER_IDLE_SECONDS - 0.5);
  t.deepEqual(sim.openFds(), [fd]);
  await sim.advance(1);
  t.is(await over, 1);
  t.deepEqual(sim.openFds(), []);
  t.false(client.wasReset);
});

/** `fd` is open for so many seconds, and no longer, though its client sends a byte each second. */
async function staysOpenFor(
  t: ExecutionContext, sim: Simulation, fd: number, seconds: number, client: SimClient,
): Promise<void> {
  const over = eventDispatch();
  for (let second = 0; second < seconds - 1; second++) {
    await sim.advance(1);
    client.send('.');
  }
  t.deepEqual(sim.openFds(), [fd]);
  await sim.advance(2);
  t.is(await over, 1);
  t.deepEqual(sim.openFds(), []);
}

test.serial(`bounds: after ${LINGER_MAX_SECONDS} seconds in all it is closed, even if the client never stops`, async (t) => {
  const sim = start();
  const [client, fd] = await closed(t, sim);
  await staysOpenFor(t, sim, fd, LINGER_MAX_SECONDS, client);
});

test.serial('bounds: a wall clock that is set back does not prolong that', async (t) => {
  const sim = start();
  const [client] = await closed(t, sim);
  const over = eventDispatch();
  for (let second = 0; second < LINGER_MAX_SECONDS + 1; second++) {
    await sim.advance(1);
    if (second === 5) sim.setClock(sim.now - 3600);
    if (!client.wasReset) client.send('.');
  }
  t.is(await over, 1);
  t.deepEqual(sim.openFds(), []);
});

for (const [name, seconds] of [['forward', 86_400], ['back', -86_400]] as const) {
  test.serial(`bounds: setting the wall clock ${name} does not change them`, async (t) => {
    const sim = start();
    const [client, fd] = await closed(t, sim);
    const over = eventDispatch();
    await sim.advance(LINGER_IDLE_SECONDS - 0.5);
    sim.setClock(sim.now + seconds);
    client.send('more'); // from here on it is idle
    await sim.advance(LINGER_IDLE_SECONDS - 0.5);
    t.deepEqual(sim.openFds(), [fd]);
    await sim.advance(0.5);
    t.deepEqual(sim.openFds(), []);
    t.is(await over, 1);
  });
}

test.serial(`bounds: after ${LINGER_MAX_BYTES} bytes it is closed`, async (t) => {
  const sim = start({ record: false });
  const [client, fd] = await closed(t, sim);
  const over = eventDispatch();
  const chunk = Buffer.alloc(LINGER_MAX_BYTES / 8);
  for (let i = 0; i < 7; i++) {
    client.send(chunk);
    await sim.idle();
  }
  t.deepEqual(sim.openFds(), [fd]);
  client.send(chunk);
  t.is(await over, 1);
  t.deepEqual(sim.openFds(), []);
});

test.serial('bounds: a reset ends the wait', async (t) => {
  const sim = start();
  const [client] = await closed(t, sim);
  client.reset();
  t.is(await eventDispatch(), 1);
  t.deepEqual(sim.openFds(), []);
});

test.serial('bounds: a read that fails ends the wait; EINTR does not', async (t) => {
  const sim = start();
  const [client, fd] = await closed(t, sim);
  const over = eventDispatch();
  failOnce(sim, 'read', EINTR);
  client.send('more');
  await sim.idle();
  t.deepEqual(sim.openFds(), [fd]);
  failOnce(sim, 'read', ENOMEM);
  client.send('more');
  t.is(await over, 1);
  t.deepEqual(sim.openFds(), []);
});

test.serial('bounds: the end of the stream ends the wait, even after an EAGAIN', async (t) => {
  const sim = start();
  const [client] = await closed(t, sim);
  const over = eventDispatch();
  failOnce(sim, 'read', EAGAIN);
  client.send('more');
  await sim.idle();
  client.end();
  t.is(await over, 1);
  t.deepEqual(sim.openFds(), []);
});

test.serial('bounds: if EINTR interrupts the first read of a close, it waits all the same', async (t) => {
  const sim = start();
  const [client, fd] = talking(sim);
  await turn(() => {
    failOnce(sim, 'read', EINTR);
    close(fd);
  });
  t.false(client.wasReset);
  t.is(lingering(), 1);
});

test.serial('bounds: if the backend cannot wait for the descriptor, it is closed at once', async (t) => {
  const sim = start();
  for (const [call, errnum] of [['epoll_ctl', ENOMEM], ['shutdown', ENOTCONN], ['read', ENOTCONN]] as const) {
    const [, fd] = talking(sim);
    await turn(() => {
      failOnce(sim, call, errnum);
      t.is(close(fd), 0);
    });
    t.deepEqual(sim.openFds(), []);
    t.is(lingering(), 0);
  }
});

// To the program it is closed

test.serial('closed: every call on the descriptor gives EBADF', async (t) => {
  const sim = start();
  const [client, fd] = await closed(t, sim);
  const addr = { sinFamily: AF_INET, sinPort: PORT, sinAddr: 0 };
  const calls: (() => number)[] = [
    () => read(fd, Buffer.alloc(9), 0, 9), () => close(fd), () => shutdown(fd, SHUT_RD), () => shutdown(fd, SHUT_RDWR),
    () => accept(fd, null), () => bind(fd, addr), () => listen(fd, 1), () => connect(fd, addr),
    () => getsockname(fd, addr),
    () => fcntl(fd, F_GETFL, 0), () => setsockopt(fd, SOL_SOCKET, SO_LINGER, { lOnoff: 1, lLinger: 0 }),
  ];
  const refused = (): void => {
    for (const call of calls) fails(t, call(), EBADF);
    for (const text of ['more', 'x'.repeat(100_000)]) t.is(writeText(fd, text), -EBADF);
    const ev = newEvent(fd, EV_READ | EV_WRITE, () => t.fail());
    fails(t, eventAdd(ev, null), EBADF);
    fails(t, eventDel(ev), EBADF);
  };
  refused();
  await turn(refused);
  client.send('more');
  client.end();
  t.is(await eventDispatch(), 1);
  t.false(client.wasReset);
  t.is(client.take().toString(), 'a reply');
});

test.serial('closed: the number is not reused before the kernel has closed it', async (t) => {
  const sim = start();
  const [client, fd] = await closed(t, sim);
  t.not(socket(AF_INET, SOCK_STREAM, 0), fd);
  client.end();
  t.is(await eventDispatch(), 1);
  t.is(socket(AF_INET, SOCK_STREAM, 0), fd);
});

test.serial('closed: nothing is known of a new descriptor with the same number', async (t) => {
  const sim = start();
  const [client, fd] = await closed(t, sim);
  client.end();
  t.is(await eventDispatch(), 1);
  const [[other, again]] = accepted(sim);
  t.is(again, fd);
  other.send('hello');
  await turn(() => {
    t.is(readText(fd), 'hello');
    t.is(writeText(fd, 'world'), 5);
  });
  t.is(other.take().toString(), 'world');
});

test.serial('closed: an event that was not deleted before does not fire, whether it is deleted afterwards or not', async (t) => {
  for (const events of [EV_READ, EV_READ | EV_PERSIST, EV_WRITE | EV_PERSIST, EV_READ | EV_WRITE | EV_PERSIST]) {
    for (const deletes of [false, true]) {
      const sim = start();
      const [client, fd] = talking(sim);
      const ev = newEvent(fd, events, () => t.fail());
      eventAdd(ev, null);
      close(fd);
      if (deletes) eventDel(ev);
      client.take();
      t.is(lingering(), events & EV_WRITE ? 0 : 1);
      if (!client.wasReset) client.send('more');
      if (!client.wasReset) client.end();
      const over = eventDispatch();
      await sim.advance(LINGER_IDLE_SECONDS + 1);
      t.deepEqual(sim.openFds(), []);
      sim.stop();
      await over;
    }
  }
});

// With what else the layer does

test.serial('held: bytes that the kernel has not taken are sent first, and then unread input is waited for', async (t) => {
  const sim = start({ sendBuffer: 10 });
  const [client, fd] = talking(sim);
  client.pauseReading();
  const text = 'ten bytes, and the rest is held';
  await turn(() => {
    readText(fd, 9);
    writeText(fd, text);
    close(fd);
  });
  t.is(lingering(), 1);
  fails(t, read(fd, Buffer.alloc(9), 0, 9), EBADF);
  const over = eventDispatch();
  await sim.advance(50);
  client.resumeReading();
  await sim.idle();
  t.is(client.take().toString(), text);
  t.true(client.ended);
  t.false(client.wasReset);
  t.is(lingering(), 1);
  client.end();
  t.is(await over, 1);
  t.is(lingering(), 0);
  t.deepEqual(sim.openFds(), []);
});

test.serial('held: a peer that takes nothing for 60 seconds is given up, and its input is not waited for', async (t) => {
  const sim = start({ sendBuffer: 10 });
  const [client, fd] = talking(sim);
  client.pauseReading();
  await turn(() => {
    writeText(fd, 'ten bytes, and the rest is held');
    close(fd);
  });
  await staysOpenFor(t, sim, fd, 60, client);
});

test.serial("ahead: bytes that were fetched are no unread input of the kernel's; those behind them are", async (t) => {
  const sim = start();
  const pairs = accepted(sim, 4);
  for (const [client, fd] of pairs) {
    unblock(fd);
    client.send('x');
  }
  await turn(() => {
    for (const [, fd] of pairs) readText(fd);
  });
  const kernel = new Kernel(sim);
  const events = pairs.map(([, fd], i) => newEvent(fd, EV_READ, () => {
    if (i === 0) kernel.calls();
    close(fd);
  }));
  for (const ev of events) eventAdd(ev, null);
  for (const [i, [client]] of pairs.entries()) client.send('y'.repeat(i === 3 ? AHEAD_BYTES + 1 : 10));
  const over = eventDispatch();
  await sim.idle();
  const fds = pairs.map(([, fd]) => fd);
  t.deepEqual(kernel.calls(), [
    `close ${fds[0]}: 0`, `close ${fds[1]}: 0`, `close ${fds[2]}: 0`,
    `read ${fds[3]}: 1 of 65536`, `shutdown ${fds[3]}: 0`,
  ]);
  for (const [client] of pairs) t.deepEqual([client.ended, client.wasReset], [true, false]);
  await sim.advance(LINGER_IDLE_SECONDS);
  t.is(await over, 1);
});

test.serial('lingering(): the number of descriptors that are closed here and open in the kernel', async (t) => {
  const sim = start();
  t.is(lingering(), 0);
  const clients = [await closed(t, sim), await closed(t, sim), await closed(t, sim)];
  t.is(lingering(), 3);
  for (const [client] of clients) client.end();
  t.is(await eventDispatch(), 1);
  t.is(lingering(), 0);
});

test.serial('event_init: forgets them, and without economy a close goes straight to the kernel', async (t) => {
  const first = start();
  const [, fd] = await closed(t, first);
  const sim = start();
  t.is(lingering(), 0);
  const [[, again]] = accepted(sim);
  t.is(again, fd);
  t.is(writeText(fd, 'hello'), 5);

  eventEconomy(false);
  const [client, plain] = talking(start());
  close(plain);
  t.true(client.wasReset);
  t.is(lingering(), 0);
});

// Real sockets

for (const backend of backends) {
  test.serial(`${backend}: a client that does not stop sending gets the reply, and its end`, async (t) => {
    init(backend, true);
    const server = listener();
    unblock(server.fd);
    const peer = Client.connect(server.port);
    await until(server.fd);
    const fd = unblock(accept(server.fd, null));
    close(server.fd);
    const client = await peer;
    const heard = client.insists('a request', 'x'.repeat(1_000_000));
    await until(fd);
    await turn(() => {
      t.is(readText(fd, 9), 'a request');
      writeText(fd, 'a reply');
      close(fd);
    });
    t.is(lingering(), 1);
    const over = eventDispatch();
    t.is(await heard, 'a reply');
    t.is(await over, 1);
    t.is(lingering(), 0);
  });
}
