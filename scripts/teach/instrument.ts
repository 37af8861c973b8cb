// Puts a mark before each statement and each loop condition of a file, so that a recorder sees every step. The source
// stays as it is, and the recorder records its line numbers.
import ts from 'typescript';
import type { Kind, Tables } from './tables';
import type { SiteKind } from './trace';

/** The module that instrumented code imports: probe.ts. */
export const PROBE = 'teach:probe';
/** The probe's name in instrumented code. */
const NAME = '$probe';
const CODE_MAX = 100;

export function emptyTables(): Tables {
  return { files: [], functions: [], functionFiles: [], kinds: [], sites: [] };
}

/** JavaScript of `source` with marks. Adds to `tables` what the marks refer to. */
export function instrument(file: string, source: string, tables: Tables): string {
  tables.files.push(file);
  return compile(file, source, [(context) => (sourceFile) => new Marks(context, sourceFile, tables).all()]);
}

/** JavaScript of `source` that also exposes the given private variables. */
export function exposing(file: string, source: string, variables: readonly string[]): string {
  return `${source}\nimport { expose as $expose } from '${PROBE}';\n` +
    `$expose(${JSON.stringify(file)}, () => ({ ${variables.join(', ')} }));\n`;
}

function compile(file: string, source: string, before: ts.TransformerFactory<ts.SourceFile>[]): string {
  const compilerOptions: ts.CompilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  const header = `import * as ${NAME} from '${PROBE}';\n`;
  return header + ts.transpileModule(source, { fileName: file, compilerOptions, transformers: { before } }).outputText;
}

/** A statement's surroundings: the names in scope, and the case labels around it. */
interface Scope {
  names: readonly string[];
  label: string;
}

class Marks {
  private readonly f: ts.NodeFactory;
  private readonly file: number;
  private fn = 0;
  private kinds: Record<string, Kind> = {};
  /** Variables of the whole file that are pointers. */
  private readonly pointers = new Set<string>();

  constructor(
    private readonly context: ts.TransformationContext, private readonly source: ts.SourceFile,
    private readonly tables: Tables,
  ) {
    this.f = context.factory;
    this.file = tables.files.length - 1;
    for (const statement of source.statements) {
      if (!ts.isVariableStatement(statement)) continue;
      for (const declaration of statement.declarationList.declarations) {
        if (this.kindOf(declaration) === 'pointer') this.pointers.add(declaration.name.getText(source));
      }
    }
  }

  all(): ts.SourceFile {
    return ts.visitEachChild(this.source, (node) => {
      return ts.isFunctionDeclaration(node) && node.body !== undefined ? this.func(node, node.body) : node;
    }, this.context);
  }

  private func(node: ts.FunctionDeclaration, body: ts.Block): ts.FunctionDeclaration {
    const { f, tables } = this;
    this.fn = tables.functions.length;
    this.kinds = {};
    tables.functions.push(node.name?.text ?? '');
    tables.functionFiles.push(this.file);
    tables.kinds.push(this.kinds);
    for (const parameter of node.parameters) this.noteKind(parameter);
    const names = node.parameters.flatMap(({ name }) => namesIn(name));
    const statements = this.list(body.statements, { names, label: '' });
    const guarded = f.createTryStatement(f.createBlock(statements, true), undefined, f.createBlock([this.call('leave')]));
    const block = f.createBlock([this.call('enter', f.createNumericLiteral(this.fn)), guarded], true);
    const { modifiers, asteriskToken, name, typeParameters, parameters, type } = node;
    return f.updateFunctionDeclaration(
      node, modifiers, asteriskToken, name, typeParameters, parameters, type, block,
    );
  }

  private list(statements: readonly ts.Statement[], scope: Scope): ts.Statement[] {
    const marked: ts.Statement[] = [];
    let { names } = scope;
    for (const statement of statements) {
      marked.push(...this.marked(statement, { ...scope, names }));
      if (!ts.isVariableStatement(statement)) continue;
      const { declarations } = statement.declarationList;
      for (const declaration of declarations) this.noteKind(declaration);
      names = [...names, ...declarations.flatMap(({ name }) => namesIn(name))];
    }
    return marked;
  }

  private marked(statement: ts.Statement, scope: Scope): ts.Statement[] {
    const before = marksItself(statement) ? [this.f.createExpressionStatement(this.mark(statement, scope))] : [];
    return [...before, this.inside(statement, scope)];
  }

  private block(statement: ts.Statement, scope: Scope): ts.Block {
    const { f } = this;
    if (ts.isBlock(statement)) return f.updateBlock(statement, this.list(statement.statements, scope));
    return f.createBlock(this.marked(statement, scope), true);
  }

  /** The statement with marks on the statements inside it. */
  private inside(s: ts.Statement, scope: Scope): ts.Statement {
    const { f } = this;
    if (ts.isBlock(s)) return this.block(s, scope);
    if (ts.isIfStatement(s)) {
      const otherwise = s.elseStatement === undefined ? undefined : this.block(s.elseStatement, scope);
      return f.updateIfStatement(s, s.expression, this.block(s.thenStatement, scope), otherwise);
    }
    if (ts.isWhileStatement(s)) {
      return f.updateWhileStatement(s, this.condition(s.expression, scope), this.block(s.statement, scope));
    }
    if (ts.isDoStatement(s)) {
      return f.updateDoStatement(s, this.block(s.statement, scope), this.condition(s.expression, scope));
    }
    if (ts.isForStatement(s)) return this.forLoop(s, scope);
    if (ts.isSwitchStatement(s)) return this.switchOver(s, scope);
    if (ts.isTryStatement(s)) {
      const last = s.finallyBlock === undefined ? undefined : this.block(s.finallyBlock, scope);
      return f.updateTryStatement(s, this.block(s.tryBlock, scope), s.catchClause, last);
    }
    return s;
  }

  private forLoop(s: ts.ForStatement, scope: Scope): ts.Statement {
    const { initializer } = s;
    const declared = initializer !== undefined && ts.isVariableDeclarationList(initializer)
      ? initializer.declarations.flatMap(({ name }) => namesIn(name)) : [];
    const inner = { ...scope, names: [...scope.names, ...declared] };
    const condition = s.condition === undefined ? undefined : this.condition(s.condition, inner);
    return this.f.updateForStatement(s, initializer, condition, s.incrementor, this.block(s.statement, inner));
  }

  private switchOver(s: ts.SwitchStatement, scope: Scope): ts.Statement {
    const { f } = this;
    const labels: string[] = [];
    const clauses = s.caseBlock.clauses.map((clause) => {
      const own = ts.isCaseClause(clause) ? clause.expression.getText(this.source) : 'default';
      labels.push(own);
      const label = scope.label === '' ? own : `${scope.label}/${own}`;
      const statements = this.list(clause.statements, { ...scope, label });
      return ts.isCaseClause(clause)
        ? f.updateCaseClause(clause, clause.expression, statements) : f.updateDefaultClause(clause, statements);
    });
    return f.updateSwitchStatement(s, s.expression, f.updateCaseBlock(s.caseBlock, clauses));
  }

  private condition(expression: ts.Expression, scope: Scope): ts.Expression {
    return this.f.createComma(this.mark(expression, scope), this.f.createParenthesizedExpression(expression));
  }

  private mark(node: ts.Node, { names, label }: Scope): ts.Expression {
    const { f, source, tables } = this;
    const start = node.getStart(source);
    const line = source.getLineAndCharacterOfPosition(start).line + 1;
    const site = { file: this.file, line, fn: this.fn, label, code: codeOf(node, source), kind: siteKind(node), start };
    tables.sites.push(ts.isIfStatement(node) ? { ...site, then: thenOf(node, source) } : site);
    const shown = [...new Set(names)].filter((name) => !name.startsWith('_'));
    const locals = f.createObjectLiteralExpression(shown.map((name) => f.createShorthandPropertyAssignment(name)));
    const getter = f.createArrowFunction(
      undefined, undefined, [], undefined, undefined, f.createParenthesizedExpression(locals),
    );
    return this.callOf('mark', f.createNumericLiteral(tables.sites.length - 1), getter);
  }

  private call(name: string, ...args: ts.Expression[]): ts.Statement {
    return this.f.createExpressionStatement(this.callOf(name, ...args));
  }

  private callOf(name: string, ...args: ts.Expression[]): ts.Expression {
    const { f } = this;
    const method = f.createPropertyAccessExpression(f.createIdentifier(NAME), name);
    return f.createCallExpression(method, undefined, args);
  }

  private noteKind(declaration: ts.VariableDeclaration | ts.ParameterDeclaration): void {
    const kind = this.kindOf(declaration);
    if (kind !== undefined && ts.isIdentifier(declaration.name)) this.kinds[declaration.name.text] = kind;
  }

  private kindOf({ name, type, initializer }: ts.VariableDeclaration | ts.ParameterDeclaration): Kind | undefined {
    const annotation = type?.getText(this.source);
    if (annotation === 'Ptr') return 'pointer';
    if (annotation === 'ConnState') return 'state';
    const text = name.getText(this.source);
    if (/^(eventFlags|newFlags|events?|which)$/.test(text) && annotation === 'number') return 'flags';
    return initializer !== undefined && this.isPointer(initializer) ? 'pointer' : undefined;
  }

  /** Guesses from an expression's form whether it is a pointer. */
  private isPointer(e: ts.Expression): boolean {
    if (ts.isIdentifier(e)) return this.kinds[e.text] === 'pointer' || this.pointers.has(e.text);
    if (ts.isBinaryExpression(e) && e.operatorToken.kind === ts.SyntaxKind.PlusToken) return this.isPointer(e.left);
    if (ts.isCallExpression(e)) return /^(bss|malloc|realloc)$/.test(e.expression.getText(this.source));
    return ts.isPropertyAccessExpression(e) && /^(endPagePtr|data|key|rbuf|wbuf|ilist)$/.test(e.name.text);
  }
}

/** The text to show for a statement: its first line, or its whole condition. */
function codeOf(node: ts.Node, source: ts.SourceFile): string {
  const text = ts.isIfStatement(node) ? inOneLine(node.expression.getText(source)) : node.getText(source);
  return text.split('\n', 1)[0].trimEnd().slice(0, CODE_MAX);
}

function inOneLine(text: string): string {
  return text.replace(/\/\/.*$/gm, '').replace(/\s+/g, ' ').trim();
}

function siteKind(node: ts.Node): SiteKind {
  if (ts.isIfStatement(node)) return 'if';
  if (ts.isReturnStatement(node)) return 'return';
  if (ts.isBreakStatement(node)) return 'break';
  if (ts.isContinueStatement(node)) return 'continue';
  if (ts.isSwitchStatement(node)) return 'switch';
  return ts.isStatement(node) ? 'statement' : 'loop';
}

function thenOf({ thenStatement }: ts.IfStatement, source: ts.SourceFile): [number, number] {
  return [thenStatement.getStart(source), thenStatement.end];
}

/** Declarations without a value do nothing; blocks and whiles have their marks inside. */
function marksItself(s: ts.Statement): boolean {
  if (ts.isFunctionDeclaration(s) || ts.isInterfaceDeclaration(s) || ts.isTypeAliasDeclaration(s)) return false;
  if (ts.isBlock(s) || ts.isWhileStatement(s) || ts.isTryStatement(s) || ts.isDoStatement(s)) return false;
  if (ts.isForStatement(s)) return s.initializer !== undefined;
  return !ts.isVariableStatement(s) || s.declarationList.declarations.some((d) => d.initializer !== undefined);
}

function namesIn(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? namesIn(element.name) : []));
}
