// The parts of Node's own modules that the server needs in a browser: the text of one small module each.
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

const none = (...names: string[]): string => {
  return `const none = () => { throw new Error('not in a browser'); };\n` +
    names.map((name) => `export const ${name} = none;`).join('\n');
};

/** Node modules by name. Signals and error numbers are those of the system on which the bundle is built. */
export const stubs: Readonly<Record<string, string>> = {
  'node:os': `export const constants = ${JSON.stringify({ errno: constants.errno, signals: constants.signals })};
    export const endianness = () => 'LE';`,
  'node:util': `export { parseArgs } from '@pkgjs/parseargs';
    const errors = new Map(${JSON.stringify([...getSystemErrorMap()])});
    export const getSystemErrorMap = () => errors;
    export const getSystemErrorName = (number) => errors.get(number)[0];`,
  'node:vm': 'export const compileFunction = (code, names) => new Function(...names, code);',
  'node:fs': `${none('openSync', 'closeSync', 'readSync', 'readFileSync')}
    export const existsSync = () => true;`,
  'node:path': none('dirname', 'join'),
  'node:child_process': none('spawn'),
  'node:worker_threads': 'export const isMainThread = false;',
  'node:module': none('createRequire'),
};

/** npm's debug, which has nowhere to write to. */
export const DEBUG = `const debug = () => Object.assign(() => {}, { enabled: false });
  debug.formatters = {};
  export default debug;`;
