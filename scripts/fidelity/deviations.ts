// Reads the comments in which the port says where, and why, it differs on purpose: each is one line,
// `// DEVIATION: what C does otherwise [the version that does as the port]`.
import type { Deviation } from './model';

const COMMENT = /\/\/ DEVIATION:\s*(.*?)\s*(?:\[([^[\]]*)\])?\s*$/;

export function findDeviations(source: string): Deviation[] {
  return source.split(/\r?\n/).flatMap((line, i): Deviation[] => {
    const found = COMMENT.exec(line);
    return found === null ? [] : [{ line: i + 1, text: found[1], version: found.at(2) ?? null }];
  });
}
