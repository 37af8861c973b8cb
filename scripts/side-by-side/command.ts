// The command: reads the arguments and the files, and writes the page.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';

import ts from 'typescript';

import { Misuse, findSources } from '../fidelity/sources';
import { makeBook } from './book';
import type { Book } from './book';
import { shown } from './files';
import { pageHtml } from './page';
import { percent } from './section';
import { measure } from '../fidelity/measures';

export const DONE = 0;
export const MISUSED = 2;

export interface Output {
  out: (text: string) => void;
  err: (text: string) => void;
}

const USAGE = 'side-by-side [<folder of the C source> [<libevent\'s>]] [-o <file>]';
const HELP = `Writes a page with the C source and the port side by side; without a folder, the port alone.

  npm run side-by-side -- [<folder>...] [options]

  <folder>             of memcached 1.0.4's source, of libevent 0.7's, or both
  -o, --output <file>  the page (default: dist/side-by-side.html)
  --help
`;

/** `projectRoot` is the folder that holds lib and reactor. Returns the exit status. */
export function run(args: readonly string[], projectRoot: string, { out, err }: Output): number {
  try {
    const options = readArguments(args, projectRoot);
    if (options === 'help') {
      out(HELP);
      return DONE;
    }
    const { folders, file } = options;
    const { html, book } = sideBySide(folders, projectRoot, file);
    write(file, html);
    if (book.memcached !== null) {
      const { lines, counterparts } = book.memcached;
      out(`${counterparts} of ${lines} lines (${percent(measure(book.memcached).lines)}) have their C line\n`);
    }
    out(`${file}\n`);
    return DONE;
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    err(`side-by-side: ${error.message}\n`);
    return MISUSED;
  }
}

/** The page for `file`, and the book behind it. Throws Misuse if a folder has no C file that we know. */
export function sideBySide(
  folders: readonly string[], projectRoot: string, file: string,
): { html: string; book: Book } {
  const known = shown.flatMap(({ c }) => c === null ? [] : [c]);
  const paths = folders.length === 0 ? new Map<string, string>() : findSources(folders, known);
  // latin1 takes any byte; C files with accented names are not UTF-8.
  const sources = new Map([...paths].map(([name, path]) => [name, readFileSync(path, 'latin1')]));
  const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
  const readmes = [read('lib/README.md'), read('reactor/README.md')];
  const book = bookOf(sources, read, readmes);
  const html = pageHtml(book, {
    css: read('scripts/side-by-side/page.css'),
    script: compiled(read('scripts/side-by-side/browser/page.ts')),
    teachingPage: addressFrom(dirname(file), join(projectRoot, 'dist', 'teach', 'index.html')),
  });
  return { html, book };
}

function bookOf(sources: ReadonlyMap<string, string>, read: (path: string) => string, readmes: string[]): Book {
  try {
    return makeBook(shown, sources, read, readmes);
  } catch (error) {
    throw error instanceof SyntaxError ? new Misuse(error.message) : error;
  }
}

function readArguments(args: readonly string[], projectRoot: string): { folders: string[]; file: string } | 'help' {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { output: { type: 'string', short: 'o' }, help: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    if (values.help) return 'help';
    return { folders: positionals, file: resolve(values.output ?? join(projectRoot, 'dist', 'side-by-side.html')) };
  } catch {
    throw new Misuse(`usage: ${USAGE}`);
  }
}

function write(file: string, html: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, html);
  } catch (error) {
    throw new Misuse(error instanceof Error ? error.message : String(error));
  }
}

/** The script of the page, without its types. */
function compiled(source: string): string {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.None };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}

function addressFrom(folder: string, target: string): string {
  return relative(folder, target).split(sep).map(encodeURIComponent).join(posix.sep);
}
