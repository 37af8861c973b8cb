// Makes signals act on the command as on a C program. Node leaves most of them to the kernel, as C does. It ignores
// SIGPIPE, as memcached has done since 1.1.9.
import { exit } from '../lib/libc/stdlib';

for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => exit(0));

// By default Node would open its inspector. memcached 1.6 ends gracefully.
process.on('SIGUSR1', () => exit(0));

// Node ignores SIGXFSZ. Adding and removing a listener restores the kernel's default.
const none = (): void => {};
process.on('SIGXFSZ', none);
process.off('SIGXFSZ', none);
