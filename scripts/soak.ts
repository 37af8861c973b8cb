#!/usr/bin/env node
// npm run soak: keeps servers busy for long, and watches whether they answer rightly and grow.
import { runOnTerminal } from './bench/terminal';
import { command } from './soak/command';

runOnTerminal((args, output) => command(args, __dirname, output));
