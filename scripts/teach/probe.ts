// Instrumented code calls these functions. A recorder sets the probe; without one, the marks do nothing.

/** The local variables in scope, by name. */
export type Locals = () => Record<string, unknown>;

export interface Probe {
  /** The statement at `site` (an index in Tables.sites) is about to run. */
  mark(site: number, locals: Locals): void;
  /** A function (an index in Tables.functions) was entered, or left by return or exception. */
  enter(fn: number): void;
  leave(): void;
}

let probe: Probe | null = null;

export function setProbe(to: Probe | null): void {
  probe = to;
}

export function mark(site: number, locals: Locals): void {
  probe?.mark(site, locals);
}

export function enter(fn: number): void {
  probe?.enter(fn);
}

export function leave(): void {
  probe?.leave();
}

const hidden = new Map<string, Locals>();

/** Called by a file to expose variables that it does not export. */
export function expose(file: string, variables: Locals): void {
  hidden.set(file, variables);
}

/** The variables that a file exposes, as they are now. */
export function variablesOf(file: string): Record<string, unknown> {
  const variables = hidden.get(file);
  if (variables === undefined) throw new Error(`${file} exposes nothing`);
  return variables();
}
