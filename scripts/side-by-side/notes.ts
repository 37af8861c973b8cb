// The notes in the margin: the port's deviations, and what C does there.
import { findDeviations } from '../fidelity/deviations';

export interface Note {
  line: number;
  /** From 1, in the order of the page. A difference in several places has one number. */
  number: number;
  text: string;
  /** The later version, or versions, that do the same. */
  version: string | null;
  /** What C does; null if the table does not say. */
  inC: string | null;
}

/** C's behaviour from the table in a README, by its first column. */
export function differences(readme: string): Map<string, string> {
  const rows = readme.split('\n| DEVIATION |').at(1)?.split('\n\n')[0].split('\n').slice(2) ?? [];
  return new Map(rows.map((row) => row.replace(/^\| | \|$/g, '').split(' | ')).map(([what, , inC]) => {
    return [what.replace(/ \[[^\]]*\]$/, ''), inC];
  }));
}

/** Numbers the notes of one file after another. */
export class Notes {
  private readonly numbers = new Map<string, number>();

  constructor(private readonly inC: ReadonlyMap<string, string>) {}

  of(tsText: string): Note[] {
    return findDeviations(tsText).map(({ line, text, version }) => {
      const number = this.numbers.get(text) ?? this.numbers.size + 1;
      this.numbers.set(text, number);
      return { line, number, text, version, inC: this.inC.get(text) ?? null };
    });
  }
}
