// strace(1): the system calls that a process really makes.
import { spawnSync } from 'node:child_process';
import type { TranscriptEntry } from '../../reactor/sim';

/** Whether it is installed. */
export const hasStrace = spawnSync('strace', ['-V']).status === 0;

/** The command that runs a server so that its calls on sockets go to `file`; those of io_uring, too. */
export function strace(file: string): string[] {
  return ['strace', '-f', '-s', '0', '-e', 'trace=socket,accept,accept4,read,write,close,recvfrom,sendto,/^io_uring', '-o', file];
}

/**
 * What was done with the connection that came in first, from its accept to its close, as transcripts have it. Throws
 * for output without one.
 */
export function firstConnection(output: string): TranscriptEntry[] {
  const entries: TranscriptEntry[] = [];
  let sfd: string | null = null;
  for (const { name, fd, length, result } of calls(output)) {
    if (sfd === null) {
      if (!name.startsWith('accept') || !/^\d+$/.test(result)) continue;
      sfd = result;
      entries.push(['accept']);
    } else if (fd === sfd) {
      if (name === 'close') return [...entries, ['close']];
      entries.push([name, length, /^\d+$/.test(result) ? Number(result) : result]);
    }
  }
  throw new Error(`no connection, or none that was closed:\n${output}`);
}

interface Call {
  name: string;
  fd: string;
  /** The last argument. */
  length: number;
  /** A number, or the name of the errno value. */
  result: string;
}

/** The calls in the order of their ends: one that another thread interrupts stands there in two parts. */
function calls(output: string): Call[] {
  const begun = new Map<string, string>();
  return output.split('\n').flatMap((line) => {
    const [, thread, part] = /^(\d+) +(.*)$/.exec(line) ?? ['', '', ''];
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(part);
    if (unfinished !== null) begun.set(thread, unfinished[1]);
    const whole = part.replace(/^<\.\.\. \w+ resumed>/, () => begun.get(thread) ?? '');
    const call = /^(\w+)\((\d+)(.*)\) += (?:-1 (E\w+)|(\d+))/.exec(whole);
    if (call === null) return [];
    const [, name, fd, rest, error, result] = call;
    return [{ name, fd, length: Number(/\d+$/.exec(rest)?.[0] ?? 0), result: error || result }];
  });
}
