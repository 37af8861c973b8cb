// The files of the server that a reader steps through. Apart from bundle.ts, which needs the compiler.

/** Each statement of these files is a step. */
export const INSTRUMENTED = ['lib/memcached.ts', 'lib/items.ts', 'lib/slabs.ts', 'reactor/event.ts'];
