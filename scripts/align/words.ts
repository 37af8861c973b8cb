// The words by which a statement is compared.
import { COMMON_WORDS, SIGNS, rules } from './key';
import type { Lexeme } from './lexeme';

export type Language = 'c' | 'ts';

export interface Words {
  /** How often each occurs. */
  counts: ReadonlyMap<string, number>;
  /** Its beginning, up to the first telling word: `if res`, `settings`, `free`. */
  start: string;
  /** The keyword of a head, without its `else`; empty for any other statement. */
  head: string;
}

const FORMAT_OR_WORD = /%[-\d.]*(?:hh?|ll?)?[a-zA-Z]|[\p{L}\p{N}_]+/gu;

const HEAD = /^(?: else)? (if|else|while|do|for|switch|case|default|catch)\b/;

export function wordsOf(lexemes: readonly Lexeme[], language: Language): Words {
  const counts = new Map<string, number>();
  let begun = false;
  let start = '';

  function add(word: string): void {
    counts.set(word, (counts.get(word) ?? 0) + 1);
    if (!begun) start += ` ${word}`;
    begun ||= isTelling(word);
  }

  const strings: string[] = [];
  let text = '';
  for (const lexeme of lexemes) {
    if (lexeme.kind === 'string' && !isChar(lexeme, language)) {
      strings.push(lexeme.text);
      text += '"" ';
    } else {
      text += `${lexeme.kind === 'number' ? plainNumber(lexeme.text) : lexeme.kind === 'string' ? charCode(lexeme.text)
        : lexeme.text} `;
    }
  }
  for (const { of, from, to } of rules) if (of === language || of === 'both') text = text.replace(from, to);
  for (const word of text.split(' ')) {
    if (/^[\p{L}\p{N}_$#]/u.test(word)) add(plainName(word));
    else if (SIGNS.has(word)) add(word);
  }
  for (const string of strings) {
    const words = string.replace(/\\(?:x[\da-f]{2}|[^])/gi, ' ').match(FORMAT_OR_WORD) ?? ['"'];
    for (const word of words) add(word.startsWith('%') ? word.replace(/[-\d.]+/, '') : plainName(word));
  }
  return { counts, start, head: HEAD.exec(start)?.[1] ?? '' };
}

export function isTelling(word: string): boolean {
  return !COMMON_WORDS.has(word) && !SIGNS.has(word);
}

function plainName(name: string): string {
  return name.replace(/_/g, '').toLowerCase();
}

function plainNumber(text: string): string {
  const value = Number(text.replace(/[uUlL_]+$/, ''));
  return Number.isNaN(value) ? text : String(value);
}

/** The port writes C's character constants as numbers, except for letters. */
function isChar({ text }: Lexeme, language: Language): boolean {
  return language === 'c' && text.startsWith('\'') && !/^'\w'/.test(text);
}

function charCode(text: string): string {
  const escapes: Record<string, string> = { '\\0': '0', '\\n': '10', '\\r': '13', '\\t': '9' };
  const inside = text.slice(1, -1);
  return escapes[inside] ?? String(inside.codePointAt(inside.length - 1) ?? 0);
}
