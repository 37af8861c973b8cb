// Client libraries of the npm registry talk to the server.
import { promisify } from 'node:util';
import test from 'ava';
import Memcached from 'memcached';
import { MemcacheClient } from 'memcache-client';
import { served } from './support/client';
import { backends, startServer } from './support/server';

for (const backend of backends) {
  test(`${backend}: npm's memcached`, async (t) => {
    const server = await startServer({ backend });
    t.teardown(() => server.stop());
    await served(server.port);
    const client = new Memcached(`127.0.0.1:${server.port}`);
    const call = <T>(run: (callback: (error: unknown, result: T) => void) => void): Promise<T> => promisify(run)();
    t.true(await call((done) => client.set('greeting', 'hello', 0, done)));
    t.is(await call((done) => client.get('greeting', done)), 'hello');
    t.true(await call((done) => client.set('n', 9, 0, done)));
    t.is(await call((done) => client.incr('n', 3, done)), 12);
    t.deepEqual(await call((done) => client.getMulti(['greeting', 'n', 'none'], done)), { greeting: 'hello', n: 12 });
    t.true(await call((done) => client.replace('greeting', 'x'.repeat(100_000), 0, done)));
    t.is(await call((done) => client.get('greeting', done)), 'x'.repeat(100_000));
    t.true(await call((done) => client.del('greeting', done)));
    t.is(await call((done) => client.get('greeting', done)), undefined);
    client.end();
  });

  test(`${backend}: npm's memcache-client`, async (t) => {
    const server = await startServer({ backend });
    t.teardown(() => server.stop());
    await served(server.port);
    const client = new MemcacheClient({ server: `127.0.0.1:${server.port}` });
    await client.set('greeting', 'hello', { lifetime: 0 });
    t.is((await client.get<string>('greeting')).value, 'hello');
    await client.set('n', '41', { lifetime: 0 });
    t.is(await client.incr('n', 1), '42');
    await client.delete('greeting');
    t.falsy(await client.get('greeting'));
    client.shutdown();
  });
}
