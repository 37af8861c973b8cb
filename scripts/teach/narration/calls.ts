// Sentences for system calls and their results.
import type { SystemCall } from '../trace';
import { bytes, count, fdName, quoted } from './values';

/** By error, what a failed call means to a server that must not block. */
const ERRORS: Readonly<Record<string, string>> = {
  ECONNRESET: 'the other side is gone with a reset',
  EPIPE: 'the other side does not read any more',
  EMFILE: 'the process has as many descriptors as it may have',
  ENFILE: 'the whole system has no descriptor left',
  EINTR: 'a signal came in between',
  ENOBUFS: 'the kernel has no memory for it',
  ENOMEM: 'the kernel has no memory for it',
};

export function callSentence(call: SystemCall): string {
  const text = typeof call.result === 'string' ? failed(call, call.result) : succeeded(call, call.result);
  return call.injected === true ? `${text} (The scene made this call come out so.)` : text;
}

function failed({ name, fd, client }: SystemCall, error: string): string {
  const where = fdName(fd, client);
  if (error === 'EAGAIN' && name === 'read') {
    return `read gives EAGAIN: nothing more has come from ${client ?? where}. The descriptor does not block, so the ` +
      'call returns at once, and the machine can let the event loop wait for more.';
  }
  if (error === 'EAGAIN' && name === 'write') {
    return `write gives EAGAIN: the kernel's buffer for ${client ?? where} is full, since the client does not read. ` +
      'The server must not wait here: others want to be served.';
  }
  if (error === 'EAGAIN' && name === 'accept') return 'accept gives EAGAIN: nobody is in the backlog.';
  return `${name} on ${where} fails with ${error}${error in ERRORS ? `: ${ERRORS[error]}` : ''}.`;
}

function succeeded(call: SystemCall, result: number): string {
  const { name, fd, client, text } = call;
  const where = fdName(fd, client);
  switch (name) {
    case 'read':
    case 'write': return moved(call, result);
    case 'accept':
      return `accept takes ${client ?? 'a client'} from the backlog: its connection is descriptor ${result} from now on.`;
    case 'epoll_wait':
      return result === 0 ? 'epoll_wait returns because the time is up: no descriptor is ready.'
        : `epoll_wait returns: ${count(result, 'descriptor')} ${result === 1 ? 'is' : 'are'} ready.`;
    case 'epoll_ctl': return watching(text, where);
    case 'fcntl': return fcntl(text, where);
    case 'socket': return `socket makes descriptor ${result}, for TCP.`;
    case 'bind': return `bind gives ${where} its address: ${/port \d+/.exec(text)?.[0] ?? 'a port'}.`;
    case 'listen': return `listen makes ${where} a listening socket: clients can connect from now on.`;
    case 'setsockopt': return `setsockopt sets ${/SO_\w+|TCP_\w+/.exec(text)?.[0] ?? 'an option'} on ${where}.`;
    case 'close': return `close gives descriptor ${fd} back: the connection is over, and the number is free.`;
    case 'getrandom': return 'getrandom gives the hash table a key that no client can guess.';
    default: return `${text} returns ${result}.`;
  }
}

function moved({ name, client, fd, text, bytes: data = '' }: SystemCall, result: number): string {
  const where = client ?? `fd ${fd}`;
  const [, place = 'memory', asked = '0'] = /, (.*), (\d+)\)$/.exec(text) ?? [];
  if (name === 'read') {
    if (result === 0) return `read gives 0: ${where} has ended its side, and nothing will come any more.`;
    return `read takes ${bytes(result)} of ${where} from the kernel, to ${place}: ${quoted(data)}.`;
  }
  const short = result < Number(asked) ? `only ${result} of ${bytes(Number(asked))}` : bytes(result);
  const why = result < Number(asked) ? ', since the kernel\'s buffer has no more room' : '';
  return `write gives the kernel ${short} for ${where}, from ${place}: ${quoted(data)}${why}.`;
}

function watching(text: string, where: string): string {
  if (text.includes('DEL')) return `epoll_ctl: the kernel watches ${where} no more.`;
  const what = text.includes('EPOLLOUT') ? 'room to write' : 'something to read';
  return `epoll_ctl: from now on the kernel watches ${where} for ${what}.`;
}

function fcntl(text: string, where: string): string {
  if (text.includes('F_GETFL')) return `fcntl tells the flags of ${where}.`;
  return `fcntl sets O_NONBLOCK: no call on ${where} will ever make the server wait.`;
}
