// The few requests of man(7) that a page needs. In all text, backticks mark bold words.
import type { Entry } from '../../lib/1.6/usage';

export function heading(name: string): string {
  return `.SH ${name.toUpperCase()}\n`;
}

export function paragraph(text: string): string {
  return `.PP\n${inline(text)}\n`;
}

/** Terms in bold, each with its text behind it. */
export function entries(all: readonly Entry[]): string {
  return all.map(([names, ...text]) => `.TP\n\\fB${escaped(names)}\\fR\n${inline(text.join(' '))}\n`).join('');
}

function inline(text: string): string {
  const words = escaped(text.replace(/\s+/g, ' ').trim());
  return words.replace(/`([^`]*)`/g, '\\fB$1\\fR');
}

/** Escapes text for troff: no request at its beginning, a hyphen that can be typed, and no curly quotes. */
function escaped(text: string): string {
  return text.replace(/\\/g, '\\e').replace(/-/g, '\\-').replace(/'/g, '\\(aq').replace(/"/g, '\\(dq')
    .replace(/^\./, '\\&.');
}
