// Several reads or writes at once, by the simulated kernel: one after another, each a call of its own.
import type { Batch, Syscalls } from '../syscalls.h';
import { errno } from '../errno.h';

const CALLS_MAX = 1024;

export function loopBatch(syscalls: Pick<Syscalls, 'read' | 'write'>): Batch {
  return {
    size: CALLS_MAX,
    recv(fds, n, buf, length, results) {
      for (let i = 0; i < n; i++) results[i] = orMinusErrno(syscalls.read(fds[i], buf, i * length, length));
    },
    send(fds, n, buf, starts, results) {
      for (let i = 0; i < n; i++) {
        results[i] = orMinusErrno(syscalls.write(fds[i], buf, starts[i], starts[i + 1] - starts[i]));
      }
    },
  };
}

function orMinusErrno(res: number): number {
  return res === -1 ? -errno : res;
}
