module.exports = { extensions: { ts: 'commonjs' }, require: ['ts-node/register/transpile-only'], workerThreads: false, files: ['spec/**/*.spec.ts'] };
