// What the command line asks of the system, before connections can arrive: the part of main between its checks and
// event_init.
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { errno, strerror } from '../../reactor/errno.h';
import { daemon } from '../libc/daemon';
import { madviseHugePages, mlockall } from '../libc/mman';
import { RLIMIT_CORE, RLIMIT_NOFILE, RLIM_INFINITY, getrlimit, setrlimit } from '../libc/resource';
import type { Rlimit } from '../libc/resource';
import { EX_NOUSER, EX_OSERR } from '../libc/sysexits';
import { authfileInit } from './authfile';
import type { CommandLine } from './commandline';
import { removePidfile, savePid } from './pidfile';
import { initSasl } from './sasl_defs';
import type { Settings } from './settings';

// memcached.c: main, from getrlimit to mlockall
/**
 * Prints the texts of `line`, and does what it asks for. Resolves to null, or to the exit status. If `line` has no
 * status, the flat memory must be set up. With -d it resolves in the daemon only (lib/libc/daemon.ts).
 */
export async function startUp(line: CommandLine, s: Settings): Promise<number | null> {
  // C does this later. Here the daemon starts the program anew, and would do and print all that follows twice.
  if (line.status === null && line.daemonize && await daemon(line.maxcore ? 1 : 0, s.verbose) === -1) {
    return tell('failed to daemon() in order to daemonize', 1);
  }
  process.stdout.write(line.stdout);
  process.stderr.write(line.stderr);
  if (line.status !== null) return line.status;
  const status = (line.largePages ? enableLargePages() : null) ?? (line.maxcore ? allowCoreFiles() : null)
    ?? allowFiles(s.maxconns) ?? assumeIdentity(line.username) ?? (s.sasl ? initSasl() : null)
    ?? loadAuthfile(s);
  if (status !== null) return status;
  if (line.lockMemory && mlockall() === -1) warn(`warning: -k invalid, mlockall() failed: ${strerror(errno)}`);
  return null;
}

// memcached.c: main, around save_pid and remove_pidfile
/** Writes the file of -P, once the server listens. A daemon removes it when it ends. */
export function startPidFile(line: CommandLine): void {
  if (line.pidFile === null) return;
  const path = pathIn(line, line.pidFile);
  savePid(path);
  if (line.daemonize) {
    process.on('exit', () => {
      removePidfile(path);
    });
  }
}

/** Resolves a path as C does, whose daemon changes to / before it opens files; here -d does so a moment later. */
export function pathIn(line: CommandLine, path: string): string {
  return resolve(line.daemonize && !line.maxcore ? '/' : '.', path);
}

/** Prints a line on stderr. */
function warn(message: string): null {
  process.stderr.write(`${message}\n`);
  return null;
}

/** Prints a line on stderr. Returns `status`, to end with. */
function tell(message: string, status: number): number {
  warn(message);
  return status;
}

const HUGE_PAGES = '/sys/kernel/mm/transparent_hugepage/enabled';

// memcached.c: enable_large_pages
function enableLargePages(): number | null {
  const why = noLargePages();
  return why === null ? null : tell(`Cannot enable large pages on this system: ${why}`, 1);
}

/** Why there are no large pages; null once the flat memory has them. */
function noLargePages(): string | null {
  try {
    if (readFileSync(HUGE_PAGES, 'utf8').includes('[never]')) return 'Transparent huge pages support disabled.';
  } catch {
    return 'Transparent huge pages support not detected.';
  }
  return madviseHugePages() === -1 ? strerror(errno) : null;
}

/** -r: as large as the system allows; an error if that is 0. */
function allowCoreFiles(): number | null {
  const rlim: Rlimit = { cur: 0n, max: 0n };
  if (getrlimit(RLIMIT_CORE, rlim) === 0
    && setrlimit(RLIMIT_CORE, { cur: RLIM_INFINITY, max: RLIM_INFINITY }) === -1) {
    setrlimit(RLIMIT_CORE, { cur: rlim.max, max: rlim.max });
  }
  if (getrlimit(RLIMIT_CORE, rlim) === 0 && rlim.cur !== 0n) return null;
  return tell('failed to ensure corefile creation', EX_OSERR);
}

/**
 * C sets the limit of open files to -c. Node has raised it as far as it may, and needs some files itself, so we do not
 * lower it. If getrlimit fails, accept(2) will report a limit that is too low.
 */
function allowFiles(maxconns: number): number | null {
  const wanted = BigInt(maxconns);
  const rlim: Rlimit = { cur: 0n, max: 0n };
  if (getrlimit(RLIMIT_NOFILE, rlim) === -1 || rlim.cur >= wanted) return null;
  if (setrlimit(RLIMIT_NOFILE, { cur: wanted, max: wanted }) === 0) return null;
  const advice = 'Try starting as root or requesting smaller maxconns value.';
  return tell(`failed to set rlimit for open files. ${advice}`, EX_OSERR);
}

/** -u: becomes that user. Only root can; for others it changes nothing, as in C. */
function assumeIdentity(username: string | null): number | null {
  if (process.getuid?.() !== 0 && process.geteuid?.() !== 0) return null;
  if (username === null || username === '') {
    // C refuses. But most containers start this server as root, and a first try of it should not fail.
    return warn("warning: serving as root; add '-u <user>' to serve as another, or '-u root' if that is meant");
  }
  const user = getpwnam(username);
  if (user === null) return tell(`can't find the user ${username} to switch to`, EX_NOUSER);
  try {
    process.setgroups?.([]);
  } catch (error) {
    warn(`failed to drop supplementary groups: ${reason(error)}`);
    // EPERM: we already have few privileges.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return EX_OSERR;
  }
  try {
    process.setgid?.(user.gid);
    process.setuid?.(user.uid);
  } catch {
    return tell(`failed to assume identity of user ${username}`, EX_OSERR);
  }
  return null;
}

/** getpwnam(3) for root: the user of that name, or null. Node looks up a name only to become that user. */
function getpwnam(username: string): { uid: number; gid: number } | null {
  try {
    process.seteuid?.(username);
    const { uid, gid } = userInfo();
    return { uid, gid };
  } catch {
    return null;
  } finally {
    process.seteuid?.(0);
  }
}

/** -Y: loads the file. C does so a moment later. */
function loadAuthfile(s: Settings): number | null {
  const wrong = s.authFile === null ? null : authfileInit(s.authFile);
  return wrong === null ? null : tell(wrong, 1);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
