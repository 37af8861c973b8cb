// Figures of a process from Linux's /proc; null if there is no /proc, or no such process.
import { readFileSync } from 'node:fs';

/** The kernel's unit of times in /proc, USER_HZ: 100 on all that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Seconds of processor time of all its threads, utime + stime. */
export function cpuSeconds(pid: number): number | null {
  const stat = readProc(pid, 'stat');
  if (stat === null) return null;
  // The name, in parentheses, may have spaces in it; after it come the fields from the third on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Bytes of resident memory, VmRSS. */
export function residentBytes(pid: number): number | null {
  const found = /^VmRSS:\s*(\d+) kB$/m.exec(readProc(pid, 'status') ?? '');
  return found === null ? null : Number(found[1]) * 1024;
}

/** The processors that this process may run on; null if unknown. */
export function allowedCpus(): number[] | null {
  const found = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readProc('self', 'status') ?? '');
  if (found === null) return null;
  return found[1].split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function readProc(pid: number | 'self', name: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return null;
  }
}
