// Runs one test file with perl, and parses its output, which is in the Test Anything Protocol.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Parser } from 'tap-parser';
import type { FinalResults } from 'tap-parser';

export interface Outcome {
  /** All planned tests passed, and perl exited with 0. */
  whole: boolean;
  passed: number;
  /** Null if the file ended before its plan. */
  planned: number | null;
  /** The file's reason for running nothing; null if it ran. */
  skipped: string | null;
  /** The failed tests, one line each, and how perl ended if not with 0. */
  failures: string[];
  seconds: number;
}

/** At most this many failures of a file are reported, and this many characters of each. */
const MOST_FAILURES = 20;
const MOST_CHARACTERS = 200;
/** This many last lines of stderr are kept for a file that fails. */
const LAST_LINES = 5;

/** The process groups that run. */
const running = new Set<number>();

/** Ends those groups with this process. */
export function endWithUs(): void {
  process.on('exit', () => running.forEach(endGroup));
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}

function endGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Runs t/`name`.t in `folder`, for at most `limit` seconds. */
export async function runFile(folder: string, name: string, limit: number): Promise<Outcome> {
  const start = performance.now();
  // Files, not pipes: perl shares them with its servers, and a server may make a pipe non-blocking for perl as well.
  const [outPath, errPath] = ['out', 'err'].map((kind) => join(folder, `${name}.${kind}`));
  const [out, err] = [openSync(outPath, 'w'), openSync(errPath, 'w')];
  const child = spawn('perl', [join('t', `${name}.t`)], {
    cwd: folder,
    detached: true, // a process group, with the servers that it starts
    env: environment(),
    stdio: ['ignore', out, err],
  });
  closeSync(out);
  closeSync(err);
  await once(child, 'spawn');
  const group = child.pid ?? 0;
  running.add(group);
  const time = { isUp: false };
  const timer = setTimeout(() => {
    time.isUp = true;
    endGroup(group);
  }, limit * 1000);
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  endGroup(group);
  running.delete(group);
  const seconds = (performance.now() - start) / 1000;
  const ending = time.isUp ? `not done after ${limit} s` : code === 0 ? null : `perl ended with ${code ?? signal}`;
  return { ...outcome(await read(outPath), ending, readFileSync(errPath, 'utf8')), seconds };
}

function read(path: string): Promise<FinalResults> {
  return new Promise((resolve) => {
    // A test's name may contain a carriage return, at which the parser would give up the line.
    new Parser(resolve).end(readFileSync(path, 'latin1').replaceAll('\r', '\\r'));
  });
}

function outcome(results: FinalResults, ending: string | null, said: string): Omit<Outcome, 'seconds'> {
  const { plan } = results;
  if (plan.skipAll && ending === null) {
    return { whole: false, passed: 0, planned: 0, skipped: plan.skipReason.replace(/^skip\s+/i, ''), failures: [] };
  }
  const planned = plan.end === null ? null : plan.end - (plan.start ?? 1) + 1;
  const whole = results.ok && ending === null;
  const failed = whole ? [] : failures(results, ending, said);
  return { whole, passed: results.pass, planned, skipped: null, failures: failed };
}

function failures(results: FinalResults, ending: string | null, said: string): string[] {
  const lines = results.failures.map((failure) => failure.tapError ?? `${failure.id} - ${failure.name}`);
  const more = lines.length - MOST_FAILURES;
  if (more > 0) lines.splice(MOST_FAILURES, more, `and ${more} more`);
  if (ending !== null) lines.push(ending);
  if (said !== '') lines.push(...said.trimEnd().split('\n').slice(-LAST_LINES).map((line) => `  ${line}`));
  return lines.map((line) => line.slice(0, MOST_CHARACTERS));
}

/** Our environment, without variables that MemcachedTest.pm, a test or the server obeys. */
function environment(): NodeJS.ProcessEnv {
  const orders = /^(T_MEMD_|VALGRIND_|MEMCACHED_|EVENT_|SSL_TEST$|RUN_SASL_TESTS$|DEBUG$|NODE_V8_COVERAGE$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !orders.test(name)));
}
