// The installed memcached 1.6, as a reference for ours in specs; and the requests to which an older one from a Linux
// distribution answers like 1.6.45, which ours follows.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { userInfo } from 'node:os';

import { freePort } from '../../scripts/free-port';

/** The arguments of both servers: background threads must not affect the replies. */
export const ARGS = ['-o', 'no_lru_crawler,no_lru_maintainer'];

/** The version that ours follows. */
export const FOLLOWED = '1.6.45';
/** Debian 12's. */
const OLDER = '1.6.18';

const KEY = '(?! )[^ \\0\\n\\r]{1,250}';
const EXPIRY = '(0|-1|100|1000|2592000|2592001|2147483640)';
const FLAGS = '(0|5|65535|4294967295)';
const OPAQUE = '[^ \\0\\n\\r]{0,31}';
/** No two words begin with the same letter: the older version reports that with another error text. */
const NO_TWICE = '(?!.* ([A-Za-z])[^ ]* (?:.* )?\\1)';
const META = `[ckqstuvhl]|T(0|-1|1000?|2592000)|O${OPAQUE}`;

/**
 * Well-formed requests, which the older version answers as 1.6.45 does. Otherwise it differs: it has other error texts;
 * after a refused line it takes the data for lines; it knows no flag E, no s of ms, no x and I of mg; ma takes N's time
 * at once; me gives exp a minus; it reads a NUL as the end of a line, and takes `+5` for a number.
 */
const ALIKE: readonly RegExp[] = [
  `(gets?|gat ${EXPIRY}|gats ${EXPIRY})( +${KEY})+`,
  `(incr|decr) ${KEY} \\d{1,19}`,
  `touch ${KEY} ${EXPIRY}`,
  `delete ${KEY}( 0| noreply)?`,
  `mg ${KEY}( (${META}|N(100|1000)|R\\d+|f))*`,
  `md${NO_TWICE} ${KEY}( ([kq]|I|C\\d+|T1000?|O${OPAQUE}))*`,
  `ma${NO_TWICE} ${KEY}( ([cktvq]|D\\d{1,19}|M[ID+-]|C\\d+|T1000?|O${OPAQUE}))*`,
  'mn',
  'version',
  'verbosity 0',
].map((line) => new RegExp(`^${line} ?\r?\n$`));

/** Such requests with data behind the line; the last group is the data's length. */
const ALIKE_WITH_DATA: readonly RegExp[] = [
  `(?:set|add|replace|append|prepend) ${KEY} ${FLAGS} ${EXPIRY} (\\d+)(?: noreply)?`,
  `cas ${KEY} ${FLAGS} ${EXPIRY} (\\d+) \\d{1,19}(?: noreply)?`,
  `ms ${KEY} (\\d+)(?: (?:[ckqI]|C\\d+|F${FLAGS.replace('(', '(?:')}|M[SEAPR]|T1000?|O${OPAQUE}))*`,
].map((line) => new RegExp(`^${line}\r?\n`));

function isAlike(request: string): boolean {
  if (ALIKE.some((form) => form.test(request))) return true;
  const form = ALIKE_WITH_DATA.map((known) => known.exec(request)).find((found) => found !== null);
  return form !== undefined && request.length === form[0].length + Number(form.at(-1)) + '\r\n'.length;
}

/** The version that a program reports; null if there is none. */
export function versionOf(program: string): string | null {
  const { stdout, status } = spawnSync(program, ['-V'], { encoding: 'utf8' });
  return status === 0 ? (/^memcached (\S+)/.exec(stdout)?.[1] ?? null) : null;
}

/** Whether the differences of its version are known. */
export function hasKnownVersion(program: string): boolean {
  return [FOLLOWED, OLDER].includes(versionOf(program) ?? '');
}

/** The `requests` to which it answers as 1.6.45 does. */
export function withKnownReply(program: string, requests: readonly string[]): string[] {
  return versionOf(program) === OLDER ? requests.filter(isAlike) : [...requests];
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
