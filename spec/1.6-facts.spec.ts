// What a real memcached 1.6.45 answered to requests about which one may be in doubt, in spec/1.6/facts.json: ours says
// the same, but where that is a slip.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

import { Client } from './support/client';
import { differences, inLockstep, masked, unpacked } from './support/exchanges';
import type { Exchange, PackedExchange } from './support/exchanges';
import { FACTS } from './support/facts-1.6';
import { root, startServer } from './support/server';
import { SimServer } from './support/sim-server';
import { backendsToTry } from './support/thorough';

const USAGE = 'CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n';

/** What ours answers otherwise, on purpose. */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  // 1.6.45 takes no notice of a second word; versions before, whose clients are about, say what is wrong.
  ['delete n 5\r\n', USAGE],
  ['delete n junk junk\r\n', USAGE],
]);

const recorded = JSON.parse(readFileSync(join(root, 'spec', '1.6', 'facts.json'), 'utf8')) as PackedExchange[];
const facts = recorded.map(({ sends, receives }): Exchange => ({
  sends: unpacked(sends),
  receives: EXCEPTIONS.get(unpacked(sends)) ?? unpacked(receives),
}));

test('the recording has every request of FACTS, in order', (t) => {
  t.deepEqual(facts.map(({ sends }) => sends), [...FACTS]);
});

for (const backend of backendsToTry) {
  test(`${backend}: the replies are those of 1.6.45`, async (t) => {
    const server = await startServer({ backend, today: true });
    t.teardown(() => server.stop());
    const exchanges = await inLockstep(FACTS, () => Client.connect(server.port));
    t.deepEqual(differences(masked(exchanges), masked(facts)), []);
  });
}

test.serial('sim: the replies are those of 1.6.45, however few bytes a call moves', async (t) => {
  const server = await SimServer.start(['-m', '64'], { today: true, shortIo: true, maxTurns: Infinity });
  const exchanges = await inLockstep(FACTS, () => server.connect());
  t.deepEqual(differences(masked(exchanges), masked(facts)), []);
  await server.stop();
});
