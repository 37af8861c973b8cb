// npm run fidelity: compares the port, function by function, with the reader's own copy of the C source.
import { run } from './fidelity/command';
import './pipe';
import { projectRoot } from './root';

process.exitCode = run(process.argv.slice(2), projectRoot(__dirname), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
