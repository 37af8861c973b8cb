#!/usr/bin/env node
// The command: what the C library's start-up code and the kernel are to a C program. It runs main, and exits with its
// status. An error that main or a callback throws is reported, and ends the program with status 1.
import './signals';
import './inlining';
import { inspect } from 'node:util';
import { exit } from '../lib/libc/stdlib';
import { main } from '../lib/memcached';
import { PACKAGE } from '../lib/memcached.h';
import { Errx } from '../reactor/err';

const argv = process.argv.slice(1);

// Whoever read our messages may be gone: that is no reason to end.
process.stderr.on('error', () => {});

/** One line for what the user can mend, the stack for a bug. */
function fail(error: unknown): never {
  const message = error instanceof Errx ? `${PACKAGE}: ${error.message}` : inspect(error);
  process.stderr.write(`${message}\n`);
  exit(error instanceof Errx ? error.status : 1);
}

process.on('uncaughtException', fail);

main(argv.length, argv).then(exit, fail);
