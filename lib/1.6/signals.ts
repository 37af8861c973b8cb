// What the server does when a signal ends it. The command then exits (scripts/signals.ts), after these listeners.
import { settings } from './settings';

// memcached.h: enum stop_reasons
export enum StopReason {
  /** SIGUSR1, `shutdown graceful` */
  graceStop = 1,
  /** SIGTERM, SIGINT, `shutdown` */
  exitNormally,
}

// memcached.c: sig_handler and sig_usrhandler, and the end of main
/** Call it once, before main. A signal that ends the server calls `beforeStop`, which must not be asynchronous. */
export function handleSignals(beforeStop: (reason: StopReason) => void = () => {}): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.prependListener(name, () => {
      if (settings.verbose > 0) process.stderr.write('Exiting normally\n');
      beforeStop(StopReason.exitNormally);
    });
  }
  process.prependListener('SIGUSR1', () => {
    process.stderr.write('Gracefully stopping\n');
    beforeStop(StopReason.graceStop);
  });
}
