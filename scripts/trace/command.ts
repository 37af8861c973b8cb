// The command: reads the arguments, plays a scene, and prints it as a text or as a diagram.
import { parseArgs } from 'node:util';
import { workerScript } from '../teach/cached';
import { mermaid } from '../teach/mermaid';
import { recorder } from '../teach/run';
import { loadScene, sceneNames } from '../teach/scenes';
import { KINDS } from '../teach/steps';
import type { StepKind } from '../teach/steps';
import { story } from '../teach/story';

export interface Output {
  out: (text: string) => void;
  err: (text: string) => void;
}

type Stops = Exclude<StepKind, 'over' | 'out'>;

const STOPS = KINDS.filter((kind): kind is Stops => kind !== 'over' && kind !== 'out');

const HELP = `Plays a scene on the simulated backend, and prints what the server does at each step.

  npm run trace -- --scene FILE|NAME [--steps KIND] [--mermaid]
  npm run trace -- --list

  --scene FILE|NAME  a scene's name, or a file
  --steps KIND       print a step at each ${STOPS.join(', ')} (default: change)
  --mermaid          as a diagram for Mermaid, not as a text
  --list             print the names of the scenes
  --help
`;

/** `root`: the folder with lib/ and reactor/. Resolves to the exit status. */
export async function run(args: readonly string[], root: string, { out, err }: Output): Promise<number> {
  try {
    const options = readArguments(args);
    if (options === 'help') {
      out(HELP);
      return 0;
    }
    const { scene, steps, diagram } = options;
    if (scene === undefined) {
      out(sceneNames(root).map((name) => `${name.padEnd(20)}${loadScene(root, name).title}\n`).join(''));
      return 0;
    }
    const loaded = loadScene(root, scene);
    const trace = await recorder(await workerScript(root))(loaded);
    out(diagram ? mermaid(trace, steps) : story(trace, steps));
    return 0;
  } catch (error) {
    err(`trace: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

interface Arguments {
  /** Undefined: list the scenes. */
  scene: string | undefined;
  steps: Stops;
  diagram: boolean;
}

function readArguments(args: readonly string[]): Arguments | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scene: { type: 'string' },
      steps: { type: 'string', default: 'change' },
      mermaid: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const steps = STOPS.find((kind) => kind === values.steps);
  if (steps === undefined) throw new Error(`--steps is one of ${STOPS.join(', ')}`);
  if (values.scene === undefined && !values.list) throw new Error('give --scene FILE|NAME, or --list');
  return { scene: values.list ? undefined : values.scene, steps, diagram: values.mermaid };
}
