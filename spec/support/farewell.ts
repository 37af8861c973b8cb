// A program that says good bye to its first client, in a callback that ends the process; or, with an argument, writes
// that many bytes to its stdout, which is not a socket.
import { eventEconomy } from '../../reactor/backends';
import { eventAdd, eventInit, eventLoop, eventActive, eventSet } from '../../reactor/event';
import { EVLOOP_NONBLOCK, EV_READ, Event } from '../../reactor/event.h';
import { AF_INET, F_GETFL, F_SETFL, O_NONBLOCK, SOCK_STREAM } from '../../reactor/socket.h';
import { accept, bind, fcntl, getsockname, listen, socket, write } from '../../reactor/syscalls';

const count = process.argv.at(2);
const ev = new Event();

eventEconomy(true);
eventInit();
if (count === undefined) {
  const listener = socket(AF_INET, SOCK_STREAM, 0);
  fcntl(listener, F_SETFL, fcntl(listener, F_GETFL, 0) | O_NONBLOCK);
  const addr = { sinFamily: AF_INET, sinPort: 0, sinAddr: 0x7f000001 };
  bind(listener, addr);
  listen(listener, 1);
  getsockname(listener, addr);
  eventSet(ev, listener, EV_READ, () => {
    const fd = accept(listener, null);
    for (const text of ['good', 'bye']) write(fd, Buffer.from(text), 0, text.length);
    process.exit();
  }, null);
  eventAdd(ev, null);
  process.stderr.write(`${addr.sinPort}\n`);
} else {
  eventSet(ev, -1, 0, () => {
    const bytes = Buffer.alloc(Number(count), 'x');
    for (let sent = 0; sent < bytes.length;) {
      const res = write(1, bytes, sent, bytes.length - sent);
      if (res === -1) process.exit(1);
      sent += res;
    }
  }, null);
  eventActive(ev, EV_READ, 1);
}
void eventLoop(count === undefined ? 0 : EVLOOP_NONBLOCK);
