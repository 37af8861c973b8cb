// The conversations recorded with the C server: on every backend the port answers byte for byte what C answered.
import test from 'ava';

import { Client } from './support/client';
import { startServer } from './support/server';
import { sharedServer } from './support/shared-server';
import { SimServer } from './support/sim-server';
import { kindsToTry, someOf } from './support/thorough';
import { callsWithLengths, replay, transcripts } from './support/transcripts';
import type { Transcript } from './support/transcripts';

/** Has what was written so far leave as a packet of its own, as far as the system goes along. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Whether it shows what others have done before: most set what they get. */
function needsEmptyServer({ arguments: args, steps }: Transcript): boolean {
  return args.length > 0 || steps.some(({ send }) => /^(stats|add)\b/m.test(send));
}

for (const { name, ...kind } of kindsToTry) {
  const shared = sharedServer(kind);
  for (const transcript of transcripts) {
    // A server of its own takes long to start, and the other kinds have shown these answers.
    if (name === 'net --classic' && needsEmptyServer(transcript)) continue;
    test.serial(`${name}: ${transcript.name}: the replies are those of C`, async (t) => {
      const own = needsEmptyServer(transcript);
      const server = await (own ? startServer({ ...kind, args: transcript.arguments }) : shared());
      if (own) t.teardown(() => server.stop());
      const client = await Client.connect(server.port);
      for (const { actual, recorded } of await replay(transcript, client, turn)) t.is(actual, recorded);
      t.is(server.stderr(), '');
    });
  }
}

for (const transcript of someOf(transcripts, 6)) {
  test.serial(`sim: ${transcript.name}: the replies are those of C`, async (t) => {
    const server = await SimServer.start(transcript.arguments);
    t.teardown(() => server.stop());
    const { sim } = server;
    const peer = await server.connect();
    await sim.idle();
    for (const { actual, recorded } of await replay(transcript, peer, () => sim.idle())) t.is(actual, recorded);
  });

}

for (const transcript of transcripts) {
  const calls = transcript.calls ? ', with the calls that C made' : '';
  test.serial(`sim --classic: ${transcript.name}: the replies are those of C${calls}`, async (t) => {
    const record = transcript.calls !== undefined;
    const server = await SimServer.start(transcript.arguments, { classic: true, record });
    t.teardown(() => server.stop());
    const { sim } = server;
    const peer = await server.connect();
    await sim.idle();
    const replies = await replay(transcript, peer, () => sim.idle());
    for (const { actual, recorded } of replies) t.is(actual, recorded);
    if (transcript.calls) t.deepEqual(sim.transcript(peer.client), callsWithLengths(transcript, replies));
  });
}
