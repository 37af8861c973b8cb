// <stdlib.h>: the environment.

/** getenv(3): null where there is no such variable; one that is there may be empty. */
export function getenv(name: string): string | null {
  return process.env[name] ?? null;
}
