// The views of the teaching page, without a browser: each is a function of a run and a step, and draws every step of
// every scene (one of eight in a usual run).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { actsOf, argumentsOf, bytes, rowsOf } from '../scripts/teach/acts-text';
import { Misuse, readArguments } from '../scripts/teach/arguments';
import { workerScript } from '../scripts/teach/cached';
import { command } from '../scripts/teach/command';
import { faultKinds, faultOf, withFault } from '../scripts/teach/faults';
import { readListing, withoutNote } from '../scripts/teach/listing';
import { recorder } from '../scripts/teach/run';
import { loadScene, sceneNames } from '../scripts/teach/scenes';
import { servePage } from '../scripts/teach/serve';
import { stateAt } from '../scripts/teach/state';
import type { Scene, Trace } from '../scripts/teach/trace';
import { machine } from '../scripts/teach/views/machine';
import type { Markup } from '../scripts/teach/views/markup';
import { classes, h, textOf } from '../scripts/teach/views/markup';
import { history } from '../scripts/teach/views/history';
import type { Moment } from '../scripts/teach/views/moment';
import { panels } from '../scripts/teach/views/panels';
import { describeAct, timeline } from '../scripts/teach/views/timeline';
import { visible } from '../scripts/teach/views/bytes';
import { root } from './support/server';
import { thorough, upTo } from './support/thorough';

const scenes = sceneNames(root).map((name) => loadScene(root, name));
const traces = new Map<string, Trace>();
let record: (scene: Scene) => Promise<Trace>;

test.before(async () => {
  record = recorder(await workerScript(root));
  for (const scene of scenes) traces.set(scene.name, await record(scene));
});

function traceOf(name: string): Trace {
  const trace = traces.get(name);
  if (trace === undefined) throw new Error(`no trace of ${name}`);
  return trace;
}

function momentOf(trace: Trace, n: number): Moment {
  return { trace, n, step: trace.steps[n], state: stateAt(trace, n), conn: history(trace).inHand[n] };
}

/** All elements of a tag and class, outermost first. */
function find(markup: Markup | readonly Markup[], tag: string, name = ''): { attributes: Record<string, unknown>; text: string }[] {
  if (typeof markup === 'string') return [];
  if ('tag' in markup) {
    const has = markup.tag === tag && (name === '' || String(markup.attributes['class']).split(' ').includes(name));
    const own = has ? [{ attributes: markup.attributes, text: textOf(markup) }] : [];
    return [...own, ...find(markup.children, tag, name)];
  }
  return markup.flatMap((each) => find(each, tag, name));
}

/** The first step at which this is so. */
function stepWhere(trace: Trace, is: (n: number) => boolean): number {
  const n = trace.steps.findIndex((_, i) => is(i));
  if (n === -1) throw new Error('there is no such step');
  return n;
}

function panel(id: string, moment: Moment): Markup[] {
  const found = panels.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no panel ${id}`);
  return found.view(moment);
}

/** What only a mistake puts on the screen. */
const WRONG = /undefined|NaN|\[object|Infinity/;

for (const name of sceneNames(root)) {
  test(`${name}: every view draws every step`, (t) => {
    const trace = traceOf(name);
    for (let n = 0; n < trace.steps.length; n += upTo(8, 1)) {
      const { set, mem, calls } = trace.steps[n];
      const moment = momentOf(trace, n);
      // A statement that changes nothing is another one on the stack, and all else is as before.
      const isQuiet = set === undefined && mem === undefined && calls === undefined;
      for (const { id, view } of panels.filter((each) => !isQuiet || each.id === 'stack')) {
        const wrong = view(moment).map(textOf).find((text) => WRONG.test(text));
        if (wrong !== undefined) t.fail(`step ${n}, ${id}: ${wrong}`);
      }
    }
    t.is(find(timeline(trace), 'rect').length, new Set(trace.steps.map(({ act }) => act)).size, 'a band for each act');
  });
}

test('the state diagram counts edges, and shows where each connection is', (t) => {
  const trace = traceOf('get');
  const end = momentOf(trace, trace.steps.length - 1);
  const svg = machine(end);
  t.deepEqual(find(svg, 'g', 'taken').map(({ attributes, text }) => [attributes['key'], Number(text)]), [
    ['listening-read', 1], ['read-nread', 1], ['nread-write', 1], ['read-write', 1], ['write-read', 3], ['read-mwrite', 1],
    ['mwrite-write', 1],
  ]);
  t.deepEqual(find(svg, 'g', 'last').map(({ attributes }) => attributes['key']), ['write-read']);
  t.regex(String(find(svg, 'svg')[0].attributes['aria-label']), /listening socket in listening, A in read; last edge: A from write to read/);
  t.regex(panel('machine', end).map(textOf).join(), /A: write → read , when all of wbuf is sent/);
});

test('buffers: the bytes in use, the pointer, and which step wrote a byte', (t) => {
  const trace = traceOf('get');
  const n = stepWhere(trace, (i) => trace.steps[i].calls?.some(({ name, result }) => name === 'read' && result === 27) === true);
  const cells = find(panel('buffers', momentOf(trace, n)), 'button', 'cell');
  t.is(cells.filter(({ attributes }) => /rbuf \d/.test(String(attributes['aria-label']))).slice(0, 14).map(({ text }) => text).join(''), 'set␣greeting␣7');
  t.is(cells.filter(({ attributes }) => String(attributes['class']).includes('fresh')).length, 28, 'whole words are told as written');
  t.regex(String(cells[0].attributes['data-do']), /^byte:\d+$/);
  const writing = stepWhere(trace, (i) => Number(trace.steps[i].set?.['conn.2.wcurr'] ?? 0) > 0);
  const pointed = find(panel('buffers', momentOf(trace, writing)), 'button', 'pointed');
  t.true(pointed.some(({ attributes }) => attributes['data-mark'] === 'wcurr' && /wcurr points here/.test(String(attributes['aria-label']))));
});

test('the item in hand, while its data come and while it is sent', (t) => {
  const trace = traceOf('set-in-pieces');
  const reading = stepWhere(trace, (i) => trace.steps[i].set?.['conn.2.rlbytes'] === 5);
  t.regex(panel('item', momentOf(trace, reading)).map(textOf).join(' '), /"greeting".*☐ linked/);
  const get = traceOf('get');
  const sending = stepWhere(get, (i) => get.steps[i].set?.['conn.2.ipart'] === 2);
  const text = panel('item', momentOf(get, sending)).map(textOf).join(' ');
  t.regex(text, /☑ linked/);
  t.regex(text, /refcount 1/);
});

test('the kernel: bytes that wait, a reader that pauses, clients that are not accepted yet', (t) => {
  const trace = traceOf('multi-get');
  const full = stepWhere(trace, (i) => trace.steps[i].calls?.some(({ name, result }) => name === 'write' && result === 'EAGAIN') === true);
  const moment = momentOf(trace, full);
  const text = panel('kernel', moment).map(textOf).join(' ');
  t.regex(text, /paused/);
  t.regex(text, /VALUE a 0 700/);
  t.is(find(panel('calls', moment), 'li', 'failed').at(-1)?.text.trim().replace(/\s+/g, ' ').slice(0, 6), 'write(');
  const accepting = traceOf('listen-and-accept');
  const waiting = stepWhere(accepting, (i) => accepting.steps[i].set?.['backlog'] === 'B,C');
  t.regex(panel('kernel', momentOf(accepting, waiting)).map(textOf).join(' '), /waiting for accept: {2}B,C/);
});

test('memory: pages, chunks, the list to the tail, the delete window', (t) => {
  const full = traceOf('memory-full');
  const end = momentOf(full, full.steps.length - 1);
  const memory = panel('memory', end);
  t.is(find(memory, 'div', 'page').length, 1);
  t.deepEqual(find(memory, 'li', 'chip').map(({ text }) => text.trim()), ['e', 'a', 'd', 'c'], 'b was evicted');
  const deleting = traceOf('delete-window');
  const noted = stepWhere(deleting, (i) => ![undefined, ''].includes(deleting.steps[i].set?.['todelete'] as string | undefined));
  t.regex(panel('tables', momentOf(deleting, noted)).map(textOf).join(' '), /k {2}until \d\.\d s/);
});

test('the loop: its queues and its timers', (t) => {
  const trace = traceOf('fairness');
  const waiting = stepWhere(trace, (i) => /EV_WRITE/.test(String(trace.steps[i].set?.['queue.event'])));
  const text = panel('loop', momentOf(trace, waiting)).map(textOf).join(' ').replace(/\s+/g, ' ');
  t.regex(text, /A write persist/);
  t.regex(text, /timers delete at 5\.0 s/);
});

test('every fault changes the run where it is asked for, and only from there', async (t) => {
  const get = traceOf('get');
  const after = 200;
  for (const kind of faultKinds.filter(({ name }) => thorough || ['short-read', 'write-eagain', 'accept-emfile'].includes(name))) {
    const accepts = kind.call === 'accept';
    const trace = accepts ? traceOf('listen-and-accept') : get;
    const n = accepts ? stepWhere(trace, (i) => trace.steps[i].act === 0) : after;
    const scene = withFault(trace, n, faultOf(kind, kind.ofClient ? 'A' : null, 3));
    if (scene === null) {
      t.fail(`${kind.name}: no such call`);
      continue;
    }
    const failed = await record(scene);
    const hit = failed.steps.findIndex(({ calls }) => calls?.some(({ injected }) => injected === true));
    const call = failed.steps[hit]?.calls?.find(({ injected }) => injected === true);
    t.is(call?.name, kind.call, kind.name);
    t.is(call?.result, kind.errno ?? 3, kind.name);
    t.true(hit > n, `${kind.name}: nothing is different before`);
  }
  t.is(withFault(get, get.steps.length - 1, faultOf(faultKinds[0], null, 3)), null, 'no call comes any more');
});

test('a scene in the editor is the scene: its rows give its acts', (t) => {
  for (const { name, acts } of scenes) t.deepEqual(actsOf(rowsOf(acts)), acts, name);
  t.deepEqual(actsOf([{ kind: 'bytes', client: 'B', text: 'a\\r\\n', times: 1 }]), [
    { connect: 'B' }, { send: ['B', 'a'] }, { send: ['B', '\r'] }, { send: ['B', '\n'] },
  ], 'a client connects by itself');
  t.is(bytes('\\x41\\\\n\\t\\0'), 'A\\n\t\0');
  t.is(bytes('é€'), 'Ã©â\x82¬', 'what latin1 does not have is UTF-8');
  t.deepEqual(argumentsOf('  -m 4  --classic '), ['-m', '4', '--classic']);
  t.throws(() => actsOf([]), { message: 'A scene has at least one line.' });
  t.throws(() => actsOf([{ kind: 'advance', client: 'A', text: 'soon', times: 1 }]), { message: 'Not a number of seconds: "soon"' });
  t.throws(() => actsOf([{ kind: 'other', client: 'A', text: '[1]', times: 1 }]), { message: 'Not an act: [1]' });
});

test('a listing: notes go to the margin, functions and cases are found', (t) => {
  const source = readFileSync(join(root, 'lib/memcached.ts'), 'utf8');
  const lines = source.split('\n');
  const { notes, hidden, functions, cases } = readListing(source);
  for (const line of hidden) t.regex(lines[line - 1], /^\s*\/\/ (DEVIATION|SEAM)/);
  t.true(notes.length > 30);
  t.false(lines.some((text) => /DEVIATION|\/\/ SEAM/.test(withoutNote(text))));
  t.true(functions.some(({ name, line }) => name === 'driveMachine' && lines[line - 1].includes('driveMachine')));
  const nread = lines.findIndex((text) => text.includes('case ConnState.nread:'));
  t.is(lines[(cases.get(nread + 1) ?? 0) - 1].trim(), 'if (c.rlbytes === 0) {');
});

test('the command line of npm run teach', (t) => {
  t.deepEqual(readArguments([]), { serve: null, scene: null, output: null });
  t.deepEqual(readArguments(['--serve']), { serve: 0, scene: null, output: null });
  t.deepEqual(readArguments(['--serve', '8080']), { serve: 8080, scene: null, output: null });
  t.deepEqual(readArguments(['--scene', 'get', '-o', 'out.html']), { serve: null, scene: 'get', output: 'out.html' });
  t.is(readArguments(['--help']), 'help');
  for (const [args, message] of [
    [['--serve', '80800'], '--serve wants a port from 0 to 65535, not "80800"'],
    [['out.html'], 'what is "out.html"? (--help tells the options)'],
    [['--serve', '--scene', 'get'], '--serve and --scene do not go together'],
    [['--speed'], "Unknown option '--speed' (--help tells the options)"],
  ] as const) t.throws(() => readArguments(args), { instanceOf: Misuse, message });
});

test('the command: an unknown scene gives one line and status 2', async (t) => {
  let said = '';
  const status = await command(['--scene', 'gett'], root, { out: () => undefined, err: (text) => said += text });
  t.is(status, 2);
  t.regex(said, /^teach: there is no scene gett: there are listen-and-accept, .*\n$/);
});

test('the page is served, and nothing else', async (t) => {
  const { server, address } = await servePage('<p>page', 0);
  t.teardown(() => server.close());
  const [page, other, post] = await Promise.all([
    fetch(address), fetch(`${address}etc/passwd`), fetch(address, { method: 'POST' }),
  ]);
  t.is(await page.text(), '<p>page');
  t.deepEqual([page.status, other.status, post.status], [200, 404, 405]);
  t.regex(address, /^http:\/\/127\.0\.0\.1:\d+\/$/);
});

test('acts and bytes in words', (t) => {
  t.is(describeAct({ send: ['A', 'get k\r\n', 25] }), 'A sends “get k\\r\\n” × 25');
  t.is(describeAct({ fault: { call: 'read', client: 'A', limit: 7, skip: 2 } }), 'after 2 more, a read for A moves at most 7 bytes');
  t.is(describeAct({ fault: { call: 'accept', errno: 'EMFILE' } }), 'the next accept fails with EMFILE');
  t.is(describeAct({ together: [{ connect: 'B' }, { advance: 5 }] }), 'B connects, and 5 seconds pass');
  t.is(visible('a\r\n\x01', 3), 'a\\r\\n… (4 bytes)');
});

test('markup: children are flattened, what is false is left out', (t) => {
  t.deepEqual(h('p', { id: 'x' }, 'a', [1, [null, false]], undefined, h('b')), {
    tag: 'p', attributes: { id: 'x' }, children: ['a', '1', { tag: 'b', attributes: {}, children: [] }],
  });
  t.is(classes({ a: true, b: false, c: true }), 'a c');
});
