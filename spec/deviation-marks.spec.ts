// Every DEVIATION in the port is one short line at its place, and the table in lib/README.md tells them all, and no
// other.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { root } from './support/server';

const lib = join(root, 'lib');
const MARK_MAX = 100;
const LINE_MAX = 120;

interface Mark {
  /** As the table names it: the C function, or the C file for what stands outside of any. */
  where: string;
  what: string;
  /** The comment, and the line that it is in. */
  comment: string;
  line: string;
}

/** The marks of a file. Above each ported function stands where it comes from: `memcached.c: drive_machine`. */
function marksOf(file: string): Mark[] {
  const lines = readFileSync(join(lib, file), 'utf8').split('\n');
  let where = file.replace(/\.ts$/, '').replace(/^(\w+)$/, '$1.c');
  const outside = where;
  return lines.flatMap((line): Mark[] => {
    where = /^\/\/ \w+\.[ch]: (\w+)$/.exec(line)?.[1] ?? where;
    const comment = /\/\/ DEVIATION: .*$/.exec(line)?.[0];
    const mark = comment === undefined ? [] : [{ where, what: comment.slice('// DEVIATION: '.length), comment, line }];
    if (line === '}') where = outside;
    return mark;
  });
}

/** later.ts is about them, and has none. */
const ported = readdirSync(lib).filter((file) => file.endsWith('.ts') && file !== 'later.ts');
const marks = ported.flatMap(marksOf);

function table(): string[] {
  const rows = readFileSync(join(lib, 'README.md'), 'utf8').split('\n| DEVIATION |')[1].split('\n\n')[0].split('\n').slice(2);
  return rows.flatMap((row) => {
    const [what, where] = row.slice('| '.length).split(' | ');
    return where.split(', ').map((name) => `${name}: ${what}`);
  });
}

test('the marks in the code are those of the table in lib/README.md', (t) => {
  t.true(marks.length > 30);
  t.deepEqual([...new Set(marks.map(({ where, what }) => `${where}: ${what}`))].sort(), table().sort());
});

test(`a mark has ${MARK_MAX} characters at most, the line that it is in ${LINE_MAX}, and there is no other form of it`, (t) => {
  t.deepEqual(marks.filter(({ comment }) => comment.length > MARK_MAX).map(({ comment }) => comment), []);
  t.deepEqual(marks.filter(({ line }) => line.length > LINE_MAX).map(({ line }) => line), []);
  for (const file of ported) {
    const said = readFileSync(join(lib, file), 'utf8').split('DEVIATION').length - 1;
    t.is(said, marksOf(file).length, file);
  }
});

test('a version stands at the end of a mark, in brackets, and no mark goes on in the next line', (t) => {
  for (const { what } of marks) t.regex(what, /^[^[\]]+?( \[\d+\.\d+\.\d+(, \d+\.\d+\.\d+)*\])?$/);
});
