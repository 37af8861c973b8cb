#!/usr/bin/env node
// npm run bench: drives our server and others in rounds, and compares them.
import { command } from './bench/command';
import { runOnTerminal } from './bench/terminal';

runOnTerminal((args, output) => command(args, __dirname, output));
