// Whether a child process inherits the sockets of this one. A child that outlives its parent would keep the port.

/** What socket(2) and accept(2) open is closed when a child process executes its program. */
export let closesOnExec = true;

/** With `false`, socket(2) and accept(2) are called as C did in 2003, and a child process inherits what they open. */
export function closeOnExec(on: boolean): void {
  closesOnExec = on;
}
