// A program on the epoll backend in which a Node callback adds an event while the loop waits, for a descriptor with
// fetched bytes that were not read. Prints 'called', or, five seconds later, 'called with the timer'.
import { EVLIST_TIMEOUT, EVLOOP_ONCE, EV_PERSIST, EV_READ, Event } from '../../reactor/event.h';
import { eventAdd, eventDel, eventLoop, eventSet } from '../../reactor/event';
import { epollops } from '../../reactor/epoll';
import { evtimerAdd, evtimerSet } from '../../reactor/evtimer';
import { read, write } from '../../reactor/syscalls';
import { connections, init } from './sockets';

async function main(): Promise<void> {
  init('epoll', true);
  const { batch } = epollops.syscalls;
  if (batch === null) throw new Error('no io_uring');
  const fetched = { times: 0 };
  const recv = batch.recv.bind(batch);
  batch.recv = (...args) => {
    fetched.times++;
    recv(...args);
  };

  const pairs = connections(4);
  const buf = Buffer.alloc(10);
  const send = (): void => {
    for (const [, far] of pairs) write(far, Buffer.from('hello'), 0, 5);
  };
  let toRead = pairs.length;
  const readers = pairs.map(([fd]) => {
    const ev = new Event();
    eventSet(ev, fd, EV_READ | EV_PERSIST, () => {
      if (toRead > 0 && read(fd, buf, 0, 10) === 5) toRead--;
    }, null);
    eventAdd(ev, null);
    return ev;
  });
  send();
  while (toRead > 0) await eventLoop(EVLOOP_ONCE);
  send();
  while (fetched.times === 0) await eventLoop(EVLOOP_ONCE);
  for (const ev of readers) eventDel(ev);

  const timer = new Event();
  evtimerSet(timer, () => {}, null);
  evtimerAdd(timer, { tvSec: 5, tvUsec: 0 });
  const late = new Event();
  eventSet(late, pairs[0][0], EV_READ, () => {
    process.stdout.write(timer.evFlags & EVLIST_TIMEOUT ? 'called' : 'called with the timer', () => process.exit());
  }, null);
  setTimeout(() => eventAdd(late, null), 20);
  await eventLoop(0);
}

void main();
