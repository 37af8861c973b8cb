// Signals for the program under test: raised without the kernel, and noticed while the loop waits.
import { signame } from '../signame';

/** Calls who listens for the signal, as Node does when it comes. False where nobody does. */
export function raise(sig: number): boolean {
  const name = signame(sig);
  const listeners = process.listeners(name);
  for (const listener of listeners) Reflect.apply(listener, process, [name, sig]);
  return listeners.length > 0;
}

/** Calls `fn` whenever one of `signals` comes, after who else listens for it, until the result is called. */
export function listeningFor(signals: number[], fn: () => void): () => void {
  const names = new Set(signals.map(signame));
  for (const name of names) process.on(name, fn);
  return () => {
    for (const name of names) process.removeListener(name, fn);
  };
}
