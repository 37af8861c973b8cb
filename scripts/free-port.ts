// A port for a server that is about to be started.
import { createServer } from 'node:net';

/** Below the ports that a system gives to a socket that connects or asks for port 0 (on Linux 32768 and above). */
const FIRST = 32_000;
const END = 32_768;

/** A port of 127.0.0.1 without a listener, which the system gives to no client meanwhile. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (END - FIRST));
    if (await isFree(port)) return port;
  }
}

/** Whether one can listen on a port of 127.0.0.1. Rejects if it fails for another reason than the port. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
