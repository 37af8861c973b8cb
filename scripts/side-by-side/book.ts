// The content of the page: the files with their sections, rows, links and notes. Only single lines are HTML.
import { posix } from 'node:path';

import { portName } from '../align/names';
import { compareFile } from '../fidelity/compare';
import type { FunctionResult } from '../fidelity/compare';
import type { Measures, Totals } from '../fidelity/measures';
import { measure, sum } from '../fidelity/measures';
import type { Shown } from './files';
import { highlight } from './highlight';
import { importsOf } from './imports';
import { link } from './links';
import type { Anchors } from './links';
import { Notes, differences } from './notes';
import type { Note } from './notes';
import { outline, placesOfTs } from './outline';
import type { Section, Span } from './outline';
import { rowsOf } from './rows';
import type { Row } from './rows';

/** Text of a file of ours, by its path from the project's root. */
export type ReadOurs = (path: string) => string;

export interface BookSection extends Section {
  /** Its address in the page; null for text between functions. */
  anchor: string | null;
  rows: Row[];
  notes: Note[];
  /** Null if there is nothing to compare. */
  alike: Measures | null;
  /** The functions that call it. */
  callers: Anchored[];
}

export interface Anchored {
  name: string;
  anchor: string;
}

export interface BookFile extends Shown {
  hasC: boolean;
  sections: BookSection[];
  /** Of all functions; null if there is nothing to compare. */
  totals: Totals | null;
  /** The HTML of each line. */
  cLines: string[];
  tsLines: string[];
  /** As they are. */
  cSource: string[];
  tsSource: string[];
}

/** A function that the shown files call, from a file that the page does not show. */
export interface Called extends Anchored {
  file: string;
  firstLine: number;
  lines: string[];
}

export interface Book {
  files: BookFile[];
  called: Called[];
  /** Of the files of memcached, and of all files; null without any C. */
  memcached: Totals | null;
}

/** `cSources` has the text of the reader's C files by name. Throws SyntaxError if one of them cannot be parsed. */
export function makeBook(
  shown: readonly Shown[], cSources: ReadonlyMap<string, string>, read: ReadOurs, readmes: readonly string[],
): Book {
  const notes = new Notes(new Map(readmes.flatMap((readme) => [...differences(readme)])));
  const files = shown.map((file) => {
    const cText = file.c === null ? null : cSources.get(file.c) ?? null;
    return fileOf(file, cText, read(file.ts), notes);
  });
  const called = linkAll(files, read);
  const compared = files.flatMap(({ ts, totals }) => totals !== null && ts.startsWith('lib/') ? [totals] : []);
  return { files, called, memcached: compared.length === 0 ? null : sum(compared) };
}

function fileOf(file: Shown, cText: string | null, tsText: string, numbering: Notes): BookFile {
  const cSource = cText === null ? [] : cText.split('\n').map((line) => line.trimEnd());
  const tsSource = tsText.split('\n');
  const notes = numbering.of(tsText);
  const pair = file.c === null ? null : { c: file.c, ts: file.ts, lines: null, functions: {} };
  const result = pair === null || cText === null ? null : compareFile(pair, cText, tsText);
  const measures = new Map((result?.functions ?? []).map((fn): [string, FunctionResult] => [fn.name, fn]));
  const sections = outline(cText, tsText).map((section): BookSection => {
    const name = section.fn?.tsName ?? section.fn?.cName ?? null;
    const { ts } = section;
    const compared = section.fn?.cName === undefined || section.fn.cName === null || ts === null
      ? undefined : measures.get(section.fn.cName);
    return {
      ...section,
      anchor: name === null ? null : `${file.ts}/${name}`,
      rows: rowsOf(section, cSource, tsSource),
      notes: ts === null ? [] : notes.filter(({ line }) => line >= ts.first && line <= ts.last),
      alike: compared === undefined ? null : measure(compared),
      callers: [],
    };
  });
  return {
    ...file,
    hasC: cText !== null,
    sections,
    totals: result === null || result.functions.length === 0 ? null : result,
    cLines: cText === null ? [] : highlight(cSource.join('\n'), 'c'),
    tsLines: highlight(tsText, 'typescript'),
    cSource,
    tsSource,
  };
}

/** Puts links into all lines, and gives each function its callers. Returns called functions of other files. */
function linkAll(files: BookFile[], read: ReadOurs): Called[] {
  const sections = files.flatMap((file) => file.sections);
  const byAnchor = new Map(sections.map((section) => [section.anchor, section]));
  const others = new Map<string, Called>();
  const places = new Map<string, ReadonlyMap<string, Span>>();
  const colored = new Map<string, string[]>();
  const tsByName = new Map<string, string>();
  const cByName = new Map<string, string>();
  for (const { fn, anchor } of sections) {
    if (fn === null || anchor === null) continue;
    if (fn.tsName !== null) tsByName.set(fn.tsName, anchor);
    if (fn.cName !== null) cByName.set(fn.cName, anchor);
  }

  const perFile = new Map(files.map((file) => {
    const own = new Map<string, string>();
    for (const { fn, anchor } of file.sections) if (fn?.tsName != null && anchor !== null) own.set(fn.tsName, anchor);
    return [file, anchorsOf(file, own)] as const;
  }));

  function anchorsOf(file: BookFile, own: Map<string, string>): Anchors {
    const text = file.tsSource.join('\n');
    const methods = new Map<string, string>();
    for (const name of shorthands(text)) {
      const anchor = own.get(name);
      if (anchor !== undefined) methods.set(name, anchor);
    }
    for (const [alias, { file: target, name }] of importsOf(file.ts, text)) {
      if (name !== null) {
        const anchor = anchorIn(target, name);
        if (anchor !== null) own.set(alias, anchor);
      } else {
        for (const [, method] of text.matchAll(new RegExp(`\\b${alias}\\.(\\w+)`, 'g'))) {
          const anchor = anchorIn(target, method);
          if (anchor !== null) methods.set(method, anchor);
        }
      }
    }
    return { get: (name) => own.get(name), behindDot: (name) => methods.get(name) };
  }

  function anchorIn(file: string, name: string): string | null {
    const anchor = `${file}/${name}`;
    if (byAnchor.has(anchor) || others.has(anchor)) return anchor;
    if (files.some(({ ts }) => ts === file)) return null;
    const text = read(file);
    const place = (places.get(file) ?? placesIn(file, text)).get(name);
    if (place === undefined) return null;
    const lines = text.split('\n').slice(place.first - 1, place.last);
    others.set(anchor, { name, anchor, file, firstLine: place.first, lines });
    if (!tsByName.has(name)) tsByName.set(name, anchor);
    return anchor;
  }

  function placesIn(file: string, text: string): ReadonlyMap<string, Span> {
    const found = placesOfTs(text);
    places.set(file, found);
    return found;
  }

  function linesOf({ file, firstLine, lines }: Called): string[] {
    const all = colored.get(file) ?? highlight(read(file), 'typescript');
    colored.set(file, all);
    return all.slice(firstLine - 1, firstLine - 1 + lines.length);
  }

  const found = new Set<string>();
  const inC: Anchors = {
    get: (name) => cByName.get(name) ?? tsByName.get(portName(name)),
    behindDot: () => undefined,
  };
  for (const [file, anchors] of perFile) {
    for (const section of file.sections) {
      const { anchor, c, ts, fn } = section;
      for (let line = c?.first ?? 1; line <= (c?.last ?? 0); line++) {
        file.cLines[line - 1] = link(file.cLines[line - 1], inC, (target) => found.add(target));
      }
      for (let line = ts?.first ?? 1; line <= (ts?.last ?? 0); line++) {
        file.tsLines[line - 1] = link(file.tsLines[line - 1], anchors, (target) => {
          found.add(target);
          const callee = byAnchor.get(target);
          if (callee === undefined || anchor === null || target === anchor) return;
          if (callee.callers.some((caller) => caller.anchor === anchor)) return;
          callee.callers.push({ name: fn?.tsName ?? '', anchor });
        });
      }
    }
  }
  const called = [...others.values()].filter(({ anchor }) => found.has(anchor));
  const sorted = called.sort((a, b) => compareText(a.file, b.file) || a.firstLine - b.firstLine);
  return sorted.map((fn) => ({ ...fn, lines: linesOf(fn) }));
}

/** Functions that are shorthand members of a record: calls behind a dot use their own names. */
function shorthands(text: string): string[] {
  const records = [...text.matchAll(/^const \w+: \w+ = \{([^}]*)\}/gm)];
  return records.flatMap(([, fields]) => fields.split(',').map((field) => field.trim()).filter((f) => /^\w+$/.test(f)));
}

function compareText(a: string, b: string): number {
  return posix.dirname(a).localeCompare(posix.dirname(b)) || a.localeCompare(b);
}
