// For a debugger, loaded before the program (node -r): imported names can be watched (settings, stats, u8, ConnState,
// EV_READ), and connections, items and events show their fields by name.
import { describe } from './debugging/describe';
import { nameAll } from './debugging/names';

describe();
nameAll();
