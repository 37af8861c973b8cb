// Random conversations with the server of today, in text and in binary: its replies are those of a real memcached
// 1.6.45, as recorded in spec/1.6; and those of a memcached that is installed.
import test from 'ava';

import { Random } from '../reactor/sim';
import { binaryAtOnce, binaryInLockstep, converseBinary, maskedBinary } from './support/binary-1.6';
import { ask, Client } from './support/client';
import { converse } from './support/conversation-1.6';
import { atOnce, differences, inLockstep, masked, pieces, recordedConversations } from './support/exchanges';
import type { Exchange } from './support/exchanges';
import { ARGS, hasKnownVersion, startMemcached, withKnownReply } from './support/memcached-1.6';
import { startServer } from './support/server';
import { SimServer } from './support/sim-server';
import { backendsToTry, someOf, upTo } from './support/thorough';

const protocols = [
  {
    protocol: 'text', file: 'conversations.json', inLockstep, atOnce, masked,
    talk: (random: Random) => withKnownReply('memcached', converse(random, 400)),
  },
  {
    protocol: 'binary', file: 'binary.json', inLockstep: binaryInLockstep, atOnce: binaryAtOnce, masked: maskedBinary,
    talk: (random: Random) => converseBinary(random, 400),
  },
];

function requests(conversation: readonly Exchange[]): string[] {
  return conversation.map(({ sends }) => sends);
}

for (const { protocol, file, inLockstep, atOnce, masked, talk } of protocols) {
  const conversations = recordedConversations(file);

  for (const backend of backendsToTry) {
    test(`${backend}: random ${protocol} conversations get the replies of 1.6.45, in lockstep or pipelined`, async (t) => {
      const server = await startServer({ backend, today: true, args: ARGS });
      t.teardown(() => server.stop());
      for (const [i, conversation] of conversations.slice(0, upTo(2, conversations.length)).entries()) {
        const expected = masked(conversation);
        await ask(server.port, 'flush_all\r\n');
        const slowly = await inLockstep(requests(conversation), () => Client.connect(server.port));
        t.deepEqual(differences(masked(slowly), expected), [], `conversation ${i + 1}`);
        await ask(server.port, 'flush_all\r\n');
        const client = await Client.connect(server.port);
        const random = new Random(i);
        const quickly = await atOnce(requests(conversation), client, async (bytes) => {
          for (const piece of pieces(random, bytes)) await client.sent(piece);
        });
        client.destroy();
        t.deepEqual(differences(masked(quickly), expected), [], `conversation ${i + 1}, at once`);
      }
      t.is(await server.stop(), 0);
      t.is(server.stderr(), '');
    });
  }

  test.serial(`sim: random ${protocol} conversations get the replies of 1.6.45, however few bytes a call moves`, async (t) => {
    for (const [i, conversation] of someOf([...conversations.entries()], 4)) {
      const random = new Random(i);
      const sendBuffer = random.pick([100, 1000, 65536]);
      const options = { today: true, seed: i, sendBuffer, shortIo: true, shuffle: true, maxTurns: Infinity };
      const server = await SimServer.start(ARGS, options);
      const peer = await server.connect();
      const exchanges = await atOnce(requests(conversation), peer, async (bytes) => {
        for (const piece of pieces(random, bytes)) {
          if (random.chance(0.5)) await server.sim.idle();
          peer.send(piece);
        }
      });
      t.deepEqual(differences(masked(exchanges), masked(conversation)), [], `conversation ${i + 1}`);
      await server.stop();
    }
  });

  if (hasKnownVersion('memcached')) {
    test(`random ${protocol} conversations get the replies of the memcached that is installed`, async (t) => {
      const theirs = await startMemcached('memcached');
      t.teardown(() => theirs.stop());
      const ours = await startServer({ today: true, args: ARGS });
      t.teardown(() => ours.stop());
      const seed = Number(process.env['SEED'] ?? 1); // any other finds more
      t.log(`SEED=${seed}`);
      const said = talk(new Random(seed));
      const [expected, actual] = await Promise.all([theirs, ours].map(async ({ port }) => {
        return masked(await inLockstep(said, () => Client.connect(port)));
      }));
      t.deepEqual(differences(actual, expected), [], `SEED=${seed}`);
    });
  }
}
