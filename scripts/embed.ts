// memcached-ts as a library: starts a server in a process of its own, for tests and for programs that bring their own
// cache.
import { join } from 'node:path';
import { reachable } from './embed/reachable';
import { Child } from './embed/process';

export interface StartOptions {
  /** 0, the default, for any free port. */
  port?: number;
  /** The address to listen on: 127.0.0.1 unless told otherwise. */
  host?: string;
  /** The path of a unix socket, in place of `host` and `port`. */
  path?: string;
  /** Memory for items, in megabytes: 64 unless told otherwise. */
  memory?: number;
  /** The largest item, in bytes: a megabyte unless told otherwise. */
  maxItemSize?: number;
  /** Whether the server prints errors and warnings (-v), on this process's stderr. */
  verbose?: boolean;
  /** Further options of the command, each word by itself: `['-c', '100', '-M']`. */
  args?: readonly string[];
}

export interface Server {
  /** Its port; 0 with `path`. */
  readonly port: number;
  /** For clients: `127.0.0.1:40123`, `[::1]:40123`, or the path. */
  readonly address: string;
  readonly pid: number;
  /** Resolves when the server has ended: to null after close(), else to an error that says how. Never rejects. */
  readonly closed: Promise<Error | null>;
  /** Ends the server, and resolves when it has ended; so does a second call. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a server, and resolves when clients can connect. The server does not keep this process alive, and ends with
 * it, however it ends. Rejects with the server's own message if it cannot start.
 */
export async function start(options: StartOptions = {}): Promise<Server> {
  const { host = '127.0.0.1', path, args = [], verbose = false } = options;
  const of2003 = args.find((word) => word === '--1.0' || word === '--classic');
  if (of2003 !== undefined) throw new Error(`start() serves memcached 1.6: ${of2003} is for the command alone`);

  const child = new Child(join(__dirname, 'embed', 'child.js'), words(options), verbose);
  const port = await child.listening;
  try {
    await reachable(path ?? { host, port }, child.closed);
  } catch (error) {
    await child.close();
    throw error;
  }
  child.unref();
  return {
    port,
    address: path ?? `${host.includes(':') ? `[${host}]` : host}:${port}`,
    pid: child.pid,
    closed: child.closed,
    close: () => child.close(),
    [Symbol.asyncDispose]: () => child.close(),
  };
}

/** The command line. The user's `args` come last, and so take precedence. */
function words({ port = 0, host = '127.0.0.1', path, memory, maxItemSize, verbose, args = [] }: StartOptions): string[] {
  const where = path === undefined ? ['-l', host, '-p', String(port === 0 ? -1 : port)] : ['-s', path];
  return [
    ...(process.getuid?.() === 0 ? ['-u', 'root'] : []), // else it warns
    ...where,
    ...(memory === undefined ? [] : ['-m', String(memory)]),
    ...(maxItemSize === undefined ? [] : ['-I', String(maxItemSize)]),
    ...(verbose === true ? ['-v'] : []),
    ...args,
  ];
}
