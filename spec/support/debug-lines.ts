// Keeps all debug lines of memcached instead of writing them. Import it before the port, which checks only once whether
// they are enabled.
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
