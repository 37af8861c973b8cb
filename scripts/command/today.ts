// Runs memcached 1.6. A module of its own, so that --1.0 and --classic need not load lib/1.6.
import { main, tells } from '../../lib/1.6/main';
import { memoryNeeds } from '../../lib/1.6/options';
import { restartMmapClose } from '../../lib/1.6/restart';
import { StopReason, handleSignals } from '../../lib/1.6/signals';
import { takeMemory } from './memory';
import { notifyReady } from './notify';

/** Resolves to the exit status. */
export function mainOfToday(argv: readonly string[]): Promise<number> {
  const needs = memoryNeeds(argv);
  handleSignals((reason) => {
    if (reason === StopReason.graceStop) restartMmapClose();
  });
  const { listening } = tells;
  tells.listening = (port) => {
    listening(port);
    notifyReady();
  };
  if (needs !== null) takeMemory(String(needs.megabytes), String(needs.connections));
  return main(argv);
}
