// Bundles the instrumented server and the recorder into one script for a worker, of a page or of a spec.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import type { Plugin } from 'esbuild';
import { PROBE, emptyTables, exposing, instrument } from './instrument';
import { INSTRUMENTED } from './instrumented';
import { DEBUG, stubs } from './stubs';

/** Private variables of files that the page shows. */
const HIDDEN: Readonly<Record<string, readonly string[]>> = {
  'lib/memcached.ts': ['PJSLArray', 'todelete', 'delcurr', 'freeconns', 'freecurr', 'deleteHandler', 'eventHandler'],
  'lib/memcached.h.ts': ['conns'],
  'lib/items.ts': ['heads', 'tails', 'sizes'],
  'lib/slabs.ts': ['slabclass', 'memLimit', 'memMalloced'],
  'reactor/event.ts': ['timetree'],
};

/** heap.ts as a module of variables: esbuild would copy the fields of its object before they are filled. */
const NAMESPACE = /namespace heap \{\n([^]*)\n\}\n\nexport = heap;/;

/**
 * The text of a script that defines `teach.record(scene)`, and in a worker answers a scene with its trace (worker.ts).
 * `root`: the folder with lib/ and reactor/.
 */
export async function bundleWorker(root: string): Promise<string> {
  const tables = emptyTables();
  const code = new Map<string, string>();
  for (const file of INSTRUMENTED) code.set(file, instrument(file, readFileSync(join(root, file), 'utf8'), tables));
  for (const [file, variables] of Object.entries(HIDDEN)) {
    code.set(file, exposing(file, code.get(file) ?? readFileSync(join(root, file), 'utf8'), variables));
  }
  const heap = 'lib/libc/heap.ts';
  const found = NAMESPACE.exec(readFileSync(join(root, heap), 'utf8'));
  if (found === null) throw new Error(`${heap} is not the namespace that it was`);
  code.set(heap, `${found[1]}\nimport * as heap from './heap';\nexport default heap;\n`);

  const { outputFiles } = await bundle({
    entryPoints: [join(root, 'scripts/teach/worker.ts')],
    inject: [join(root, 'scripts/teach/shims.ts')],
    define: { TEACH_TABLES: JSON.stringify(tables), __filename: '""', __dirname: '""', global: 'globalThis' },
    plugins: [plugin(root, code)],
    bundle: true,
    minify: true,
    format: 'iife',
    globalName: 'teach',
    platform: 'browser',
    target: 'es2022',
    charset: 'utf8',
    write: false,
    logLevel: 'error',
  });
  return outputFiles[0].text;
}

function plugin(root: string, code: ReadonlyMap<string, string>): Plugin {
  return {
    name: 'teach',
    setup(build) {
      build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'stub' }));
      build.onLoad({ filter: /./, namespace: 'stub' }, ({ path }) => {
        if (!Object.hasOwn(stubs, path)) return { errors: [{ text: `there is no stub of ${path}` }] };
        return { contents: stubs[path], resolveDir: root };
      });
      build.onResolve({ filter: /^debug$/ }, () => ({ path: 'debug', namespace: 'debug' }));
      build.onLoad({ filter: /./, namespace: 'debug' }, () => ({ contents: DEBUG }));
      build.onResolve({ filter: new RegExp(`^${PROBE}$`) }, () => ({ path: join(root, 'scripts/teach/probe.ts') }));
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = code.get(path.slice(root.length + 1).replaceAll('\\', '/'));
        return contents === undefined ? undefined : { contents, loader: 'ts' };
      });
    },
  };
}
