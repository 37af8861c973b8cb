// The conversations in spec/transcripts, recorded with memcached 1.0.4 in C, and a function to replay one.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TranscriptEntry } from '../../reactor/sim';
import type { Replies } from './replies';

export interface Step {
  send: string;
  /** Empty for a piece of a command. */
  receive: string;
  /** Then the server closes the connection. */
  closed?: true;
}

export interface Transcript {
  name: string;
  arguments: string[];
  steps: Step[];
  /** The C server's calls on the connection's descriptor. */
  calls?: TranscriptEntry[];
}

/** The reply in one step, and C's, without the numbers that differ from run to run. */
export interface Reply {
  actual: string;
  recorded: string;
  /** Length of the actual reply, in bytes. */
  length: number;
}

const directory = join(__dirname, '..', 'transcripts');

export const transcripts = readdirSync(directory).sort().map((name): Transcript => {
  return JSON.parse(readFileSync(join(directory, name), 'utf8')) as Transcript;
});

/** Transcripts whose sends the system delivers in one piece, so that the calls do not depend on timing. */
export const transcriptsWithCalls = transcripts.filter(({ calls }) => calls !== undefined);

/** The numbers that differ from run to run. */
const VARYING = /(STAT pid |STAT uptime |STAT items:\d+:age |ITEM \S+ \[\d+ b; )\d+/g;

/** Replies that may be longer or shorter than C's end in this, or in as many bytes. */
const LAST_WORD = 'END\r\n';

/** `text` without the numbers that differ from run to run. */
export function masked(text: string): string {
  return text.replace(VARYING, '$1#');
}

/**
 * Replays a transcript to the end of the connection, and resolves to the replies. Before each next step it awaits
 * `settled`.
 */
export async function replay(
  { steps }: Transcript, peer: Replies & { end(): void }, settled: () => Promise<unknown>,
): Promise<Reply[]> {
  const replies: Reply[] = [];
  /** How many bytes more than C this server has written. */
  let drift = 0;
  for (const { send, receive, closed } of steps) {
    const recorded = receive.replace(/(STAT bytes_written )(\d+)/, (_all, words: string, count: string) => {
      return words + String(Number(count) + drift);
    });
    let actual: string;
    if (send.startsWith('stats')) actual = await peer.ask(send, receive.slice(-LAST_WORD.length));
    else {
      peer.send(send);
      actual = await peer.take(receive.length);
    }
    if (closed === true) actual += await peer.closed();
    replies.push({ actual: masked(actual), recorded: masked(recorded), length: actual.length });
    drift = send === 'stats reset\r\n' ? 0 : drift + actual.length - receive.length;
    await settled();
  }
  peer.end();
  const rest = await peer.closed();
  replies.push({ actual: rest, recorded: '', length: rest.length });
  return replies;
}

/** C's calls, with the lengths of our replies to `stats`: its numbers may have more or fewer digits. */
export function callsWithLengths({ steps, calls = [] }: Transcript, replies: readonly Reply[]): TranscriptEntry[] {
  let from = 0;
  const adjusted = [...calls];
  steps.forEach(({ send, receive }, i) => {
    if (send !== 'stats\r\n') return;
    const at = adjusted.findIndex(([name, length], k) => k >= from && name === 'write' && length === receive.length);
    adjusted[at] = ['write', replies[i].length, replies[i].length];
    from = at + 1;
  });
  return adjusted;
}
