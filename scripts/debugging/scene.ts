// Plays a scene of the teaching page under a debugger: clients, kernel and clock are simulated, so they stop at a
// breakpoint, too. Its argument is the scene's name, or a file. It prints outside events, and what the clients got.
import { memoryInit } from '../../lib/libc/memory';
import { main } from '../../lib/memcached';
import { eventEconomy } from '../../reactor/backends';
import { Simulation, installSimulation } from '../../reactor/sim';
import { commandOptions } from '../command/options';
import { Clients } from '../teach/recorder/clients';
import { loadScene } from '../teach/scenes';
import type { Scene } from '../teach/trace';
import { projectRoot } from '../root';

const PORT = 11211;
const MIB = 1 << 20;
const SMALL_BYTES = 4 * MIB;
const LARGE_BYTES = 8 * MIB;
const DEFAULT_MEGABYTES = 64;
const SHOWN_CHARACTERS = 100;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

async function play(scene: Scene): Promise<void> {
  const { megabytes, rest } = commandOptions(scene.args);
  memoryInit(SMALL_BYTES, LARGE_BYTES, (Number(megabytes ?? DEFAULT_MEGABYTES) * 1.25 + 16) * MIB);
  const sim = new Simulation({ ...scene.options, seed: scene.seed });
  installSimulation(sim);
  eventEconomy(false);
  const clients = new Clients(sim, PORT);
  sim.onCall = (call) => clients.intervene(call);
  say(`${scene.title}. ${scene.about}`);
  const argv = ['memcached', '-p', String(PORT), ...rest];
  const ended = main(argv.length, argv);
  await sim.idle();
  for (const act of scene.acts) {
    say(shown(act));
    await clients.perform(act, () => {});
  }
  for (const [name, output] of Object.entries(clients.outputs())) {
    say(`${name} got ${output.length} bytes: ${shown(output)}`);
  }
  sim.stop();
  await ended;
}

try {
  void play(loadScene(projectRoot(__dirname), process.argv.at(2) ?? ''));
} catch (error) {
  process.stderr.write(`scene: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
