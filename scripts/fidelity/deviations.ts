// Reads the comments that mark where the port differs on purpose. Each is one line:
// `// DEVIATION: what is done here [the later version that does the same]`.
import type { Deviation } from './model';

const COMMENT = /\/\/ DEVIATION:\s*(.*?)\s*(?:\[([^[\]]*)\])?\s*$/;

export function findDeviations(source: string): Deviation[] {
  return source.split(/\r?\n/).flatMap((line, i): Deviation[] => {
    const found = COMMENT.exec(line);
    return found === null ? [] : [{ line: i + 1, text: found[1], version: found.at(2) ?? null }];
  });
}
