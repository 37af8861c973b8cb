// Loads TypeScript for the specs: what tsc has just built, where that is newer than its source, since each spec is a
// process of its own; what has been edited since, by ts-node.
const { readFileSync, statSync } = require('node:fs');
const { join, relative } = require('node:path');
const { pathToFileURL } = require('node:url');

const root = join(__dirname, '..', '..');
let tsNode;

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function compiled(path) {
  const built = join(root, 'dist', relative(root, path)).replace(/\.ts$/, '.js');
  if (modified(built) <= modified(path)) {
    tsNode ??= require('ts-node').create({ transpileOnly: true });
    return tsNode.compile(readFileSync(path, 'utf8'), path);
  }
  // The map's address is relative to the built file; Node takes it as relative to the source, or absolute.
  const map = `${pathToFileURL(built).pathname}.map`;
  return readFileSync(built, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, `//# sourceMappingURL=${map}`);
}

require.extensions['.ts'] = (module, path) => {
  module._compile(compiled(path), path);
};
