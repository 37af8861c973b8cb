// Runs scenes, each in a worker of its own, since the server's variables live as long as its program.
import type { Scene, Trace } from '../trace';

/** The number of cached runs: a scene always gives the same trace, so it need not run again. */
const KEPT = 12;

/** The worker's script is in the page; a recording has none. */
export class Runner {
  private readonly kept = new Map<string, Trace>();
  private readonly script: string;
  private worker: Worker | null = null;

  /** `recorded`: an existing run. */
  constructor(recorded: Trace) {
    this.kept.set(JSON.stringify(recorded.scene), recorded);
    this.script = document.getElementById('worker')?.textContent ?? '';
  }

  get canRun(): boolean {
    return this.script !== '';
  }

  /** Gives up a run in progress, whose promise stays pending. Rejects with an error of the scene. */
  async run(scene: Scene): Promise<Trace> {
    this.worker?.terminate();
    const key = JSON.stringify(scene);
    const known = this.kept.get(key);
    if (known !== undefined) return known;
    if (!this.canRun) throw new Error('a recording has no server in it');
    const address = URL.createObjectURL(new Blob([this.script], { type: 'text/javascript' }));
    const worker = new Worker(address);
    this.worker = worker;
    try {
      const trace = await new Promise<Trace>((resolve, reject) => {
        worker.onmessage = ({ data }: MessageEvent<{ trace?: Trace; error?: string }>) => {
          if (data.trace !== undefined) resolve(data.trace);
          else if (data.error !== undefined) reject(new Error(data.error));
        };
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage(scene);
      });
      this.kept.set(key, trace);
      const [oldest] = this.kept.keys();
      if (this.kept.size > KEPT) this.kept.delete(oldest);
      return trace;
    } finally {
      URL.revokeObjectURL(address);
      worker.terminate();
    }
  }
}
