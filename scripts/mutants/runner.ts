// A test runner for Stryker: runs specs in its own process, with ava's interface in place of ava. For a mutant it runs
// only tests that reach it. After killing a mutant it loads all modules anew, since a failed test may leave anything
// behind.
import Module, { createRequire } from 'node:module';
import { join, relative } from 'node:path';

import { INSTRUMENTER_CONSTANTS } from '@stryker-mutator/api/core';
import type { InstrumenterContext, StrykerOptions } from '@stryker-mutator/api/core';
import { PluginKind, commonTokens, declareClassPlugin, tokens } from '@stryker-mutator/api/plugin';
import {
  DryRunStatus, TestStatus, determineHitLimitReached, toMutantRunResult,
} from '@stryker-mutator/api/test-runner';
import type {
  DryRunOptions, DryRunResult, MutantRunOptions, MutantRunResult, TestResult, TestRunner, TestRunnerCapabilities,
} from '@stryker-mutator/api/test-runner';
import fc from 'fast-check';

import type { Specs } from './ava';
import { Execution, specsOf } from './ava';

/** This runner's part of the configuration. */
interface Options {
  specs: {
    groups: readonly {
      /** The start of the paths of files with mutants. */
      mutants: string;
      /** The specs that should kill them: names without '.spec.ts'. */
      files: readonly string[];
    }[];
    /** Skips tests whose titles begin like this: they start processes, which have no mutants. */
    without: readonly string[];
    /** Tests that take longer than this, in milliseconds, do not run for a mutant. */
    slowest: number;
  };
}

interface Resolver {
  _resolveFilename: (request: string, ...rest: unknown[]) => string;
}

const load = createRequire(__filename);

export class SpecRunner implements TestRunner {
  static readonly inject = tokens(commonTokens.options);
  private readonly context: InstrumenterContext;
  private readonly specs: Options['specs'];
  /** The loaded spec files, by name. */
  private readonly loaded = new Map<string, Specs>();
  private stale = true;
  private names: readonly string[] = [];
  /** By id, the test's time in the first run, in milliseconds. */
  private readonly durations = new Map<string, number>();

  constructor(options: StrykerOptions) {
    this.specs = (options as unknown as Options).specs;
    const global = globalThis as unknown as Record<string, InstrumenterContext | undefined>;
    this.context = global[INSTRUMENTER_CONSTANTS.NAMESPACE] ??= {};
  }

  capabilities(): TestRunnerCapabilities {
    return { reloadEnvironment: true };
  }

  init(): Promise<void> {
    const resolver = Module as unknown as Resolver;
    const original = resolver._resolveFilename.bind(Module);
    resolver._resolveFilename = (request, ...rest) => {
      return request === 'ava' ? join(__dirname, 'ava.js') : original(request, ...rest);
    };
    fc.configureGlobal({ endOnFailure: true, seed: 1 }); // no time for shrinking
    return Promise.resolve();
  }

  async dryRun(options: DryRunOptions): Promise<DryRunResult> {
    if (options.coverageAnalysis !== 'off') this.context.mutantCoverage = { static: {}, perTest: {} };
    this.forget();
    this.names = this.namesFor(options.files ?? []);
    const tests: TestResult[] = [];
    for (const name of this.names) tests.push(...await this.runFile(name, () => true));
    for (const { id, timeSpentMs } of tests) this.durations.set(id, timeSpentMs);
    const quick = tests.filter(({ timeSpentMs }) => timeSpentMs <= this.specs.slowest);
    const { mutantCoverage } = this.context;
    return { status: DryRunStatus.Complete, tests: quick, ...(mutantCoverage === undefined ? {} : { mutantCoverage }) };
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { activeMutant, hitLimit, testFilter } = options;
    delete this.context.mutantCoverage;
    delete this.context.hitCount;
    delete this.context.hitLimit;
    if (hitLimit !== undefined) Object.assign(this.context, { hitCount: 0, hitLimit });
    if (this.stale || options.reloadEnvironment) this.forget();
    this.context.activeMutant = activeMutant.id;
    const wanted = testFilter === undefined ? null : new Set(testFilter);
    const tests: TestResult[] = [];
    const isFound = (): boolean => tests.some(({ status }) => status === TestStatus.Failed);
    const names = wanted === null ? this.names : new Set([...wanted].map((id) => id.slice(0, id.indexOf(': '))));
    for (const name of names) {
      if (isFound()) break;
      tests.push(...await this.runFile(name, (id) => wanted?.has(id) ?? true, true));
    }
    const reached = determineHitLimitReached(this.context.hitCount, hitLimit);
    delete this.context.activeMutant;
    this.stale = reached !== undefined || isFound();
    return toMutantRunResult(reached ?? { status: DryRunStatus.Complete, tests });
  }

  /** The specs for files with mutants. */
  private namesFor(paths: readonly string[]): string[] {
    const chosen = this.specs.groups.filter(({ mutants }) => {
      return paths.some((path) => relative(process.cwd(), path).startsWith(mutants));
    });
    return [...new Set(chosen.flatMap(({ files }) => files))];
  }

  /** From now on all modules of the project are loaded anew. */
  private forget(): void {
    const own = join(process.cwd(), 'dist');
    for (const path of Object.keys(load.cache)) {
      if (path.startsWith(own) && !path.startsWith(__dirname)) Reflect.deleteProperty(load.cache, path);
    }
    this.loaded.clear();
    this.stale = false;
  }

  private specsOf(name: string): Specs {
    const known = this.loaded.get(name);
    if (known !== undefined) return known;
    // A module loaded while a mutant is active would contain the mutant.
    const { activeMutant } = this.context;
    delete this.context.activeMutant;
    const specs = specsOf(() => { load(join(process.cwd(), 'dist', 'spec', `${name}.spec.js`)); });
    if (activeMutant !== undefined) this.context.activeMutant = activeMutant;
    this.loaded.set(name, specs);
    return specs;
  }

  private async runFile(name: string, wants: (id: string) => boolean, bail = false): Promise<TestResult[]> {
    const specs = this.specsOf(name);
    const { without } = this.specs;
    const here = specs.tests.filter(({ title }) => !without.some((start) => title.startsWith(start)));
    const chosen = here.map((test) => ({ ...test, id: `${name}: ${test.title}` })).filter(({ id }) => wants(id));
    if (chosen.length === 0) return [];
    if (bail) chosen.sort((a, b) => (this.durations.get(a.id) ?? 0) - (this.durations.get(b.id) ?? 0));
    const results: TestResult[] = [];
    const whole = new Execution(name);
    for (const hook of specs.before) await hook(whole);
    for (const { id, run } of chosen) {
      const result = await this.runTest(id, specs, run);
      results.push(result);
      if (bail && result.status === TestStatus.Failed) break;
    }
    for (const hook of specs.after) await hook(whole);
    return results;
  }

  private async runTest(id: string, specs: Specs, run: (t: Execution) => unknown): Promise<TestResult> {
    const t = new Execution(id);
    const start = performance.now();
    this.context.currentTestId = id;
    let failure: string | null = null;
    try {
      for (const hook of specs.beforeEach) await hook(t);
      await run(t);
    } catch (error) {
      failure = String(error);
    }
    try {
      for (const hook of specs.afterEach) await hook(t);
      await t.end();
    } catch (error) {
      failure ??= String(error);
    }
    delete this.context.currentTestId;
    const result = { id, name: id, timeSpentMs: performance.now() - start };
    return failure === null
      ? { ...result, status: TestStatus.Success }
      : { ...result, status: TestStatus.Failed, failureMessage: failure };
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'specs', SpecRunner)];
