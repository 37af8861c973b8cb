// Puts the lines of a section side by side: pairs of the aligner, and between them blank lines, closing braces and
// comments.
import type { AlignedFunction } from '../align/align';
import type { Section } from './outline';
import { linesOf } from './outline';
import { increasing, likeness, sideBySide } from './together';

export interface Row {
  /** Line numbers; null if the side has nothing here. */
  c: number | null;
  ts: number | null;
  /** The side of a line of code without a counterpart, or whose C line is elsewhere. */
  only: 'c' | 'ts' | null;
  /** The C line of our line, if it is elsewhere in the function. */
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

  /** Whether our line continues the C line of the row above. */
  function continues(tsLine: number, cLine: number): boolean {
    for (let above = tsLine - 1; counterpart.get(above) === cLine; above--) if (atAnchor.has(above)) return true;
    return false;
  }

  /** Whether a line of C continues a statement that we have on one line. */
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
    for (const [x, y] of sideBySide(linesOf(cGap), linesOf(tsGap), alike)) rows.push(row(x, y));
    if (anchor !== last) rows.push(row(anchor.c, anchor.ts));
    [cAt, tsAt] = [anchor.c + 1, anchor.ts + 1];
  }
  return rows;
}

/** The line pairs in the same order on both sides. */
function anchorsOf(fn: AlignedFunction | null): { c: number; ts: number }[] {
  if (fn === null || fn.cName === null || fn.tsName === null) return [];
  const pairs = fn.lines.flatMap(({ line, cLines }) => cLines.length === 0 ? [] : [{ c: cLines[0], ts: line }]);
  return increasing(pairs.map((pair) => pair.c)).map((i) => pairs[i]);
}
