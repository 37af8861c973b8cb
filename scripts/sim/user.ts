/** Without it, memcached 1.6 warns if root starts it. */
export const userOption: readonly string[] = process.getuid?.() === 0 ? ['-u', 'root'] : [];
