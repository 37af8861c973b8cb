// The floors of the house: arrows between files only go down, and circles are only where C has them. What a file
// imports is read from its source, types too.
import { readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';

import test from 'ava';
import ts from 'typescript';

import { root } from './support/server';

/** By a file's path, those of the files that it imports. */
type Imports = ReadonlyMap<string, readonly string[]>;

/** Source text by path. */
type Sources = Readonly<Record<string, string>>;

/** What is imported of this project's own, in the order of the source. */
function specifiers(source: string): string[] {
  const { importedFiles } = ts.preProcessFile(source, true, true);
  return importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith('.'));
}

/** Throws where a file imports one that is not there. */
function importsOf(sources: Sources): Imports {
  return new Map(Object.entries(sources).map(([path, source]) => [path, specifiers(source).map((specifier) => {
    const target = posix.join(posix.dirname(path), specifier.replace(/\.js$/, ''));
    const file = [`${target}.ts`, `${target}/index.ts`].find((candidate) => Object.hasOwn(sources, candidate));
    if (file === undefined) throw new Error(`${path} imports ${specifier}, which is not there`);
    return file;
  })]));
}

/** Files that import each other in a loop, and so all that they import on the way. */
function circles(imports: Imports): string[][] {
  const reached = new Map([...imports.keys()].map((path) => [path, reachedFrom(path, imports)]));
  const reaches = (from: string, to: string): boolean => reached.get(from)?.has(to) === true;
  const loops = [...imports.keys()].filter((path) => reaches(path, path));
  const groups = loops.map((path) => loops.filter((other) => reaches(path, other) && reaches(other, path)).sort());
  return [...new Map(groups.map((group) => [group.join(), group])).values()];
}

function reachedFrom(start: string, imports: Imports): Set<string> {
  const reached = new Set<string>();
  const next = [start];
  for (let path = next.pop(); path !== undefined; path = next.pop()) {
    for (const target of imports.get(path) ?? []) {
      if (reached.has(target)) continue;
      reached.add(target);
      next.push(target);
    }
  }
  return reached;
}

/** Imports of a file that `from` matches, of one that `to` matches. */
function arrows(imports: Imports, from: RegExp, to: RegExp): string[] {
  return [...imports].filter(([path]) => from.test(path)).flatMap(([path, targets]) => {
    return targets.filter((target) => to.test(target)).map((target) => `${path} -> ${target}`);
  });
}

const BACKEND = /^reactor\/((epoll|net|sim|backends|index)\.ts$|(net|sim|linux|economy)\/)/;

const rules: readonly { name: string; from: RegExp; to: RegExp; example: [string, string] }[] = [
  {
    name: 'the reactor knows neither memcached nor the command',
    from: /^reactor\//, to: /^(lib|scripts)\//, example: ['reactor/event.ts', 'lib/memcached.ts'],
  },
  {
    name: 'memcached does not know the command',
    from: /^lib\//, to: /^scripts\//, example: ['lib/memcached.ts', 'scripts/inlining.ts'],
  },
  {
    name: 'memcached does not know which backend runs',
    from: /^lib\//, to: BACKEND, example: ['lib/libc/time.ts', 'reactor/linux/ffi.ts'],
  },
  {
    name: 'the port of 1.0.4 knows nothing of later versions',
    from: /^lib\/[^/]*\.ts$/, to: /^lib\/1\.6\//, example: ['lib/items.ts', 'lib/1.6/items.ts'],
  },
];

const folders = ['lib', 'reactor', 'scripts'];
const paths = folders.flatMap((folder) => {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => posix.join(folder, name.replaceAll('\\', '/')));
});
const project = importsOf(Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')])));

test('files import each other in a circle only where the C files call each other', (t) => {
  t.deepEqual(circles(project), [['lib/items.ts', 'lib/memcached.ts']]);
});

for (const { name, from, to, example } of rules) {
  test(name, (t) => {
    t.deepEqual(arrows(project, from, to), []);
  });

  test(`${name}: an import of only a type is found`, (t) => {
    const [path, target] = example;
    const specifier = posix.relative(posix.dirname(path), target).replace(/\.ts$/, '');
    const source = `import type { What } from '${specifier.startsWith('.') ? specifier : `./${specifier}`}';`;
    t.deepEqual(arrows(importsOf({ [path]: source, [target]: '' }), from, to), [`${path} -> ${target}`]);
  });
}

test('a circle of any length is found, with only the files that are in it', (t) => {
  const imports = importsOf({
    'a.ts': "import './b';",
    'b.ts': "import type { C } from './c';",
    'c.ts': "export * from './d'; import './below';",
    'd.ts': "export type D = import('./b').B;",
    'below.ts': '',
    'e.ts': "void import('./f');",
    'f.ts': "import e = require('./e');",
  });
  t.deepEqual(circles(imports), [['b.ts', 'c.ts', 'd.ts'], ['e.ts', 'f.ts']]);
});

test('an import of a missing file is found', (t) => {
  const sources = { 'a.ts': "import { b } from './b';" };
  t.throws(() => importsOf(sources), { message: 'a.ts imports ./b, which is not there' });
});
