// A run as text: the clients' acts, the bytes that they send and receive, the commands processed, and system calls.
import type { CallRecord } from '../../reactor/sim';
import type { Guest } from './guest';
import type { Act } from './plan';
import type { Telling } from './telling';
import type { Job } from './world';

const SHOWN = 100;

/** A latin1 text in quotes, cut off if it is long. */
export function quoted(text: string): string {
  return text.length <= SHOWN ? JSON.stringify(text) : `${JSON.stringify(text.slice(0, SHOWN))}… (${text.length} bytes)`;
}

/** An act in a few words. */
export function describe(act: Act): string {
  if ('say' in act) return `${act.say[0]} has to say: ${JSON.stringify(act.say[1]).slice(0, 200)}`;
  if ('connect' in act) return `${act.connect} connects${act.binary ? ', and speaks the binary protocol' : ''}`;
  if ('rest' in act) return 'rest';
  return Object.entries(act).map(([name, value]) => {
    return `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`;
  }).join(' ');
}

export class Trace implements Telling {
  private readonly shown = new Map<string, number>();

  constructor(private readonly out: (line: string) => void) {}

  act(number: number, act: Act): void {
    this.out(`${String(number).padStart(4)}  ${describe(act)}`);
  }

  sends(client: string, text: string): void {
    this.out(`      ${client} > ${quoted(text)}`);
  }

  did(client: string, phase: 'line' | 'data', { op, serial }: Job): void {
    this.out(`      server does ${phase === 'line' ? 'the line' : 'the data'} of ${client}'s ${op.name} (${serial})`);
  }

  rests(calls: readonly CallRecord[], elapsed: number): void {
    for (let i = 0; i < calls.length; i++) {
      let n = 1;
      while (i + n < calls.length && textOf(calls[i + n]) === textOf(calls[i])) n++;
      this.out(`      ${textOf(calls[i])}${n === 1 ? '' : ` (${n} times)`}`);
      i += n - 1;
    }
    this.out(`      -- ${elapsed.toFixed(3)} s`);
  }

  receives(guest: Guest): void {
    const from = this.shown.get(guest.name) ?? 0;
    for (const bytes of guest.log.slice(from)) this.out(`      ${guest.name} < ${quoted(bytes)}`);
    this.shown.set(guest.name, guest.log.length);
  }
}

/** As strace prints it. */
function textOf({ name, fd, args, length, result }: CallRecord): string {
  const words = [...(fd === -1 ? [] : [fd]), ...args, ...(length === null ? [] : [length])];
  return `${name}(${words.join(', ')}) = ${result}`;
}
