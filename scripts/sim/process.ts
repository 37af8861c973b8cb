// What the process says of itself, the same in every run: stats tells its number, and how long it has computed.
import * as unistd from '../../lib/libc/unistd';
import { replace } from '../checked/replace';

const PID = 2003;
const usage: NodeJS.ResourceUsage = { ...process.resourceUsage(), userCPUTime: 0, systemCPUTime: 0 };

/** From now on, until the returned function is called. */
export function sameProcess(): () => void {
  const restores = [
    replace(unistd, 'getpid', () => () => PID),
    replace(process, 'resourceUsage', () => () => usage),
  ];
  return () => {
    for (const restore of restores) restore();
  };
}
