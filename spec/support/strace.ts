// strace(1): the real system calls of a process.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { TranscriptEntry } from '../../reactor/sim';

/** Whether it is installed. */
export const hasStrace = spawnSync('strace', ['-V']).status === 0;

/** A command prefix that writes a server's socket and io_uring calls to `file`. */
export function strace(file: string): string[] {
  return ['strace', '-f', '-s', '0', '-e', 'trace=socket,accept,accept4,read,write,close,recvfrom,sendto,/^io_uring', '-o', file];
}

/**
 * The calls on the first accepted connection, from its accept to its close, in the form of transcripts. Throws if there
 * is none.
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

/** The calls in the order of their ends: strace prints a call that another thread interrupts in two parts. */
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

/** A shell loop that ends when the shell is traced. */
const UNTIL_TRACED = "while grep -q 'TracerPid:.0$' /proc/$$/status; do sleep 0.01; done";

/** Whether strace may attach to a running process. */
export function mayAttach(): boolean {
  if (!hasStrace) return false;
  const child = spawn('sh', ['-c', UNTIL_TRACED], { stdio: 'ignore' });
  const { status } = spawnSync('strace', ['-p', String(child.pid)], { timeout: 20_000 });
  child.kill();
  return status === 0;
}

/** Kills the process that strace runs, in any state. strace ends with it. */
export async function killTraced(strace: ChildProcess): Promise<void> {
  if (strace.exitCode !== null || strace.signalCode !== null) return;
  const exit = once(strace, 'exit');
  const children = readFileSync(`/proc/${strace.pid}/task/${strace.pid}/children`, 'latin1').trim();
  for (const pid of children === '' ? [] : children.split(' ')) process.kill(Number(pid), 'SIGKILL');
  if (children === '') strace.kill();
  await exit;
}

/** A strace attached to the main thread of a running process. */
export class Attached {
  private said = '';
  private wake: () => void = () => {};

  private constructor(private readonly strace: ChildProcess) {
    strace.stderr?.setEncoding('latin1').on('data', (text: string) => {
      this.said += text;
      this.wake();
    });
  }

  /** `args`: strace's options for tracing and tampering. */
  static async to(pid: number | undefined, ...args: string[]): Promise<Attached> {
    const attached = new Attached(spawn('strace', ['-e', 'signal=none', '-p', String(pid), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    }));
    await attached.says(/ attached\n/);
    return attached;
  }

  /** Resolves when strace has printed a match of `pattern`. */
  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.said)) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** The traced calls, a line for each. */
  get calls(): string[] {
    return this.said.split('\n').filter((line) => /^\w+\(/.test(line));
  }

  /** The calls that strace made fail. */
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
