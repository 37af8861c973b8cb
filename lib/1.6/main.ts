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

/** For a program that starts the server: called once it listens on all sockets, with its TCP port or 0. */
export const tells = { listening: (_port: number): void => {} };

const hangup = new Event();

// memcached.c: main
/** Resolves to the exit status. `argv` begins with the program's name; the flat memory must fit its -m and -c. */
export async function main(argv: readonly string[]): Promise<number> {
  const line = parseOptions(argv);
  const status = await startUp(line, settings);
  if (status !== null) return status;

  machine.verbose = settings.verbose > 0;
  machine.reqsPerEvent = settings.reqsPerEvent;
  // Connections above the limit get an error and are closed, where driveMachine would let them wait.
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
    fprintf(stderr, 'warning: nobody can connect: -p 0, and neither -U nor -s\n'); // C goes on without a warning
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

/** Opens the file of -e. Returns the state saved in it, if any. */
function openMemoryFile(line: CommandLine): Saved | null | 'failed' {
  return settings.memoryFile === null ? null : restartMmapOpen(pathIn(line, settings.memoryFile), line.slabConfig);
}

// memcached.c: clock_handler, which checks once a second whether the signal has come
/** SIGHUP rereads the file of -Y, and does not end the server. */
function reread(): void {
  const wrong = settings.authFile === null ? null : authfileLoad();
  if (wrong !== null) fprintf(stderr, `${wrong}\n`); // C prints nothing
}

/** Makes the `count`th listening connection, on `sfd`, for protocol `prot`. False if there is no memory for it. */
function listening(sfd: number, count: number, prot: Prot, transport: Transport): boolean {
  const c = connNew(sfd, ConnState.listening, EV_READ | EV_PERSIST);
  if (c === null) {
    fprintf(stderr, 'failed to create listening connection\n');
    return false;
  }
  if (transport === 'UDP') acceptingUdp(c);
  else accepting(c, prot);
  if (count === 1) acceptsWith(c, updateEvent);
  else if (transport === 'TCP') alsoAcceptsWith(c);
  else freeBuffers(c); // keeps receiving while TCP pauses
  if (transport === 'UDP') machine.maxconns++; // does not count against -c
  debugConn('%d: listening on port %d', sfd, settings.socketpath === null ? boundPort(sfd) : 0);
  return true;
}

/** The protocol that proto[…] names before an address; without that word, the one of -B. */
function protNamed(word: string | null): Prot {
  switch (word) {
    case 'ascii': return Prot.ascii;
    case 'binary': return Prot.binary;
    case 'negotiating': return settings.authFile === null ? Prot.negotiating : Prot.ascii;
    default: return settings.bindingProtocol;
  }
}
