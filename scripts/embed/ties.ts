// Ties an embedded server to its parent: it tells the parent when it listens, and ends with it, since the system
// closes the parent's end of the IPC channel in any case.
import { tells } from '../../lib/1.6/main';
import { exit } from '../../lib/libc/stdlib';

process.on('disconnect', () => exit(0));

tells.listening = (port): void => {
  process.send?.(port, undefined, undefined, () => {}); // the parent may be gone
};
