// The memcached 1.6 that is installed, as a partner of ours in specs; and where the older one that systems bring along
// answers differently from 1.6.45, which ours follows.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { userInfo } from 'node:os';

/** The arguments of both servers: what goes on behind the commands has no say in the replies. */
export const ARGS = ['-o', 'no_lru_crawler,no_lru_maintainer'];

/** The version that ours follows. */
export const FOLLOWED = '1.6.45';
/** Debian 12's. */
const OLDER = '1.6.18';

/** Requests that the older one answers otherwise, and what it says or does. */
const OLDER_DIFFERS: readonly RegExp[] = [
];

/** The version that a program tells of itself; null where there is none. */
export function versionOf(program: string): string | null {
  const { stdout, status } = spawnSync(program, ['-V'], { encoding: 'utf8' });
  return status === 0 ? (/^memcached (\S+)/.exec(stdout)?.[1] ?? null) : null;
}

/** Whether it is a version of which is known where it differs. */
export function hasKnownVersion(program: string): boolean {
  return [FOLLOWED, OLDER].includes(versionOf(program) ?? '');
}

/** Those of `requests` to which it answers as 1.6.45 does. */
export function withKnownReply(program: string, requests: readonly string[]): string[] {
  const differs = versionOf(program) === OLDER ? OLDER_DIFFERS : [];
  return requests.filter((request) => !differs.some((sign) => sign.test(request)));
}

export interface Reference {
  port: number;
  stop(): Promise<void>;
}

/** Starts it, and resolves when it listens. */
export async function startMemcached(program: string, args: readonly string[] = ARGS): Promise<Reference> {
  for (;;) {
    const port = await freePort();
    const user = userInfo().uid === 0 ? ['-u', 'root'] : [];
    const child = spawn(program, ['-p', String(port), '-l', '127.0.0.1', '-vv', ...user, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exit = once(child, 'exit');
    const listening = new Promise<boolean>((resolve) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('server listening')) resolve(true);
      });
      void exit.then(() => resolve(false));
    });
    // The port may have been taken meanwhile.
    if (!(await listening)) continue;
    return {
      port,
      stop: async () => {
        child.kill('SIGTERM');
        await exit;
      },
    };
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
