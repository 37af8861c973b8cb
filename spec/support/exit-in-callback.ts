// A program that ends in a callback of the loop, at once or by an exception, and prints what its client got.
import { eventEconomy } from '../../reactor/backends';
import { eventActive, eventInit, eventLoop, eventSet } from '../../reactor/event';
import { EV_READ, Event } from '../../reactor/event.h';
import { Simulation, installSimulation } from '../../reactor/sim';
import { read, write } from '../../reactor/syscalls';

installSimulation(new Simulation({ seed: 1 }));
eventEconomy(true);
eventInit();
const sim = new Simulation({ seed: 1, autoAdvance: true });
installSimulation(sim);
eventInit();
const [a, b] = sim.socketpair();

process.on('exit', () => {
  const buf = Buffer.alloc(100);
  process.stdout.write(buf.toString('latin1', 0, read(b, buf, 0, buf.length)));
});

const ev = new Event();
eventSet(ev, -1, 0, () => {
  write(a, Buffer.from('good'), 0, 4);
  write(a, Buffer.from('bye'), 0, 3);
  if (process.argv[2] === 'exit') process.exit(0);
  throw new Error('a bug');
}, null);
eventActive(ev, EV_READ, 1);
void eventLoop(0);
