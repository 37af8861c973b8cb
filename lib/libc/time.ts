// <time.h>: the clock of the backend that runs, in seconds.
import type { Timeval } from '../../reactor/event.h';
import { gettimeofday } from '../../reactor/syscalls';

const now: Timeval = { tvSec: 0, tvUsec: 0 };

/** time(2): seconds since 1970, as a time_t of 32 bits. */
export function time(): number {
  gettimeofday(now);
  return now.tvSec | 0;
}
