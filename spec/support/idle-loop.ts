// A program that only runs the event loop, to show that Node's own loop works meanwhile. Its argument is the period of
// a timer in milliseconds; at each tick it prints how often the loop has waited since the last. It also answers
// SIGUSR2, lines on stdin, and messages of its parent, and event_sigcb answers SIGWINCH.
import { createInterface } from 'node:readline';
import { eventEconomy } from '../../reactor/backends';
import { eventDispatch, eventInit, evsel, setEventGotsig, setEventSigcb } from '../../reactor/event';
import { Event } from '../../reactor/event.h';
import { evtimerAdd, evtimerSet } from '../../reactor/evtimer';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const period = Number(process.argv[2]);
let waits = 0;

eventEconomy(false);
eventInit();
const backend = { ...evsel };
evsel.dispatch = (arg, tv) => {
  waits++;
  return backend.dispatch(arg, tv);
};

const timer = new Event();
evtimerSet(timer, () => {
  say(`timer ${waits}`);
  waits = 0;
  again();
}, null);

function again(): void {
  evtimerAdd(timer, { tvSec: Math.floor(period / 1000), tvUsec: (period % 1000) * 1000 });
}

process.on('SIGUSR2', () => say('SIGUSR2'));
process.on('SIGWINCH', () => setEventGotsig(true));
setEventSigcb(() => {
  say('event_sigcb');
  return 0;
});
process.on('message', (message) => say(`message ${String(message)}`));
createInterface({ input: process.stdin }).on('line', (line) => {
  say(`stdin ${line}`);
  setTimeout(() => say(`timeout ${line}`), 20);
});

again();
say(evsel.name);
void eventDispatch();
