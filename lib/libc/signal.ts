// <signal.h>: signal(2), by Node's own handlers, which run when its loop turns.

export function signal(signum: NodeJS.Signals, handler: () => void): void {
  process.on(signum, handler);
}
