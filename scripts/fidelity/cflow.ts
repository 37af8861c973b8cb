// Finds the functions that a C file defines, and the control flow inside each.
import type { Lexeme } from './clexer';
import { lexC } from './clexer';
import { forMacro, ignoredInC } from './key';
import type { FlowFunction, Token } from './model';
import { portName } from './names';

/** `else` and `if` are the two that need a look at what comes next. */
const FLOW: ReadonlySet<string> = new Set([
  'if', 'else', 'while', 'do', 'for', 'switch', 'case', 'default', 'break', 'continue', 'return', 'goto',
]);

/** Words that no function can have as its name, so that what follows in parentheses is no list of arguments. */
const KEYWORDS: ReadonlySet<string> = new Set([
  ...FLOW, 'auto', 'char', 'const', 'double', 'enum', 'extern', 'float', 'inline', 'int', 'long', 'register',
  'short', 'signed', 'sizeof', 'static', 'struct', 'typedef', 'union', 'unsigned', 'void', 'volatile',
  '__attribute__',
]);

/** Words that can stand directly before an expression; any other word before a name makes a declaration of it. */
const BEFORE_EXPRESSION: ReadonlySet<string> = new Set(['return', 'else', 'do', 'case', 'goto', 'sizeof']);

export function readC(source: string): FlowFunction[] {
  const lexemes = lexC(source);
  const partner = matchBrackets(lexemes);
  const functions: FlowFunction[] = [];

  for (let i = 0; i < lexemes.length; i++) {
    const lexeme = lexemes[i];
    if (lexeme.kind === 'punctuator') {
      i = partner.get(i) ?? i;
      continue;
    }
    const close = partner.get(i + 1);
    if (lexeme.kind !== 'word' || KEYWORDS.has(lexeme.text) || !isText(lexemes[i + 1], '(') || close === undefined) {
      continue;
    }
    const body = bodyAfter(lexemes, close);
    const end = body === null ? undefined : partner.get(body);
    if (body === null || end === undefined) {
      i = close;
      continue;
    }
    functions.push({ name: lexeme.text, line: lexeme.line, tokens: flow(lexemes, partner, body + 1, end) });
    i = end;
  }
  return functions;
}

/** Where the `{` of a definition stands whose parameter list ends at `close`; null if it is no definition. */
function bodyAfter(lexemes: readonly Lexeme[], close: number): number | null {
  if (isText(lexemes[close + 1], '{')) return close + 1;
  // Before ANSI C the parameters' types were declared here, each with its semicolon.
  for (let i = close + 1; i < lexemes.length; i++) {
    const lexeme = lexemes[i];
    if (i === close + 1 && lexeme.kind !== 'word') return null;
    if (isText(lexeme, '{')) return isText(lexemes[i - 1], ';') ? i : null;
    if (isText(lexeme, '(') || isText(lexeme, '=') || isText(lexeme, '}')) return null;
  }
  return null;
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
  if (KEYWORDS.has(lexemes[at].text)) return false;
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
  if (last?.kind !== 'word' || KEYWORDS.has(last.text) || !(reached || isText(inside[0], '*'))) return null;
  return last.text;
}

function matchBrackets(lexemes: readonly Lexeme[]): Map<number, number> {
  const partner = new Map<number, number>();
  const open: number[] = [];
  lexemes.forEach(({ kind, text }, i) => {
    if (kind !== 'punctuator') return;
    if (text === '(' || text === '{') {
      open.push(i);
    } else if (text === ')' || text === '}') {
      const start = open.pop();
      if (start !== undefined) partner.set(start, i);
    }
  });
  return partner;
}

function isText(lexeme: Lexeme | undefined, text: string): boolean {
  return lexeme?.kind !== 'literal' && lexeme?.text === text;
}
