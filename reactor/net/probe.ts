// Gets the errors of bind(2) at once. node:net reports them later, so a worker thread tries the address while we wait.
import { Worker } from 'node:worker_threads';
import { inetNtop } from './address';
import type { SockaddrIn } from '../socket.h';

/** How long to wait for the worker. It takes about 50 ms, but a debugger may hold it for ever. */
const LIMIT_MS = 2000;

const DONE = 0, ERRNO = 1, PORT = 2;

/** Plain JavaScript, so that it runs without this program's loader. */
const PROBE = `
const { createServer } = require('node:net');
const { constants } = require('node:os');
const { host, port, result } = require('node:worker_threads').workerData;
const tell = (errno, port) => {
  result[${ERRNO}] = errno;
  result[${PORT}] = port;
  Atomics.store(result, ${DONE}, 1);
  Atomics.notify(result, ${DONE});
};
const server = createServer();
server.on('error', (error) => tell(constants.errno[error.code] ?? constants.errno.EIO, 0));
server.listen({ host, port, exclusive: true }, () => {
  const { port } = server.address();
  server.close(() => tell(0, port));
});
`;

/**
 * Whether `addr` can be bound. Returns its port, or a free one if that is 0, or a negated errno value. If the worker
 * does not answer, any port counts as free, and errors come out when the socket listens.
 */
export function probe({ sinAddr, sinPort }: SockaddrIn): number {
  const result = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
  const worker = new Worker(PROBE, {
    eval: true,
    env: {},
    execArgv: [],
    workerData: { host: inetNtop(sinAddr), port: sinPort, result },
  });
  worker.unref();
  worker.on('error', () => {});
  if (Atomics.wait(result, DONE, 0, LIMIT_MS) === 'timed-out') {
    void worker.terminate();
    return sinPort;
  }
  return result[ERRNO] === 0 ? result[PORT] : -result[ERRNO];
}
