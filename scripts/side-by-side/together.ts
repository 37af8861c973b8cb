// Pairs lines of two texts that the aligner has left unpaired, by their kind and words.
import { portName } from '../align/names';

/** Pairs lines of both sides so that the sum of `alike` is greatest; lines with 0 are never paired. */
export function sideBySide(
  c: readonly number[], ts: readonly number[], alike: (c: number, ts: number) => number,
): [number | null, number | null][] {
  const n = c.length;
  const m = ts.length;
  const best = Array.from({ length: n + 1 }, () => new Float64Array(m + 1));
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      const score = alike(c[i], ts[j]);
      const both = score > 0 ? best[i + 1][j + 1] + score : 0;
      best[i][j] = Math.max(best[i + 1][j], best[i][j + 1], both);
    }
  }
  const rows: [number | null, number | null][] = [];
  let i = 0;
  let j = 0;
  while (i < n || j < m) {
    const score = i < n && j < m ? alike(c[i], ts[j]) : 0;
    if (score > 0 && best[i][j] === best[i + 1][j + 1] + score) rows.push([c[i++], ts[j++]]);
    else if (j < m && (i === n || best[i][j + 1] >= best[i + 1][j])) rows.push([null, ts[j++]]);
    else rows.push([c[i++], null]);
  }
  return rows;
}

const BLANK = 0.05;
const BRACE = 0.1;
const COMMENT = 0.2;
/** The least share of common words of a pair. */
const LEAST_COMMON = 0.55;
/** Words that do not identify a declaration. */
const FILLING = new Set([
  '0', '4', 'at', 'bss', 'c', 'char', 'class', 'const', 'define', 'enum', 'export', 'extern', 'function', 'get', 'i32',
  'include', 'int', 'let', 'long', 'new', 'null', 'number', 'ptr', 'readonly', 'short', 'static', 'struct', 'time_t',
  'timet', 'type', 'unsigned', 'u32', 'void',
]);

/** From 0 to a little above 1. Compares code only if it is `declarations`, by words; the aligner pairs the rest. */
export function likeness(c: string, ts: string, declarations: boolean): number {
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

/** The words of a line; of code without its comment and its value. */
function wordsOf(line: string): string[] {
  const text = kindOf(line) === 'code'
    ? line.replace(/\/\*.*?(?:\*\/|$)|\/\/.*/g, '').replace(/\s*(?::[^=;()]*)?=.*$/, '') : line;
  const words = text.match(/\w+/g) ?? [];
  return words.map((word) => portName(word).toLowerCase()).filter((word) => !FILLING.has(word));
}

function dice(a: readonly string[], b: readonly string[]): number {
  if (a.length + b.length === 0) return 0;
  return 2 * a.filter((word) => b.includes(word)).length / (a.length + b.length);
}

/** Indices of a longest strictly increasing subsequence. */
export function increasing(values: readonly number[]): number[] {
  const tails: number[] = [];
  const before: number[] = [];
  values.forEach((value, i) => {
    let at = tails.findIndex((tail) => values[tail] >= value);
    if (at === -1) at = tails.length;
    before[i] = at === 0 ? -1 : tails[at - 1];
    tails[at] = i;
  });
  const result: number[] = [];
  for (let i = tails.at(-1) ?? -1; i !== -1; i = before[i]) result.unshift(i);
  return result;
}
