// The core of the teaching page: the server is instrumented and bundled once, scenes run in it, and what it recorded
// is what the server itself does.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

import test from 'ava';

import { ConnState } from '../lib/memcached.h';
import type { TranscriptEntry } from '../reactor/sim';
import { keyOf, workerScript } from '../scripts/teach/cached';
import { EDGES, STATES, WAITS, edgeBetween, edgesTaken, questions } from '../scripts/teach/edges';
import { emptyTables, instrument } from '../scripts/teach/instrument';
import { INSTRUMENTED } from '../scripts/teach/instrumented';
import { mermaid } from '../scripts/teach/mermaid';
import { narrate } from '../scripts/teach/narrate';
import { REASONS } from '../scripts/teach/narration/changes';
import { CASES, FUNCTIONS } from '../scripts/teach/narration/functions';
import { stepAt } from '../scripts/teach/places';
import { Clients } from '../scripts/teach/recorder/clients';
import { recorder } from '../scripts/teach/run';
import { checkScene } from '../scripts/teach/scene';
import { loadScene, sceneNames } from '../scripts/teach/scenes';
import { stateAt } from '../scripts/teach/state';
import {
  currentConn, firstDifference, isAct, nextStep, runsOf, stops, whoWrote, whyHere,
} from '../scripts/teach/steps';
import { story } from '../scripts/teach/story';
import type { Act, Scene, Step, SystemCall, Trace } from '../scripts/teach/trace';
import { placeOf, stops as readingOrder } from '../scripts/side-by-side/stops';
import { run } from '../scripts/trace/command';
import { root } from './support/server';
import { SimServer } from './support/sim-server';
import { Replies } from './support/replies';
import { callsWithLengths, replay, transcripts } from './support/transcripts';
import type { Transcript } from './support/transcripts';
import { someOf, thorough, upTo } from './support/thorough';

const PORT = 11211;
const KILOBYTE = 1024;

const bundle = workerScript(root);
const record = bundle.then(recorder);
const scenes = new Map(sceneNames(root).map((name) => [name, loadScene(root, name)]));
const recorded = new Map<string, Promise<Trace>>();

function sceneOf(name: string): Scene {
  const scene = scenes.get(name);
  if (scene === undefined) throw new Error(`no scene ${name}`);
  return scene;
}

let running: Promise<unknown> = Promise.resolve();

/** One after the other, since each run has a memory of its own. */
function played(scene: Scene, everyStatement = true): Promise<Trace> {
  const trace = Promise.all([record, running]).then(([play]) => play(scene, everyStatement));
  running = trace.catch(() => null);
  return trace;
}

/** The trace of a scene that comes with the program, recorded once. */
function traceOf(name: string): Promise<Trace> {
  const trace = recorded.get(name) ?? played(sceneOf(name));
  recorded.set(name, trace);
  return trace;
}

function scene(acts: Act[], more: Partial<Scene> = {}): Scene {
  return { name: 'own', title: '', about: '', seed: 1, args: ['-m', '4', '--classic'], acts, ...more };
}

/** 'A read nread write', a line for each connection: the states it was in. */
function paths(trace: Trace): string[] {
  const byConn = new Map<string, string[]>();
  for (const { step, conn, from, to } of edgesTaken(trace)) {
    const client = stateAt(trace, step).values.get(`conn.${conn}.client`) ?? 'listening';
    const line = byConn.get(String(client)) ?? [...(from === null ? [] : [from])];
    byConn.set(String(client), [...line, to]);
  }
  return [...byConn].map(([client, states]) => `${client}: ${states.join(' ')}`);
}

const STORED = 'STORED\r\n';
const set = 'nread write read';
const hit = 'mwrite write read';
const line = 'write read';

/** How many statements a scene takes, the states that its connections go through, and what the clients get. */
const golden: Readonly<Record<string, { statements: number; paths: string[]; outputs: Record<string, string> }>> = {
  'listen-and-accept': {
    statements: 1008,
    paths: ['listening: listening', 'A: read closing', 'B: read', 'C: read'],
    outputs: { A: '', B: '', C: '' },
  },
  'get': {
    statements: 918,
    paths: [`A: read ${set} ${hit} ${line}`],
    outputs: { A: `${STORED}VALUE greeting 7 5\r\nhello\r\nEND\r\nEND\r\n` },
  },
  'set-in-pieces': { statements: 752, paths: [`A: read ${set}`], outputs: { A: STORED } },
  'pipelining': {
    statements: 920,
    paths: [`A: read ${set} ${set} ${hit} ${line}`],
    outputs: { A: `${STORED}${STORED}VALUE a 0 1\r\n1\r\nVALUE b 0 1\r\n2\r\nEND\r\nVERSION 1.0.4\r\n` },
  },
  'multi-get': {
    statements: 1448,
    paths: [`A: read ${set} ${set} ${set} ${hit}`],
    outputs: { A: STORED.repeat(3) + ['a', 'b', 'c'].map((key) => value(key, key.repeat(700))).join('') + 'END\r\n' },
  },
  'memory-full': {
    statements: 2559,
    paths: [`A: read ${set} ${set} ${set} ${set} ${hit} ${set} ${line} write swallow read`],
    outputs: {
      A: `${STORED.repeat(4)}${value('a', 'x'.repeat(140000))}END\r\n${STORED}END\r\nSERVER_ERROR out of memory\r\n`,
    },
  },
  'delete-window': {
    statements: 1696,
    paths: [`A: read ${set} ${line} ${line} ${set} ${set}`],
    outputs: { A: `${STORED}DELETED\r\nEND\r\nNOT_STORED\r\n${STORED}` },
  },
  'fairness': {
    statements: 2772,
    paths: [`A: read ${Array.from({ length: 25 }, () => line).join(' ')}`, `B: read ${line}`, `C: read ${line}`],
    outputs: { A: 'END\r\n'.repeat(25), B: 'END\r\n', C: 'END\r\n' },
  },
};

function value(key: string, data: string): string {
  return `VALUE ${key} 0 ${data.length}\r\n${data}\r\n`;
}

for (const name of scenes.keys()) {
  test(`${name}: statements, states and replies are as recorded`, async (t) => {
    const trace = await traceOf(name);
    t.deepEqual({ statements: trace.steps.length, paths: paths(trace), outputs: trace.outputs }, golden[name]);
  });

  const isPlainToo = thorough || ['listen-and-accept', 'multi-get', 'memory-full', 'fairness'].includes(name);
  if (isPlainToo) test.serial(`${name}: the system calls are those that the server makes without instruments`, async (t) => {
    const { args, options, seed, acts, fromStart } = sceneOf(name);
    const words = args.filter((word) => word !== '--classic');
    const server = await SimServer.start(words, { classic: true, record: true, seed, ...options });
    const { sim } = server;
    const before = fromStart === true ? 0 : sim.calls.length;
    const clients = new Clients(sim, PORT);
    sim.onCall = (call) => clients.intervene(call);
    for (const act of acts) await clients.perform(act, () => {});
    const { steps } = await traceOf(name);
    const calls = steps.flatMap((step) => step.calls ?? []);
    t.deepEqual(
      calls.map(({ name: call, fd, result }) => [call, fd, result]),
      sim.calls.slice(before).map(({ name: call, fd, result }) => [call, fd, result]),
    );
    await server.stop();
  });

  test(`${name}: every step has a sentence, and none is empty or says undefined`, async (t) => {
    const trace = await traceOf(name);
    const told = upTo(3, 1);
    const sentences = trace.steps.flatMap((_, n) => (n % told === 0 ? [narrate(trace, n)] : []));
    t.deepEqual(sentences.filter((text) => !/^\S.*\S$/s.test(text) || /undefined|NaN|\[object/.test(text)), []);
    // What one stops for is told as what has happened.
    t.true(new Set(sentences).size > 50);
  });

  test(`${name}: before each edge there is a question, with the answer among four`, async (t) => {
    const trace = await traceOf(name);
    const asked = questions(trace);
    t.is(asked.length, edgesTaken(trace).filter(({ from }) => from !== null).length);
    for (const { choices, answer, step, answeredAt, state, conn } of asked) {
      t.is(new Set(choices).size, 4);
      t.true(choices.includes(answer) && choices.every((name) => [...STATES, WAITS].includes(name)));
      t.true(step < answeredAt);
      t.is(STATES[Number(stateAt(trace, step).values.get(`conn.${conn}.state`))], state);
    }
    for (const { from, to } of edgesTaken(trace)) t.truthy(edgeBetween(from, to));
  });

  test(`${name}: is small`, async (t) => {
    t.true(gzipSync(JSON.stringify(await traceOf(name))).length < 60 * KILOBYTE);
  });
}

test('a bundle is kept for the files that it is made of, and for no others', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'memcached-ts-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const write = (name: string, content: string): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  };
  const files = ['lib/a.ts', 'reactor/b/c.ts', 'scripts/teach/d.ts', 'scripts/command/e.ts', 'package-lock.json', 'tsconfig.json'];
  for (const name of files) write(name, 'const a = 1;');
  const keys = new Set([keyOf(folder)]);
  for (const name of files) keys.add((write(name, 'const a = 2;'), keyOf(folder)));
  keys.add((write('lib/new.ts', ''), keyOf(folder)));
  t.is(keys.size, files.length + 2, 'another one after each change');
  for (const name of files) write(name, 'const a = 1;');
  rmSync(join(folder, 'lib/new.ts'));
  t.true(keys.has(keyOf(folder)), 'and the same one for the same files');
});

test('the bundle is small', async (t) => {
  t.true(gzipSync(await bundle).length < 100 * KILOBYTE);
});

test('the same seed gives the same trace, another seed another one', async (t) => {
  const random = scene(
    [{ connect: 'A' }, { send: ['A', 'set a 0 0 20\r\n12345678901234567890\r\nget a\r\n'] }], { options: { shortIo: true } },
  );
  const told = async (seed: number): Promise<string> => {
    return JSON.stringify({ ...await played({ ...random, seed }), scene: null, milliseconds: 0 });
  };
  const first = await told(1);
  t.is(await told(1), first);
  t.not(await told(2), first);
});

test('the state at a step is the same, whichever way one comes to it', async (t) => {
  const trace = await traceOf('multi-get');
  const again = JSON.parse(JSON.stringify(trace)) as Trace;
  const shown = (of: Trace, n: number): unknown => {
    const { values, memory, frames } = stateAt(of, n);
    const [rbuf, rsize] = ['rbuf', 'rsize'].map((field) => Number(values.get(`conn.2.${field}`) ?? 0));
    return [Object.fromEntries([...values].sort()), memory.latin1(rbuf, rsize), frames];
  };
  const last = trace.steps.length - 1;
  const some = Array.from({ length: 30 }, (_, i) => Math.floor((i * last) / 29));
  const forward = some.map((n) => shown(trace, n));
  t.deepEqual(some.toReversed().map((n) => shown(again, n)).toReversed(), forward);
});

test('the frames have their locals, by name', async (t) => {
  const trace = await traceOf('get');
  const at = trace.steps.findIndex(({ fn, act }) => act === 2 && trace.functions[fn] === 'assocFind');
  const { frames } = stateAt(trace, at);
  t.deepEqual(
    frames.map(({ fn }) => fn),
    ['main', 'eventLoop', 'eventProcessActive', 'eventHandler', 'driveMachine', 'tryReadCommand', 'processCommand',
      'assocFind'],
  );
  t.regex(frames[7].locals['key'], /^0x[0-9a-f]+ "greeting"$/);
  t.is(frames[4].locals['c'], 'conn fd 4 (A)');
  t.is(frames[3].locals['which'], 'EV_READ');
  t.is(currentConn(trace, at), 2);
});

test('steps: each kind goes forward and back over the same stops', async (t) => {
  const trace = await traceOf('get');
  for (const kind of ['change', 'statement', 'state', 'event', 'call', 'act'] as const) {
    const forward: number[] = [];
    for (let n = nextStep(trace, 0, kind, 1); n !== null; n = nextStep(trace, n, kind, 1)) forward.push(n);
    const back: number[] = [];
    let n = nextStep(trace, trace.steps.length, kind, -1);
    for (; n !== null && n > 0; n = nextStep(trace, n, kind, -1)) back.push(n);
    t.deepEqual(back.toReversed(), forward, kind);
    t.deepEqual(forward, stops(trace, kind).filter((stop) => stop > 0), kind);
  }
  t.true(stops(trace, 'change').length < trace.steps.length / 3);
});

test('steps: out of a function is the first one in its caller, and back the last one before it', async (t) => {
  const trace = await traceOf('get');
  const depth = (n: number): number => trace.stacks[trace.steps[n].stack].length;
  const at = trace.steps.findIndex(({ fn }) => trace.functions[fn] === 'slabsAlloc');
  const out = nextStep(trace, at, 'out', 1) ?? 0;
  t.is(trace.functions[trace.steps[out].fn], 'itemAlloc');
  t.is(depth(out), depth(at) - 1);
  t.is(nextStep(trace, at, 'out', -1), at - 1);
  t.is(trace.functions[trace.steps[at - 1].fn], 'itemAlloc');
});

test('runs of a line are the steps at it, without those at which the server sleeps', async (t) => {
  const trace = await traceOf('get');
  const site = trace.sites.find(({ code }) => code.startsWith('processCommand(')) ?? trace.sites[0];
  t.is(runsOf(trace, site.file, site.line).length, 3);
  const asleep = trace.steps.findIndex((_, n) => isAct(trace, n));
  const { file, line: sleeps } = trace.steps[asleep];
  t.false(runsOf(trace, file, sleeps).includes(asleep));
});

test('the step that wrote a byte, and the step that gave a connection its state, are found', async (t) => {
  const trace = await traceOf('get');
  const last = trace.steps.length - 1;
  const written = trace.steps.findIndex(({ calls = [] }) => calls.some(({ bytes = '' }) => bytes.startsWith('get greeting')));
  const rbuf = Number(stateAt(trace, written).values.get('conn.2.rbuf'));
  t.is(whoWrote(trace, written, rbuf), written - 1);
  t.regex(trace.sites[trace.steps[written - 1].site].code, /^res = read\(/);
  t.is(whoWrote(trace, last, 4), null);
  const answered = edgesTaken(trace).find(({ to }) => to === 'mwrite')?.step ?? 0;
  const why = whyHere(trace, answered + 20);
  t.deepEqual(why, { step: answered - 1, conn: 2, from: ConnState.read, to: ConnState.mwrite });
  t.is(trace.sites[trace.steps[answered - 1].site].code, 'c.state = ConnState.mwrite;');
});

test('two runs: the first difference is at the call that a fault has changed', async (t) => {
  const { acts, ...rest } = sceneOf('get');
  const plain = await traceOf('get');
  const short = await played({ ...rest, acts: [...acts.slice(0, 2), { fault: { call: 'write', limit: 5 } }, ...acts.slice(2)] });
  const difference = firstDifference(plain, short);
  t.truthy(difference);
  const [call] = short.steps[difference?.b ?? 0].calls ?? [];
  t.deepEqual([call.name, call.result, call.injected], ['write', 5, true]);
  t.is(firstDifference(plain, JSON.parse(JSON.stringify(plain)) as Trace), null);
  t.deepEqual(short.outputs, plain.outputs);
});

const get = (fault: Act): Scene => scene([
  { connect: 'A' }, { send: ['A', 'set a 0 0 1\r\n1\r\n'] }, fault, { send: ['A', 'get a\r\n'] }, { advance: 1 },
]);

test('faults: a short read and EAGAIN only delay, a reset closes', async (t) => {
  const reply = `${STORED}VALUE a 0 1\r\n1\r\nEND\r\n`;
  for (const fault of [{ call: 'read', limit: 2 }, { call: 'read', errno: 'EAGAIN' }, { call: 'write', errno: 'EAGAIN', skip: 1 }]) {
    const trace = await played(get({ fault: { ...fault, client: 'A' } }));
    t.is(trace.outputs['A'], reply);
    t.is(trace.steps.flatMap(({ calls = [] }) => calls).filter(({ injected }) => injected === true).length, 1);
  }
  const broken = await played(get({ fault: { call: 'write', errno: 'ECONNRESET' } }));
  t.true(edgesTaken(broken).some(({ from, to }) => from === 'mwrite' && to === 'closing'));
  t.is(broken.outputs['A'], STORED);
});

test('faults: when accept fails with EMFILE the server tries again a little later', async (t) => {
  const trace = await played(scene([{ fault: { call: 'accept', errno: 'EMFILE' } }, { connect: 'A' }, { advance: 1 }]));
  const results = trace.steps.flatMap(({ calls = [] }) => calls).filter(({ name }) => name === 'accept');
  t.deepEqual(results.map(({ result }) => result), ['EMFILE', 4]);
});

test('a scene that cannot be played ends with one line', async (t) => {
  await t.throwsAsync(played(scene([{ send: ['A', 'x'] }])), { message: 'there is no client A' });
  await t.throwsAsync(played(scene([{ connect: 'A' }, { close: 'A' }, { send: ['A', 'x'] }])), {
    message: 'send after end, close or reset',
  });
  await t.throwsAsync(played(scene([{ advance: -1 }])), { message: /no act/ });
  await t.throwsAsync(played(scene([], { args: ['-m', 'x', '--classic'] })), { message: /^illegal number of megabytes/ });
  const wrong: [object, RegExp][] = [
    [{}, /"name"/], [{ ...sceneOf('get'), args: [] }, /--classic/], [{ ...sceneOf('get'), acts: [{ sent: 'A' }] }, /no act/],
    [{ ...sceneOf('get'), options: { sendBuffer: 'x' } }, /sendBuffer/],
  ];
  for (const [value, message] of wrong) t.throws(() => checkScene(value), { message });
});

test('there are sentences for all functions and cases that exist, and for no others', (t) => {
  const tables = emptyTables();
  for (const file of INSTRUMENTED) instrument(file, readFileSync(join(root, file), 'utf8'), tables);
  const { functions, sites } = tables;
  t.deepEqual(Object.keys(FUNCTIONS).sort(), [...functions].sort());
  for (const [edge, reasons] of Object.entries(REASONS)) {
    const [from, to] = edge.split('>');
    t.true(EDGES.some((known) => known.from === from && known.to === to), edge);
    t.deepEqual(Object.keys(reasons ?? {}).filter((name) => !functions.includes(name)), []);
  }
  const cases = new Set(sites.filter(({ label }) => label !== '').map(({ fn, label }) => `${functions[fn]}/${label}`));
  t.deepEqual(Object.keys(CASES).sort(), [...cases].sort());
});

test('marks stand before statements and loop conditions, and show the locals in scope', (t) => {
  const tables = emptyTables();
  const code = instrument('a.ts', [
    'export function f(p: Ptr, n: number): number {',
    '  let i: number;',
    '  for (i = 0; i < n; i++) {',
    '    const twice = 2 * i;',
    '    if (twice > 4) return twice;',
    '  }',
    '  switch (n) { case 1: return 3; }',
    '  return p;',
    '}',
  ].join('\n'), tables);
  t.deepEqual(
    tables.sites.map(({ line, kind, label, code: text }) => [line, kind, label, text]),
    [
      [3, 'statement', '', 'for (i = 0; i < n; i++) {'], [3, 'loop', '', 'i < n'],
      [4, 'statement', '', 'const twice = 2 * i;'], [5, 'if', '', 'twice > 4'], [5, 'return', '', 'return twice;'],
      [7, 'switch', '', 'switch (n) { case 1: return 3; }'], [7, 'return', '1', 'return 3;'],
      [8, 'return', '', 'return p;'],
    ],
  );
  t.deepEqual(tables.kinds, [{ p: 'pointer' }]);
  t.regex(code, /\$probe\.mark\(3, \(\) => \(\{ p, n, i, twice \}\)\)/);
});

test('the states are those of the server', (t) => {
  t.deepEqual([...STATES], STATES.map((_, i) => ConnState[i]));
});

/** What a client of a recorded conversation gets, in place of a server. */
class Recorded extends Replies {
  private next = 0;

  constructor(private readonly replies: readonly string[], private readonly closedAfter: number) {
    super();
  }

  send(): void {
    this.received(Buffer.from(this.replies[this.next], 'latin1'));
    if (this.next === this.closedAfter) this.ended();
    this.next++;
  }

  end(): void {
    this.ended();
  }
}

/** How much A had received at each step. */
function receivedBytes(steps: readonly Step[]): number[] {
  let received = 0;
  return steps.map(({ set: changed }) => {
    received = Number(changed?.['socket.A.receivedBytes'] ?? received);
    return received;
  });
}

/** A call as transcripts have it; those that they leave out are left out. */
function entry({ name, text, result }: SystemCall): TranscriptEntry[] {
  if (name === 'read' || name === 'write') return [[name, Number(/, (\d+)\)$/.exec(text)?.[1]), result]];
  return name === 'accept' || name === 'close' ? [[name]] : [];
}

/** Those that fill the memory take long. */
const LONG = 100_000;
const sendsMuch = ({ steps }: Transcript): boolean => steps.reduce((sum, { send }) => sum + send.length, 0) > LONG;
const held = thorough ? transcripts : someOf(transcripts.filter((each) => !sendsMuch(each)), 6);
for (const transcript of held) {
  test(`in the bundle, ${transcript.name}: the replies are those of C`, async (t) => {
    const acts = transcript.steps.map(({ send }): Act => ({ send: ['A', send] }));
    const args = [...transcript.arguments, '--classic'];
    const last: Act = { shutdown: 'A' };
    const closedAfter = transcript.steps.findIndex(({ closed }) => closed === true);
    const all = [{ connect: 'A' }, ...acts, ...(closedAfter === -1 ? [last] : [])];
    const { steps, outputs } = await played(scene(all, { args }), false);
    const lengths = receivedBytes(steps);
    // The first two steps are before anybody is there, and when A connects; each of the next is before an act.
    const replies = transcript.steps.map((_, i) => outputs['A'].slice(lengths[i + 2], lengths[i + 3]));
    const replayed = await replay(transcript, new Recorded(replies, closedAfter), () => Promise.resolve());
    for (const { actual, recorded: expected } of replayed) t.is(actual, expected);
    if (transcript.calls === undefined) return;
    const calls = steps.flatMap((step) => step.calls ?? []).filter(({ client }) => client === 'A');
    t.deepEqual(calls.flatMap(entry), callsWithLengths(transcript, replayed));
  });
}

test('links: each stop of the reading order, and each link of the course, comes to a step', async (t) => {
  const course = readFileSync(join(root, 'lib', 'COURSE.md'), 'utf8');
  const links = [
    ...readingOrder.map((stop) => [stop.scene, placeOf(stop)]),
    ...[...course.matchAll(/#scene=([\w-]+)&at=([\w:]+)/g)].map(([, name, place]) => [name, place]),
  ];
  t.true(links.length > 40);
  for (const [name, place] of links) t.not(stepAt(await traceOf(name), place), null, `${name}: ${place}`);
  t.is(stepAt(await traceOf('get'), 'driveMachine', 1000), null);
});

test('npm run trace: a scene as a text', async (t) => {
  const text = story(await traceOf('multi-get'), 'change');
  t.regex(text, /^# A multi-get to a slow reader\n/);
  t.regex(text, /^## A stops reading: /m);
  t.regex(text, /^\[\d+\] memcached\.ts:\d+ driveMachine: write gives EAGAIN: the kernel's buffer for A is full/m);
  t.regex(text, /The connection of A goes from mwrite to write: the last item is sent\./);
});

test('npm run trace: a scene as a diagram', async (t) => {
  const lines = mermaid(await traceOf('multi-get'), 'change').split('\n');
  t.is(lines[0], 'sequenceDiagram');
  t.true(lines.includes('  A->>Kernel: "get a b c\\r\\n"'));
  t.true(lines.includes('  Note over Machine: A: read → mwrite'));
  t.true(lines.includes('  Machine->>Kernel: write(4, data of "b"+292, 410)'));
  t.true(lines.includes('  Kernel-->>Machine: EAGAIN'));
  // While A does not read, nothing comes to it.
  const pause = lines.findIndex((text) => text.startsWith('  Note over A: A stops reading'));
  const resume = lines.findIndex((text) => text.startsWith('  Note over A: A reads again'));
  t.false(lines.slice(pause, resume).some((text) => text.startsWith('  Kernel->>A')));
  t.true(lines.slice(resume).some((text) => text.startsWith('  Kernel->>A: "VALUE c')));
});

test('npm run trace: it lists its scenes, and reports a mistake in one line', async (t) => {
  const told = async (...args: string[]): Promise<[number, string, string]> => {
    const written = { out: '', err: '' };
    const status = await run(args, root, {
      out: (text) => (written.out += text),
      err: (text) => (written.err += text),
    });
    return [status, written.out, written.err];
  };
  const [status, list] = await told('--list');
  t.is(status, 0);
  t.is(list.split('\n').length, scenes.size + 1);
  t.regex((await told('--help'))[1], /^Plays a scene [^]* --steps KIND .* change, statement, /);
  for (const args of [[], ['--scene', 'nope'], ['--scene', 'get', '--steps', 'out'], ['--scene', 'package.json'], ['--what']]) {
    const [failed, out, err] = await told(...args);
    t.is(failed, 1);
    t.is(out, '');
    t.regex(err, /^trace: .+\n$/);
  }
});
