// Cuts a C file and its port into sections: paired functions, functions of one side only, and the text between
// functions.
import { alignSources } from '../align/align';
import type { AlignedFunction } from '../align/align';
import { findInC } from '../align/cfunctions';
import { lexC } from '../align/clexer';
import type { Definition, Lexeme } from '../align/lexeme';
import { matchBrackets } from '../align/lexeme';
import { findInTs } from '../align/tsfunctions';
import { lexTs } from '../align/tslexer';
import { increasing, likeness, sideBySide } from './together';

/** Lines from `first` to `last`, counted from 1. Empty if `last` is less. */
export interface Span {
  first: number;
  last: number;
}

export interface Section {
  /** The aligner's result; null for text between functions. */
  fn: AlignedFunction | null;
  c: Span | null;
  ts: Span | null;
}

interface Place extends Span {
  name: string;
}

type Finder = (lexemes: readonly Lexeme[], partner: ReadonlyMap<number, number>) => Definition[];

/** All lines of both files, each once. `cText` is null if there is no C. Throws SyntaxError as the aligner does. */
export function outline(cText: string | null, tsText: string): Section[] {
  const ts = placesOf(tsText, lexTs(tsText), findInTs, isTsHead);
  const c = cText === null ? [] : placesOf(cText, lexC(cText), findInC, isCHead);
  const aligned = alignSources(cText ?? '', tsText);
  const byC = new Map(aligned.flatMap((fn) => fn.cName === null ? [] : [[fn.cName, fn] as const]));
  const byTs = new Map(aligned.flatMap((fn) => fn.tsName === null ? [] : [[fn.tsName, fn] as const]));
  const tsIndex = new Map(ts.map(({ name }, i) => [name, i]));

  // A function at another place in the port goes where C has it.
  const pairs = c.flatMap((place, i) => {
    const at = tsIndex.get(byC.get(place.name)?.tsName ?? '');
    return at === undefined ? [] : [{ c: i, ts: at }];
  });
  const fixed = new Set(increasing(pairs.map((pair) => pair.ts)).map((i) => pairs[i]));
  const moved = new Set(pairs.filter((pair) => !fixed.has(pair)).map((pair) => pair.ts));
  const partner = new Map(pairs.map((pair) => [pair.c, pair]));

  const cLines = (cText ?? '').split('\n');
  const tsLines = tsText.split('\n');
  const sections: Section[] = [];
  let cAt = 0;
  let tsAt = 0;
  let cLine = 1;
  let tsLine = 1;

  /** Adds the sections before the functions of these indices. */
  function upTo(cEnd: number, tsEnd: number, cLast: number, tsLast: number): void {
    const cRest: Span[] = [];
    const tsRest: Span[] = [];
    const cAlone: Section[] = [];
    const tsAlone: (Section | null)[] = [];
    for (; cAt < cEnd; cAt++) {
      cRest.push({ first: cLine, last: c[cAt].first - 1 });
      cLine = c[cAt].last + 1;
      const pair = partner.get(cAt);
      cAlone.push({ fn: byC.get(c[cAt].name) ?? null, c: c[cAt], ts: pair === undefined ? null : ts[pair.ts] });
    }
    for (; tsAt < tsEnd; tsAt++) {
      tsRest.push({ first: tsLine, last: ts[tsAt].first - 1 });
      tsLine = ts[tsAt].last + 1;
      tsAlone.push(moved.has(tsAt) ? null : { fn: byTs.get(ts[tsAt].name) ?? null, c: null, ts: ts[tsAt] });
    }
    cRest.push({ first: cLine, last: cLast });
    tsRest.push({ first: tsLine, last: tsLast });
    if (cRest.length === 1 && tsRest.length > 1) cRest.splice(0, 1, ...divided(cRest[0], tsRest));
    for (let i = 0; i < Math.max(cRest.length, tsRest.length); i++) {
      between(cRest.at(i) ?? null, tsRest.at(i) ?? null);
      for (const section of [cAlone.at(i), tsAlone.at(i)]) if (section) sections.push(section);
    }
  }

  /** The lines of C, cut so that each span of ours is beside its own. */
  function divided(cSpan: Span, tsSpans: readonly Span[]): Span[] {
    const alike = (x: number, y: number): number => likeness(cLines[x - 1], tsLines[y - 1], true);
    const rows = sideBySide(linesOf(cSpan), tsSpans.flatMap(linesOf), alike);
    let first = cSpan.first;
    return tsSpans.map((span, i) => {
      const next = rows.findLast((row) => row[0] !== null && row[1] !== null && row[1] <= span.last);
      const last = i === tsSpans.length - 1 ? cSpan.last : Math.max(next?.[0] ?? 0, first - 1);
      const part = { first, last };
      first = last + 1;
      return part;
    });
  }

  function between(cSpan: Span | null, tsSpan: Span | null): void {
    const cPart = cSpan !== null && cSpan.last >= cSpan.first ? cSpan : null;
    const tsPart = tsSpan !== null && tsSpan.last >= tsSpan.first ? tsSpan : null;
    if (cPart !== null || tsPart !== null) sections.push({ fn: null, c: cPart, ts: tsPart });
  }

  for (const pair of fixed) {
    upTo(pair.c, pair.ts, c[pair.c].first - 1, ts[pair.ts].first - 1);
    sections.push({ fn: byC.get(c[pair.c].name) ?? null, c: c[pair.c], ts: ts[pair.ts] });
    [cAt, tsAt, cLine, tsLine] = [pair.c + 1, pair.ts + 1, c[pair.c].last + 1, ts[pair.ts].last + 1];
  }
  upTo(c.length, ts.length, cText === null ? 0 : lineCount(cText), lineCount(tsText));
  return sections;
}

/** The functions of a file of ours by name, each with the comment above it. */
export function placesOfTs(tsText: string): Map<string, Span> {
  return new Map(placesOf(tsText, lexTs(tsText), findInTs, isTsHead).map((place) => [place.name, place]));
}

/** The numbers of its lines. */
export function linesOf({ first, last }: Span): number[] {
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, i) => first + i);
}

/** Lines of a text, without the empty one behind its last newline. */
export function lineCount(text: string): number {
  return text === '' ? 0 : text.replace(/\n$/, '').split('\n').length;
}

function placesOf(
  text: string, lexemes: readonly Lexeme[], find: Finder, isHead: (line: string) => boolean,
): Place[] {
  const lines = text.split('\n');
  let above = 0;
  return find(lexemes, matchBrackets(lexemes)).map(({ name, line, end }) => {
    let first = line;
    while (first - 1 > above && isHead(lines[first - 2])) first--;
    above = (lexemes.at(end) ?? lexemes[lexemes.length - 1]).line;
    return { name, first, last: above };
  });
}

/** Whether a line above belongs to the function below it: its comment, or its type on a line of its own. */
function isCHead(line: string): boolean {
  return line.trim() !== '' && !/^\s*#|[;}]\s*(?:\/\*.*\*\/\s*)?$/.test(line);
}

function isTsHead(line: string): boolean {
  return /^(?:\/\/|\/\*\*| \*)/.test(line);
}
