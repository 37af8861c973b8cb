// The parent's side of the generator: starts it on its processor, gives it one task at a time, and ends it.
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';

import { end, start } from './processes';
import type { Answer, Task } from './protocol';

export class GeneratorProcess {
  private readonly child: ChildProcess;
  private answered: (answer: Answer) => void = () => {};

  /** `scripts` is the folder of the compiled scripts. */
  constructor(scripts: string, cpu: number | null) {
    this.child = start([process.execPath, '--expose-gc', join(scripts, 'bench', 'generator.js')], cpu, {
      env: { ...process.env, NODE_V8_COVERAGE: undefined, DEBUG: undefined },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.child.on('message', (answer: Answer) => this.answered(answer));
    this.child.once('exit', () => this.answered({ kind: 'failed', message: 'the generator ended' }));
  }

  perform(task: Task): Promise<Answer> {
    return new Promise((resolve) => {
      this.answered = resolve;
      this.child.send(task, (error) => {
        if (error !== null) resolve({ kind: 'failed', message: `the generator cannot be told: ${error.message}` });
      });
    });
  }

  end(): Promise<void> {
    return end(this.child);
  }
}
