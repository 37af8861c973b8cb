// The text protocol of memcached 1.6: what it answers, on every backend; and, cut into pieces and with faults, on the
// simulated one.
import test from 'ava';

import { Random } from '../reactor/sim';
import { Client } from './support/client';
import { sendPiecemeal, startPiecemeal } from './support/piecemeal';
import { sharedServer } from './support/shared-server';
import { SMALL_MEMORY, SimServer } from './support/sim-server';
import { backendsToTry, upTo } from './support/thorough';

const BAD_LINE = 'CLIENT_ERROR bad command line format\r\n';
const BIG = 'z'.repeat(3000);

/** A conversation: what is sent, and what is answered. */
type Conversation = readonly (readonly [sends: string, receives: string])[];

const conversations: Record<string, Conversation> = {
  'a get gives the stored value with its flags': [
    ['set a 5 0 2\r\nhi\r\n', 'STORED\r\n'],
    ['get a\r\n', 'VALUE a 5 2\r\nhi\r\nEND\r\n'],
    ['get b a b a\r\n', 'VALUE a 5 2\r\nhi\r\nVALUE a 5 2\r\nhi\r\nEND\r\n'],
    ['set a 0 0 0\r\n\r\n', 'STORED\r\n'],
    ['get a\r\n', 'VALUE a 0 0\r\n\r\nEND\r\n'],
  ],
  'a value that does not fit the buffer is sent between others that do': [
    [`set big 1 0 3000\r\n${BIG}\r\n`, 'STORED\r\n'],
    ['set small 2 0 1\r\ns\r\n', 'STORED\r\n'],
    ['get small big small big\r\n',
      `VALUE small 2 1\r\ns\r\nVALUE big 1 3000\r\n${BIG}\r\nVALUE small 2 1\r\ns\r\nVALUE big 1 3000\r\n${BIG}\r\nEND\r\n`],
  ],
  'add stores only a missing item; replace, append and prepend only an existing one': [
    ['replace a 0 0 1\r\n1\r\n', 'NOT_STORED\r\n'],
    ['append a 0 0 1\r\n1\r\n', 'NOT_STORED\r\n'],
    ['prepend a 0 0 1\r\n1\r\n', 'NOT_STORED\r\n'],
    ['add a 7 0 1\r\n1\r\n', 'STORED\r\n'],
    ['add a 0 0 1\r\n2\r\n', 'NOT_STORED\r\n'],
    ['append a 9 0 1\r\n2\r\n', 'STORED\r\n'],
    ['prepend a 9 0 1\r\n0\r\n', 'STORED\r\n'],
    ['get a\r\n', 'VALUE a 7 3\r\n012\r\nEND\r\n'],
    ['replace a 0 0 1\r\nx\r\n', 'STORED\r\n'],
    ['get a\r\n', 'VALUE a 0 1\r\nx\r\nEND\r\n'],
  ],
  'cas refuses a missing item, a wrong number, and a malformed line': [
    ['cas a 0 0 1 1\r\nx\r\n', 'NOT_FOUND\r\n'],
    ['set a 0 0 1\r\n1\r\n', 'STORED\r\n'],
    ['cas a 0 0 1 18446744073709551615\r\nx\r\n', 'EXISTS\r\n'],
    ['cas a 0 0 1 18446744073709551616\r\nx\r\n', BAD_LINE],
    ['cas a 0 0 1\r\nx\r\n', BAD_LINE],
    ['get a\r\n', 'VALUE a 0 1\r\n1\r\nEND\r\n'],
  ],
  'numbers have 64 bits: incr wraps to 0, decr stops there and keeps the length': [
    ['set n 3 0 2\r\n10\r\n', 'STORED\r\n'],
    ['incr n 18446744073709551605\r\n', '18446744073709551615\r\n'],
    ['get n\r\n', 'VALUE n 3 20\r\n18446744073709551615\r\nEND\r\n'],
    ['incr n 1\r\n', '0\r\n'],
    ['get n\r\n', `VALUE n 3 20\r\n0${' '.repeat(19)}\r\nEND\r\n`],
    ['incr n 12\r\n', '12\r\n'],
    ['decr n 13\r\n', '0\r\n'],
    ['incr n -1\r\n', 'CLIENT_ERROR invalid numeric delta argument\r\n'],
    ['incr n 18446744073709551616\r\n', 'CLIENT_ERROR invalid numeric delta argument\r\n'],
    ['incr none 1\r\n', 'NOT_FOUND\r\n'],
    ['set t 0 0 1\r\nx\r\n', 'STORED\r\n'],
    ['incr t 1\r\n', 'CLIENT_ERROR cannot increment or decrement non-numeric value\r\n'],
  ],
  'noreply silences replies and errors alike': [
    ['set a 0 0 1 noreply\r\n1\r\nget a\r\n', 'VALUE a 0 1\r\n1\r\nEND\r\n'],
    ['add a 0 0 1 noreply\r\n2\r\nincr a 4 noreply\r\nget a\r\n', 'VALUE a 0 1\r\n5\r\nEND\r\n'],
    ['set a x 0 1 noreply\r\n1\r\ntouch a 0 noreply\r\ndelete a noreply\r\nget a\r\n', 'END\r\n'],
    ['set a 0 0 1 noreply\r\n1\r\ndelete a 10 noreply\r\nget a\r\n', 'VALUE a 0 1\r\n1\r\nEND\r\n'],
    ['delete a 0 noreply\r\nget a\r\n', 'END\r\n'],
    ['set a 0 0 1 noreply\r\n123\r\nget a\r\n', `${BAD_LINE}END\r\n`],
  ],
  'the data of a refused line are not run as commands': [
    ['set a x 0 12\r\ndelete a\r\n\r\n\r\nversion\r\n', `${BAD_LINE}VERSION 1.6.45\r\n`],
    [`set ${'k'.repeat(251)} 0 0 9\r\nversion\r\n\r\nversion\r\n`, `${BAD_LINE}VERSION 1.6.45\r\n`],
    ['set a 0 0 -1\r\nversion\r\n', `${BAD_LINE}VERSION 1.6.45\r\n`],
  ],
  'bad data are swallowed to exactly the length in the line': [
    ['set a 0 0 1\r\nxy\nversion\r\n', 'CLIENT_ERROR bad data chunk\r\nVERSION 1.6.45\r\n'],
    ['set a 0 0 1\r\nxyversion\r\n', 'CLIENT_ERROR bad data chunk\r\nERROR\r\n'],
    ['set a 0 0 5\r\nx\r\nversion\r\n', 'CLIENT_ERROR bad data chunk\r\nERROR\r\n'],
  ],
  'a value that is too large is swallowed, and the item that it was to replace is deleted': [
    ['set a 0 0 1\r\n1\r\n', 'STORED\r\n'],
    [`set a 0 0 1048576\r\n${'x'.repeat(1048576)}\r\n`, 'SERVER_ERROR object too large for cache\r\n'],
    ['get a\r\n', 'END\r\n'],
  ],
  'a key may have up to 250 bytes; a longer one makes the whole reply an error': [
    [`set ${'k'.repeat(250)} 0 0 1\r\n1\r\n`, 'STORED\r\n'],
    [`get ${'k'.repeat(250)}\r\n`, `VALUE ${'k'.repeat(250)} 0 1\r\n1\r\nEND\r\n`],
    [`get ${'k'.repeat(250)} ${'k'.repeat(251)}\r\n`, BAD_LINE],
    [`delete ${'k'.repeat(251)}\r\n`, BAD_LINE],
  ],
  'words may be followed by spaces, and a line may end in a newline alone': [
    ['version \r\nversion\nget a \r\nset a 0 0 1 \nx\r\nget a\n', 'VERSION 1.6.45\r\nVERSION 1.6.45\r\nEND\r\n' +
      'STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n'],
  ],
  'an unknown command, and a command without its arguments, get an error': [
    ['\r\n', BAD_LINE], ['a\r\n', BAD_LINE], ['get\r\n', BAD_LINE], ['gat 0\r\n', BAD_LINE], ['set a 0 0\r\n', BAD_LINE],
    ['touch a\r\n', BAD_LINE], ['incr a\r\n', BAD_LINE], [' get a\r\n', 'ERROR\r\n'], ['GET a\r\n', 'ERROR\r\n'],
    ['bogus\r\n', 'ERROR\r\n'], ['gat x a\r\n', 'CLIENT_ERROR invalid exptime argument\r\n'],
  ],
};

for (const backend of backendsToTry) {
  const shared = sharedServer({ backend, today: true });

  test(`${backend}: every conversation gets its replies`, async (t) => {
    const server = await shared();
    for (const [name, conversation] of Object.entries(conversations)) {
      const client = await Client.connect(server.port);
      for (const key of ['a', 'b', 'n', 't']) await client.sent(`delete ${key} noreply\r\n`);
      for (const [sends, receives] of conversation) {
        client.send(sends);
        t.is(await client.take(receives.length), receives, name);
      }
      client.destroy();
    }
  });

  test(`${backend}: a browser, and a client that sends no newline, are disconnected`, async (t) => {
    const server = await shared();
    for (const sends of [
      'GET / HTTP/1.0\r\nflush_all\r\n', 'POST /set HTTP/1.1\r\nversion\r\n', 'x'.repeat(2049), `set ${'k'.repeat(3000)}`,
      'quit\r\nversion\r\n',
    ]) {
      const client = await Client.connect(server.port);
      client.send(sends);
      t.is(await client.closed(), '', sends.slice(0, 20));
    }
  });
}

for (const [name, conversation] of Object.entries(conversations)) {
  test.serial(`sim: ${name}`, async (t) => {
    for (let seed = 1; seed <= upTo(1, 3); seed++) {
      const random = new Random(seed);
      const server = await startPiecemeal(random, seed, [], { memory: SMALL_MEMORY });
      const peer = await server.connect();
      await sendPiecemeal(server, peer, conversation.map(([text]) => text).join(''), random);
      const receives = conversation.map(([, text]) => text).join('');
      t.is(await peer.take(receives.length), receives, `seed ${seed}`);
      await server.stop();
    }
  });
}

test.serial('sim: a get with megabytes of keys is served with one megabyte of buffers', async (t) => {
  const MIB = 1 << 20;
  const server = await SimServer.start([], { today: true, memory: [MIB, MIB, 10 * MIB], maxTurns: Infinity });
  const peer = server.connectNow();
  t.is(await peer.ask('set here 0 0 4\r\nhere\r\n'), 'STORED\r\n');
  const thousand = `here ${Array.from({ length: 999 }, (_, i) => String(i).padStart(40, 'k')).join(' ')}`;
  const thousands = upTo(50, 200);
  peer.send(`gets ${new Array<string>(thousands).fill(thousand).join(' ')}\r\nversion\r\n`);
  await server.sim.idle();
  const replies = (await peer.take(peer.waiting)).replace(/(VALUE here 0 4 \d+\r\nhere\r\n)/g, 'hit ');
  t.is(replies, `${'hit '.repeat(thousands)}END\r\nVERSION 1.6.45\r\n`);
  await server.stop();
});
