// The reactor as a library: a program imports its face, and nothing else.
import test from 'ava';

import {
  AF_INET, EVLOOP_ONCE, EV_PERSIST, EV_READ, Event, SOCK_STREAM, bind, eventAdd, eventDispatch, eventInit, eventLoop,
  eventSet, evtimerAdd, evtimerSet, getsockname, listen, setEventGotsig, setEventSigcb, socket,
} from '../reactor';

test.serial('eventInit picks a backend that the program need not name', async (t) => {
  eventInit();
  const listener = socket(AF_INET, SOCK_STREAM, 0);
  const addr = { sinFamily: AF_INET, sinPort: 0, sinAddr: 0x7f000001 };
  t.is(bind(listener, addr), 0);
  t.is(listen(listener, 1), 0);
  t.is(getsockname(listener, addr), 0);
  t.true(addr.sinPort > 0);
  const ev = new Event();
  eventSet(ev, listener, EV_READ | EV_PERSIST, () => t.fail(), null);
  t.is(eventAdd(ev, null), 0);
  const timer = new Event();
  let fired = false;
  evtimerSet(timer, () => void (fired = true), null);
  evtimerAdd(timer, { tvSec: 0, tvUsec: 1000 });
  t.is(await eventLoop(EVLOOP_ONCE), 0);
  t.true(fired);
});

test.serial('the variables of C can be set', async (t) => {
  eventInit();
  setEventSigcb(() => -1);
  setEventGotsig(true);
  t.is(await eventDispatch(), -1);
});
