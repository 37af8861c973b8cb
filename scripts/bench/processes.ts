// Starts the bench's processes, each on a processor of its own, and ends them by process id in any case.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

import { allowedCpus } from './proc';

/** The processor of each process; null if the system decides. */
export interface Pinning {
  server: number | null;
  generator: number | null;
  /** For the reader of the figures, if they share a processor. */
  note: string | null;
}

const running = new Set<ChildProcess>();

/** Kills the started processes when this process ends, with an error or by a signal. */
export function endWithUs(): void {
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL');
  });
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}

export function pinning(): Pinning {
  const none = { server: null, generator: null };
  const cpus = allowedCpus() ?? [];
  if (findInPath('taskset') === null) {
    return { ...none, note: 'taskset is not installed: server and generator are not pinned to processors' };
  }
  if (cpus.length < 2) return { ...none, note: 'server and generator share one processor' };
  const [server, generator] = cpus;
  const tried = spawnSync('taskset', ['-c', String(generator), process.execPath, '-e', '']);
  if (tried.status === 0) return { server, generator, note: null };
  return { ...none, note: 'taskset does not work here: server and generator are not pinned to processors' };
}

export function start(line: readonly string[], cpu: number | null, options: SpawnOptions): ChildProcess {
  const [command, ...args] = cpu === null ? line : ['taskset', '-c', String(cpu), ...line];
  const child = spawn(command, args, options);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

/** The path of a command, as the shell finds it. */
export function findInPath(command: string): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, command)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
