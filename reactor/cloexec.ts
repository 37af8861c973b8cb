// Whether a child process inherits the sockets of this one. A child that outlives its parent would keep the port.

/** Whether the sockets of socket(2) and accept(2) are closed when a child process executes its program. */
export let closesOnExec = true;

/** With `false` we call socket(2) and accept(2) as C did in 2003, and a child process inherits the sockets. */
export function closeOnExec(on: boolean): void {
  closesOnExec = on;
}
