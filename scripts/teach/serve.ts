// Serves one page over HTTP, for browsers that open no files.
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** On 127.0.0.1; port 0: any. Resolves when it listens; rejects if the port is not available. */
export async function servePage(html: string, port: number): Promise<{ server: Server; address: string }> {
  const body = Buffer.from(html);
  const server = createServer(({ method, url }, response) => {
    const found = url === '/' || url === '/index.html';
    if (!found || (method !== 'GET' && method !== 'HEAD')) {
      response.writeHead(found ? 405 : 404).end();
      return;
    }
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8', 'content-length': body.length, 'cache-control': 'no-cache',
    });
    response.end(method === 'HEAD' ? undefined : body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}
