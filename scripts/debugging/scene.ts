// A scene of the teaching page for a debugger: clients, kernel and clock are simulated, so nothing goes on while one
// looks. Its argument is the scene's name, or a file. It prints what happens from outside, and what the clients got.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { memoryInit } from '../../lib/libc/memory';
import { main } from '../../lib/memcached';
import { eventEconomy } from '../../reactor/backends';
import { Simulation, installSimulation } from '../../reactor/sim';
import { commandOptions } from '../command/options';
import { Clients } from '../teach/recorder/clients';
import type { Scene } from '../teach/trace';

const PORT = 11211;
const MIB = 1 << 20;
const DEFAULT_MEGABYTES = 64;

const folder = join(__dirname.replace(/([/\\])dist([/\\])/, '$1'), '..', 'teach', 'scenes');

function sceneOf(name: string): Scene | null {
  const file = [join(folder, `${name}.json`), name].find((path) => existsSync(path));
  return file === undefined ? null : JSON.parse(readFileSync(file, 'utf8')) as Scene;
}

async function play(scene: Scene): Promise<void> {
  const { megabytes, rest } = commandOptions(scene.args);
  memoryInit(4 * MIB, 8 * MIB, (Number(megabytes ?? DEFAULT_MEGABYTES) * 1.25 + 16) * MIB);
  const sim = new Simulation({ ...scene.options, seed: scene.seed });
  installSimulation(sim);
  eventEconomy(false);
  const clients = new Clients(sim, PORT);
  sim.onCall = (call) => clients.intervene(call);
  const argv = ['memcached', '-p', String(PORT), ...rest];
  const ended = main(argv.length, argv);
  await sim.idle();
  process.stdout.write(`${scene.title}. ${scene.about}\n`);
  for (const act of scene.acts) {
    process.stdout.write(`${JSON.stringify(act).slice(0, 100)}\n`);
    await clients.perform(act, () => {});
  }
  for (const [client, output] of Object.entries(clients.outputs())) {
    process.stdout.write(`${client} got ${output.length} bytes: ${JSON.stringify(output).slice(0, 200)}\n`);
  }
  sim.stop();
  await ended;
}

const [, , name = ''] = process.argv;
const scene = sceneOf(name);
if (scene === null) {
  const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
  process.stderr.write(`scene: there is no scene "${name}": ${names.join(', ')}\n`);
  process.exitCode = 1;
} else void play(scene);
