// <sys/time.h>: struct timeval and its macros.

/** struct timeval: seconds and microseconds (0 to 999,999). */
export interface Timeval {
  tvSec: number;
  tvUsec: number;
}

export function timerclear(tvp: Timeval): void {
  tvp.tvSec = 0;
  tvp.tvUsec = 0;
}

export function timercmp(tvp: Timeval, uvp: Timeval, cmp: '<' | '<=' | '==' | '>'): boolean {
  const diff = tvp.tvSec === uvp.tvSec ? tvp.tvUsec - uvp.tvUsec : tvp.tvSec - uvp.tvSec;
  switch (cmp) {
    case '<': return diff < 0;
    case '<=': return diff <= 0;
    case '==': return diff === 0;
    case '>': return diff > 0;
  }
}

export function timeradd(tvp: Timeval, uvp: Timeval, vvp: Timeval): void {
  vvp.tvSec = tvp.tvSec + uvp.tvSec;
  vvp.tvUsec = tvp.tvUsec + uvp.tvUsec;
  if (vvp.tvUsec >= 1000000) {
    vvp.tvSec++;
    vvp.tvUsec -= 1000000;
  }
}

export function timersub(tvp: Timeval, uvp: Timeval, vvp: Timeval): void {
  vvp.tvSec = tvp.tvSec - uvp.tvSec;
  vvp.tvUsec = tvp.tvUsec - uvp.tvUsec;
  if (vvp.tvUsec < 0) {
    vvp.tvSec--;
    vvp.tvUsec += 1000000;
  }
}
