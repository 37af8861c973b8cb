// Every DEVIATION in the port is one short line at its place, and the table in its folder's README lists exactly these.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { root } from './support/server';

const MARK_MAX = 100;
const LINE_MAX = 120;

interface Mark {
  /** As the table names it: the C function, or the C file for a mark outside of any function. */
  where: string;
  what: string;
  /** The comment, and the whole line. */
  comment: string;
  line: string;
}

/** The marks of a file. The line above each ported function names its origin: `memcached.c: drive_machine`. */
function marksOf(folder: string, file: string): Mark[] {
  const lines = readFileSync(join(root, folder, file), 'utf8').split('\n');
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

function table(folder: string): string[] {
  const text = readFileSync(join(root, folder, 'README.md'), 'utf8');
  const rows = text.split('\n| DEVIATION |')[1].split('\n\n')[0].split('\n').slice(2);
  return rows.flatMap((row) => {
    const [what, where] = row.slice('| '.length).split(' | ');
    return where.split(', ').map((name) => `${name}: ${what}`);
  });
}

// lib/later.ts is about the deviations, and has none.
for (const [folder, version] of [['lib', '\\d+\\.\\d+\\.\\d+'], ['reactor', '\\d+\\.\\d+']]) {
  const files = readdirSync(join(root, folder), { encoding: 'utf8', recursive: true })
    .filter((file) => file.endsWith('.ts') && file !== 'later.ts');
  const marks = files.flatMap((file) => marksOf(folder, file));

  test(`${folder}: the marks in the code match the table in the README`, (t) => {
    t.true(marks.length > 0);
    t.deepEqual([...new Set(marks.map(({ where, what }) => `${where}: ${what}`))].sort(), table(folder).sort());
  });

  test(`${folder}: a mark has at most ${MARK_MAX} characters, its line ${LINE_MAX}, and no other form exists`, (t) => {
    t.deepEqual(marks.filter(({ comment }) => comment.length > MARK_MAX).map(({ comment }) => comment), []);
    t.deepEqual(marks.filter(({ line }) => line.length > LINE_MAX).map(({ line }) => line), []);
    for (const file of files) {
      const count = readFileSync(join(root, folder, file), 'utf8').split('DEVIATION').length - 1;
      t.is(count, marksOf(folder, file).length, file);
    }
  });

  test(`${folder}: versions are in brackets at the end of a mark, and no mark continues on the next line`, (t) => {
    const form = new RegExp(`^[^[\\]]+?( \\[${version}(, ${version})*\\])?$`);
    for (const { what } of marks) t.regex(what, form);
  });
}
