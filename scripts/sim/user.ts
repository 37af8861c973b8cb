/** Without it, memcached 1.6 warns where it is started by root. */
export const userOption: readonly string[] = process.getuid?.() === 0 ? ['-u', 'root'] : [];
