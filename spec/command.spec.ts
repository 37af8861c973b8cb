// The command line with --1.0: what it prints, where to, and the exit status.
import { spawn } from 'node:child_process';
import test from 'ava';
import { ask } from './support/client';
import { environment, program, root, startServer } from './support/server';
import { backendsToTry } from './support/thorough';

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, '--1.0', ...args], { cwd: root, env: { ...process.env, ...env } });
    let stdout = '', stderr = '';
    child.stdout.on('data', (chunk: Buffer) => void (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

test('-h prints the options, --version the version, both with status 0', async (t) => {
  const help = await run(['-h']);
  t.is(help.status, 0);
  t.is(help.stderr, '');
  const options = ['-p <num>', '-l <ip_addr>', '-d', '-m <num>', '-c <num>', '-k', '-v', '-h', '-i', '--classic'];
  for (const option of options) {
    t.true(help.stdout.includes(`\n${option} `), option);
  }
  const version = await run(['--version']);
  t.is(version.status, 0);
  t.regex(version.stdout, /^memcached-ts \d+\.\d+\.\d+ \(memcached 1\.6\.45; with --1\.0 1\.0\.4\)\n$/);
});

/** The others are in startup.spec.ts. */
test('a mistake is reported in one line, with status 1', async (t) => {
  const { status, stdout, stderr } = await run(['-l', 'localhost']);
  t.is(status, 1);
  t.is(stdout, '');
  t.regex(stderr, /^Illegal address: localhost\n$/);
});

for (const backend of backendsToTry) {
  test(`${backend}: EVENT_SHOW_METHOD names the backend; a port in use or a foreign address is reported in one line`, async (t) => {
    const server = await startServer({ backend, env: { EVENT_SHOW_METHOD: '1' } });
    t.teardown(() => server.stop());
    t.is(server.stderr(), `libevent using: ${backend}\n`);
    await ask(server.port, 'version\r\n');
    const env = environment(backend);
    for (const args of [['-p', String(server.port), '-l', '127.0.0.1'], ['-p', '0', '-l', '192.0.2.1']]) {
      const { status, stderr } = await run(args, env);
      t.is(status, 1);
      t.regex(stderr, /^bind\(\): address (already in use|not available)\n$/);
    }
    const daemon = await run(['-d', '-p', String(server.port), '-l', '127.0.0.1'], env);
    t.is(daemon.status, 1);
    t.regex(daemon.stderr, /^bind\(\): address already in use\n$/);
  });
}

test('a server without any backend left reports it in one line, with status 1', async (t) => {
  const { status, stderr } = await run([], { EVENT_NOEPOLL: '1', EVENT_NONET: '1' });
  t.is(status, 1);
  t.regex(stderr, /^[^\n]*no event mechanism available\n$/);
});
