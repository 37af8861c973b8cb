// Signals do to the command what they do to a C program. Node leaves most of them to the kernel, as C does. It ignores
// SIGPIPE, as memcached has done since 1.1.9.
import { exit } from '../lib/libc/stdlib';

for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => exit(0));

// Node would open its inspector. memcached 1.6 ends gracefully.
process.on('SIGUSR1', () => exit(0));

// Node has it ignored. Removing a listener leaves the kernel's default behind.
const none = (): void => {};
process.on('SIGXFSZ', none);
process.off('SIGXFSZ', none);
