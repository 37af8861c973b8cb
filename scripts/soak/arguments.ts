// The command line. An error in it is reported in one line.
import { parseArgs } from 'node:util';

import { Misuse } from '../bench/arguments';
import { readingArguments } from '../arguments';

export const serverNames = ['epoll', 'epoll-single', 'net', 'memcached'] as const;
export type ServerName = (typeof serverNames)[number];

export interface Options {
  minutes: number;
  /** Null if not given. */
  servers: ServerName[] | null;
  /** The path of memcached's program; null for the one that is installed. */
  memcached: string | null;
  seed: number;
  report: string | null;
}

export const help = `Keeps memcached-ts busy for long, with clients that check every answer, clients that behave badly, and a load.

  npm run soak -- [options]

  --minutes N          for each server (default 10)
  --servers a,b,c      of ${serverNames.join(' ')} (default: all that there are), one after the other
                         epoll         memcached-ts with epoll and io_uring
                         epoll-single  memcached-ts with epoll, without io_uring
                         net           memcached-ts with node:net
                         memcached     memcached -t 1, to compare
  --memcached PATH     memcached's program (default: the one that is installed)
  --seed N             of all that is drawn by chance (default 1)
  --report FILE        write a page with plots
  --help

Exit status: 0, 1 when a server answered wrongly or when its memory or its descriptors grew on and on (from 5 minutes
on), 2 when the arguments are wrong.
`;

/** The options, or 'help'. Throws Misuse. */
export function readArguments(args: readonly string[]): Options | 'help' {
  const { values } = readingArguments(() => parseKnown(args));
  if (values.help === true) return 'help';
  return {
    minutes: minutes(values.minutes ?? '10'),
    servers: values.servers === undefined ? null : servers(values.servers),
    memcached: values.memcached ?? null,
    seed: seed(values.seed ?? '1'),
    report: values.report ?? null,
  };
}

function parseKnown(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string' },
      servers: { type: 'string' },
      memcached: { type: 'string' },
      seed: { type: 'string' },
      report: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
}

function minutes(text: string): number {
  if (!/^\d{0,5}(\.\d+)?$/.test(text) || !(Number(text) > 0)) throw new Misuse(`--minutes wants minutes, not "${text}"`);
  return Number(text);
}

function servers(text: string): ServerName[] {
  return [...new Set(text.split(',').map((word) => {
    const found = serverNames.find((name) => name === word.trim());
    if (found === undefined) throw new Misuse(`no server "${word}": there are ${serverNames.join(', ')}`);
    return found;
  }))];
}

function seed(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Misuse(`--seed wants a whole number from 0 on, not "${text}"`);
  return Number(text);
}
