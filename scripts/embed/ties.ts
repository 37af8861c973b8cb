// What ties an embedded server to its parent: it tells when it listens, and ends with the parent, whose end of the
// channel the system closes in any case.
import { tells } from '../../lib/1.6/main';
import { exit } from '../../lib/libc/stdlib';

process.on('disconnect', () => exit(0));

tells.listening = (port): void => {
  process.send?.(port, undefined, undefined, () => {}); // the parent may be gone
};
