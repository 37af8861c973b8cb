// <time.h>: the clock of the backend, in seconds.
import { time as now } from '../../reactor/syscalls';

/** time(2): seconds since 1970, as a time_t of 32 bits. */
export function time(): number {
  return now() | 0;
}
