// Raises signals for the program under test without the kernel, and notices them while the loop waits.
import { signame } from '../signame';

/** Calls the listeners of the signal, as Node does when it comes. False if there are none. */
export function raise(sig: number): boolean {
  const name = signame(sig);
  const listeners = process.listeners(name);
  for (const listener of listeners) Reflect.apply(listener, process, [name, sig]);
  return listeners.length > 0;
}

/** Calls `fn` when one of `signals` comes, after its other listeners. Call the result to stop that. */
export function listeningFor(signals: number[], fn: () => void): () => void {
  const names = new Set(signals.map(signame));
  for (const name of names) process.on(name, fn);
  return () => {
    for (const name of names) process.removeListener(name, fn);
  };
}
