// memcached-ts(1), in the language of man(7). Its options are those that -h prints.
import { VERSION } from '../../lib/1.6/settings';
import type { Settings } from '../../lib/1.6/settings';
import { options, suboptions } from '../../lib/1.6/usage';
import type { Entry } from '../../lib/1.6/usage';
import { OWN_OPTIONS } from '../command/options';
import { entries, heading, paragraph } from './roff';

const DESCRIPTION = [
  `\`memcached-ts\` keeps pieces of data under keys, in memory, for the programs that connect to it. It speaks the text
   protocol, the meta commands and the binary protocol of memcached ${VERSION}, and takes memcached's options. With
   \`--1.0\` or \`--classic\` it is memcached 1.0.4, of 2003.`,
  `Without options it listens on port 11211 of all interfaces, and has 64 megabytes for items. When these are full, the
   items that were not used for longest give way. Anyone who can connect can read and write everything: listen on an
   address (\`-l\`) that only your own machines can reach.`,
];

const ENVIRONMENT: readonly Entry[] = [
  ['MEMCACHED_PORT_FILENAME', 'a file to which the ports are written, once the server listens.'],
  ['MEMCACHED_SASL_PWDB', 'for `-S`, the file with the users: lines are user:password.'],
  ['EVENT_SHOW_METHOD', 'if set, tell on standard error which backend waits for events: epoll or net.'],
  ['EVENT_NOEPOLL, EVENT_NOIOURING', 'if set, do without epoll, or without io_uring.'],
  ['DEBUG', 'what to tell on standard error, with commas between: `memcached:conn`, `memcached:state`,',
    '`memcached:event`, `memcached:items`, `memcached:slabs`, `reactor:event`, `reactor:epoll`, `reactor:net`,',
    '`reactor:cork`.'],
];

const SIGNALS: readonly Entry[] = [
  ['SIGTERM, SIGINT, SIGUSR1', 'end the server with status 0, once it has sent the replies that are ready.'],
  ['SIGHUP', 'is ignored; with `--1.0` and `--classic` it ends the server.'],
];

const EXIT_STATUS = `0 if it was told to end. Another one if it could not start, or serve no more; a line on standard error
  says why. It is 1 or 64 for an option that is wrong, 67 for a user that does not exist, and 71 where the system refuses,
  as for a port that is taken; with \`--1.0\` and \`--classic\` it is always 1.`;

const EXAMPLES: readonly Entry[] = [
  ['memcached-ts -m 1024 -l 127.0.0.1', 'a gigabyte, for programs on this machine alone.'],
  ['memcached-ts -s /run/cache/socket -a 0770', 'for the programs of a group, without the network.'],
  ['memcached-ts -p -1 -vv', 'on any port that is free, telling what clients send and get.'],
];

/** The page, with the defaults of `s`. */
export function page(s: Settings, version: string): string {
  return [
    `.TH MEMCACHED\\-TS 1 "" "memcached\\-ts ${version}" ""\n`,
    heading('Name'), 'memcached\\-ts \\- memcached in TypeScript: a cache in memory, for many programs\n',
    heading('Synopsis'), '.B memcached\\-ts\n.RI [ option ...]\n',
    heading('Description'), DESCRIPTION.map(paragraph).join(''),
    heading('Options'), entries(options(s)),
    heading('Extended options'), paragraph('These stand behind `-o`, with commas between them.'), entries(suboptions(s)),
    heading('Options that memcached does not have'), entries(OWN_OPTIONS),
    heading('Environment'), entries(ENVIRONMENT),
    heading('Signals'), entries(SIGNALS),
    heading('Exit status'), paragraph(EXIT_STATUS),
    heading('Examples'), entries(EXAMPLES),
    heading('See also'), '.BR memcached (1)\n',
  ].join('');
}
