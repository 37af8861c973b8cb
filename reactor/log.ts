// Where libevent's LOG_DBG lines go: `DEBUG=reactor:*` (npm's debug), or nowhere at no cost.
import debug from 'debug';

type Log = (formatter: string, ...args: unknown[]) => void;

/** The debug function of a namespace, or one that does nothing. Only the value of DEBUG at start counts. */
export function trace(namespace: string): Log {
  const log = debug(namespace);
  return log.enabled ? log : () => {};
}

export const LOG_DBG = trace('reactor:event');
