// ts-node for the specs, with a transpiler that takes what tsc has just built, where it is as new as its source: each
// spec is a process of its own, and would otherwise compile the same hundred files again.
const { readFileSync, statSync } = require('node:fs');
const { join, relative } = require('node:path');

const root = join(__dirname, '..', '..');

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** ts-node's transpiler interface. */
exports.create = ({ service }) => ({
  transpile(input, { fileName }) {
    const built = join(root, 'dist', relative(root, fileName)).replace(/\.ts$/, '.js');
    if (modified(built) > modified(fileName)) {
      return { outputText: readFileSync(built, 'utf8'), sourceMapText: readFileSync(`${built}.map`, 'utf8') };
    }
    const { transpileModule } = require('typescript');
    return transpileModule(input, { fileName, compilerOptions: service.config.options });
  },
});

require('ts-node').register({ transpileOnly: true, transpiler: __filename });
