// npm run side-by-side: what stands beside what, on small made-up files, and the page without any C.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test from 'ava';

import { makeBook } from '../scripts/side-by-side/book';
import type { BookFile } from '../scripts/side-by-side/book';
import { DONE, MISUSED, run, sideBySide } from '../scripts/side-by-side/command';
import { highlight } from '../scripts/side-by-side/highlight';
import { stops } from '../scripts/side-by-side/stops';
import { root } from './support/server';

const C = `/* a queue of jobs */
#include <stdio.h>

static int job_count = 0;

int
take_job(struct job *j, int most)
{
    int i;

    if (j == NULL)
        return -1;
    for (i = 0; i < most; i++) {
        run_job(j, i);
        log_it("ran");
    }
    return i;
}

void only_c(void) {
    puts("gone");
}

void run_job(struct job *j, int i) {
    job_count += i;
}
`;

const TS = `// a queue of jobs
import { print } from './print';

let jobCount = 0;

// jobs.c: take_job
/** How many of \`j\` ran. */
function takeJob(j: Job | null, most: number): number {
  let i: number;

  if (j === null) return -1;
  for (i = 0; i < most; i++) {
    if (isLate(j)) break; // DEVIATION: a late job is left [2.0]
    runJob(j, i);
  }
  return i;
}

function isLate(j: Job): boolean {
  return print(j) > 3;
}

// jobs.c: run_job
function runJob(j: Job, i: number): void {
  jobCount += i;
}
`;

const PRINT = `// Prints.

/** Its length. */
export function print(j: unknown): number {
  return String(j).length;
}

export function unused(): void {}
`;

const README = `
| DEVIATION | where | what C does |
|---|---|---|
| a late job is left [2.0] | take_job | runs it, \`late\` or not |

`;

const files: Readonly<Record<string, string>> = { 'lib/jobs.ts': TS, 'lib/print.ts': PRINT };
const book = makeBook(
  [{ c: 'jobs.c', ts: 'lib/jobs.ts', about: '' }], new Map([['jobs.c', C]]), (path) => files[path], [README],
);
const [jobs] = book.files;

/** The rows of a function as text: C, a bar, ours. */
function rows(file: BookFile, name: string): string[] {
  const section = file.sections.find(({ fn }) => fn?.tsName === name || fn?.cName === name);
  const text = (source: readonly string[], line: number | null): string => line === null ? '' : source[line - 1].trim();
  return (section?.rows ?? []).map(({ c, ts, only }) => {
    return `${text(file.cSource, c)} | ${text(file.tsSource, ts)}${only === null ? '' : ` (${only} only)`}`;
  });
}

test('corresponding lines stand side by side, and lines of one side only are marked', (t) => {
  t.deepEqual(rows(jobs, 'takeJob'), [
    ' | // jobs.c: take_job',
    ' | /** How many of `j` ran. */',
    'int | ',
    'take_job(struct job *j, int most) | function takeJob(j: Job | null, most: number): number {',
    '{ | ',
    'int i; | let i: number;',
    ' | ',
    'if (j == NULL) | if (j === null) return -1;',
    'return -1; | ',
    'for (i = 0; i < most; i++) { | for (i = 0; i < most; i++) {',
    ' | if (isLate(j)) break; // DEVIATION: a late job is left [2.0] (ts only)',
    'run_job(j, i); | runJob(j, i);',
    'log_it("ran"); |  (c only)',
    '} | }',
    'return i; | return i;',
    '} | }',
  ]);
});

test('lines between functions are matched by their words', (t) => {
  const section = jobs.sections[0];
  t.is(section.fn, null);
  const beside = section.rows.filter(({ c, ts }) => c !== null && ts !== null);
  t.deepEqual(beside.map(({ c, ts }) => [jobs.cSource[(c ?? 0) - 1], jobs.tsSource[(ts ?? 0) - 1]]).filter(([c]) => c !== ''), [
    ['/* a queue of jobs */', '// a queue of jobs'], ['static int job_count = 0;', 'let jobCount = 0;'],
  ]);
});

test('each line of both files is shown once', (t) => {
  const all = jobs.sections.flatMap((section) => section.rows);
  const lines = (side: 'c' | 'ts'): number[] => all.flatMap((row) => row[side] ?? []).sort((a, b) => a - b);
  t.deepEqual(lines('c'), C.trimEnd().split('\n').map((_, i) => i + 1));
  t.deepEqual(lines('ts'), TS.trimEnd().split('\n').map((_, i) => i + 1));
});

test('a function of one side only stands alone at its place', (t) => {
  t.deepEqual(jobs.sections.flatMap(({ fn }) => fn === null ? [] : [[fn.cName, fn.tsName]]), [
    ['take_job', 'takeJob'], ['only_c', null], [null, 'isLate'], ['run_job', 'runJob'],
  ]);
});

test('a function is measured by its control flow and by its lines', (t) => {
  const measured = jobs.sections.map(({ alike }) => alike).filter((alike) => alike !== null);
  t.is(measured.length, 2);
  t.true(measured[0].max < 1);
  t.is(measured[0].lines, 6 / 7);
  t.is(measured[1].max, 1);
});

test('calls are links on both sides, and a function knows its callers', (t) => {
  const line = (html: readonly string[], part: string): string => html.find((text) => text.includes(part)) ?? '';
  t.regex(line(jobs.cLines, 'log_it'), /^(?!.*href)/);
  t.regex(line(jobs.cLines, 'run_job'), /href="#lib\/jobs\.ts\/runJob">run_job<\/a>/);
  t.regex(line(jobs.tsLines, 'isLate'), /href="#lib\/jobs\.ts\/isLate">isLate<\/a>/);
  t.deepEqual(jobs.sections.find(({ fn }) => fn?.tsName === 'runJob')?.callers, [
    { name: 'takeJob', anchor: 'lib/jobs.ts/takeJob' },
  ]);
});

test('a file that is not shown has only its called functions on the page', (t) => {
  t.deepEqual(book.called.map(({ anchor, firstLine, lines }) => [anchor, firstLine, lines.length]), [
    ['lib/print.ts/print', 3, 4],
  ]);
});

test('a deviation is a numbered note with its version and with what C does', (t) => {
  const notes = jobs.sections.flatMap((section) => section.notes);
  t.deepEqual(notes, [{
    line: 13, number: 1, text: 'a late job is left', version: '2.0', inC: 'runs it, `late` or not',
  }]);
});

test('a comment over several lines keeps its colour on each', (t) => {
  const [first, second] = highlight('/* a\n b */ int c;', 'c');
  t.is(first, '<span class="hljs-comment">/* a</span>');
  t.true(second.startsWith('<span class="hljs-comment"> b */</span> <span'));
});

const alone = sideBySide([], root, join(root, 'dist', 'side-by-side.html'));

test('without C files our side stands alone under the names of C, and every link has its target', (t) => {
  const { html } = alone;
  const ids = new Set([...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id));
  const links = [...html.matchAll(/ href="#([^"]*)"/g)].map(([, id]) => id);
  t.true(links.length > 1000);
  t.deepEqual(links.filter((id) => !ids.has(id)), []);
  t.is(ids.size, [...html.matchAll(/ id="/g)].length, 'no id twice');
  t.regex(html, /memcached\.c: drive_machine/);
  t.notRegex(html, /<code class="c"/);
  t.notRegex(html, /(?:src|href)="https?:/);
});

test('each stop of the reading order leads to its function, or its case, and to a scene', (t) => {
  const { html } = alone;
  t.is([...html.matchAll(/<p class="stop" /g)].length, stops.length);
  const at = readFileSync(join(root, 'lib', 'memcached.ts'), 'utf8').split('\n').findIndex((l) => l.includes('case ConnState.mwrite:'));
  t.true(html.includes(`href="#lib/memcached.ts/L${at + 1}">Many items</a>`));
  t.true(html.includes('href="teach/index.html#scene=multi-get&amp;at=driveMachine:mwrite"'));
});

test("the reader's C files are read from the given folders; mistakes are reported in one line", (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'side-by-side-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const page = join(folder, 'out.html');
  let said = '';
  const tell = { out: (text: string) => { said += text; }, err: (text: string) => { said += text; } };

  t.is(run([folder], root, tell), MISUSED);
  t.regex(said, /^side-by-side: .* has none of memcached\.h, memcached\.c, items\.c[^\n]*\n$/);
  said = '';
  t.is(run(['--help'], root, tell), DONE);
  t.regex(said, /^Writes a page [^]*\n {2}-o, --output <file> /);
  said = '';
  t.is(run(['--nonsense'], root, tell), MISUSED);
  t.regex(said, /^side-by-side: usage: [^\n]*\n$/);
  said = '';

  writeFileSync(join(folder, 'slabs.c'), 'int slabs_clsid(int made_up) {\n    return made_up;\n}\n');
  t.is(run([folder, '-o', page], root, tell), DONE);
  t.true(said.endsWith(`${page}\n`));
  const html = readFileSync(page, 'utf8');
  t.regex(html, /<code class="c".*made_up/);
  t.regex(html, /slabs\.c: slabs_clsid, line 1/);
});
