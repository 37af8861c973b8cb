#!/usr/bin/env node
// The command: what the C library's start-up code and the kernel are to a C program. Runs main, says in one line what it
// threw, and exits with its status; ends at once and with status 0 on SIGTERM and SIGINT. (Node ignores SIGPIPE itself.)
import './inlining';
import { main } from '../lib/memcached';
import { PACKAGE } from '../lib/memcached.h';
import { eventEconomy } from '../reactor/backends';
import { closeOnExec } from '../reactor/cloexec';
import { Errx } from '../reactor/err';

const argv = process.argv.slice(1);

// Whoever read our messages may be gone: that is no reason to end.
process.stderr.on('error', () => {});

process.on('SIGTERM', () => process.exit(0));
process.on('SIGINT', () => process.exit(0));

// The program is the same with --classic and without: what differs is which of its system calls the kernel gets.
const classic = argv.includes('--classic');
closeOnExec(!classic);
eventEconomy(!classic);
main(argv.length, argv).then(
  (status) => process.exit(status),
  (error: unknown) => {
    if (!(error instanceof Errx)) throw error;
    process.stderr.write(`${PACKAGE}: ${error.message}\n`);
    process.exit(error.status);
  },
);
