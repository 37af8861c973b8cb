// DEBUG=memcached:* tells the story of a connection: events and states by name, command lines, the bytes of each call.
import { takeLines } from './support/debug-lines';
import test from 'ava';
import { CommandLines } from '../scripts/command/commandlines';
import { story } from '../scripts/command/story';
import { SimServer } from './support/sim-server';

function linesOf(...chunks: string[]): string[] {
  const stream = new CommandLines();
  return chunks.flatMap((chunk) => stream.take(Buffer.from(chunk, 'latin1')));
}

test('the story follows a connection from its first event to its end', async (t) => {
  const server = await SimServer.start([], { classic: true, over: story() });
  const client = await server.connect();
  await server.sim.idle();
  takeLines();
  client.send('set k 0 0 3\r\na');
  await server.sim.idle();
  client.send('"\n\r\nquit\r\n');
  await server.sim.idle();
  await server.stop();
  t.deepEqual(takeLines().filter((line) => !line.startsWith('slabs')), [
    'event 4: event EV_READ',
    'state 4: state read',
    'io 4: read(2048) = 14 "set k 0 0 3\\r\\na"',
    'command 4: set k 0 0 3',
    'io 4: read(2034) = -1 EAGAIN',
    'state 4: state read',
    'state 4: state nread',
    'state 4: state nread',
    'io 4: read(4) = -1 EAGAIN',
    'event 4: event EV_READ',
    'state 4: state nread',
    'io 4: read(4) = 4 "\\"\\n\\r\\n"',
    'state 4: state nread',
    'items link k',
    'state 4: state write',
    'io 4: write(8) = 8 "STORED\\r\\n"',
    'state 4: state write',
    'state 4: state read',
    'io 4: read(2048) = 6 "quit\\r\\n"',
    'command 4: quit',
    'io 4: read(2042) = -1 EAGAIN',
    'state 4: state read',
    'state 4: state closing',
    'conn 4: closed',
  ]);
});

test('data are never shown as command lines, whatever they hold and however they are cut', (t) => {
  const text = 'set k 0 0 9\r\nget x\r\nab\r\nget k\r\nms m 3 T0\r\nget\r\nmg m v\r\n';
  const expected = ['set k 0 0 9', 'get k', 'ms m 3 T0', 'mg m v'];
  t.deepEqual(linesOf(text), expected);
  for (let cut = 1; cut < text.length; cut++) t.deepEqual(linesOf(text.slice(0, cut), text.slice(cut)), expected);
});

test('a storage line without a length has no data, and the binary protocol has no lines', (t) => {
  t.deepEqual(linesOf('set k\r\nget k\r\n'), ['set k', 'get k']);
  t.deepEqual(linesOf('\x80\x0a\r\nget k\r\n'), []);
});
