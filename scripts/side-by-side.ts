// npm run side-by-side: the reader's own copy of the C source and the port, on one page.
import { run } from './side-by-side/command';
import { projectRoot } from './root';

process.exitCode = run(process.argv.slice(2), projectRoot(__dirname), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
