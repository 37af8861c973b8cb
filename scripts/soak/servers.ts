// The servers, as the bench starts them.
import { join } from 'node:path';

import { Misuse } from '../bench/arguments';
import { findInPath } from '../bench/processes';
import type { Contestant } from '../bench/servers';
import type { Options, ServerName } from './arguments';
import { serverNames } from './arguments';
import { PROBE_FILE } from './probe';

const CONNECTIONS = '4096';

/** `scripts` is the folder of the compiled scripts; in `folder` ours write their figures. Throws Misuse. */
export function contestants({ servers, memcached }: Options, scripts: string, folder: string): Contestant[] {
  const program = memcached ?? findInPath('memcached');
  if (program === null && servers?.includes('memcached') === true) throw new Misuse('memcached is not installed');
  const names = servers ?? serverNames.filter((name) => name !== 'memcached' || program !== null);
  return names.map((name) => ({ name, address: null, command: started(name, scripts, program ?? '', join(folder, name)) }));
}

function started(name: ServerName, scripts: string, memcached: string, probe: string): Contestant['command'] {
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : [];
  const common = (port: number, megabytes: number): string[] =>
    ['-p', String(port), '-l', '127.0.0.1', '-m', String(megabytes), '-c', CONNECTIONS, ...user];
  const ours = [process.execPath, '--require', join(scripts, 'soak', 'probe.js'), join(scripts, 'memcached-ts.js')];
  const line = name === 'memcached' ? [memcached, '-t', '1'] : ours;
  const env = { [PROBE_FILE]: probe, ...environments[name] };
  return (port, megabytes) => ({ line: [...line, ...common(port, megabytes)], env });
}

const environments: Readonly<Record<ServerName, NodeJS.ProcessEnv>> = {
  'epoll': { EVENT_NONET: '1' },
  'epoll-single': { EVENT_NONET: '1', EVENT_NOIOURING: '1' },
  'net': { EVENT_NOEPOLL: '1' },
  'memcached': {},
};
