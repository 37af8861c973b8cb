// <signal.h>

/** raise(3): sends the signal to this process. It arrives in a later turn of the loop. */
export function raise(signal: NodeJS.Signals): void {
  process.kill(process.pid, signal);
}
