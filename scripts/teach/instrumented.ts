// Which files of the server a reader steps through. Apart from bundle.ts, so that one can ask without the compiler.

/** Each statement of these is a step. */
export const INSTRUMENTED = ['lib/memcached.ts', 'lib/items.ts', 'lib/slabs.ts', 'reactor/event.ts'];
