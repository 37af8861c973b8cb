// main, from its arguments to its exit status, where no server comes of it; and `stats maps`, which looks outside.
import { constants } from 'node:os';
import test from 'ava';
import { shows } from '../lib/later';
import * as daemons from '../lib/libc/daemon';
import * as file from '../lib/libc/file';
import { getopt } from '../lib/libc/getopt';
import { mallinfo, memoryInit } from '../lib/libc/memory';
import * as mman from '../lib/libc/mman';
import * as stdlib from '../lib/libc/stdlib';
import { main } from '../lib/memcached';
import { PACKAGE, VERSION, settings } from '../lib/memcached.h';
import { eventEconomy } from '../reactor/backends';
import { EADDRINUSE, EMFILE, ENOMEM, EPERM, setErrno } from '../reactor/errno.h';
import { Errx } from '../reactor/err';
import { Simulation, installSimulation } from '../reactor/sim';
import type { CallName } from '../reactor/sim';
import { put } from './support/memory';
import { replace } from './support/replace';
import { SMALL_MEMORY, SimServer } from './support/sim-server';
import { Stderr } from './support/stderr';

const { EIO } = constants.errno;

class Exited extends Error {
  constructor(readonly status: number) {
    super(`exit ${status}`);
  }
}

interface Ended {
  status: number;
  stdout: string;
  stderr: string[];
}

/** main until it returns, or calls exit; the `which`-th call of the name `name` fails. */
async function run(args: readonly string[], name?: CallName, errno = 0, which = 0): Promise<Ended> {
  const stderr = new Stderr();
  let stdout = '';
  const restores = [
    () => { stderr.restore(); },
    replace(process.stdout, 'write', () => (chunk: string | Uint8Array): boolean => {
      stdout += chunk.toString();
      return true;
    }),
    replace(stdlib, 'exit', () => (status) => {
      throw new Exited(status);
    }),
  ];
  const sim = new Simulation({ seed: 1, record: false });
  eventEconomy(false);
  let calls = 0;
  sim.onCall = (call) => call.name === name && calls++ === which ? { errno } : undefined;
  installSimulation(sim);
  memoryInit(...SMALL_MEMORY);
  try {
    const status = await main(args.length + 1, ['memcached-ts', ...args]).catch((error: unknown) => {
      if (error instanceof Exited) return error.status;
      throw error;
    });
    return { status, stdout, stderr: stderr.lines() };
  } finally {
    for (const restore of restores) restore();
    installSimulation(null);
    // What is left of the arguments, since a process has a main of its own in life.
    while (getopt([], '') !== -1);
  }
}

const failures: readonly [string, CallName, number, number, string][] = [
  ['socket', 'socket', EMFILE, 0, 'socket(): too many open files'],
  ['the first fcntl', 'fcntl', EIO, 0, 'setting O_NONBLOCK: i/o error'],
  ['the second fcntl', 'fcntl', EIO, 1, 'setting O_NONBLOCK: i/o error'],
  ['bind', 'bind', EADDRINUSE, 0, 'bind(): address already in use'],
  ['listen', 'listen', EADDRINUSE, 0, 'listen(): address already in use'],
  ['epoll_ctl', 'epoll_ctl', ENOMEM, 0, 'failed to create listening connection'],
];

const mistakes: Record<string, RegExp> = {
  '--bogus': /"--bogus"/,
  'word': /"word"/,
  '-p': /"-p"/,
  '-p 65536': /port number: 65536/,
  '-p -1': /port number: -1/,
  '-p http': /port number: http/,
  '-m lots': /megabytes: lots/,
  '-m -1': /megabytes: -1/,
  '-c 0': /connections: 0/,
  '-l 1.2.3.400': /Illegal address: 1\.2\.3\.400/,
};

for (const [args, message] of Object.entries(mistakes)) {
  test.serial(`a mistake is reported in one line, with status 1: ${args}`, async (t) => {
    const { status, stdout, stderr } = await run(args.split(' ')).catch((error: unknown) => {
      if (error instanceof Errx) return { status: error.status, stdout: '', stderr: [error.message] };
      throw error;
    });
    t.is(status, 1);
    t.is(stdout, '');
    t.is(stderr.length, 1);
    t.regex(stderr[0], message);
  });
}

for (const [what, name, errno, which, line] of failures) {
  test.serial(`${what} that fails at the start ends the program with status 1, after one line`, async (t) => {
    t.deepEqual(await run([], name, errno, which), { status: 1, stdout: '', stderr: [line] });
  });
}

test.serial('-h prints the options, -i the licences, and both exit with status 0', async (t) => {
  const help = await run(['-h']);
  t.is(help.status, 0);
  t.true(help.stdout.startsWith(`${PACKAGE} ${VERSION}\n-p <num> `));
  const licence = await run(['-i']);
  t.is(licence.status, 0);
  t.regex(licence.stdout, /^memcached-ts 1\.0\.4\n\n[^]*Danga Interactive[^]*Niels Provos/);
});

test.serial('an unknown option, a missing argument, and an invalid address end the program with status 1', async (t) => {
  for (const [args, line] of [
    [['-x'], 'Illegal argument "-x"'],
    [['-p'], 'Missing argument of "-p"'],
    [['-l', '1.2.3.256'], 'Illegal address: 1.2.3.256'],
  ] as const) {
    t.deepEqual(await run(args), { status: 1, stdout: '', stderr: [line] });
  }
});

test.serial('an argument that is no number, or too large, is refused', async (t) => {
  for (const args of [['-p', 'http'], ['-p', '65536'], ['-m', '64M'], ['-m', '4001'], ['-c', '0'], ['-c', '1e3']]) {
    const error = await t.throwsAsync(run(args), { instanceOf: Errx });
    t.is(error.status, 1);
    t.regex(error.message, /^illegal [^\n]+$/);
  }
});

test.serial('a -d that cannot start the program again ends with an error', async (t) => {
  t.teardown(replace(daemons, 'daemon', () => () => Promise.resolve(-1)));
  t.deepEqual(await run(['-d']), { status: 1, stdout: '', stderr: ['failed to daemon() in order to daemonize'] });
});

test.serial('a refused -k is reported, and the server runs', async (t) => {
  const stderr = new Stderr();
  t.teardown(() => { stderr.restore(); });
  t.teardown(replace(mman, 'mlockall', () => () => {
    setErrno(EPERM);
    return -1;
  }));
  const server = await SimServer.start(['-k', '-l', '127.0.0.1']);
  t.deepEqual(stderr.lines(), ['warning: -k invalid, mlockall() failed: operation not permitted']);
  t.is(settings.interface.sAddr, 0x7f000001);
  t.is(await (await server.connect()).ask('version\r\n'), 'VERSION 1.0.4\r\n');
  await server.stop();
});

test.serial('stats maps gives the file and its NUL, or reports which step failed', async (t) => {
  t.teardown(() => { shows.maps = false; });
  shows.maps = true;
  const server = await SimServer.start();
  const c = await server.connect();
  await c.ask('version\r\n');
  const { uordblks } = mallinfo();
  const answers = async (end: string, open: number, read: (buf: number, count: number) => number): Promise<string> => {
    const restores = [
      replace(file, 'open', () => () => open), replace(file, 'read', () => (_, buf, count) => read(buf, count)),
      replace(file, 'close', () => () => 0),
    ];
    const reply = await c.ask('stats maps\r\n', end);
    for (const restore of restores) restore();
    t.is(mallinfo().uordblks, uordblks);
    return reply;
  };
  t.is(await answers('\r\n', -1, () => 0), 'SERVER_ERROR cannot open the maps file\r\n');
  t.is(await answers('\r\n', 7, () => 0), "SERVER_ERROR can't read the maps file\r\n");
  t.is(await answers('\r\n', 7, () => -1), "SERVER_ERROR can't read the maps file\r\n");
  t.is(await answers('\r\n', 7, (_, count) => count), 'SERVER_ERROR buffer overflow\r\n');
  t.is(await answers('\0', 7, (buf) => put(buf, '0-1 r\n') && 6), '0-1 r\nEND\r\n\0');
  await server.stop();
});
