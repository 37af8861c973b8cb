// The control flow inside each function that a C file defines.
import { C_KEYWORDS, findInC } from '../align/cfunctions';
import { lexC } from '../align/clexer';
import type { Lexeme } from '../align/lexeme';
import { isText, matchBrackets } from '../align/lexeme';
import { portName } from '../align/names';
import { forMacro, ignoredInC } from './key';
import type { FlowFunction, Token } from './model';

/** Only `else` and `if` depend on the lexeme after them. */
const FLOW: ReadonlySet<string> = new Set([
  'if', 'else', 'while', 'do', 'for', 'switch', 'case', 'default', 'break', 'continue', 'return', 'goto',
]);

/** Words that can stand directly before an expression; any other word before a name makes it a declaration. */
const BEFORE_EXPRESSION: ReadonlySet<string> = new Set(['return', 'else', 'do', 'case', 'goto', 'sizeof']);

export function readC(source: string): FlowFunction[] {
  const lexemes = lexC(source);
  const partner = matchBrackets(lexemes);
  return findInC(lexemes, partner).map(({ name, line, body, end }) =>
    ({ name, line, tokens: flow(lexemes, partner, body, end) }));
}

function flow(lexemes: readonly Lexeme[], partner: ReadonlyMap<number, number>, from: number, to: number): Token[] {
  const tokens: Token[] = [];
  for (let i = from; i < to; i++) {
    const { kind, text, line } = lexemes[i];
    if (kind === 'word' && FLOW.has(text)) {
      const elseIf = text === 'else' && isText(lexemes[i + 1], 'if');
      tokens.push({ text: elseIf ? 'else if' : text, line });
      if (elseIf) i++;
    } else if (kind === 'word' && isText(lexemes[i + 1], '(') && isCallee(lexemes, i)) {
      if (forMacro(text)) {
        tokens.push({ text: 'for', line });
      } else if (!ignoredInC.has(text)) {
        tokens.push({ text: portName(text), line });
      } else if (ignoredInC.get(text)?.withArguments === true) {
        i = partner.get(i + 1) ?? i;
      }
    } else if (isText(lexemes[i], '(')) {
      const callee = calledThroughPointer(lexemes, partner, i);
      if (callee !== null) tokens.push({ text: portName(callee), line });
    }
  }
  return tokens;
}

function isCallee(lexemes: readonly Lexeme[], at: number): boolean {
  if (C_KEYWORDS.has(lexemes[at].text)) return false;
  const before = lexemes[at - 1];
  return before.kind !== 'word' || BEFORE_EXPRESSION.has(before.text);
}

/** The name in `(*name)(…)` or `(a->name)(…)` whose first parenthesis is at `open`; null for anything else. */
function calledThroughPointer(
  lexemes: readonly Lexeme[], partner: ReadonlyMap<number, number>, open: number,
): string | null {
  const close = partner.get(open);
  if (close === undefined || !isText(lexemes[close + 1], '(')) return null;
  const before = lexemes[open - 1];
  if (before.kind === 'word' && !BEFORE_EXPRESSION.has(before.text)) return null;
  const inside = lexemes.slice(open + 1, close);
  const last = inside.at(-1);
  const reached = inside.some((lexeme) => isText(lexeme, '->') || isText(lexeme, '.'));
  if (last?.kind !== 'word' || C_KEYWORDS.has(last.text) || !(reached || isText(inside[0], '*'))) return null;
  return last.text;
}
