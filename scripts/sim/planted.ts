// Puts bugs back, one at a time, in a copy of the project, and reports how many seeds find each.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import ts from 'typescript';

import type { Bug, Edit } from './bugs';
import { hunt } from './hunt';

const FOLDERS = ['lib', 'reactor', 'scripts'];
const WHAT_MAX_CHARACTERS = 60;

export interface Planting {
  bugs: readonly Bug[];
  checked: boolean;
  runs: number;
  from: number;
  jobs: number;
  /** The folder of the compiled project, in the project's folder. */
  dist: string;
  out: (text: string) => void;
  progress: (done: number, all: number, what: string) => void;
  progressed: () => void;
}

/** Resolves to the exit status: 1 if a bug was found in no seed. */
export async function plantAll(planting: Planting): Promise<number> {
  const { bugs, checked, runs, from, jobs, dist, out, progress, progressed } = planting;
  const project = join(dist, '..');
  const table = new Table({ head: ['bug', 'mode', `of ${runs} seeds`, 'the first', 'what is seen'], style: { head: [], border: [] } });
  let missed = 0;
  for (const bug of bugs) {
    const folder = plant(bug, project, dist);
    try {
      const caught = await hunt({
        mode: bug.mode, checked, from, runs, jobs, folder: join(folder, 'dist', 'scripts', 'sim'),
        done: (count) => {
          progress(count, runs, bug.name);
        },
      });
      progressed();
      const first = caught.at(0);
      if (first === undefined) missed++;
      const what = first?.failure.what.split('\n')[0].slice(0, WHAT_MAX_CHARACTERS) ?? 'nothing';
      table.push([bug.name, bug.mode, caught.length, first?.seed ?? '-', what]);
      out(`${bug.name} (${bug.mode}): ${caught.length} of ${runs}, first in seed ${first?.seed ?? '-'}: ${what}\n`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  out(`${table.toString()}\n`);
  return missed === 0 ? 0 : 1;
}

/** A copy of the compiled project with the bug. Returns its folder. */
export function plant(bug: Bug, project: string, dist: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sim-'));
  mkdirSync(join(folder, 'dist'));
  for (const name of FOLDERS) cpSync(join(dist, name), join(folder, 'dist', name), { recursive: true });
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'));
  cpSync(join(project, 'package.json'), join(folder, 'package.json'));
  for (const file of new Set(bug.edits.map((edit) => edit.file))) {
    const edits = bug.edits.filter((edit) => edit.file === file);
    const source = edited(readFileSync(join(project, file), 'utf8'), edits);
    writeFileSync(join(folder, 'dist', file.replace(/\.ts$/, '.js')), compiled(source));
  }
  return folder;
}

/** Throws unless each searched text occurs exactly once. */
export function edited(source: string, edits: readonly Edit[]): string {
  let text = source;
  for (const { file, search, replace } of edits) {
    const parts = text.split(search);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times ${JSON.stringify(search)}`);
    text = parts.join(replace);
  }
  return text;
}

function compiled(source: string): string {
  const { CommonJS } = ts.ModuleKind;
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: CommonJS, esModuleInterop: true };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}
