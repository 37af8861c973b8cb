// Writes spec/1.6/*.json anew, with the answers of a memcached 1.6.45:
//   npm run build && node -r ./spec/support/register.cjs spec/support/record-1.6.ts /path/to/memcached
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Random } from '../../reactor/sim';
import { binaryInLockstep, converseBinary } from './binary-1.6';
import { Client } from './client';
import { converse } from './conversation-1.6';
import { inLockstep, packed } from './exchanges';
import { FACTS } from './facts-1.6';
import { ARGS, FOLLOWED, startMemcached, versionOf } from './memcached-1.6';
import { root } from './server';

const CONVERSATIONS = 12;
const BINARY_CONVERSATIONS = 5;
const REQUESTS = 150;

async function record(
  program: string, requests: readonly string[], args?: readonly string[], talk = inLockstep,
): Promise<object[]> {
  const server = await startMemcached(program, args);
  const exchanges = await talk(requests, () => Client.connect(server.port));
  await server.stop();
  return exchanges.map(({ sends, receives }) => ({ sends: packed(sends), receives: packed(receives) }));
}

function write(name: string, values: readonly object[]): void {
  const lines = values.map((each) => JSON.stringify(each));
  writeFileSync(join(root, 'spec', '1.6', name), `[\n${lines.join(',\n')}\n]\n`);
}

async function main(program: string): Promise<void> {
  const version = versionOf(program);
  if (version !== FOLLOWED) throw new Error(`${program} is ${version ?? 'no memcached'}, not ${FOLLOWED}`);
  write('facts.json', await record(program, FACTS, []));
  const text: object[] = [];
  const binary: object[] = [];
  for (let seed = 1; seed <= CONVERSATIONS; seed++) {
    const exchanges = await record(program, converse(new Random(seed), REQUESTS));
    text.push(...exchanges.map((exchange) => ({ conversation: seed, ...exchange })));
  }
  for (let seed = 1; seed <= BINARY_CONVERSATIONS; seed++) {
    const exchanges = await record(program, converseBinary(new Random(seed), REQUESTS), ARGS, binaryInLockstep);
    binary.push(...exchanges.map((exchange) => ({ conversation: seed, ...exchange })));
  }
  write('conversations.json', text);
  write('binary.json', binary);
}

void main(process.argv[2]);
