// -P: a file with the process number.
import { closeSync, openSync, readSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { strerror } from '../../reactor/errno.h';
import { safeStrtoul } from './arguments';

// memcached.c: save_pid
/** Writes the file, with a warning if it named another running process. Errors are only printed on stderr. */
export function savePid(pidFile: string): void {
  const running = runningPid(pidFile);
  if (running !== null) {
    process.stderr.write(`WARNING: The pid file contained the following (running) pid: ${running}\n`);
  }
  // Written under another name and renamed, so that a reader of the file finds the number in it.
  const temporary = `${pidFile}.tmp`;
  try {
    writeFileSync(temporary, `${process.pid}\n`);
  } catch (error) {
    tell(`Could not open the pid file ${temporary} for writing`, error);
    return;
  }
  try {
    renameSync(temporary, pidFile);
  } catch (error) {
    tell(`Could not rename the pid file from ${temporary} to ${pidFile}`, error);
  }
}

// memcached.c: remove_pidfile
export function removePidfile(pidFile: string): void {
  try {
    unlinkSync(pidFile);
  } catch (error) {
    tell(`Could not remove the pid file ${pidFile}`, error);
  }
}

/** The process number in the file, if that process runs; else null. */
function runningPid(pidFile: string): number | null {
  try {
    const pid = safeStrtoul(beginning(pidFile));
    if (pid === null) return null;
    process.kill(pid, 0);
    return pid;
  } catch {
    return null; // there is no such file, or no such process
  }
}

/** The start of the file, enough for a number: a device may have no end. */
function beginning(pidFile: string): string {
  const bytes = Buffer.alloc(32);
  const fd = openSync(pidFile, 'r');
  try {
    return bytes.toString('latin1', 0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

function tell(what: string, error: unknown): void {
  const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : 0;
  process.stderr.write(`${what}: ${strerror(-errno)}\n`);
}
