#!/usr/bin/env node
// The command does what the C library's start-up code and the kernel do for a C program. It takes the options that main
// does not have, allocates the memory, runs main, and exits with its status. It reports an error that main or a
// callback throws, and exits with status 1.
import './signals';
import './inlining';
import './command/collecting';
import { inspect } from 'node:util';
import { shows } from '../lib/later';
import { packageVersion } from '../lib/libc/package';
import { exit } from '../lib/libc/stdlib';
import { main } from '../lib/memcached';
import { PACKAGE, VERSION } from '../lib/memcached.h';
import { VERSION as VERSION_TODAY } from '../lib/1.6/settings';
import { eventEconomy } from '../reactor/backends';
import { closeOnExec } from '../reactor/cloexec';
import { Errx } from '../reactor/err';
import { takeMemory } from './command/memory';
import { USAGE, commandOptions } from './command/options';
import { neverWaitForStderr } from './command/stderr';
import { story } from './command/story';
import type * as today from './command/today';

const [, script, ...args] = process.argv;

// If the reader of our messages is gone or does not read, the server must neither end nor wait.
process.stderr.on('error', () => {});
neverWaitForStderr();

/** Prints one line for an error that the user can fix, the stack for a bug. */
function fail(error: unknown): never {
  const message = error instanceof Errx ? `${PACKAGE}: ${error.message}` : inspect(error);
  process.stderr.write(`${message}\n`);
  exit(error instanceof Errx ? error.status : 1);
}

async function run(): Promise<number> {
  const { classic, of2003, statsMaps, version, help, megabytes, connections, rest } = commandOptions(args);
  if (version) {
    process.stdout.write(`${PACKAGE} ${packageVersion()} (memcached ${VERSION_TODAY}; with --1.0 ${VERSION})\n`);
    return 0;
  }
  // main prints its own options, and exits.
  if (help) {
    process.on('exit', (status) => {
      if (status === 0) process.stdout.write(USAGE);
    });
  }
  const argv = [script, ...rest];
  closeOnExec(!classic);
  eventEconomy(!classic, story());
  if (of2003) {
    shows.maps = statsMaps;
    takeMemory(megabytes, connections);
    return main(argv.length, argv);
  }
  // Loaded only on demand. ts-node can do that by require, but not by import().
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- see above
  const { mainOfToday } = require('./command/today') as typeof today;
  return mainOfToday(argv);
}

process.on('uncaughtException', fail);

run().then(exit, fail);
