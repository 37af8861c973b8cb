// The program of today, from its command line: what it prints, the exit status, and what it does about the system.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ask } from './support/client';
import { program, root, startServer, userOption } from './support/server';

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the program to its end; with -d that is when the daemon serves. */
async function run(...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [program, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '', stderr = '';
  child.stdout.on('data', (chunk: Buffer) => void (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout, stderr };
}

const folder = mkdtempSync(join(tmpdir(), 'memcached-ts-'));
test.after.always(() => rmSync(folder, { recursive: true }));

/** Whether the specs run as root, and so can do what only root may. */
const isRoot = process.getuid?.() === 0;
/** For a server that says nothing about being root. */

test('-V and -h print on stdout, and end with status 0', async (t) => {
  t.deepEqual(await run('-V'), { status: 0, stdout: 'memcached 1.6.45\n', stderr: '' });
  const help = await run('-h');
  t.is(help.status, 0);
  t.is(help.stderr, '');
  t.regex(help.stdout, /^memcached 1\.6\.45\n-p, --port=<num>/);
});

test('a mistake is told in one line, with the status of memcached', async (t) => {
  t.deepEqual(await run('-q'), { status: 1, stdout: '', stderr: "memcached: invalid option -- 'q'\n" });
  t.deepEqual(await run('-I', '1000'), {
    status: 64, stdout: '', stderr: 'Item max size cannot be less than 1024 bytes.\n',
  });
});

if (isRoot && process.platform === 'linux') {
  test('a user that does not exist is told in one line, with status 67', async (t) => {
    const { status, stderr } = await run('-u', 'no-such-user');
    t.is(stderr, "can't find the user no-such-user to switch to\n");
    t.is(status, 67);
  });

  test('-u serves as that user', async (t) => {
    const server = await startServer({ today: true, args: ['-u', 'nobody'] });
    t.teardown(() => server.stop());
    t.regex(await ask(server.port, 'version\r\n'), /^VERSION 1\.6\.45\r\n$/);
    const status = readFileSync(`/proc/${server.process.pid}/status`, 'utf8');
    const nobody = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
    t.is(/^Uid:\t(\d+)/m.exec(status)?.[1], nobody?.[1]);
    t.is(/^Gid:\t(\d+)/m.exec(status)?.[1], nobody?.[2]);
    t.is(/^Groups:\t(.*)/m.exec(status)?.[1].trim(), '');
  });

  test('root without -u is served, with a warning', async (t) => {
    const server = await startServer({ today: true, userUnsaid: true });
    t.teardown(() => server.stop());
    t.is(await ask(server.port, 'version\r\n'), 'VERSION 1.6.45\r\n');
    t.regex(server.stderr(), /^warning: serving as root[^\n]*\n$/);
  });
}

test('-P writes the number of the process, with a warning if another that runs is in the file', async (t) => {
  const file = join(folder, 'served.pid');
  writeFileSync(file, `${process.pid}\n`);
  const server = await startServer({ today: true, args: ['-P', file] });
  t.is(await ask(server.port, 'version\r\n'), 'VERSION 1.6.45\r\n');
  t.is(readFileSync(file, 'utf8'), `${server.process.pid}\n`);
  t.is(server.stderr(), `WARNING: The pid file contained the following (running) pid: ${process.pid}\n`);
  await server.stop();
  t.true(existsSync(file), 'only a daemon removes it, as in C');
});

test('a pid file that cannot be written is told, and the server serves', async (t) => {
  const server = await startServer({ today: true, args: ['-P', join(folder, 'none', 'm.pid')] });
  t.teardown(() => server.stop());
  t.is(await ask(server.port, 'version\r\n'), 'VERSION 1.6.45\r\n');
  t.regex(server.stderr(), /^Could not open the pid file .*\/none\/m\.pid\.tmp for writing: no such file or directory\n$/);
});

test('-d leaves a daemon behind, which removes its pid file when it ends', async (t) => {
  const taken = await startServer({ today: true });
  const port = taken.port; // free again in a moment
  await taken.stop();
  const file = join(folder, 'daemon.pid');
  const started = await run('-d', ...userOption, '-p', String(port), '-l', '127.0.0.1', '-P', file, '-t', '65');
  t.is(started.status, 0);
  t.regex(started.stderr, /^WARNING: [^\n]*\n$/, 'once, though the program starts twice');
  const pid = Number(readFileSync(file, 'utf8'));
  t.is(await ask(port, 'version\r\n'), 'VERSION 1.6.45\r\n');
  const watcher = watch(folder);
  t.teardown(() => watcher.close());
  process.kill(pid, 'SIGTERM');
  while (existsSync(file)) await once(watcher, 'change');
});

if (process.platform === 'linux') {
  const setting = '/sys/kernel/mm/transparent_hugepage/enabled';
  const hasLargePages = existsSync(setting) && !readFileSync(setting, 'utf8').includes('[never]');

  test('-r lifts the limit of core files; -k serves, with a warning at the most; -L where there are large pages', async (t) => {
    const args = ['-r', '-k', ...(hasLargePages ? ['-L'] : [])];
    const server = await startServer({ today: true, args });
    t.teardown(() => server.stop());
    t.is(await ask(server.port, 'version\r\n'), 'VERSION 1.6.45\r\n');
    const limits = readFileSync(`/proc/${server.process.pid}/limits`, 'utf8');
    const [, soft, hard] = /^Max core file size +(\S+) +(\S+)/m.exec(limits) ?? [];
    t.is(soft, hard);
    t.regex(server.stderr(), /^(warning: -k invalid, mlockall\(\) failed: .*\n)?$/);
  });
}

test('SIGUSR1 ends it gracefully, SIGTERM normally, and SIGHUP not at all', async (t) => {
  const graceful = await startServer({ today: true });
  graceful.process.kill('SIGHUP');
  t.is(await ask(graceful.port, 'version\r\n'), 'VERSION 1.6.45\r\n');
  const ended = once(graceful.process, 'exit');
  graceful.process.kill('SIGUSR1');
  t.deepEqual(await ended, [0, null]);
  t.is(graceful.stderr(), 'Gracefully stopping\n');
  const normal = await startServer({ today: true, args: ['-v'] });
  t.is(await normal.stop(), 0);
  t.is(normal.stderr(), 'Exiting normally\n');
});
