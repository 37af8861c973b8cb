// Finds the functions that a TypeScript file has at its top level, and the control flow inside each.
import ts from 'typescript';

import { findDeviations } from './deviations';
import { GLOBALS, forMacro, ignoredCall, spelledForMacro } from './key';
import type { PortFile, PortFunction, Token } from './model';

interface Definition {
  name: ts.Identifier;
  statement: ts.Statement;
  parameters: readonly ts.ParameterDeclaration[];
  body: ts.ConciseBody;
}

export function readTs(source: string, fileName = 'port.ts'): PortFile {
  const file = ts.createSourceFile(fileName, source, ts.ScriptTarget.ES2022, true);
  const unclaimed = new Set(findDeviations(source));

  const functions = file.statements.flatMap(definitions).map((definition): PortFunction => {
    // A comment right above a function belongs to it.
    const { statement } = definition;
    const comment = ts.getLeadingCommentRanges(source, statement.pos)?.at(0);
    const from = lineAt(file, comment?.pos ?? statement.getStart(file));
    const to = lineAt(file, statement.end);
    const deviations = [...unclaimed].filter(({ line }) => line >= from && line <= to);
    for (const deviation of deviations) unclaimed.delete(deviation);
    return {
      name: definition.name.text,
      line: lineAt(file, definition.name.getStart(file)),
      tokens: flow(file, definition),
      deviations,
    };
  });
  return { functions, deviations: [...unclaimed] };
}

function definitions(statement: ts.Statement): Definition[] {
  if (ts.isFunctionDeclaration(statement)) {
    const { name, body, parameters } = statement;
    // Without a body it is an overload signature or a declaration.
    return name === undefined || body === undefined ? [] : [{ name, statement, parameters, body }];
  }
  if (!ts.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations.flatMap(({ name, initializer }) =>
    ts.isIdentifier(name) && initializer !== undefined
      && (ts.isArrowFunction(initializer) || ts.isFunctionExpression(initializer))
      ? [{ name, statement, parameters: initializer.parameters, body: initializer.body }]
      : []);
}

function flow(file: ts.SourceFile, definition: Definition): Token[] {
  const tokens: Token[] = [];

  function emit(text: string, position: number): void {
    tokens.push({ text, line: lineAt(file, position) });
  }

  function visitAll(nodes: readonly (ts.Node | undefined)[]): void {
    for (const node of nodes) if (node !== undefined) visit(node);
  }

  function visitIf(node: ts.IfStatement, keyword: 'if' | 'else if', position: number): void {
    emit(keyword, position);
    visitAll([node.expression, node.thenStatement]);
    const otherwise = node.elseStatement;
    if (otherwise === undefined) return;
    const elsePosition = node.thenStatement.end + trivia(file.text, node.thenStatement.end);
    if (ts.isIfStatement(otherwise)) {
      visitIf(otherwise, 'else if', elsePosition);
    } else {
      emit('else', elsePosition);
      visit(otherwise);
    }
  }

  function visit(node: ts.Node): void {
    const start = node.getStart(file);
    if (ts.isIfStatement(node)) {
      visitIf(node, 'if', start);
      return;
    }
    if (ts.isDoStatement(node)) {
      emit('do', start);
      visit(node.statement);
      emit('while', node.statement.end + trivia(file.text, node.statement.end));
      visit(node.expression);
      return;
    }
    if (ts.isForOfStatement(node)) {
      emit('for', start);
      const over = node.expression;
      // The port's FOREACH yields the elements of the macro's loop.
      const macro = ts.isCallExpression(over) && forMacro(calleeName(over.expression));
      visitAll(macro ? [node.initializer, ...over.arguments, node.statement]
        : [node.initializer, over, node.statement]);
      return;
    }
    if (ts.isForStatement(node) && isSpelledForMacro(node)) {
      emit('for', start);
      visitAll([node.condition, node.statement]);
      return;
    }
    if (ts.isCallExpression(node)) {
      visitCall(node);
      return;
    }
    if (ts.isTryStatement(node)) {
      emit('try', start);
      visit(node.tryBlock);
      if (node.catchClause !== undefined) {
        emit('catch', node.catchClause.getStart(file));
        visit(node.catchClause);
      }
      if (node.finallyBlock !== undefined) {
        emit('finally', node.finallyBlock.getStart(file));
        visit(node.finallyBlock);
      }
      return;
    }
    const keyword = keywordOf(node);
    if (keyword !== null) emit(keyword, start);
    ts.forEachChild(node, visit);
  }

  function visitCall(node: ts.CallExpression): void {
    const callee = unwrap(node.expression);
    // In source order: the expression before the name, the name, the arguments.
    if (ts.isPropertyAccessExpression(callee) || ts.isElementAccessExpression(callee)) visit(callee.expression);
    if (ts.isElementAccessExpression(callee)) visit(callee.argumentExpression);
    if (ts.isCallExpression(callee)) visit(callee);
    const ignored = ignoredCall(dottedName(callee));
    if (ignored === undefined) {
      const name = ts.isPropertyAccessExpression(callee) ? callee.name : callee;
      emit(calleeName(callee), name.getStart(file));
    }
    if (ignored?.withArguments !== true) visitAll(node.arguments);
  }

  visitAll(definition.parameters);
  visit(definition.body);
  return tokens;
}

/** Includes TypeScript's keywords that C lacks, so that they count as a difference. */
function keywordOf(node: ts.Node): string | null {
  if (ts.isWhileStatement(node)) return 'while';
  if (ts.isForStatement(node) || ts.isForInStatement(node)) return 'for';
  if (ts.isSwitchStatement(node)) return 'switch';
  if (ts.isCaseClause(node)) return 'case';
  if (ts.isDefaultClause(node)) return 'default';
  if (ts.isBreakStatement(node)) return 'break';
  if (ts.isContinueStatement(node)) return 'continue';
  if (ts.isReturnStatement(node)) return 'return';
  if (ts.isThrowStatement(node)) return 'throw';
  if (ts.isYieldExpression(node)) return 'yield';
  return null;
}

function isSpelledForMacro({ initializer, incrementor }: ts.ForStatement): boolean {
  const first = initializer !== undefined && ts.isVariableDeclarationList(initializer)
    ? initializer.declarations.at(0)?.initializer
    : assigned(initializer);
  return spelledForMacro(calledName(first), calledName(assigned(incrementor)));
}

function assigned(expression: ts.Node | undefined): ts.Expression | undefined {
  return expression !== undefined && ts.isBinaryExpression(expression)
    && expression.operatorToken.kind === ts.SyntaxKind.EqualsToken ? expression.right : undefined;
}

function calledName(expression: ts.Expression | undefined): string {
  return expression !== undefined && ts.isCallExpression(expression) ? calleeName(expression.expression) : '';
}

function unwrap(expression: ts.Expression): ts.Expression {
  if (ts.isParenthesizedExpression(expression) || ts.isNonNullExpression(expression)
    || ts.isAsExpression(expression)) {
    return unwrap(expression.expression);
  }
  return expression;
}

function calleeName(expression: ts.Expression): string {
  const callee = unwrap(expression);
  if (ts.isIdentifier(callee)) return callee.text;
  if (!ts.isPropertyAccessExpression(callee)) return '(expression)';
  const dotted = dottedName(callee);
  return GLOBALS.has(dotted.split('.')[0]) ? dotted : callee.name.text;
}

/** `a.b.c`, with `?` for parts that are not plain names. */
function dottedName(expression: ts.Expression): string {
  const node = unwrap(expression);
  if (ts.isIdentifier(node)) return node.text;
  if (ts.isPropertyAccessExpression(node)) return `${dottedName(node.expression)}.${node.name.text}`;
  return '?';
}

function trivia(text: string, from: number): number {
  return (/^(?:\s|\/\*[^]*?\*\/|\/\/[^\n]*\n)*/.exec(text.slice(from))?.[0] ?? '').length;
}

function lineAt(file: ts.SourceFile, position: number): number {
  return file.getLineAndCharacterOfPosition(position).line + 1;
}
