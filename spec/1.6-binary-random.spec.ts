// Conversations by chance with the server of today, in the binary protocol: what it answers is what a real memcached
// 1.6.45 answered, as recorded in spec/1.6/binary.json; and where a memcached is installed, what that answers now.
import test from 'ava';

import { Random } from '../reactor/sim';
import { binaryAtOnce, binaryInLockstep, converseBinary, maskedBinary } from './support/binary-1.6';
import { ask, Client } from './support/client';
import { differences, pieces, recordedConversations } from './support/exchanges';
import type { Exchange } from './support/exchanges';
import { ARGS, hasKnownVersion, startMemcached } from './support/memcached-1.6';
import { startServer } from './support/server';
import { SimServer } from './support/sim-server';
import { backendsToTry, someOf, upTo } from './support/thorough';

const conversations = recordedConversations('binary.json');

function requests(conversation: readonly Exchange[]): string[] {
  return conversation.map(({ sends }) => sends);
}

for (const backend of backendsToTry) {
  test(`${backend}: random binary conversations get the replies of 1.6.45, in lockstep or pipelined`, async (t) => {
    const server = await startServer({ backend, today: true, args: ARGS });
    t.teardown(() => server.stop());
    for (const [i, conversation] of conversations.slice(0, upTo(2, conversations.length)).entries()) {
      const expected = maskedBinary(conversation);
      await ask(server.port, 'flush_all\r\n');
      const slowly = await binaryInLockstep(requests(conversation), () => Client.connect(server.port));
      t.deepEqual(differences(maskedBinary(slowly), expected), [], `conversation ${i + 1}`);
      await ask(server.port, 'flush_all\r\n');
      const client = await Client.connect(server.port);
      const random = new Random(i);
      const quickly = await binaryAtOnce(requests(conversation), client, async (bytes) => {
        for (const piece of pieces(random, bytes)) await client.sent(piece);
      });
      client.destroy();
      t.deepEqual(differences(maskedBinary(quickly), expected), [], `conversation ${i + 1}, at once`);
    }
    t.is(await server.stop(), 0);
    t.is(server.stderr(), '');
  });
}

test.serial('sim: random binary conversations get the replies of 1.6.45, however few bytes a call moves', async (t) => {
  for (const [i, conversation] of someOf([...conversations.entries()], 4)) {
    const random = new Random(i);
    const sendBuffer = random.pick([100, 1000, 65536]);
    const options = { today: true, seed: i, sendBuffer, shortIo: true, shuffle: true, maxTurns: Infinity };
    const server = await SimServer.start(ARGS, options);
    const peer = await server.connect();
    const exchanges = await binaryAtOnce(requests(conversation), peer, async (bytes) => {
      for (const piece of pieces(random, bytes)) {
        if (random.chance(0.5)) await server.sim.idle();
        peer.send(piece);
      }
    });
    t.deepEqual(differences(maskedBinary(exchanges), maskedBinary(conversation)), [], `conversation ${i + 1}`);
    await server.stop();
  }
});

if (hasKnownVersion('memcached')) {
  test('random binary conversations get the replies of the installed memcached', async (t) => {
    const theirs = await startMemcached('memcached');
    t.teardown(() => theirs.stop());
    const ours = await startServer({ today: true, args: ARGS });
    t.teardown(() => ours.stop());
    const seed = Number(process.env['SEED'] ?? 1); // any other finds more
    t.log(`SEED=${seed}`);
    const said = converseBinary(new Random(seed), 400);
    const [expected, actual] = await Promise.all([theirs, ours].map(async ({ port }) => {
      return maskedBinary(await binaryInLockstep(said, () => Client.connect(port)));
    }));
    t.deepEqual(differences(actual, expected), [], `SEED=${seed}`);
  });
}
