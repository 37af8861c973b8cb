#!/usr/bin/env node
// The command: what the C library's start-up code and the kernel are to a C program. Takes the options that main does not
// have, and the memory, runs main, says in one line what it threw, and exits with its status; ends at once and with status 0
// on SIGTERM and SIGINT. (Node ignores SIGPIPE itself.)
import './inlining';
import { shows } from '../lib/later';
import { packageVersion } from '../lib/libc/package';
import { main } from '../lib/memcached';
import { PACKAGE, VERSION } from '../lib/memcached.h';
import { eventEconomy } from '../reactor/backends';
import { closeOnExec } from '../reactor/cloexec';
import { Errx } from '../reactor/err';
import { takeMemory } from './command/memory';
import { USAGE, commandOptions } from './command/options';

const [, script, ...args] = process.argv;

// Whoever read our messages may be gone: that is no reason to end.
process.stderr.on('error', () => {});

process.on('SIGTERM', () => process.exit(0));
process.on('SIGINT', () => process.exit(0));

async function run(): Promise<number> {
  const { classic, statsMaps, version, help, megabytes, connections, rest } = commandOptions(args);
  if (version) {
    process.stdout.write(`${PACKAGE} ${packageVersion()} (memcached ${VERSION})\n`);
    return 0;
  }
  // main prints its own options, and exits.
  if (help) {
    process.on('exit', (status) => {
      if (status === 0) process.stdout.write(USAGE);
    });
  }
  shows.maps = statsMaps;
  closeOnExec(!classic);
  eventEconomy(!classic);
  takeMemory(megabytes, connections);
  return main(rest.length + 1, [script, ...rest]);
}

run().then(
  (status) => process.exit(status),
  (error: unknown) => {
    if (!(error instanceof Errx)) throw error;
    process.stderr.write(`${PACKAGE}: ${error.message}\n`);
    process.exit(error.status);
  },
);
