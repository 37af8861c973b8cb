// Paths of unix sockets. In Node, closing a listening socket removes its path; in the kernel a path stays, and here it
// has to, because a socket that rests with the keeper is closed in this process. So we listen under another name, which
// then becomes the path: Node looks for the other name, and removes nothing.
import { chmodSync, closeSync, lstatSync, openSync, renameSync, statSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { EADDRINUSE, EEXIST, EINVAL } from '../errno.h';
import { errnoOf } from './errors';

/** Added to the path for the other name. */
const SUFFIX = '~';
/** sun_path has 108 bytes on Linux and 104 on BSD, a NUL at the end among them. */
const PATH_MAX_BYTES = process.platform === 'linux' ? 107 : 103;

/**
 * bind(2): makes a file, to which clients cannot connect yet, so that no other socket gets the path. Its mode follows
 * the umask, as a socket's does. Returns 0, or a negated errno value.
 */
export function takePath(path: string): number {
  if (Buffer.byteLength(path + SUFFIX) > PATH_MAX_BYTES || path.includes('\0')) return -EINVAL;
  return attempt(() => {
    closeSync(openSync(path, 'wx', 0o777));
    return 0;
  });
}

/** Undoes takePath. */
export function givePathUp(path: string): void {
  attempt(() => {
    unlinkSync(path);
    return 0;
  });
}

/** Has `server` listen at a path that takePath took, with the mode of the file. Returns 0, or a negated errno value. */
export function listenAt(server: Server, path: string, backlog: number): number {
  const name = path + SUFFIX;
  return attempt(() => {
    const { mode } = statSync(path);
    // A process that has died in the middle of this has left one.
    if (lstatSync(name, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(name);
    server.listen({ path: name, backlog, exclusive: true });
    if (!server.listening) return -EADDRINUSE; // node:net tells the reason later
    chmodSync(name, mode & 0o777);
    renameSync(name, path);
    return 0;
  });
}

function attempt(call: () => number): number {
  try {
    return call();
  } catch (error) {
    const errnum = error instanceof Error ? errnoOf(error) : EINVAL;
    return errnum === EEXIST ? -EADDRINUSE : -errnum;
  }
}
