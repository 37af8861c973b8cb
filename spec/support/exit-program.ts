// A program that ends by exit(3) of lib/libc, and prints what ran before, and whether Node's own exit was used. Its
// arguments: the status, and optionally "without-koffi" or "in-worker".
import { Module } from 'node:module';
import { Worker, isMainThread } from 'node:worker_threads';
import { exit } from '../../lib/libc/stdlib';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const [, , status, how] = process.argv;

if (how === 'without-koffi') {
  const name = require.resolve('koffi');
  require.cache[name] = Object.defineProperty(new Module(name), 'exports', {
    get: () => {
      throw new Error('no koffi');
    },
  });
}

if (how === 'in-worker' && isMainThread) {
  const worker = new Worker(__filename, { argv: process.argv.slice(2) });
  worker.once('exit', (code) => say(`the worker ended with ${code}`));
} else {
  const { reallyExit } = process as unknown as { reallyExit: (code: number) => never };
  Object.assign(process, {
    reallyExit: (code: number) => {
      say("Node's own way");
      return reallyExit.call(process, code);
    },
  });
  process.on('exit', (code) => {
    say(`first listener: ${code}`);
    process.on('exit', () => say('never'));
  });
  process.on('exit', (code) => say(`last listener: ${code}`));
  exit(Number(status));
}
