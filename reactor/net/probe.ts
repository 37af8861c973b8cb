// Gets the errors of bind(2) at once. node:net reports them later, so a worker thread tries the address while we wait.
import { Worker } from 'node:worker_threads';
import { hostOf } from './address';
import { portOf } from '../sockaddr';
import { SOCK_DGRAM, SOCK_STREAM } from '../socket.h';
import type { SockaddrIn, SockaddrIn6 } from '../socket.h';

/**
 * How long the worker may take to start, and again to try, in milliseconds. It takes 50, and seconds where the machine
 * is busy. A debugger may hold it for ever.
 */
const LIMIT_MS = 20_000;
const DEBUGGED_LIMIT_MS = 2000;

const STATE = 0, ERRNO = 1, PORT = 2;
const STARTING = 0, TRYING = 1, DONE = 2, GIVEN_UP = 3;

/** Plain JavaScript, so that it runs without this program's loader. */
const PROBE = `
const { createServer } = require('node:net');
const { createSocket } = require('node:dgram');
const { constants } = require('node:os');
const { host, port, ipv6Only, datagrams, result } = require('node:worker_threads').workerData;
const tell = (errno, port) => {
  result[${ERRNO}] = errno;
  result[${PORT}] = port;
  enter(${DONE});
};
const enter = (state) => {
  Atomics.store(result, ${STATE}, state);
  Atomics.notify(result, ${STATE});
};
if (Atomics.compareExchange(result, ${STATE}, ${STARTING}, ${TRYING}) === ${STARTING}) {
  enter(${TRYING});
  const type = host.includes(':') ? 'udp6' : 'udp4';
  const server = datagrams ? createSocket({ type, ipv6Only }) : createServer();
  server.on('error', (error) => tell(constants.errno[error.code] ?? constants.errno.EIO, 0));
  const free = () => {
    const { port } = server.address();
    server.close(() => tell(0, port));
  };
  if (datagrams) server.bind({ address: host, port, exclusive: true }, free);
  else server.listen({ host, port, ipv6Only, exclusive: true }, free);
}
`;

/**
 * Whether `addr` can be bound, with IPV6_V6ONLY if `ipv6Only`, by a socket of that type. Returns its port, or a free
 * one if that is 0, or a negated errno value. If the worker does not answer, any port counts as free, and errors come
 * out when the socket listens.
 */
export function probe(
  addr: SockaddrIn | SockaddrIn6, ipv6Only: boolean, type = SOCK_STREAM, limit = defaultLimit(),
): number {
  const port = portOf(addr);
  const result = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
  const worker = new Worker(PROBE, {
    eval: true,
    env: {},
    execArgv: [],
    workerData: { host: hostOf(addr), port, ipv6Only, datagrams: type === SOCK_DGRAM, result },
  });
  worker.unref();
  worker.on('error', () => {});
  Atomics.wait(result, STATE, STARTING, limit);
  // One that is late must not try: it would have the port while we listen to it.
  Atomics.compareExchange(result, STATE, STARTING, GIVEN_UP);
  Atomics.wait(result, STATE, TRYING, limit);
  if (Atomics.load(result, STATE) !== DONE) {
    void worker.terminate();
    return port;
  }
  return result[ERRNO] === 0 ? result[PORT] : -result[ERRNO];
}

function defaultLimit(): number {
  // Not imported: some builds of Node come without it.
  const inspector = process.getBuiltinModule('node:inspector') as typeof import('node:inspector') | undefined;
  return inspector?.url() === undefined ? LIMIT_MS : DEBUGGED_LIMIT_MS;
}
