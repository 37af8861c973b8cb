// <sys/resource.h>: the limits of a process. Node has no calls for them.
import { ENOSYS, setErrno } from '../../reactor/errno.h';
import { loadKoffi } from '../../reactor/koffi';

export const RLIMIT_CORE = 4;
export const RLIMIT_NOFILE = process.platform === 'linux' ? 7 : 8;

/** No limit, on each system. */
export const RLIM_INFINITY = process.platform === 'linux' ? 2n ** 64n - 1n : 2n ** 63n - 1n;

/** struct rlimit: the limit in force, and how far a process may raise it. */
export interface Rlimit {
  cur: bigint;
  max: bigint;
}

/** getrlimit(2). Fills `rlim` and returns 0, or returns -1 with errno: ENOSYS if we have no way to call it. */
export function getrlimit(resource: number, rlim: Rlimit): number {
  const words = new BigUint64Array(2);
  const res = call('getrlimit', resource, words);
  if (res === 0) [rlim.cur, rlim.max] = words;
  return res;
}

/** setrlimit(2). 0, or -1 with errno, likewise. */
export function setrlimit(resource: number, rlim: Readonly<Rlimit>): number {
  return call('setrlimit', resource, BigUint64Array.of(rlim.cur, rlim.max));
}

function call(name: string, resource: number, words: BigUint64Array): number {
  const koffi = loadKoffi();
  // If a long has 32 bits, the structure has other words.
  if (koffi === null || koffi.sizeof('long') !== 8) {
    setErrno(ENOSYS);
    return -1;
  }
  try {
    const func = koffi.load(null).func(`int ${name}(int, void *)`) as (resource: number, rlim: BigUint64Array) => number;
    const res = func(resource, words);
    if (res === -1) setErrno(koffi.errno());
    return res;
  } catch {
    setErrno(ENOSYS);
    return -1;
  }
}
