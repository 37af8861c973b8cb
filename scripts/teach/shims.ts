// Node globals that the server uses, for a browser. esbuild injects them into files that use them.
export { Buffer } from 'buffer';

/** Lines that the server writes on stderr and stdout. */
export const written: string[] = [];

const stream = { write: (text: string): boolean => written.push(text) > 0 };
const ignore = (): void => {};

export const process = {
  env: {}, argv: [], execArgv: [], pid: 2003, platform: 'linux', stdout: stream, stderr: stream,
  on: ignore, once: ignore, removeListener: ignore, listeners: (): unknown[] => [],
  exit(status: number): never {
    throw new Error(`exit ${status}`);
  },
};

interface Port {
  onmessage: (() => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** Like Node's: runs after tasks that are due already, without a delay. */
export function setImmediate(callback: () => void): void {
  const { port1, port2 } = new MessageChannel() as unknown as { port1: Port; port2: Port };
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(0);
}
