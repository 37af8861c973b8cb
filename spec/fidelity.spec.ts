// npm run fidelity: what it reads out of C and TypeScript, how it compares, and what it tells.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import test from 'ava';
import fc from 'fast-check';

import { readC } from '../scripts/fidelity/cflow';
import { run } from '../scripts/fidelity/command';
import type { FileResult } from '../scripts/fidelity/compare';
import { compareFile } from '../scripts/fidelity/compare';
import { findDeviations } from '../scripts/fidelity/deviations';
import { measure } from '../scripts/fidelity/measures';
import { portName } from '../scripts/align/names';
import { align, inSameOrder } from '../scripts/fidelity/sequence';
import { readTs } from '../scripts/fidelity/tsflow';
import { root } from './support/server';

function cNames(source: string): string[] {
  return readC(source).map(({ name }) => name);
}

/** The flow of the only function. */
function cFlow(source: string): string {
  return readC(source).flatMap(({ tokens }) => tokens).map(({ text }) => text).join(' ');
}

function tsFlow(source: string): string {
  return readTs(source).functions.flatMap(({ tokens }) => tokens).map(({ text }) => text).join(' ');
}

function compared(c: string, ts: string): FileResult {
  return compareFile({ c: 'a.c', ts: 'lib/a.ts', lines: null, functions: {} }, c, ts);
}

test('names: snake_case becomes camelCase, capitals stay', (t) => {
  t.is(portName('try_read_network'), 'tryReadNetwork');
  t.is(portName('item_stats_sizes'), 'itemStatsSizes');
  t.is(portName('TAILQ_INSERT_TAIL'), 'TAILQ_INSERT_TAIL');
  t.is(portName('main'), 'main');
  t.is(portName('_exit'), '_exit');
});

test('C: definitions are found, prototypes and top-level macros are not', (t) => {
  t.deepEqual(cNames(`
    #include <stdio.h>
    struct list { int (*less)(int, int); } all = { 0 };
    int (*hook)(void);
    int declared(int a);
    static MAKE_HEAD(tree, node) head;
    static int
    node_order(struct node *a, struct node *b)
    {
      return (0);
    }
    RB_PROTOTYPE(tree, node, link, node_order);
    RB_GENERATE(tree, node, link, node_order)
    char *with_pointer (void) { return 0; }
    int table[] = { sizeof(int), 2 };
    void
    last(void)
    {
    }
  `), ['node_order', 'with_pointer', 'last']);
});

test('C: heads from before ANSI C', (t) => {
  t.deepEqual(cNames('int sum(a, b)\n int a;\n char *b;\n{ return a; }\nint next(void) { return 1; }'),
    ['sum', 'next']);
});

test('C: the line of a function is that of its name', (t) => {
  t.is(readC('/* one\n   two */\n#define A \\\n  1\nstatic void\nfifth(void) { go(); }').at(0)?.line, 6);
});

test('C: a cast, sizeof and a declaration are no calls', (t) => {
  t.is(cFlow(`void f(void) {
    char *p = (char *)(take(3));
    int n = (int)(p[0]) + sizeof(struct thing) + sizeof (p);
    struct thing make_thing(int);
    void (*callback)(int, void *);
    n = (size_t)count_all(p);
  }`), 'take countAll');
});

test('C: calls through pointers take the last name', (t) => {
  t.is(cFlow('void f(void) { (*ev->ev_callback)(1); res = (*hook)(); ops->dispatch(x); if (a) (s.on_end)(2); }'),
    'evCallback hook dispatch if onEnd');
});

test('C: comments, strings and character literals are not read', (t) => {
  t.is(cFlow(`void f(void) { /* if (a) call(); */ // while (1)
    put("if (x) \\" return"); c = '"'; d = '\\''; g("a" NAME "b");
    h();
  }`), 'put g h');
});

test('C: else if, else and nested if', (t) => {
  t.is(cFlow('void f(void) { if (a) x(); else if (b()) return; else { if (c) y(); } }'),
    'if x else if b return else if y');
});

test('C: loops, switch and jumps', (t) => {
  t.is(cFlow(`int f(void) {
    for (i = first(); i < 3; i = next(i)) { if (i) continue; }
    do { again(); } while (more());
    while (1) break;
    TAILQ_FOREACH(v, &queue, link) { use(v); }
    RB_FOREACH(v, tree, &root) use(v);
    switch (i) { case 1: one(); break; default: goto out; }
  out:
    return (i);
  }`), 'for first next if continue do again while more while break for use for use switch case one break default goto '
    + 'return');
});

test('C: what a Linux build leaves out is left out', (t) => {
  t.is(cFlow(`void f(void) {
  #ifdef WIN32
    windows();
  #else
    unix_one();
  # ifndef USE_LOG
    quiet();
  # endif
  #endif
  #if defined(USE_LOG) && defined(USE_DEBUG)
    log_to(1);
  #elif !defined WIN32 && (1 || SOMETHING)
    unix_two();
  #else
    neither();
  #endif
  #if 0
    don't();
  #endif
    LOG_DBG((1, "text", side_effect()));
    end();
  }`), 'unixOne quiet unixTwo end');
});

test('C: a macro that only renames is read as what it names', (t) => {
  t.is(cFlow('#define say warn\n#define say_other(x) perror(x)\nvoid f(void) { say("a"); say_other("b"); }'),
    'warn sayOther');
});

test('C: a condition that cannot be read is an error', (t) => {
  t.throws(() => readC('\n#if A == 2\n#endif'), { instanceOf: SyntaxError, message: 'line 2: cannot read #if A == 2' });
  t.throws(() => readC('#endif'), { message: 'line 1: #endif without #if' });
});

test('TypeScript: functions are those of the top level', (t) => {
  const { functions } = readTs(`
    export function one(): void;
    export function one(): void { const inner = () => two(); }
    export const three = async (x: number): Promise<number> => four(x);
    const five = function () { return 6; };
    const seven = 7;
    class Eight { nine() { return ten(); } }
  `);
  t.deepEqual(functions.map(({ name, tokens }) => [name, tokens.map(({ text }) => text).join(' ')]),
    [['one', 'two'], ['three', 'four'], ['five', 'return']]);
});

test('TypeScript: tokens come in the order of the source', (t) => {
  t.is(tsFlow(`async function f() {
    if (a(b())) x(); else if (c) return; else { if (d) y(); }
    for (let i = first(); i < 3; i = next(i)) { if (i) continue; }
    do { again(); } while (more());
    while (true) break;
    switch (i) { case 1: one(); break; default: two(await three()); }
    return (i);
  }`), 'if a b x else if return else if y for first next if continue do again while more while break switch case one '
    + 'break default two three return');
});

test('TypeScript: the loops that C writes with a FOREACH macro', (t) => {
  t.is(tsFlow(`function f() {
    for (ev = TAILQ_FIRST(queue); ev; ev = TAILQ_NEXT(ev, 'link')) use(ev);
    for (let ev = RB_MIN(tree); ev !== null; ev = RB_NEXT(ev)) use(ev);
    for (const ev of TAILQ_FOREACH(queue, 'link')) use(ev);
  }`), 'for use for use for use');
  t.is(tsFlow('function f() { for (ev = RB_MIN(tree); ev; ev = next) next = RB_NEXT(ev); }'), 'for RB_MIN RB_NEXT');
  t.is(tsFlow('function f() { for (ev = RB_MIN(tree); ev; ev = TAILQ_NEXT(ev)) use(ev); }'),
    'for RB_MIN TAILQ_NEXT use');
});

test('TypeScript: the name of what is called', (t) => {
  t.is(tsFlow(`function f() {
    evsel.dispatch(a);
    (ev.evCallback)(b);
    process.exit(first().second());
  }`), 'dispatch evCallback process.exit first second');
});

test('TypeScript: the porting key is left out, with nothing behind it', (t) => {
  t.is(tsFlow('function f() { setErrno(Number(get())); n.toString(16); new Thing(make()); debugState(text()); }'),
    'get make');
});

test('TypeScript: what C does not have counts as a difference', (t) => {
  t.is(tsFlow('function f() { try { a(); } catch { b(); } finally { c(); } throw new Error("d"); }'),
    'try a catch b finally c throw');
});

test('TypeScript: the line is that of the keyword or the name', (t) => {
  const { functions } = readTs('function f() {\n  if (a) {\n  } // b\n  else {\n    c\n      .d();\n  }\n}');
  t.deepEqual(functions.at(0)?.tokens, [
    { text: 'if', line: 2 }, { text: 'else', line: 4 }, { text: 'd', line: 6 },
  ]);
});

test('TypeScript: deviations are found where they stand', (t) => {
  const { functions, deviations } = readTs([
    '// DEVIATION: of the file',
    'const x = 1;',
    '// DEVIATION: above it [1.2]',
    'function f() {',
    '  // DEVIATION: on a line of its own [1.4.3]',
    '  g(); // DEVIATION: beside',
    '}',
  ].join('\n'));
  t.deepEqual(deviations, [{ line: 1, text: 'of the file', version: null }]);
  t.deepEqual(functions.at(0)?.deviations, [
    { line: 3, text: 'above it', version: '1.2' },
    { line: 5, text: 'on a line of its own', version: '1.4.3' },
    { line: 6, text: 'beside', version: null },
  ]);
});

test('deviations: one line each, and its version is what stands in brackets at its end', (t) => {
  const read = (comment: string): [string, string | null][] =>
    findDeviations(comment).map(({ text, version }) => [text, version]);
  t.deepEqual(read('f(a[i]); // DEVIATION: a[i] is asked for first [1.2, 1.4.0]'),
    [['a[i] is asked for first', '1.2, 1.4.0']]);
  t.deepEqual(read('// DEVIATION: this ends here\n// and no comment goes on'), [['this ends here', null]]);
  t.deepEqual(read('// DEVIATION: [1.2] is not at its end\r\n'), [['[1.2] is not at its end', null]]);
  t.deepEqual(read('/** DEVIATION: no such comment */\n * DEVIATION: nor this\n// A DEVIATION: nor this'), []);
});

test('sequences: common elements are in both, and each element is counted once', (t) => {
  const letters = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 });
  fc.assert(fc.property(letters, letters, (a, b) => {
    const { common, onlyA, onlyB } = align(a, b, (x, y) => x === y);
    t.is(common + onlyA.length, a.length);
    t.is(common + onlyB.length, b.length);
    t.is(common, align(b, a, (x, y) => x === y).common);
  }));
  t.is(align('a b c b d a b'.split(' '), 'b d c a b a'.split(' '), (x, y) => x === y).common, 4);
});

test('sequences: order', (t) => {
  t.deepEqual([...inSameOrder(['a', 'b', 'c', 'd'], ['x', 'a', 'c', 'd', 'b'])], ['a', 'c', 'd']);
});

test('comparison: alike functions are 100%', (t) => {
  const result = compared('int a_b(void) { if (c_d(1)) return 2; return 3; }',
    'export function aB(): number { if (cD(1)) return 2; return 3; }');
  t.deepEqual(measure(result), { mean: 1, max: 1, lines: 1 });
  t.like(result.functions, [{ inOrder: true, reason: null, onlyInC: [], onlyInTs: [] }]);
});

test('comparison: a call that is missing is shown, and its weight counts', (t) => {
  const result = compared('void f(void) {\n a();\n b();\n c();\n}\nvoid g(void) { d(); }',
    'function f() {\n a();\n c();\n e();\n}\nfunction g() { d(); }');
  const [f] = result.functions;
  t.deepEqual(f.onlyInC, [{ text: 'b', line: 3 }]);
  t.deepEqual(f.onlyInTs, [{ text: 'e', line: 4 }]);
  t.is(measure(f).mean, 4 / 6);
  t.is(measure(result).mean, 6 / 8);
  t.truthy(f.reason);
});

test('comparison: a deviation stands for the reason', (t) => {
  const [f] = compared('void f(void) { a(); }', 'function f() {\n // DEVIATION: no a here.\n}').functions;
  t.is(f.reason, null);
  t.deepEqual(f.deviations, [{ line: 2, text: 'no a here.', version: null }]);
});

test('comparison: missing, moved and additional functions', (t) => {
  const result = compared('void a(void) {} void b(void) {} void c(void) {} void d(void) { x(); }',
    'function c() {} function a() {} function helper() { y(); } function b() {}');
  t.deepEqual(result.functions.map(({ name, tsLine, inOrder }) => [name, tsLine === null, inOrder]),
    [['a', false, true], ['b', false, true], ['c', false, false], ['d', true, false]]);
  t.deepEqual(result.extras.map(({ name }) => name), ['helper']);
  t.is(measure(result).mean, 0);
});

test('comparison: in LCS/max, new lines do not make up for missing ones', (t) => {
  const { functions: [longer, shorter], ...sum } = compared(
    'void f(void) { a(); } void g(void) { a(); b(); c(); d(); }',
    'function f() { a(); b(); c(); d(); } function g() { a(); }',
  );
  for (const fn of [longer, shorter]) t.deepEqual([measure(fn).mean, measure(fn).max], [2 / 5, 1 / 4]);
  t.is(measure(sum).mean, 2 / 5);
  t.is(measure(sum).max, 2 / 8);
});

test('comparison: a helper\'s call is a difference, whatever the comment beside it says', (t) => {
  const [f] = compared('void f(void) {\n if (a) return;\n g();\n}',
    'function f() {\n if (a) return;\n helper(a); // DEVIATION: C does not ask [1.2]\n g();\n}').functions;
  t.deepEqual(f.onlyInTs, [{ text: 'helper', line: 3 }]);
  t.is(measure(f).max, 3 / 4);
  t.is(measure(f).lines, 3 / 4);
  t.deepEqual(f.linesOnlyInTs, [{ line: 3, text: 'helper(a); // DEVIATION: C does not ask [1.2]' }]);
});

test('comparison: the lines of functions that only the port has count', (t) => {
  const result = compared('void f(void) {\n a();\n}', 'function f() {\n a();\n}\nfunction more() {\n b();\n}');
  t.is(measure(result.functions[0]).lines, 1);
  t.is(measure(result).lines, 2 / 4);
  t.is(result.extras[0].linesOnlyInTs.length, 2);
});

interface Ran {
  status: number;
  out: string;
  err: string;
}

/** Runs the command on a project and on folders of C source; all paths are below one temporary folder. */
function command(files: Record<string, string>, folders: readonly string[], ...options: string[]): Ran {
  const root = mkdtempSync(join(tmpdir(), 'fidelity-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    let out = '';
    let err = '';
    const status = run([...options, ...folders.map((folder) => join(root, folder))], join(root, 'project'), {
      out: (text) => { out += text; },
      err: (text) => { err += text; },
    });
    return { status, out, err };
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('command: 0 where all is met, over several folders', (t) => {
  const { status, out } = command({
    'c/items.c': 'void item_init(void) { a_b(); }',
    'e/event.c': 'int go(void)\n{\n  return (0);\n}\n',
    'project/lib/items.ts': 'export function itemInit() { aB(); }',
    'project/reactor/event.ts': 'export function go() { return 0; }',
  }, ['c', 'e']);
  t.is(status, 0);
  t.regex(out, /^ {2}item_init .* 100\.0% {2}100\.0% 100\.0%$/m);
  t.regex(out, /^items\.c: LCS\/mean 100\.0%, at least 95% wanted: met$/m);
  t.regex(out, /^items\.c: LCS\/max 100\.0%, at least 93% wanted: met$/m);
  t.regex(out, /^items\.c: lines 100\.0%, at least 95% wanted: met$/m);
  t.regex(out, /^event\.c: LCS\/mean 100\.0%, at least 85% wanted: met$/m);
  t.regex(out, /^Result: faithful$/m);
});

test('command: 1 where a bar is not met; --diff says what differs', (t) => {
  const files = {
    'c/items.c': 'void f(void) {\n  a(); b();\n  c_d();\n}',
    'project/lib/items.ts': 'export function f() {\n  a(); b();\n  // DEVIATION: e does it [1.2]\n  e();\n}',
  };
  const plain = command(files, ['c']);
  t.is(plain.status, 1);
  t.regex(plain.out, /^ {2}f .* 66\.6% {3}66\.6% {2}66\.6%$/m);
  t.regex(plain.out, /differs on purpose, line 3 \(as 1\.2\): e does it$/m);
  t.regex(plain.out, /^items\.c: LCS\/mean 66\.6%, at least 95% wanted: NOT MET$/m);
  t.notRegex(plain.out, /cD/);
  const { out } = command(files, ['c'], '--diff');
  t.regex(out, /^ +- cD, C 3$/m);
  t.regex(out, /^ +\+ e, TS 4$/m);
});

test('command: --lines lists the lines of the port without a C line', (t) => {
  const files = {
    'c/items.c': 'void f(void) {\n  a();\n  b();\n}',
    'project/lib/items.ts': `function f() {\n  a();\n  more(${'x'.repeat(100)});\n  b();\n}\nfunction g() {\n}`,
  };
  const { out } = command(files, ['c'], '--lines');
  t.regex(out, /^ {6}no C line, TS 3: more\(x+\.\.\.$/m);
  t.regex(out, /^ {6}no C line, TS 6: function g\(\) \{$/m);
  t.is(out.match(/no C line/g)?.length, 2);
  t.notRegex(command(files, ['c']).out, /no C line/);
});

test('command: the bars of LCS/max, of single functions, and of lines are bars', (t) => {
  const calls = (n: number): string => Array.from({ length: n }, (_, i) => `call${'x'.repeat(i)}();`).join('\n');
  const ran = (ts: string): Ran =>
    command({ 'c/memcached.c': `void conn_new(void) {\n${calls(40)}\n}`, 'project/lib/memcached.ts': ts }, ['c']);

  const alike = ran(`function connNew() {\n${calls(40)}\n}`);
  t.is(alike.status, 0);
  t.regex(alike.out, /^conn_new: LCS\/max 100\.0%, at least 95% wanted: met$/m);
  // 40 of 43: 96.3% of the mean length.
  const longer = ran(`function connNew() {\n${calls(43)}\n}`);
  t.is(longer.status, 1);
  t.regex(longer.out, /^memcached\.c: LCS\/mean 96\.3%, at least 95% wanted: met$/m);
  t.regex(longer.out, /^memcached\.c: LCS\/max 93\.0%, at least 93% wanted: met$/m);
  t.regex(longer.out, /^conn_new: LCS\/max 93\.0%, at least 95% wanted: NOT MET$/m);
  // No token in these.
  const lines = Array.from({ length: 9 }, (_, i) => `alone${'x'.repeat(i)} = 1;`).join('\n');
  const more = ran(`function connNew() {\n${calls(40)}\n${lines}\n}`);
  t.is(more.status, 1);
  t.regex(more.out, /^conn_new: LCS\/max 100\.0%, at least 95% wanted: met$/m);
  t.regex(more.out, /^memcached\.c: lines 82\.0%, at least 90% wanted: NOT MET$/m);
});

test('command: 1 where a function is missing or moved, even without a bar', (t) => {
  const { status, out } = command({
    'c/signal.c': 'void a(void) {} void b(void) {} void c(void) {} void d(void) {}',
    'project/reactor/signal.ts': 'function c() {} function a() {} function b() {} function more() {}',
  }, ['c']);
  t.is(status, 1);
  t.regex(out, /^signal\.c: LCS\/mean 100\.0%, LCS\/max 100\.0%, lines 75\.0%, for information, no bar$/m);
  t.regex(out, /^ {2}c .* out of order$/m);
  t.regex(out, /^ {2}d .* missing$/m);
  t.regex(out, /only in TS: more/);
  t.regex(out, /at its place: no: c \(signal\.c\), d \(signal\.c\)$/m);
});

test('command: 1 where the port has no such file', (t) => {
  t.is(command({ 'c/slabs.c': 'void a(void) { b(); }' }, ['c']).status, 1);
});

test('command: no line is longer than 100 columns', (t) => {
  const calls = Array.from({ length: 60 }, (_, i) => `call_number_${i}();`).join('\n');
  const { out } = command({
    'c/items.c': `void a_function_with_a_name(void) {${calls}} ${
      Array.from({ length: 20 }, (_, i) => `void missing_function_${i}(void) {}`).join('\n')}`,
    'project/lib/items.ts': `function aFunctionWithAName() {\n// DEVIATION:${' many words'.repeat(30)}\nother();}`,
  }, ['c'], '--diff', '--lines');
  t.deepEqual(out.split('\n').filter((line) => line.length > 100), []);
});

test('command: --json gives the same figures', (t) => {
  const { status, out } = command({
    'c/event.c': 'void a(void) { b(); c(); }',
    'project/reactor/event.ts': 'function a() { b(); }',
  }, ['c'], '--json');
  t.is(status, 1);
  const report = JSON.parse(out) as {
    faithful: boolean;
    groups: { measures: object; verdicts: object[]; files: object[] }[];
  };
  t.false(report.faithful);
  const measures = { mean: 2 / 3, max: 1 / 2, lines: 1 };
  t.deepEqual(report.groups[0].measures, measures);
  t.deepEqual(report.groups[0].verdicts, [{ of: 'event.c', measure: 'mean', value: 2 / 3, least: 0.85, met: false }]);
  t.like(report.groups[0].files[0], { measures, functions: [{ name: 'a', measures }] });
});

test('command: 2 and one line for what it cannot use', (t) => {
  const nothing = command({ 'c/other.c': 'int x;' }, ['c']);
  t.is(nothing.status, 2);
  t.is(nothing.out, '');
  t.regex(nothing.err, /^fidelity: .*c has none of memcached\.c, [^\n]*\n$/);

  for (const { status, err } of [
    command({}, []),
    command({}, ['absent']),
    command({ 'c/items.c': '' }, ['c'], '--unknown'),
    command({ 'a/items.c': '', 'b/items.c': '' }, ['a', 'b']),
    command({ 'c/items.c': '#if A == 1\n#endif' }, ['c']),
  ]) {
    t.is(status, 2);
    t.regex(err, /^fidelity: [^\n]+\n$/);
  }
});

test('command: --help prints the options', (t) => {
  let said = '';
  t.is(run(['--help'], root, { out: (text) => void (said += text), err: () => t.fail() }), 0);
  t.regex(said, /^Compares the port[^]*\n {2}--diff /);
});

test('command: the script itself exits with the status', (t) => {
  const script = join(root, 'dist', 'scripts', 'fidelity.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  t.is(status, 2, stderr);
  t.is(stdout, '');
  t.regex(stderr, /^fidelity: give the folder of the C source: .*\n$/);
});
