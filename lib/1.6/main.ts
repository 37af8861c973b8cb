// memcached.c of 1.6: main. The machine and the connections are those of ../memcached.ts.
import { constants } from 'node:os';
import { serveDatagrams } from '../../reactor/datagram';
import { EV_PERSIST, EV_READ, Event } from '../../reactor/event.h';
import { eventInit, eventLoop } from '../../reactor/event';
import { signalAdd, signalSet } from '../../reactor/evtimer';
import { ConnState, debugConn, settings as machine } from '../memcached.h';
import { acceptsWith, alsoAcceptsWith, boundPort, freeBuffers } from '../later';
import { connInit, connNew, statsInit, updateEvent } from '../memcached';
import { fprintf, stderr } from '../libc/stdio';
import { assocInit } from './assoc';
import { authfileLoad } from './authfile';
import { clockInit } from './clock';
import type { CommandLine } from './commandline';
import { startConnTimeoutThread } from './conn_timeout';
import { initLruCrawler, startItemCrawlerThread } from './crawler';
import { itemStatsSizesInit } from './item_sizes';
import { itemInit } from './items';
import { startListening } from './listen';
import type { Transport } from './listen';
import { loggerInit } from './logger';
import { parseOptions } from './options';
import { startLruMaintainerThread } from './maintainer';
import { accepting, acceptingUdp, protocolsInit } from './protocols';
import { restartFixup, restartMmapOpen } from './restart';
import type { Saved } from './restart_meta';
import { Prot, settings } from './settings';
import { slabsInit } from './slabs';
import { startSlabMaintenanceThread } from './slabs_mover';
import { pathIn, startPidFile, startUp } from './startup';
import { statsReset } from './stats';
import { wakeWatcher } from './watch';

/** For a program that starts the server: called when it listens everywhere, with its port of TCP, or 0. */
export const tells = { listening: (_port: number): void => {} };

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
  if (settings.udpport !== 0) serveDatagrams();
  clockInit();
  statsInit();
  const saved = openMemoryFile(line);
  if (saved === 'failed') return 1;
  assocInit(saved?.hashpower ?? settings.hashpowerInit, line.startAssocMaint);
  connInit();
  slabsInit(settings.maxbytes, settings.factor, settings.chunkSize, line.slabSizes, false);
  itemInit();
  if (line.trackSizes) itemStatsSizesInit();
  loggerInit(wakeWatcher);
  protocolsInit();
  statsReset();
  if (saved !== null) restartFixup(saved);
  initLruCrawler();
  if (line.startLruCrawler) startItemCrawlerThread();
  settings.lruMaintainerThread = line.startLruMaintainer;
  if (line.startLruMaintainer) startLruMaintainerThread();
  startSlabMaintenanceThread();
  if (settings.idleTimeout > 0) startConnTimeoutThread();

  signalSet(hangup, constants.signals.SIGHUP, reread, null);
  signalAdd(hangup, null);

  if (settings.socketpath === null && settings.port === 0 && settings.udpport === 0) {
    fprintf(stderr, 'warning: nobody can connect: -p 0, and neither -U nor -s\n'); // C goes on, and says nothing
  }
  let listeners = 0, port = 0;
  const failure = await startListening({
    inter: settings.inter,
    port: settings.port === 0 ? null : settings.port,
    udpport: settings.udpport === 0 ? null : settings.udpport,
    backlog: settings.backlog,
    socketpath: settings.socketpath,
    access: settings.access,
    portFilename: process.env['MEMCACHED_PORT_FILENAME'] ?? null,
    listening: (sfd, protocol, transport) => {
      if (listeners === 0 && transport === 'TCP' && settings.socketpath === null) port = boundPort(sfd);
      return listening(sfd, ++listeners, protNamed(protocol), transport);
    },
  });
  if (failure !== 0) return failure;
  startPidFile(line);
  tells.listening(port);

  return await eventLoop(0) === -1 ? 1 : 0;
}

/** What there is to go on with, by -e. */
function openMemoryFile(line: CommandLine): Saved | null | 'failed' {
  return settings.memoryFile === null ? null : restartMmapOpen(pathIn(line, settings.memoryFile), line.slabConfig);
}

// memcached.c: clock_handler, which looks once a second whether the signal has come
/** SIGHUP has files read again, and ends nothing. */
function reread(): void {
  const wrong = settings.authFile === null ? null : authfileLoad();
  if (wrong !== null) fprintf(stderr, `${wrong}\n`); // C says nothing
}

/** The `count`th connection that accepts others, on `sfd`, of that protocol. False where there is no memory for it. */
function listening(sfd: number, count: number, prot: Prot, transport: Transport): boolean {
  const c = connNew(sfd, ConnState.listening, EV_READ | EV_PERSIST);
  if (c === null) {
    fprintf(stderr, 'failed to create listening connection\n');
    return false;
  }
  if (transport === 'UDP') acceptingUdp(c);
  else accepting(c, prot);
  if (count === 1) acceptsWith(c, updateEvent);
  else if (transport === 'UDP') {
    // It goes on where there are too many connections, and is none of those that -c allows.
    freeBuffers(c);
    machine.maxconns++;
  } else alsoAcceptsWith(c);
  debugConn('%d: listening on port %d', sfd, settings.socketpath === null ? boundPort(sfd) : 0);
  return true;
}

/** The word of proto[…] before an address; without one it is as -B says. */
function protNamed(word: string | null): Prot {
  switch (word) {
    case 'ascii': return Prot.ascii;
    case 'binary': return Prot.binary;
    case 'negotiating': return settings.authFile === null ? Prot.negotiating : Prot.ascii;
    default: return settings.bindingProtocol;
  }
}
