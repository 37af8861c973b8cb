// Puts the lines of a section beside each other: those that the aligner has paired, and between them blank lines,
// closing braces and comments.
import type { AlignedFunction } from '../align/align';
import { portName } from '../align/names';
import type { Section, Span } from './outline';
import { increasing } from './outline';

export interface Row {
  /** Line numbers; null where the side has nothing here. */
  c: number | null;
  ts: number | null;
  /** Of a line of code of one side alone: it has nothing of the other's, or its C line stands elsewhere. */
  only: 'c' | 'ts' | null;
  /** The C line of a line of ours that stands elsewhere in the function. */
  elsewhere: number | null;
}

/** `cLines` and `tsLines` are those of the whole files. */
export function rowsOf({ fn, c, ts }: Section, cLines: readonly string[], tsLines: readonly string[]): Row[] {
  const counterpart = new Map((fn?.lines ?? []).map((line) => [line.line, line.cLines.at(0)]));
  const anchors = anchorsOf(fn);
  const paired = new Set((fn?.lines ?? []).flatMap((line) => line.cLines));
  const cCode = new Set(fn?.cLines ?? []);
  const together = c !== null && ts !== null && fn !== null;
  const atAnchor = new Set(anchors.map((anchor) => anchor.ts));

  function row(cLine: number | null, tsLine: number | null): Row {
    const home = tsLine === null ? undefined : counterpart.get(tsLine);
    const tsAlone = together && cLine === null && tsLine !== null && counterpart.has(tsLine);
    const cAlone = together && tsLine === null && cLine !== null && cCode.has(cLine) && !paired.has(cLine)
      && !isRest(cLine);
    return {
      c: cLine, ts: tsLine,
      only: tsAlone && home === undefined ? 'ts' : cAlone ? 'c' : null,
      elsewhere: tsAlone && home !== undefined && !continues(tsLine, home) ? home : null,
    };
  }

  /** A line of ours that goes on with what C has on the line above. */
  function continues(tsLine: number, cLine: number): boolean {
    for (let above = tsLine - 1; counterpart.get(above) === cLine; above--) if (atAnchor.has(above)) return true;
    return false;
  }

  /** A line of C that goes on with a statement that we have on one line. */
  function isRest(cLine: number): boolean {
    const above = cLine - 1;
    return /(?:[,(+=?|&-])\s*$/.test(cLines[above - 1] ?? '') && (paired.has(above) || isRest(above));
  }

  const rows: Row[] = [];
  let cAt = c?.first ?? 1;
  let tsAt = ts?.first ?? 1;
  const last = { c: (c?.last ?? 0) + 1, ts: (ts?.last ?? 0) + 1 };
  for (const anchor of [...anchors, last]) {
    const cGap = { first: cAt, last: anchor.c - 1 };
    const tsGap = { first: tsAt, last: anchor.ts - 1 };
    const alike = (x: number, y: number): number =>
      likeness(cLines[x - 1], tsLines[y - 1], fn === null || (!cCode.has(x) && !counterpart.has(y)));
    for (const [x, y] of sideBySide(cGap, tsGap, alike)) rows.push(row(x, y));
    if (anchor !== last) rows.push(row(anchor.c, anchor.ts));
    [cAt, tsAt] = [anchor.c + 1, anchor.ts + 1];
  }
  return rows;
}

/** The pairs of lines that are in the same order on both sides. */
function anchorsOf(fn: AlignedFunction | null): { c: number; ts: number }[] {
  if (fn === null || fn.cName === null || fn.tsName === null) return [];
  const pairs = fn.lines.flatMap(({ line, cLines }) => cLines.length === 0 ? [] : [{ c: cLines[0], ts: line }]);
  return increasing(pairs.map((pair) => pair.c)).map((i) => pairs[i]);
}

/** The alignment with the greatest sum of `alike`; what is 0 is never side by side. */
function sideBySide(
  c: Span, ts: Span, alike: (c: number, ts: number) => number,
): [number | null, number | null][] {
  const n = Math.max(c.last - c.first + 1, 0);
  const m = Math.max(ts.last - ts.first + 1, 0);
  const best = Array.from({ length: n + 1 }, () => new Float64Array(m + 1));
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      const score = alike(c.first + i, ts.first + j);
      const both = score > 0 ? best[i + 1][j + 1] + score : 0;
      best[i][j] = Math.max(best[i + 1][j], best[i][j + 1], both);
    }
  }
  const rows: [number | null, number | null][] = [];
  let i = 0;
  let j = 0;
  while (i < n || j < m) {
    const score = i < n && j < m ? alike(c.first + i, ts.first + j) : 0;
    if (score > 0 && best[i][j] === best[i + 1][j + 1] + score) rows.push([c.first + i++, ts.first + j++]);
    else if (j < m && (i === n || best[i][j + 1] >= best[i + 1][j])) rows.push([null, ts.first + j++]);
    else rows.push([c.first + i++, null]);
  }
  return rows;
}

const BLANK = 0.05;
const BRACE = 0.1;
const COMMENT = 0.2;
/** Of the words of two lines, how many must be common. */
const LEAST_COMMON = 0.55;
/** Words that say nothing of what is declared. */
const FILLING = new Set([
  '0', '4', 'at', 'bss', 'c', 'char', 'class', 'const', 'define', 'enum', 'export', 'extern', 'function', 'get', 'i32',
  'include', 'int', 'let', 'long', 'new', 'null', 'number', 'ptr', 'readonly', 'short', 'static', 'struct', 'time_t',
  'timet', 'type', 'unsigned', 'u32', 'void',
]);

/** From 0 to a little above 1. Of code, only `declarations` are compared, by their words; the rest is the aligner's. */
function likeness(c: string, ts: string, declarations: boolean): number {
  const kind = kindOf(c);
  if (kind !== kindOf(ts)) return 0;
  if (kind === 'blank') return BLANK;
  if (kind === 'brace') return BRACE;
  const common = dice(wordsOf(c), wordsOf(ts));
  if (kind === 'comment') return COMMENT + common;
  return declarations && common >= LEAST_COMMON ? common : 0;
}

function kindOf(line: string): 'blank' | 'brace' | 'comment' | 'code' {
  if (line.trim() === '') return 'blank';
  if (/^[\s{}()[\];,]*$/.test(line)) return 'brace';
  return /^\s*(?:\/\/|\/\*|\*\s|\*\/|\*$)/.test(line) ? 'comment' : 'code';
}

function wordsOf(line: string): string[] {
  const words = line.match(/\w+/g) ?? [];
  return words.map((word) => portName(word).toLowerCase()).filter((word) => !FILLING.has(word));
}

function dice(a: readonly string[], b: readonly string[]): number {
  if (a.length + b.length === 0) return 0;
  return 2 * a.filter((word) => b.includes(word)).length / (a.length + b.length);
}
