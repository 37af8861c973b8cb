// The command line: what to measure, and how. An error in it is reported in one line.
import { parseArgs } from 'node:util';

import { workloads } from './workloads';
import { Misuse, readingArguments } from '../arguments';

export { Misuse };

export const serverNames = ['ours', 'memcached', 'net', 'plain', '1.0', 'classic'] as const;
export type ServerName = (typeof serverNames)[number];

/** Workloads that run once, not in rounds. */
export const onceNames = ['memory', 'stall', 'connections'] as const;

export interface Options {
  workloads: string[];
  /** Null if not given. */
  servers: ServerName[] | null;
  /** Of our server; null lets it choose. */
  backend: 'epoll' | 'net' | null;
  against: { host: string; port: number }[];
  rounds: number;
  seconds: number;
  stallSeconds: number;
  seed: number;
  json: boolean;
  report: string | null;
}

const workloadNames: readonly string[] = [...workloads.map(({ name }) => name), ...onceNames];

export const help = `Drives memcached-ts, and memcached where it is installed, in rounds, and compares them.

  npm run bench -- [options]

  --workloads a,b,c    of ${workloadNames.slice(0, 7).join(' ')}
                       ${workloadNames.slice(7).join(' ')} (default: all)
  --servers a,b,c      of ${serverNames.join(' ')} (default: ours, and memcached where it is installed)
                         ours       memcached-ts
                         memcached  memcached -t 1
                         net        memcached-ts on the backend net
                         plain      a plain server on node:net, which knows get and set
                         1.0        memcached-ts --1.0
                         classic    memcached-ts --classic
  --against host:port  a server that runs already, too; may be given several times
  --backend epoll|net  the backend of ours, 1.0 and classic
  --rounds N           how often each server does each workload (default 7)
  --seconds S          of each measurement (default 2); a warm-up comes on top
  --stall-seconds S    of the workload stall (default 60)
  --seed N             of all that is drawn by chance (default 1)
  --json               print everything as JSON
  --report FILE        write a page with plots
  --help

What stands first of memcached, --against and the other servers is what the ratios are to. A server that is given by
--against needs room for what is stored: 20 MB, and 200 MB for zipf and stall.
Exit status: 0, 1 when a server answered wrongly or could not be driven, 2 when the arguments are wrong.
`;

/** The options, or 'help'. Throws Misuse. */
export function readArguments(args: readonly string[]): Options | 'help' {
  const { values } = readingArguments(() => parseKnown(args));
  if (values.help === true) return 'help';
  return {
    workloads: values.workloads === undefined ? [...workloadNames] : list(values.workloads, workloadNames, 'workload'),
    servers: values.servers === undefined ? null : list(values.servers, serverNames, 'server'),
    backend: values.backend === undefined ? null : oneOf(values.backend, ['epoll', 'net'] as const, 'backend'),
    against: (values.against ?? []).map(endpoint),
    rounds: whole(values.rounds, '--rounds', 1) ?? 7,
    seconds: seconds(values.seconds, '--seconds') ?? 2,
    stallSeconds: seconds(values['stall-seconds'], '--stall-seconds') ?? 60,
    seed: whole(values.seed, '--seed', 0) ?? 1,
    json: values.json ?? false,
    report: values.report ?? null,
  };
}

function parseKnown(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      'workloads': { type: 'string' },
      'servers': { type: 'string' },
      'backend': { type: 'string' },
      'against': { type: 'string', multiple: true },
      'rounds': { type: 'string' },
      'seconds': { type: 'string' },
      'stall-seconds': { type: 'string' },
      'seed': { type: 'string' },
      'json': { type: 'boolean' },
      'report': { type: 'string' },
      'help': { type: 'boolean' },
    },
  });
}

function list<Name extends string>(text: string, known: readonly Name[], what: string): Name[] {
  return [...new Set(text.split(',').map((name) => oneOf(name.trim(), known, what)))];
}

function oneOf<Name extends string>(text: string, known: readonly Name[], what: string): Name {
  const found = known.find((name) => name === text);
  if (found === undefined) throw new Misuse(`no ${what} "${text}": there are ${known.join(', ')}`);
  return found;
}

function endpoint(text: string): { host: string; port: number } {
  const found = /^([^:\s]+):(\d{1,5})$/.exec(text);
  const port = Number(found?.[2]);
  if (found === null || port < 1 || port > 65535) throw new Misuse(`--against wants host:port, not "${text}"`);
  return { host: found[1], port };
}

function whole(text: string | undefined, name: string, least: number): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,9}$/.test(text) || Number(text) < least) {
    throw new Misuse(`${name} wants a whole number from ${least} on, not "${text}"`);
  }
  return Number(text);
}

function seconds(text: string | undefined, name: string): number | null {
  if (text === undefined) return null;
  if (!/^\d{0,5}(\.\d+)?$/.test(text) || !(Number(text) > 0)) throw new Misuse(`${name} wants seconds, not "${text}"`);
  return Number(text);
}
