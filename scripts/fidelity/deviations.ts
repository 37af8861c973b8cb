// Reads the comments in which the port says where, and why, it differs on purpose.
import type { Deviation } from './model';

const FIRST = /(?:\/\/|\/\*|^\s*\*)(?:.*?[\s(])?DEVIATION:\s*(.*)$/;
const NEXT = /^\s*(?:\/\/|\*(?!\/))\s?(.*)$/;

export function findDeviations(source: string): Deviation[] {
  const lines = source.split(/\r?\n/).map(withoutEnd);
  return lines.flatMap((line, i): Deviation[] => {
    const first = FIRST.exec(line);
    if (first === null) return [];
    const words = [first[1]];
    for (const following of lines.slice(i + 1)) {
      const next = NEXT.exec(following);
      // An empty comment line ends the paragraph.
      if (next === null || next[1].trim() === '' || FIRST.test(following)) break;
      words.push(next[1]);
    }
    return [{ line: i + 1, text: withoutRest(words.map((word) => word.trim()).join(' ').trim()) }];
  });
}

function withoutEnd(line: string): string {
  return line.replace(/\s*\*\/\s*$/, '');
}

/** A deviation in parentheses ends with them. */
function withoutRest(text: string): string {
  let depth = 0;
  for (const { 0: bracket, index } of text.matchAll(/[()]/g)) {
    depth += bracket === '(' ? 1 : -1;
    if (depth < 0) return text.slice(0, index);
  }
  return text;
}
