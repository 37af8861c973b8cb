// memcached.c of 1.6: main. The machine and the connections are those of ../memcached.ts.
import { constants } from 'node:os';
import { EV_PERSIST, EV_READ, Event } from '../../reactor/event.h';
import { eventInit, eventLoop } from '../../reactor/event';
import { signalAdd, signalSet } from '../../reactor/evtimer';
import { ConnState, debugConn, settings as machine } from '../memcached.h';
import { acceptsWith, alsoAcceptsWith, boundPort } from '../later';
import { connInit, connNew, statsInit, updateEvent } from '../memcached';
import { fprintf, stderr } from '../libc/stdio';
import { EX_USAGE } from '../libc/sysexits';
import { assocInit } from './assoc';
import { clockInit } from './clock';
import { startConnTimeoutThread } from './conn_timeout';
import { initLruCrawler, startItemCrawlerThread } from './crawler';
import { itemStatsSizesInit } from './item_sizes';
import { itemInit } from './items';
import { startListening } from './listen';
import { parseOptions } from './options';
import { startLruMaintainerThread } from './maintainer';
import { accepting, protocolsInit } from './protocols';
import { settings } from './settings';
import { slabsInit } from './slabs';
import { startPidFile, startUp } from './startup';
import { statsReset } from './stats';

const hangup = new Event();

// memcached.c: main
/** The status to end with. `argv` begins with the program's name; the flat memory is there, for its -m and -c. */
export async function main(argv: readonly string[]): Promise<number> {
  const line = parseOptions(argv);
  const status = await startUp(line, settings);
  if (status !== null) return status;

  machine.verbose = settings.verbose > 0;
  machine.reqsPerEvent = settings.reqsPerEvent;
  // Those above the limit are told so, and closed, where the machine would let them wait.
  machine.maxconns = settings.maxconnsFast ? Infinity : settings.maxconns;

  eventInit();
  clockInit();
  statsInit();
  assocInit(settings.hashpowerInit);
  connInit();
  slabsInit(settings.maxbytes, settings.factor, settings.chunkSize, line.slabSizes, false);
  itemInit();
  if (line.trackSizes) itemStatsSizesInit();
  protocolsInit();
  statsReset();
  initLruCrawler();
  if (line.startLruCrawler) startItemCrawlerThread();
  settings.lruMaintainerThread = line.startLruMaintainer;
  if (line.startLruMaintainer) startLruMaintainerThread();
  if (settings.idleTimeout > 0) startConnTimeoutThread();

  // SIGHUP has files read again, and ends nothing.
  signalSet(hangup, constants.signals.SIGHUP, () => { settings.sigHup = true; }, null);
  signalAdd(hangup, null);

  if (settings.socketpath === null && settings.port === 0) {
    fprintf(stderr, 'there is nowhere to listen: -p 0, and no -s\n');
    return EX_USAGE;
  }
  let listeners = 0;
  const failure = await startListening({
    inter: settings.inter,
    port: settings.port,
    backlog: settings.backlog,
    socketpath: settings.socketpath,
    access: settings.access,
    portFilename: process.env['MEMCACHED_PORT_FILENAME'] ?? null,
    listening: (sfd) => listening(sfd, ++listeners),
  });
  if (failure !== 0) return failure;
  startPidFile(line);

  return await eventLoop(0) === -1 ? 1 : 0;
}

/** The `count`th connection that accepts others, on `sfd`. False where there is no memory for it. */
function listening(sfd: number, count: number): boolean {
  const c = connNew(sfd, ConnState.listening, EV_READ | EV_PERSIST);
  if (c === null) {
    fprintf(stderr, 'failed to create listening connection\n');
    return false;
  }
  accepting(c);
  if (count === 1) acceptsWith(c, updateEvent);
  else alsoAcceptsWith(c);
  debugConn('%d: listening on port %d', sfd, settings.socketpath === null ? boundPort(sfd) : 0);
  return true;
}
