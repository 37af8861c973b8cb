// <stdlib.h>: the environment.

/** getenv(3): null if there is no such variable. A variable may also be empty. */
export function getenv(name: string): string | null {
  return process.env[name] ?? null;
}
