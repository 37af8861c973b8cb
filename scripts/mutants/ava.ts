// The specs import this as 'ava' in mutation tests. It runs them in this process, one after another, which takes
// milliseconds, while ava starts a process for each file. It has the part of ava's interface that our specs use.
import { isDeepStrictEqual } from 'node:util';

export class AssertionFailed extends Error {}

type Check = Record<string, unknown>;

/** ava's `t`; its methods throw if an assertion fails. */
export class Execution {
  readonly context: Check = {};
  private readonly teardowns: (() => unknown)[] = [];

  constructor(readonly title: string) {}

  readonly pass = (): boolean => true;
  readonly log = (): void => undefined;
  readonly timeout = (): void => undefined;
  readonly fail = (message = 'failed'): never => { throw new AssertionFailed(message); };
  readonly assert = (value: unknown, message?: string): boolean => this.check(Boolean(value), message);
  readonly truthy = this.assert;
  readonly falsy = (value: unknown, message?: string): boolean => this.check(!value, message);
  readonly true = (value: unknown, message?: string): boolean => this.check(value === true, message);
  readonly false = (value: unknown, message?: string): boolean => this.check(value === false, message);
  readonly is = (a: unknown, b: unknown, message?: string): boolean => this.check(Object.is(a, b), message);
  readonly not = (a: unknown, b: unknown, message?: string): boolean => this.check(!Object.is(a, b), message);
  readonly deepEqual = (a: unknown, b: unknown, message?: string): boolean => {
    return this.check(isDeepStrictEqual(a, b), message);
  };
  readonly notDeepEqual = (a: unknown, b: unknown, message?: string): boolean => {
    return this.check(!isDeepStrictEqual(a, b), message);
  };
  readonly like = (a: unknown, b: unknown, message?: string): boolean => this.check(isLike(a, b), message);
  readonly regex = (text: string, form: RegExp, message?: string): boolean => this.check(form.test(text), message);
  readonly notRegex = (text: string, form: RegExp, message?: string): boolean => this.check(!form.test(text), message);

  readonly throws = (work: () => unknown, expected?: Check, message?: string): unknown => {
    try {
      work();
    } catch (error) {
      return this.expected(error, expected, message);
    }
    return this.fail(message ?? 'did not throw');
  };
  readonly throwsAsync = async (
    work: Promise<unknown> | (() => Promise<unknown>), expected?: Check, message?: string,
  ): Promise<unknown> => {
    try {
      await (typeof work === 'function' ? work() : work);
    } catch (error) {
      return this.expected(error, expected, message);
    }
    return this.fail(message ?? 'did not reject');
  };
  readonly notThrows = (work: () => unknown): boolean => {
    work();
    return true;
  };
  readonly notThrowsAsync = async (work: Promise<unknown> | (() => Promise<unknown>)): Promise<void> => {
    await (typeof work === 'function' ? work() : work);
  };

  readonly teardown = (undo: () => unknown): void => {
    this.teardowns.push(undo);
  };

  /** Runs the test's teardowns, the last first. */
  async end(): Promise<void> {
    for (const undo of this.teardowns.reverse()) await undo();
  }

  private check(holds: boolean, message = 'assertion failed'): boolean {
    return holds || this.fail(message);
  }

  private expected(error: unknown, expected: Check = {}, message?: string): unknown {
    const { instanceOf, message: said, ...others } = expected;
    const failed = error as Check;
    const text = String(failed['message']);
    if (typeof instanceOf === 'function') this.check(error instanceof instanceOf, message);
    if (typeof said === 'string') this.is(text, said, message);
    else if (said instanceof RegExp) this.regex(text, said, message);
    for (const [name, value] of Object.entries(others)) this.is(failed[name], value, message);
    return error;
  }
}

/** Whether `a` has all that `b` has. */
function isLike(a: unknown, b: unknown): boolean {
  if (typeof b !== 'object' || b === null) return isDeepStrictEqual(a, b);
  if (typeof a !== 'object' || a === null) return false;
  return Object.entries(b).every(([name, value]) => isLike((a as Check)[name], value));
}

type Body = (t: Execution, ...args: unknown[]) => unknown;

/** The tests and hooks that a spec file has registered. */
export class Specs {
  readonly tests: { title: string; run: (t: Execution) => unknown }[] = [];
  readonly before: Body[] = [];
  readonly beforeEach: Body[] = [];
  readonly afterEach: Body[] = [];
  readonly after: Body[] = [];
}

/** The file that is being loaded adds its tests here. */
let current = new Specs();

/** Loads a spec file by `load`, and returns its tests and hooks. */
export function specsOf(load: () => void): Specs {
  current = new Specs();
  load();
  return current;
}

interface Macro {
  exec: Body;
  title?: (provided: string | undefined, ...args: unknown[]) => string;
}

function register(title: string | undefined, body: Body | Macro, ...args: unknown[]): void {
  const run = typeof body === 'function' ? body : body.exec;
  const name = typeof body === 'function' || body.title === undefined ? title : body.title(title, ...args);
  current.tests.push({ title: name ?? '', run: (t) => run(t, ...args) });
}

const nothing = (): void => undefined;
const hooks = {
  before: (hook: Body): void => void current.before.push(hook),
  beforeEach: (hook: Body): void => void current.beforeEach.push(hook),
  after: always((hook) => void current.after.push(hook)),
  afterEach: always((hook) => void current.afterEach.push(hook)),
  skip: nothing,
  todo: nothing,
  macro: (macro: Body | Macro): Body | Macro => macro,
};

function always(add: (hook: Body) => void): ((hook: Body) => void) & { always: (hook: Body) => void } {
  return Object.assign(add.bind(null), { always: add });
}

const test = Object.assign(register, hooks, { serial: Object.assign(register.bind(null), hooks) });

export default test;
