// strace(1): the system calls that a process really makes.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
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

/** Ends when it is traced. */
const UNTIL_TRACED = "while grep -q 'TracerPid:.0$' /proc/$$/status; do sleep 0.01; done";

/** Whether strace may look at a process that runs already. */
export function mayAttach(): boolean {
  if (!hasStrace) return false;
  const child = spawn('sh', ['-c', UNTIL_TRACED], { stdio: 'ignore' });
  const { status } = spawnSync('strace', ['-p', String(child.pid)], { timeout: 20_000 });
  child.kill();
  return status === 0;
}

/** Ends what strace runs, whatever state it is in. strace ends with it. */
export async function killTraced(strace: ChildProcess): Promise<void> {
  if (strace.exitCode !== null || strace.signalCode !== null) return;
  const exit = once(strace, 'exit');
  const children = readFileSync(`/proc/${strace.pid}/task/${strace.pid}/children`, 'latin1').trim();
  for (const pid of children === '' ? [] : children.split(' ')) process.kill(Number(pid), 'SIGKILL');
  if (children === '') strace.kill();
  await exit;
}

/** A strace on the main thread of a process that runs already. */
export class Attached {
  private said = '';
  private wake: () => void = () => {};

  private constructor(private readonly strace: ChildProcess) {
    strace.stderr?.setEncoding('latin1').on('data', (text: string) => {
      this.said += text;
      this.wake();
    });
  }

  /** `args`: what strace is to trace, and to change. */
  static async to(pid: number | undefined, ...args: string[]): Promise<Attached> {
    const attached = new Attached(spawn('strace', ['-e', 'signal=none', '-p', String(pid), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    }));
    await attached.says(/ attached\n/);
    return attached;
  }

  /** Resolves when strace has written such a line. */
  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.said)) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** The calls that it has seen, a line for each. */
  get calls(): string[] {
    return this.said.split('\n').filter((line) => /^\w+\(/.test(line));
  }

  /** Those of the calls that it made fail. */
  get injected(): string[] {
    return this.calls.filter((line) => line.includes('(INJECTED)'));
  }

  /** Lets the process run as it is. */
  async detach(): Promise<void> {
    if (this.strace.exitCode !== null || this.strace.signalCode !== null) return;
    const closed = once(this.strace, 'close');
    this.strace.kill('SIGTERM');
    await closed;
  }
}
