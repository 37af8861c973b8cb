// The server, as memcached-ts.ts starts it, and a client that talks to it from a process of its own.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import '../memcached-ts';

const at = process.argv.indexOf('-p');
const port = at === -1 ? '11211' : process.argv[at + 1];

// No debugger for the client: it would stop it, too.
fork(join(__dirname, 'client'), [port], { env: { ...process.env, NODE_OPTIONS: '' }, execArgv: [] });
