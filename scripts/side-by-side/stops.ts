// The reading order: from the start of the program along one request to its reply, then the memory and the timers.

export interface Stop {
  /** A function of the port, in its file. */
  file: string;
  fn: string;
  /** The state of the case, if the function is driveMachine. */
  state?: string;
  title: string;
  /** What is to see there. */
  sentence: string;
  /** A scene of the teaching page that passes here, and the function that it shows, if that is another one. */
  scene: string;
  shows?: string;
}

export interface Leg {
  title: string;
  stops: readonly Stop[];
}

const memcached = 'lib/memcached.ts';
const event = 'reactor/event.ts';
const items = 'lib/items.ts';
const slabs = 'lib/slabs.ts';

export const legs: readonly Leg[] = [
  {
    title: 'It starts',
    stops: [
      {
        file: memcached, fn: 'main', title: 'main', scene: 'listen-and-accept',
        sentence: 'Options, then one init for each part, then a listening socket, then the event loop, which only returns '
          + 'at the end.',
      },
      {
        file: memcached, fn: 'serverSocket', title: 'The listening socket', scene: 'listen-and-accept',
        sentence: 'socket, bind, listen: the kernel queues clients from here on, and accept takes them from the queue.',
      },
      {
        file: memcached, fn: 'connNew', title: 'A connection', scene: 'listen-and-accept',
        sentence: 'The listening socket gets a conn like any client, in the state listening: the same machine drives both.',
      },
    ],
  },
  {
    title: 'The event loop',
    stops: [
      {
        file: event, fn: 'eventAdd', title: 'Waiting for something', scene: 'listen-and-accept',
        sentence: 'An event says which descriptor, whether to read or write, and what to call; eventAdd puts it on the queue.',
      },
      {
        file: event, fn: 'eventLoop', title: 'The loop', scene: 'listen-and-accept',
        sentence: 'Each turn: how long may we wait, wait, which timers are due, call the callbacks of what became active.',
      },
      {
        file: 'reactor/epoll.ts', fn: 'epollDispatch', title: 'The wait', scene: 'listen-and-accept',
        shows: 'eventLoop',
        sentence: 'One epoll_wait for all descriptors. (The teaching page waits in a simulation, at the same place.)',
      },
      {
        file: event, fn: 'eventProcessActive', title: 'Callbacks', scene: 'listen-and-accept',
        sentence: 'The active queue is worked off in order. A callback may add and delete any event meanwhile.',
      },
      {
        file: memcached, fn: 'eventHandler', title: 'From libevent to memcached', scene: 'listen-and-accept',
        sentence: 'All events of all connections arrive here, and go to the machine.',
      },
    ],
  },
  {
    title: 'A client comes',
    stops: [
      {
        file: memcached, fn: 'driveMachine', state: 'listening', title: 'accept', scene: 'listen-and-accept',
        sentence: 'accept gives a descriptor, which is made non-blocking and gets a conn in the state read.',
      },
      {
        file: memcached, fn: 'driveMachine', state: 'read', title: 'The machine reads a line', scene: 'get',
        sentence: 'First a command that is in the buffer already; else more bytes; else wait, and leave the machine.',
      },
      {
        file: memcached, fn: 'tryReadNetwork', title: 'Bytes', scene: 'get',
        sentence: 'read until the kernel says EAGAIN; rbuf doubles when it is full.',
      },
      {
        file: memcached, fn: 'tryReadCommand', title: 'A line', scene: 'pipelining',
        sentence: 'Is there a newline in rbuf? The line is done, and what stands behind it moves to the front.',
      },
    ],
  },
  {
    title: 'A command, its data, its reply',
    stops: [
      {
        file: memcached, fn: 'processCommand', title: 'What the line says', scene: 'set-in-pieces',
        sentence: 'A set makes its item now, and the data will be read straight into it; the other commands are answered.',
      },
      {
        file: memcached, fn: 'driveMachine', state: 'nread', title: 'The data', scene: 'set-in-pieces',
        sentence: 'rlbytes are still to come, and go to rcurr: from rbuf what is there already, from the socket the rest.',
      },
      {
        file: memcached, fn: 'completeNread', title: 'Stored', scene: 'set-in-pieces',
        sentence: 'The data must end with \\r\\n; then add, set and replace differ in what they want to find.',
      },
      {
        file: memcached, fn: 'outString', title: 'A reply', scene: 'get',
        sentence: 'The line goes into wbuf; writeAndGo says what comes after it is written.',
      },
      {
        file: memcached, fn: 'driveMachine', state: 'write', title: 'It is written', scene: 'get',
        sentence: 'write may take a part only: wcurr and wbytes remember where to go on.',
      },
      {
        file: memcached, fn: 'driveMachine', state: 'mwrite', title: 'Many items', scene: 'multi-get',
        sentence: 'A VALUE line, data, the next item, at last END: ipart says which of them comes next.',
      },
      {
        file: memcached, fn: 'updateEvent', title: 'A client who does not read', scene: 'multi-get',
        sentence: 'On EAGAIN the event is changed from reading to writing, and the machine waits for room.',
      },
      {
        file: memcached, fn: 'driveMachine', state: 'swallow', title: 'Data that nobody wants', scene: 'memory-full',
        sentence: 'There was no memory for the item, so its bytes are read and thrown away: they are no commands.',
      },
      {
        file: memcached, fn: 'driveMachine', state: 'closing', title: 'The end', scene: 'listen-and-accept',
        sentence: 'One place closes a connection, whoever wants it closed.',
      },
      {
        file: memcached, fn: 'connClose', title: 'What it gives back', scene: 'listen-and-accept',
        sentence: 'Its event, its descriptor, its item, its buffers; the conn itself waits to be used again.',
      },
    ],
  },
  {
    title: 'Memory: slabs',
    stops: [
      {
        file: slabs, fn: 'slabsInit', title: 'Classes', scene: 'listen-and-accept',
        sentence: 'Each class has chunks of one size, a power of two: no fragmentation, at the price of waste within.',
      },
      {
        file: slabs, fn: 'slabsAlloc', title: 'A chunk', scene: 'set-in-pieces',
        sentence: 'From the free list, or from the end of the last page; where there is none, a new page.',
      },
      {
        file: slabs, fn: 'slabsNewslab', title: 'A page', scene: 'set-in-pieces',
        sentence: 'A megabyte for this class, for ever: it never becomes a page of another class.',
      },
    ],
  },
  {
    title: 'Items and the LRU',
    stops: [
      {
        file: items, fn: 'itemAlloc', title: 'An item', scene: 'memory-full',
        sentence: 'When no chunk is left, the least recently used item that nobody is reading has to go.',
      },
      {
        file: items, fn: 'itemLink', title: 'Into the cache', scene: 'set-in-pieces',
        sentence: 'Only now can others find it: it is in the hash table, and at the head of the list of its class.',
      },
      {
        file: items, fn: 'itemUpdate', title: 'Used', scene: 'get',
        sentence: 'A get moves the item to the head, so that the tail is what was not used for longest.',
      },
      {
        file: items, fn: 'itemRemove', title: 'Reference counts', scene: 'multi-get',
        sentence: 'An item that is being sent is freed when the last byte is out, even if it was deleted meanwhile.',
      },
    ],
  },
  {
    title: 'Timers',
    stops: [
      {
        file: memcached, fn: 'deleteHandler', title: 'The delete window', scene: 'delete-window',
        sentence: 'Every five seconds: whose window is over is freed; until then its key cannot be added.',
      },
      {
        file: event, fn: 'timeoutNext', title: 'How long to wait', scene: 'delete-window',
        sentence: 'The earliest timer, from a red-black tree, limits the wait.',
      },
      {
        file: event, fn: 'timeoutProcess', title: 'Due', scene: 'delete-window',
        sentence: 'A timer that has passed is taken from all queues and made active, as if it were readable.',
      },
    ],
  },
];

export const stops: readonly Stop[] = legs.flatMap((leg) => leg.stops);

/** The link to a stop in the teaching page, whose address is `page`. */
export function sceneLink(page: string, stop: Stop): string {
  return `${page}#scene=${stop.scene}&at=${placeOf(stop)}`;
}

/** The teaching page's name of a place: a function, or a case of its switch. */
export function placeOf({ fn, state, shows = fn }: Stop): string {
  return state === undefined ? shows : `${shows}:${state}`;
}
