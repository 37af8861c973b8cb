// All debug lines of memcached, kept in place of being written. To be imported before the port, which asks once whether
// they are wanted.
import debug from 'debug';
import { format } from 'node:util';

const lines: string[] = [];

debug.enable('memcached:*');
debug.log = (...args: unknown[]) => {
  lines.push(format(...args).replace(/^\S+Z memcached:/, ''));
};

/** The lines since the last call, each from the namespace's last word on. */
export function takeLines(): string[] {
  return lines.splice(0);
}
