// The aligner: which C line a line of the port stands for.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';
import fc from 'fast-check';

import type { AlignedFunction } from '../scripts/align/align';
import { alignSources } from '../scripts/align/align';
import { lexC } from '../scripts/align/clexer';
import { matchBrackets } from '../scripts/align/lexeme';
import { findInTs } from '../scripts/align/tsfunctions';
import { lexTs } from '../scripts/align/tslexer';
import type { Language } from '../scripts/align/words';
import { wordsOf } from '../scripts/align/words';
import { readTs } from '../scripts/fidelity/tsflow';
import { upTo } from './support/thorough';

/** `port line: C lines` for each line of the port that counts. */
function pairs(functions: readonly AlignedFunction[]): string[] {
  return functions.flatMap(({ lines }) => lines).map(({ line, cLines }) => `${line}: ${cLines.join(' ')}`);
}

function withBody(lines: readonly string[], head: string): string {
  return [head, ...lines, '}'].join('\n');
}

/** The same for two bodies, each line of which is one of an array; the heads are line 0. */
function bodies(c: readonly string[], ts: readonly string[]): string[] {
  const aligned = alignSources(withBody(c, 'void f(void) {'), withBody(ts, 'function f(): void {'));
  return aligned.flatMap(({ lines }) => lines).slice(1)
    .map(({ line, cLines }) => `${line - 1}: ${cLines.map((cLine) => cLine - 1).join(' ')}`);
}

function words(text: string, language: Language): Record<string, number> {
  return Object.fromEntries([...wordsOf((language === 'c' ? lexC : lexTs)(text), language).counts].sort());
}

test('each line of the port gets the C line that says the same', (t) => {
  t.deepEqual(pairs(alignSources(`int add_all(struct list *l) {
    int n = 0;
    while (l) {
        n += l->value_of;
        l = l->next;
    }
    return n;
}`, `export function addAll(l: List | null): number {
  let n = 0;
  while (l) {
    n += l.valueOf;
    l = l.next;
  }
  return n;
}`)), ['1: 1', '2: 2', '3: 3', '4: 4', '5: 5', '7: 7']);
});

test('empty files and one-sided functions are aligned', (t) => {
  t.deepEqual(alignSources('', ''), []);
  t.deepEqual(alignSources('void only_c(void) {\n  a();\n}', 'function onlyTs() {\n  b();\n}'), [
    { cName: 'only_c', tsName: null, lines: [], cLines: [1, 2] },
    { cName: null, tsName: 'onlyTs', lines: [{ line: 1, cLines: [] }, { line: 2, cLines: [] }], cLines: [] },
  ]);
  t.deepEqual(alignSources('int x;', 'const x = 1;'), []);
});

test('functions are never mixed: a line that moved into another function has no C line', (t) => {
  const aligned = alignSources('void f(void) {\n  take(one, two);\n}\nvoid g(void) {\n  give(three, four);\n}',
    'function g() {\n  take(one, two);\n}\nfunction f() {\n  give(three, four);\n}');
  t.deepEqual(aligned.map(({ cName, lines }) => [cName, lines.map(({ cLines }) => cLines)]),
    [['f', [[1], []]], ['g', [[4], []]]]);
});

test('a statement that moved has no C line', (t) => {
  t.deepEqual(bodies(['first(a, b);', 'second(c, d);', 'third(e, f);'],
    ['third(e, f);', 'first(a, b);', 'second(c, d);']), ['1: ', '2: 1', '3: 2']);
});

test('brackets and comments do not count as lines', (t) => {
  t.deepEqual(bodies(['if (a)', '{', 'go(b);', '}'], ['// why', 'if (a) {', '  /* and', '     how */ go(b);', '}']),
    ['2: 1', '4: 3']);
});

test('one line of the port may stand for several of C', (t) => {
  t.deepEqual(bodies(['if (!size)', '  return 0;', 'go(size);'], ['if (!size) return 0;', 'go(size);']),
    ['1: 1 2', '2: 3']);
  t.deepEqual(bodies(['int from, to;', 'char *name;'], ['let from: number, to: number, name: Ptr;']), ['1: 1 2']);
});

test('several lines of the port may stand for one of C', (t) => {
  t.deepEqual(bodies(['free(one); close(two);'], ['free(one);', 'close(two);']), ['1: 1', '2: 1']);
  t.deepEqual(bodies(['print("%d %d", info.first, info.second);', 'end(info);'],
    ['print(', '  \'%d %d\',', '  info.first, info.second,', ');', 'end(info);']), ['1: 1', '2: 1', '3: 1', '5: 2']);
});

test('a statement broken over lines on both sides is aligned line by line', (t) => {
  t.deepEqual(bodies(['if (strncmp(command, "add ", 4) == 0 ||', '    strncmp(command, "set ", 4) == 0 ||',
    '    strncmp(command, "replace ", 8) == 0) {', 'go();', '}'],
  ['if (', '  strncmp(command, \'add \', 4) === 0 || strncmp(command, \'set \', 4) === 0 ||',
    '  strncmp(command, \'replace \', 8) === 0', ') {', 'go();', '}']), ['1: 1', '2: 1', '3: 3', '5: 4']);
});

test("a line is the port's own if its first statement is", (t) => {
  t.deepEqual(bodies(['take(one, two);'], ['if (tooLong(key)) take(one, two);']), ['1: ']);
});

test('a break or a return has a C line only if the block or function that it ends has one', (t) => {
  t.deepEqual(bodies(['while (more(a)) {', 'if (b) break;', '}', 'return;'],
    ['if (refused(key)) {', 'return;', '}', 'while (more(a)) {', 'if (later(x)) break;', 'if (b) break;', '}',
      'return;']),
  ['1: ', '2: ', '4: 1', '5: ', '6: 2', '8: 4']);
});

test('statements that differ in only one word are not paired', (t) => {
  t.deepEqual(bodies(['free(c->rbuf);', 'free(c->wbuf);', 'c->rcurr = c->rbuf;'],
    ['free(c.rbuf);', 'free(c.wbuf);', 'free(c.ibuf);', 'c.rcurr = c.rbuf;', 'c.wcurr = c.wbuf;']),
  ['1: 1', '2: 2', '3: ', '4: 3', '5: ']);
});

test('at the same place, an assignment may assign more, and a condition test more', (t) => {
  t.deepEqual(bodies(['value = atoi(ptr);', 'if (res != 5 || strlen(key) == 0) {', 'return;', '}'],
    ['value = ptr < end ? atoi(ptr) >>> 0 : 0;',
      'if (res !== 5 || strlen(key) === 0 || keyTooLong(key)) {', 'return;', '}']),
  ['1: 1', '2: 2', '3: 3']);
});

test('a loop with another condition is paired at the same place, over the same statements; an if is not', (t) => {
  const body = ['res = read(c->sfd, c->rbuf, c->rsize);', 'if (res > 0) continue;', 'if (res == 0) return 1;'];
  const port = ['res = read(c.sfd, c.rbuf, c.rsize);', 'if (res > 0) continue;', 'if (res === 0) return 1;'];
  t.deepEqual(bodies(['while (1) {', ...body, '}'], ['while (!gotdata || rbytes < HIGHWAT) {', ...port, '}']),
    ['1: 1', '2: 2', '3: 3', '4: 4']);
  t.deepEqual(bodies(['if (!it)', '  return 0;'], ['if (tooLong(key))', '  return 0;']), ['1: ', '2: ']);
});

test('a case is aligned together with the lines that follow it', (t) => {
  t.deepEqual(bodies(['switch (c->state) {', 'case conn_read:', 'read_it(c);', 'break;', 'case conn_write:', 
    'write_it(c);', 'break;', 'default:', 'break;', '}'],
  ['switch (c.state) {', 'case ConnState.read:', 'readIt(c);', 'break;', 'case ConnState.more:', 'break;',
    'case ConnState.write:', 'writeIt(c);', 'break;', 'default:', 'break;', '}']),
  ['1: 1', '2: 2', '3: 3', '4: 4', '5: ', '6: ', '7: 5', '8: 6', '9: 7', '10: 8', '11: 9']);
});

test('statements in a try are aligned as without it; the try itself has no C line', (t) => {
  t.deepEqual(bodies(['run(c);', 'return;'],
    ['try {', '  run(c);', '} catch (error) {', '  failed(c, error);', '}', 'return;']),
  ['1: ', '2: 1', '3: ', '4: ', '6: 2']);
});

test('lines that a Linux build leaves out have no counterpart', (t) => {
  t.deepEqual(bodies(['#ifdef WIN32', 'take(one, two);', '#else', 'take(one, two);', '#endif'], ['take(one, two);']),
    ['1: 4']);
});

const SAME: readonly (readonly [string, string])[] = [
  ['c->write_and_go = conn_read', 'c.writeAndGo = ConnState.read'],
  ['it = 0', 'it = null'],
  ['buf == 0', 'buf === NULL'],
  ['daemonize = 1', 'daemonize = true'],
  ['int exit = 0', 'let exit = false'],
  ['unsigned int id', 'let id: number'],
  ['item *old_it', 'let oldIt: Item | null'],
  ['struct linger ling = {0, 0}', 'const ling: Linger = { lOnoff: 0, lLinger: 0 }'],
  ['struct timeval tv', 'const tv: Timeval = { tvSec: 0, tvUsec: 0 }'],
  ['char temp[512]', 'const temp = statTemp'],
  ['time_t now = time(0)', 'const now = time()'],
  ['freeconns[freecurr++] = c', 'u32[(freeconns + 4 * freecurr++) >>> 2] = c.ptr'],
  ['it = *(c->icurr)', 'it = itemAt(c.icurr)'],
  ['it = todelete[i]', 'it = itemAt(todelete + 4 * i)'],
  ['c->icurr++', 'c.icurr += 4'],
  ['*bytes = bufcurr', 'bytes.value = bufcurr'],
  ['*PValue = (Word_t) value', 'PJSLArray.setValue(PValue, value.ptr)'],
  ['*el = \'\\0\'', 'u8[el] = 0'],
  ['memchr(c->rbuf, \'\\n\', c->rbytes)', 'memchr(c.rbuf, 0x0a, c.rbytes)'],
  ['value+=delta', 'value = (value + delta.value) >>> 0'],
  ['malloc(sizeof(item *)*deltotal)', 'malloc(4 * deltotal)'],
  ['malloc(sizeof(conn))', 'malloc(SIZEOF_CONN)'],
  ['it->data = (void *) (it->key + len)', 'it.data = it.key + len'],
  ['sprintf(pos, "STAT version " VERSION "\\r\\n")', 'sprintf(pos, \'STAT version \' + VERSION + \'\\r\\n\')'],
  ['sscanf(command, "%s %u", key, &delta)', 'sscanf(command, \'%255s %u\', key, delta)'],
  ['event_set(&c->event, sfd, flags, event_handler, (void *)c)', 'eventSet(c.event, sfd, flags, eventHandler, c)'],
  ['res = evsel->dispatch(evbase, &tv)', 'res = await evsel.dispatch(evbase, tv)'],
  ['errno = EINTR', 'setErrno(EINTR)'],
  ['addr.sin_port = htons(port)', 'addr.sinPort = port'],
];

for (const [c, ts] of SAME) {
  test(`the words are the same: ${c}   ${ts}`, (t) => t.deepEqual(words(c, 'c'), words(ts, 'ts')));
}

test('statements that differ in what they do have different words', (t) => {
  for (const [c, ts] of [['i--', 'i++'], ['a == b', 'a !== b'], ['a = b', 'a += b'], ['"END"', '\'STORED\''],
    ['c->rbuf', 'c.wbuf'], ['5', '50'], ['item_link(it)', 'itemUnlink(it)']]) {
    t.notDeepEqual(words(c, 'c'), words(ts, 'ts'), c);
  }
});

test('strings, templates and regular expressions of TypeScript end at the right place', (t) => {
  const lexemes = lexTs('a(`x ${b({ c: `}` })} y`, /[/`"]+\\/"/g, d / e / f); // `"\ng');
  t.deepEqual(lexemes.filter(({ kind }) => kind === 'word').map(({ text, line }) => `${text} ${line}`),
    ['a 1', 'b 1', 'c 1', 'd 1', 'e 1', 'f 1', 'g 2']);
  t.deepEqual(lexTs('`a\nb${c}\nd` + e').filter(({ kind }) => kind === 'word').map(({ line }) => line), [2, 3]);
});

test('the functions found in TypeScript are those that its own parser finds', (t) => {
  const projectRoot = join(require.resolve('../package.json'), '..');
  const files = ['lib/memcached.ts', 'lib/items.ts', 'lib/slabs.ts', 'reactor/event.ts', 'reactor/epoll.ts',
    'reactor/signal.ts', 'scripts/align/align.ts', 'spec/align.spec.ts'];
  const sources = files.map((file) => readFileSync(join(projectRoot, file), 'utf8'));
  for (const source of [...sources, `
    export function one(): void;
    export function one(a = { b: 1 }): { c: number } { const inner = () => two(); }
    export const three = async (x: number): Promise<{ y: number }> => four(x);
    const five = function () { return 6; };
    const seven = 7, eight = [(a: number) => a];
    const nine = (a: number): ((b: number) => number) => { return (b) => a + b; };
    class Ten { function() { return 11; } }
  `]) {
    const lexemes = lexTs(source);
    t.deepEqual(findInTs(lexemes, matchBrackets(lexemes)).map(({ name, line }) => `${name} ${line}`),
      readTs(source).functions.map(({ name, line }) => `${name} ${line}`));
  }
});

/** Statements of C with what the port makes of each; no two are alike. */
const STATEMENTS: readonly (readonly [string, string])[] = [
  ['int n_left = 0;', 'let nLeft = 0;'],
  ['item *it;', 'let it: Item | null;'],
  ['it = assoc_find(key);', 'it = assocFind(key);'],
  ['stats.get_hits++;', 'stats.getHits++;'],
  ['if (c->wbuf == 0) free_all(c);', 'if (c.wbuf === NULL) freeAll(c);'],
  ['while (n_left > limit) n_left -= step;', 'while (nLeft > limit) nLeft -= step;'],
  ['out_string(c, "SERVER_ERROR out of memory");', 'outString(c, \'SERVER_ERROR out of memory\');'],
  ['for (i = 0; i < count; i++) use_item(todelete[i]);',
    'for (i = 0; i < count; i++) useItem(itemAt(todelete + 4 * i));'],
  ['memcpy(buffer + used, temp, len);', 'memcpy(buffer + used, temp, len);'],
  ['c->state = conn_mwrite;', 'c.state = ConnState.mwrite;'],
  ['setsockopt(sfd, SOL_SOCKET, SO_LINGER);', 'setsockopt(sfd, SOL_SOCKET, SO_LINGER);'],
  ['return shown + 5;', 'return shown + 5;'],
];

const subset = fc.subarray(STATEMENTS.map((_, i) => i));

test('any text can be aligned', (t) => {
  const pieces = ['if', 'else', 'case', 'do', 'try', 'while', 'let', 'const', 'function', 'f', 'x', '1', '(', ')', '{',
    '}', '[', ']', ';', ':', ',', '=', '=>', '*', '"', '\'', '`', '${', '/', '\n'];
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((some) => some.join(' '));
  fc.assert(fc.property(text, text, (c, ts) => {
    t.notThrows(() => alignSources(`void f(void) { ${c} }`, `function f() { ${ts} }`));
    t.notThrows(() => alignSources(c, ts));
  }), { numRuns: upTo(200, 1000) });
});

test('any two parts of a program: common statements are paired, and no others', (t) => {
  fc.assert(fc.property(subset, subset, (inC, inTs) => {
    t.deepEqual(bodies(inC.map((i) => STATEMENTS[i][0]), inTs.map((i) => STATEMENTS[i][1])),
      inTs.map((i, at) => `${at + 1}: ${inC.includes(i) ? inC.indexOf(i) + 1 : ''}`));
  }));
});

test('any order: C lines only increase, and no statement is paired twice', (t) => {
  const shuffled = fc.shuffledSubarray(STATEMENTS.map((_, i) => i));
  fc.assert(fc.property(shuffled, shuffled, (inC, inTs) => {
    const [{ lines, cLines }] = alignSources(withBody(inC.map((i) => STATEMENTS[i][0]), 'void f(void) {'),
      withBody(inTs.map((i) => STATEMENTS[i][1]), 'function f() {'));
    const found = lines.flatMap(({ cLines: own }) => own);
    t.deepEqual(found, [...new Set(found)].sort((a, b) => a - b));
    t.true(found.every((line) => cLines.includes(line)));
    t.is(lines.length, inTs.length + 1);
  }));
});

test('any functions: each is paired with lines of its own counterpart only', (t) => {
  const functions = fc.array(fc.tuple(subset, subset), { maxLength: 4 });
  fc.assert(fc.property(functions, fc.boolean(), (parts, reversed) => {
    const c = parts.map(([inC], n) => withBody(inC.map((i) => STATEMENTS[i][0]), `void fn_${n}(void) {`));
    const ts = parts.map(([, inTs], n) => withBody(inTs.map((i) => STATEMENTS[i][1]), `function fn${n}() {`));
    for (const { lines, cLines } of alignSources(c.join('\n'), (reversed ? ts.reverse() : ts).join('\n'))) {
      t.true(lines.every(({ cLines: own }) => own.every((line) => cLines.includes(line))));
    }
  }));
});
