// Tries what scripts/deploy/ has. The Containerfile is built and started where podman or docker works; elsewhere its
// steps are done in folders of this machine, with the machine's own Node, and without the change of user. The unit is
// checked by systemd-analyze, where that is installed. Ends with status 1 at the first thing that is wrong.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

const root = resolve(import.meta.dirname, '..');
const deploy = join(root, 'scripts', 'deploy');
const folder = mkdtempSync(join(tmpdir(), 'memcached-ts-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

/** Whether a command ends with status 0. */
function works(command, ...args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Talks to the server of a command, and ends it. */
async function tryServer(command, args, env) {
  const server = spawn(command, args, { env, stdio: ['ignore', 'inherit', 'pipe'] });
  const exit = once(server, 'exit');
  let port;
  for await (const line of createInterface({ input: server.stderr })) {
    port = /listening on port (\d+)/.exec(line)?.[1];
    if (port !== undefined) break;
    console.log(line);
  }
  assert(port !== undefined, 'the server does not listen');
  const client = connect(Number(port), '127.0.0.1');
  client.write('set greeting 0 0 5\r\nhello\r\nget greeting\r\nquit\r\n');
  assert.equal(await text(client), 'STORED\r\nVALUE greeting 0 5\r\nhello\r\nEND\r\n');
  server.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
}

/** The instructions of the Containerfile: words, and what is behind them. */
function instructions() {
  const lines = readFileSync(join(deploy, 'Containerfile'), 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
    const [, word, rest] = /^([A-Z]+) (.*)$/.exec(line);
    return [word, rest];
  });
}

/** Does the steps in a folder for each stage. Returns the last one's PATH, and its entry point. */
function doSteps() {
  const stages = new Map();
  let top, cwd, path, entrypoint;
  /** Absolute paths are those of the stage. */
  const within = (stage, words) => words.replaceAll(/(?<=^|\s)\/(?=\w)/g, `${stage}/`);
  const shell = (script, from) => execFileSync('sh', ['-ec', script], {
    cwd: from, stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PATH: path, NODE_V8_COVERAGE: undefined, npm_config_prefix: join(top, 'usr', 'local') },
  });
  for (const [word, rest] of instructions()) {
    console.log(`${word} ${rest}`);
    switch (word) {
      case 'FROM':
        top = cwd = join(folder, `stage${stages.size}`);
        stages.set(/ AS (\w+)$/.exec(rest)?.[1] ?? 'last', top);
        mkdirSync(join(top, 'usr', 'local'), { recursive: true });
        path = [join(top, 'usr', 'local', 'bin'), process.env.PATH].join(delimiter);
        break;
      case 'WORKDIR':
        cwd = join(top, rest);
        mkdirSync(cwd, { recursive: true });
        break;
      case 'COPY': {
        const [, stage, paths] = /^(?:--from=(\w+) )?(.*)$/.exec(rest);
        const sources = paths.split(' ');
        const target = resolve(cwd, within(top, sources.pop()));
        const from = stage === undefined ? root : stages.get(stage);
        // A folder's contents are copied, not the folder.
        const words = sources.map((source) => within(from, source)).join(' ');
        const contents = `for each in ${words}; do if [ -d "$each" ]; then each=$each/.; fi; cp -r "$each" "$0"; done`;
        mkdirSync(target, { recursive: true });
        execFileSync('sh', ['-ec', contents, target], { cwd: from });
        break;
      }
      case 'RUN':
        shell(within(top, rest), cwd);
        break;
      case 'ENTRYPOINT':
        entrypoint = JSON.parse(rest);
        break;
      default:
        assert(['USER', 'EXPOSE'].includes(word), `${word} is not known here`);
    }
  }
  return { path, entrypoint };
}

const podman = ['podman', 'docker'].find((command) => works(command, 'info'));
let command = process.execPath;
if (podman !== undefined) {
  const image = 'memcached-ts-gate';
  execFileSync(podman, ['build', '-f', join(deploy, 'Containerfile'), '-t', image, root], { stdio: 'inherit' });
  const options = ['--rm', '--network=host', '-e', 'DEBUG=memcached:conn', image, '-p', '-1', '-l', '127.0.0.1'];
  await tryServer(podman, ['run', ...options], process.env);
} else {
  console.log('neither podman nor docker works here: the steps are done in a folder');
  const { path, entrypoint: [name, ...args] } = doSteps();
  command = join(path.split(delimiter)[0], name);
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : []; // else it warns
  const env = { ...process.env, PATH: path, DEBUG: 'memcached:conn', NODE_V8_COVERAGE: undefined };
  await tryServer(command, [...args, ...user, '-p', '-1', '-l', '127.0.0.1'], env);
  const page = resolve(command, '..', '..', 'share', 'man', 'man1', 'memcached-ts.1');
  assert.match(readFileSync(page, 'utf8'), /^\.TH MEMCACHED/, 'the manual page is where man looks');
}

if (works('systemd-analyze', '--version')) {
  // It wants a command that is there.
  const unit = readFileSync(join(deploy, 'memcached-ts.service'), 'utf8');
  assert.match(unit, /^ExecStart=\/usr\/local\/bin\/memcached-ts \$OPTIONS$/m);
  const file = join(folder, 'memcached-ts.service');
  writeFileSync(file, unit.replace(/^ExecStart=\S+/m, `ExecStart=${command}`));
  execFileSync('systemd-analyze', ['verify', '--man=no', file], { stdio: 'inherit' });
  console.log('systemd-analyze has nothing against the unit');
} else {
  console.log('there is no systemd-analyze: the unit is not checked');
}
