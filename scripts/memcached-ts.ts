#!/usr/bin/env node
// The command: what crt0 is to a C program. Runs main, says what it threw in one line, and exits with its status.
import { main } from '../lib/memcached';
import { PACKAGE } from '../lib/memcached.h';
import { Errx } from '../reactor/err';

const argv = process.argv.slice(1);

main(argv.length, argv).then(
  (status) => process.exit(status),
  (error: unknown) => {
    if (!(error instanceof Errx)) throw error;
    process.stderr.write(`${PACKAGE}: ${error.message}\n`);
    process.exit(error.status);
  },
);
