// Sentences for outside events while the server sleeps.
import type { Act, Fault } from '../trace';
import { bytes, quoted } from './values';

export function actSentence(act: Act): string {
  if ('connect' in act) {
    return `${act.connect} connects. The kernel does all of that alone: the connection waits in the backlog of the ` +
      'listening socket until the server accepts it.';
  }
  if ('send' in act) {
    const [client, text, times = 1] = act.send;
    const often = times === 1 ? '' : `, ${times} times`;
    return `${client} sends ${quoted(text)}${often}: ${bytes(text.length * times)} wait in the kernel.`;
  }
  if ('pause' in act) return `${act.pause} stops reading: what the server writes to it stays in the kernel.`;
  if ('resume' in act) return `${act.resume} reads again, and takes all that waits for it: there is room to write.`;
  if ('shutdown' in act) return `${act.shutdown} ends its side: behind what it has sent the server will read the end of the stream.`;
  if ('reset' in act) return `${act.reset} is gone with a reset: the server's next call on it fails.`;
  if ('close' in act) return `${act.close} closes its connection: the server will read the end of the stream.`;
  if ('advance' in act) return `${act.advance === 1 ? '1 second passes' : `${act.advance} seconds pass`}.`;
  if ('together' in act) return `At the same moment: ${act.together.map(shortly).join(' ')}`;
  return faultSentence(act.fault);
}

/** For one of several acts at once. */
function shortly(act: Act): string {
  if ('connect' in act) return `${act.connect} connects.`;
  return actSentence(act);
}

function faultSentence({ call, client, skip = 0, limit, errno }: Fault): string {
  const which = skip === 0 ? 'next' : `next but ${skip}`;
  const where = client === undefined ? '' : ` on the connection of ${client}`;
  const how = errno === undefined ? `will move at most ${bytes(limit ?? 1)}` : `will fail with ${errno}`;
  return `From here on something goes wrong: the ${which} ${call}${where} ${how}.`;
}
