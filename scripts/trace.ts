// npm run trace: plays a scene on the simulated backend, and prints step by step what the server does.
import { run } from './trace/command';
import './pipe';
import { projectRoot } from './root';

void run(process.argv.slice(2), projectRoot(__dirname), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}).then((status) => {
  process.exitCode = status;
});
