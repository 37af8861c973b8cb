// Conversations by seed, cut into pieces anywhere: on every backend the same bytes, and those that a model answers.
import test from 'ava';

import { Random } from '../reactor/sim';
import { Client } from './support/client';
import { converse } from './support/conversation';
import { startServer } from './support/server';
import { SimServer } from './support/sim-server';
import { kindsToTry, upTo } from './support/thorough';

const COMMANDS = 300;
const SEEDS = Array.from({ length: upTo(2, 6) }, (_, seed) => seed + 1);
/** On real sockets, where a server takes longer to start. */
const SOME_SEEDS = SEEDS.slice(0, upTo(1, 2));

/** `text` in pieces of any length. */
function pieces(random: Random, text: string): string[] {
  const cuts = Array.from({ length: 60 }, () => random.int(text.length + 1)).sort((a, b) => a - b);
  return [0, ...cuts].map((from, i) => text.slice(from, cuts[i])).filter((piece) => piece !== '');
}

/** The replies without the numbers that are the run's own. */
function masked(replies: string): string {
  return replies
    .replace(/(STAT (?:pid|uptime|bytes_read|bytes_written|items:\d+:age)) \d+/g, '$1 #')
    .replace(/^(ITEM .* b;) \d+ s\]/gm, '$1 # s]');
}

/** Shows where two texts differ, with a few characters around, since nobody can read texts of megabytes. */
function difference(actual: string, expected: string): { actual: string; expected: string } | null {
  if (actual === expected) return null;
  let at = 0;
  while (actual[at] === expected[at]) at++;
  const from = Math.max(0, at - 200);
  return { actual: actual.slice(from, at + 200), expected: expected.slice(from, at + 200) };
}

for (const { name, ...kind } of kindsToTry) {
  test.serial(`${name}: random conversations match the model`, async (t) => {
    for (const seed of SOME_SEEDS) {
      const random = new Random(seed);
      const { sends, receives } = converse(random, COMMANDS);
      const server = await startServer(kind);
      t.teardown(() => server.stop());
      const client = await Client.connect(server.port);
      for (const piece of pieces(random, sends)) await client.sent(piece);
      t.is(difference(masked(await client.closed()), receives), null, `seed ${seed}`);
      t.is(await server.stop(), 0);
      t.is(server.stderr(), '', `seed ${seed}`);
    }
  });
}

for (const classic of [false, true]) {
  const name = classic ? 'sim --classic' : 'sim';

  test.serial(`${name}: random conversations match the model, however few bytes a call moves`, async (t) => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const { sends, receives } = converse(random, COMMANDS);
      const sendBuffer = random.pick([1000, 65536]);
      const options = { classic, seed, sendBuffer, shortIo: true, shuffle: true, maxTurns: Infinity };
      const server = await SimServer.start([], options);
      const peer = await server.connect();
      for (const piece of pieces(random, sends)) {
        if (random.chance(0.5)) await server.sim.idle();
        if (random.chance(0.2)) peer.pauseReading();
        peer.send(piece);
        if (random.chance(0.2)) peer.resumeReading();
      }
      peer.resumeReading();
      const replies = await peer.closed();
      t.is(difference(masked(replies), receives), null, `seed ${seed}`);
      await server.stop();
    }
  });
}
