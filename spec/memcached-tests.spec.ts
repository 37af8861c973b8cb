// npm run memcached-tests, on a folder with tests of the spec's own and a server that is none.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';

import { command } from '../scripts/memcached-tests/command';
import { need } from '../scripts/memcached-tests/needs';

/** One of them has Test::More, as memcached's own; the others, which perl runs faster, print what it would. */
const FILES: Record<string, string> = {
  'whole.t': 'print "1..2\\nok 1\\n", -x "memcached-debug" ? "ok 2\\n" : "not ok 2\\n";',
  'server.t': `print "1..1\\n", \`./timedrun 10 ./memcached-debug -x "a b"\` eq "1 -x a b\\n" ? "ok 1\\n" : "not ok 1\\n";`,
  'part.t': 'use Test::More tests => 2; ok(1, "one"); ok(0, "two");',
  'early.t': '$| = 1; print "1..2\\nok 1\\n"; exit 3;',
  'hang.t': '$| = 1; print "1..2\\nok 1\\n"; sleep 100;',
  'skip.t': 'print "1..0 # SKIP not here\\n";',
  'conn-limits.t': 'print "1..1\\nnot ok 1\\n";',
  'proxyx.t': 'if (!supports_proxy()) {\n  plan skip_all => "no proxy";\n}\n',
};

/** The folder of a source, with a server in it. */
function source(t: ExecutionContext): { folder: string; server: string } {
  const folder = mkdtempSync(join(tmpdir(), 'memcached-tests-spec-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 't'));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, 't', name), text);
  const server = join(folder, "it's a server");
  writeFileSync(server, '#!/bin/sh\necho $MEMCACHED_DEBUG "$@"\n');
  chmodSync(server, 0o755);
  return { folder, server };
}

async function run(program: string, ...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const status = await command(args, program, {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
  });
  return { status, ...said };
}

test('a run in which every file comes out whole succeeds; each file gets a folder with the server and timedrun', async (t) => {
  const { folder, server } = source(t);
  const { status, out } = await run(server, '--jobs', '2', folder, 'whole.t', 'server');
  t.is(status, 0);
  t.regex(out, /│ whole +│ whole +│/);
  t.regex(out, /│ server +│ whole +│/);
  t.regex(out, /^2 of 2 whole$/m);
});

test('a file that fails is counted, reported with what failed, and makes the status 1', async (t) => {
  const { folder, server } = source(t);
  const { status, out } = await run(server, folder, 'part', 'early');
  t.is(status, 1);
  t.regex(out, /│ part +│ 1 of 2 +│/);
  t.regex(out, /^part:\n {2}2 - two$/m);
  t.regex(out, /│ early +│ 1 of 2 +│/);
  t.regex(out, /^ {2}perl ended with 3$/m);
});

test('a file that takes longer than its limit is ended', async (t) => {
  const { folder, server } = source(t);
  const { status, out } = await run(server, '--limit', '1', folder, 'hang');
  t.is(status, 1);
  t.regex(out, /│ hang +│ 1 of 2 +│/);
  t.regex(out, /^ {2}not done after 1 s$/m);
});

test('a file that skips itself is not whole, and says why', async (t) => {
  const { folder, server } = source(t);
  const { status, out } = await run(server, folder, 'skip');
  t.is(status, 1);
  t.regex(out, /│ skip +│ skipped +│.*│ not here +│/);
});

test('an exception, and a file that needs something missing, are not expected to pass', async (t) => {
  const { folder, server } = source(t);
  const { status, out } = await run(server, folder, 'conn-limits', 'proxyx');
  t.is(status, 0);
  t.regex(out, /│ conn-limits +│ 0 of 1 +│.*│ wants a multi-get to fail/);
  t.regex(out, /needs the proxy/);
  t.regex(out, /^0 of 1 whole$/m);
  t.is((await run(server, '--server', server, folder, 'conn-limits')).status, 1);
});

test('without names, all files that need nothing special are run', async (t) => {
  const { folder, server } = source(t);
  const { out } = await run(server, '--jobs', '4', '--limit', '1', folder);
  t.regex(out, /^ {2}1: the proxy$/m);
  t.regex(out, /^2 of 7 whole$/m);
  t.notRegex(out, /│ proxyx/);
});

test('the needs of a file are read from its text', (t) => {
  t.is(need("if (!supports_extstore()) {\n    plan skip_all => 'no';\n"), 'extstore');
  t.is(need('if (supports_extstore()) {\n    $args = 1;\n'), null);
  t.is(need("if (!enabled_tls_testing()) {\n    plan skip_all => 'no';\n"), 'TLS');
  t.regex(need("plan skip_all => 'flaky';\n") ?? '', /always skips itself/);
  t.is(need("if ($stats->{'pointer_size'} eq \"32\") {\n    plan skip_all => 'no';\n"), null);
});

test('wrong arguments are reported in one line, with status 2', async (t) => {
  const { folder, server } = source(t);
  const wrong: [string[], string][] = [
    [[], "give the folder of memcached's source (--help tells the options)"],
    [['/nowhere'], "/nowhere has no t/*.t: it is not a memcached's source"],
    [[folder, 'none'], 'there is no test "none"'],
    [['--limit', '0', folder], '--limit wants a whole number from 1, not "0"'],
    [['--server', '/nowhere', folder], '--server: there is no file /nowhere'],
    [['--nothing', folder], "Unknown option '--nothing' (--help tells the options)"],
  ];
  for (const [args, message] of wrong) {
    t.deepEqual(await run(server, ...args), { status: 2, out: '', err: `memcached-tests: ${message}\n` });
  }
  const { status, out } = await run(server, '--help');
  t.is(status, 0);
  t.regex(out, /FOLDER/);
});
