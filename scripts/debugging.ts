// For a debugger, loaded before the program (node -r): names that are imported can be watched (settings, stats, u8,
// ConnState, EV_READ), and a connection, an item or an event is shown as what it is.
import { describe } from './debugging/describe';
import { nameAll } from './debugging/names';

describe();
nameAll();
