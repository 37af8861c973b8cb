// The meta commands of memcached 1.6, flag by flag: mg, ms, md, ma, mn and me. On every backend; and, cut into pieces
// and with faults, on the simulated one.
import test from 'ava';

import { Random } from '../reactor/sim';
import { lruHits, slabStats, threadStats } from '../lib/1.6/memcached.h';
import { Client } from './support/client';
import { sendPiecemeal, startPiecemeal } from './support/piecemeal';
import { startServer } from './support/server';
import { SMALL_MEMORY, SimServer } from './support/sim-server';
import type { SimPeer } from './support/sim-server';
import { backendsToTry, upTo } from './support/thorough';

const BAD_LINE = 'CLIENT_ERROR bad command line format\r\n';
const BAD_TOKEN = 'CLIENT_ERROR bad token in command line format\r\n';
const INVALID_FLAG = 'CLIENT_ERROR invalid flag\r\n';
const DUPLICATE = 'CLIENT_ERROR duplicate flag\r\n';
const BAD_MA = 'CLIENT_ERROR invalid or duplicate flag\r\n';
const TOO_LONG = 'CLIENT_ERROR opaque token too long\r\n';
const BIG = 'z'.repeat(3000);
const LONGEST = 'k'.repeat(250);
const MAX = '18446744073709551615'; // 2^64 - 1
const O31 = `O${'o'.repeat(31)}`;
const O32 = `O${'o'.repeat(32)}`;

/** A conversation: what is sent, and what is answered. The keys a, b and n, and `AAEC` with b, are not there before. */
type Conversation = readonly (readonly [sends: string, receives: string])[];

const conversations: Record<string, Conversation> = {
  'mn replies MN, whatever follows it': [['mn\r\n', 'MN\r\n'], ['mn a b\n', 'MN\r\n']],

  // mg

  'mg: a hit gives HD, a miss EN; with v a hit gives VA with size and data': [
    ['mg a\r\n', 'EN\r\n'],
    ['mg a v\r\n', 'EN\r\n'],
    ['set a 5 0 2\r\nhi\r\n', 'STORED\r\n'],
    ['mg a\r\n', 'HD\r\n'],
    ['mg a v\r\n', 'VA 2\r\nhi\r\n'],
    ['ms a 0\r\n\r\nmg a v\r\n', 'HD\r\nVA 0\r\n\r\n'],
    ['  mg a\r\n', 'ERROR\r\n'],
    ['mg  a   v \n', 'VA 0\r\n\r\n'],
  ],
  'mg: a value that does not fit the buffer is sent from the item, between others that do': [
    [`ms a 3000 F7\r\n${BIG}\r\nms b 1\r\nx\r\n`, 'HD\r\nHD\r\n'],
    ['mg a v f\r\nmg b v k\r\nmg a k v\r\n', `VA 3000 f7\r\n${BIG}\r\nVA 1 kb\r\nx\r\nVA 3000 ka\r\n${BIG}\r\n`],
  ],
  'mg: the reply has what the flags ask for, in their order': [
    ['ms a 2 F5 E9\r\nhi\r\n', 'HD\r\n'],
    ['mg a s v t f c k O1\r\n', 'VA 2 s2 t-1 f5 c9 ka O1\r\nhi\r\n'],
    ['mg a O1 k c f t v s\r\n', 'VA 2 O1 ka c9 f5 t-1 s2\r\nhi\r\n'],
    ['mg b s t k f O1 c v\r\n', 'EN kb O1\r\n'],
    ['mg b O1 k\r\n', 'EN O1 kb\r\n'],
  ],
  'mg: client flags have 32 bits, cas numbers 64': [
    [`ms a 1 F4294967295 E${MAX}\r\nx\r\nmg a f c\r\n`, `HD\r\nHD f4294967295 c${MAX}\r\n`],
    ['ms a 1 F4294967296\r\nx\r\n', BAD_LINE],
    ['ms a 1 E18446744073709551616\r\nx\r\n', BAD_TOKEN],
    ['ms a 1 E4294967296\r\nx\r\nmg a c f\r\n', 'HD\r\nHD c4294967296 f0\r\n'],
  ],
  'mg: h shows whether the item was fetched before; a fetch with u does not count': [
    ['ms a 1\r\nx\r\n', 'HD\r\n'],
    ['mg a h u\r\nmg a u\r\nmg a h\r\nmg a h\r\n', 'HD h0\r\nHD\r\nHD h0\r\nHD h1\r\n'],
    ['ms a 1\r\nx\r\nmg a\r\nmg a h\r\n', 'HD\r\nHD\r\nHD h1\r\n'],
  ],
  'mg: q silences a miss, and nothing else': [
    ['mg a q\r\nmg a q v k O1\r\nmn\r\n', 'MN\r\n'],
    ['ms a 1\r\nx\r\nmg a q v\r\nmg a q\r\n', 'HD\r\nVA 1\r\nx\r\nHD\r\n'],
    [`mg b q ${O32}\r\nmg b q z\r\n`, TOO_LONG + INVALID_FLAG],
  ],
  'mg: an opaque has up to 32 bytes with its O, and may be empty': [
    ['ms a 1\r\nx\r\n', 'HD\r\n'],
    [`mg a ${O31}\r\nmg b ${O31}\r\nmg a O\r\n`, `HD ${O31}\r\nEN ${O31}\r\nHD O\r\n`],
    [`mg a ${O32}\r\nmg b ${O32}\r\nmg a v ${O32}\r\n`, TOO_LONG + TOO_LONG + TOO_LONG],
  ],
  'mg: T sets the expiry, t shows it; t before T shows the old one': [
    ['ms a 1\r\nx\r\n', 'HD\r\n'],
    ['mg a t T30\r\nmg a T60 t\r\nmg a T0 t\r\n', 'HD t-1\r\nHD t60\r\nHD t-1\r\n'],
    ['mg a T-1\r\nmg a\r\n', 'HD\r\nEN\r\n'],
    ['mg a T30 t\r\n', 'EN\r\n'],
    ['ms a 1 T-1\r\nx\r\nmg a\r\n', 'HD\r\nEN\r\n'],
  ],
  'mg: with C, the data are not sent if the item has that cas': [
    ['ms a 1 E5\r\nx\r\n', 'HD\r\n'],
    ['mg a C5 v s\r\nmg a C6 v s\r\nmg a v s C0\r\n', 'HD s1\r\nVA 1 s1\r\nx\r\nVA 1 s1\r\nx\r\n'],
  ],
  'mg: N stores an empty item in place of a missing one; the first client gets W, others Z': [
    ['mg a N30 v t s\r\nmg a N30 v\r\nmg a\r\n', 'VA 0 t30 s0 W\r\n\r\nVA 0 Z\r\n\r\nHD Z\r\n'],
    ['mg b t N30 E7 c\r\nmg b N60 t c R10\r\n', 'HD t-1 c7 W\r\nHD t30 c7 Z\r\n'],
    ['ms a 1\r\nx\r\nmg a N30 v t\r\n', 'HD\r\nVA 1 t-1\r\nx\r\n'],
    ['mg n N-1 v\r\nmg n\r\n', 'VA 0 W\r\n\r\nEN\r\n'],
  ],
  'mg: R gives W once if fewer seconds are left, then Z': [
    ['ms a 1 T30\r\nx\r\n', 'HD\r\n'],
    ['mg a R10\r\nmg a R60\r\nmg a R60\r\n', 'HD\r\nHD W\r\nHD Z\r\n'],
    ['ms a 1\r\nx\r\nmg a R60\r\n', 'HD\r\nHD\r\n'],
    ['mg b R60\r\n', 'EN\r\n'],
  ],

  // ms

  'ms: success gives HD, with what k, O, c and s ask for in their order': [
    ['ms a 2\r\nhi\r\nmg a v\r\n', 'HD\r\nVA 2\r\nhi\r\n'],
    ['ms a 2 s k O1 c E9 T0 F1 I t v\r\nhi\r\n', 'HD s2 ka O1 c9\r\n'],
    ['ms a 2 E9 c O1 k s\r\nhi\r\n', 'HD c9 O1 ka s2\r\n'],
    [`ms ${LONGEST} 1 k ${O31}\r\nx\r\nmg ${LONGEST} k v\r\n`, `HD k${LONGEST} ${O31}\r\nVA 1 k${LONGEST}\r\nx\r\n`],
  ],
  'ms: flags and expiry are stored': [
    ['ms a 2 F7 T100\r\nhi\r\nget a\r\nmg a f T50 t\r\n', 'HD\r\nVALUE a 7 2\r\nhi\r\nEND\r\nHD f7 t50\r\n'],
    ['ms a 2\r\nhi\r\nmg a f t\r\n', 'HD\r\nHD f0 t-1\r\n'],
  ],
  'ms: q silences success, and nothing else': [
    ['ms a 1 q k c\r\nx\r\nmn\r\n', 'MN\r\n'],
    ['ms a 1 q ME\r\nx\r\nms b 1 q C1\r\nx\r\nms a 1 E5\r\nx\r\nms a 1 q C4 k\r\nx\r\n', 'NS\r\nNF\r\nHD\r\nEX ka\r\n'],
    ['ms a 1 q\r\nxyz\r\n', `CLIENT_ERROR bad data chunk\r\n${BAD_LINE}`],
    ['ms a 1 q z\r\nx\r\nmn\r\n', `${INVALID_FLAG}MN\r\n`],
  ],
  'ms: the modes, set, add, replace, append and prepend, are capitals': [
    ['ms a 1 MR\r\n1\r\nms a 1 MA\r\n1\r\nms a 1 MP s\r\n1\r\nmg a\r\n', 'NS\r\nNS\r\nNS s1\r\nEN\r\n'],
    ['ms a 1 ME F3\r\n1\r\nms a 1 ME\r\n2\r\nmg a v f\r\n', 'HD\r\nNS\r\nVA 1 f3\r\n1\r\n'],
    ['ms a 2 MA F9 s\r\n23\r\nms a 1 MP s\r\n0\r\nmg a v f\r\n', 'HD s3\r\nHD s4\r\nVA 4 f3\r\n0123\r\n'],
    ['ms a 1 MR\r\nr\r\nmg a v\r\nms a 1 MS\r\ns\r\nmg a v\r\n', 'HD\r\nVA 1\r\nr\r\nHD\r\nVA 1\r\ns\r\n'],
    ['ms a 1 Ma\r\nx\r\nms a 1 M\r\nx\r\nms a 1 MX\r\nx\r\nmg a v\r\n',
      `${'CLIENT_ERROR invalid mode for ms M token\r\n'.repeat(3)}VA 1\r\ns\r\n`],
  ],
  'ms: with N, append and prepend store a missing item, with the expiry of N': [
    ['ms a 1 MA N30 T90 F5\r\n1\r\nms a 1 MA N60\r\n2\r\nmg a v f t\r\n', 'HD\r\nHD\r\nVA 2 f5 t30\r\n12\r\n'],
    ['ms b 1 MP N60\r\n2\r\nmg b v t\r\n', 'HD\r\nVA 1 t60\r\n2\r\n'],
  ],
  'ms: with C, an item with another cas gives EX, and a missing one NF': [
    ['ms a 1 C5\r\n1\r\nms a 1 E5\r\n1\r\n', 'NF\r\nHD\r\n'],
    ['ms a 1 C4 c s\r\n2\r\nms a 1 C0\r\n2\r\nms a 1 MR C6\r\n2\r\nms a 1 MA C6\r\n2\r\n', 'EX c0 s1\r\nEX\r\nEX\r\nEX\r\n'],
    ['mg a v\r\n', 'VA 1\r\n1\r\n'],
    ['ms a 1 C5 E6 c\r\n2\r\nms a 1 MA C6 E7 c\r\n3\r\nms a 1 MR C7 E8 c\r\n4\r\n', 'HD c6\r\nHD c7\r\nHD c8\r\n'],
    ['mg a v c\r\n', 'VA 1 c8\r\n4\r\n'],
  ],
  'ms: E gives the cas, but not 0': [
    ['ms a 1 E5 c\r\nx\r\ngets a\r\n', 'HD c5\r\nVALUE a 0 1 5\r\nx\r\nEND\r\n'],
    ['ms a 1 E7 MA c\r\nx\r\nmg a c\r\n', 'HD c7\r\nHD c7\r\n'],
    ['ms a 1 E0\r\nx\r\nmg a C0 v\r\n', 'HD\r\nVA 1\r\nx\r\n'],
  ],
  'ms: with I, an older cas stores the value as stale and keeps the expiry; a newer one is refused': [
    ['ms a 1 T30 E100\r\n1\r\nms a 1 C50 I T90 E150\r\n2\r\nmg a v t c\r\nmg a v\r\n',
      'HD\r\nHD\r\nVA 1 t30 c150 X W\r\n2\r\nVA 1 Z X\r\n2\r\n'],
    ['ms a 1 C151 I\r\n3\r\nms a 1 C150 I E200\r\n4\r\nmg a v t\r\n', 'EX\r\nHD\r\nVA 1 t-1\r\n4\r\n'],
    ['ms b 1 C1 I\r\n3\r\nms b 1 I\r\n3\r\nmg b v\r\n', 'NF\r\nHD\r\nVA 1\r\n3\r\n'],
  ],
  'ms: the data of a refused line are not run as commands, if their length can be read': [
    ['ms a 2 z\r\nmn\r\nms a 2 k k\r\nmn\r\nms a 2 Tx\r\nmn\r\nms a 2 F-1\r\nmn\r\n', INVALID_FLAG + DUPLICATE + BAD_TOKEN + BAD_LINE],
    [`ms a 2 ${O32}\r\nmn\r\nms ${LONGEST}k 2\r\nmn\r\nms !!! 2 b\r\nmn\r\n`,
      `${TOO_LONG}${BAD_LINE}CLIENT_ERROR error decoding key\r\n`],
    ['ms a S2\r\nmn\r\nms a -1\r\nmn\r\nms a\r\nmn\r\nms a 2147483646\r\nmn\r\n', `${BAD_LINE}MN\r\n`.repeat(4)],
    ['ms a 2 !\r\nmn\r\n', `${BAD_LINE}MN\r\n`],
    ['mg a\r\n', 'EN\r\n'],
  ],
  'ms: bad data are swallowed to exactly the length in the line': [
    ['ms a 1 c k\r\nxyzmn\r\nmg a\r\n', 'CLIENT_ERROR bad data chunk\r\nMN\r\nEN\r\n'],
  ],
  'ms: a value that is too large is swallowed, and the existing item is deleted, even with MA': [
    [`ms a 1\r\n1\r\nms a 1048576 MA\r\n${'x'.repeat(1048576)}\r\nmg a\r\n`,
      'HD\r\nSERVER_ERROR object too large for cache\r\nEN\r\n'],
  ],

  // md

  'md: the reply is HD, NF, or EX if the cas is not that of C, with what O and k ask for': [
    ['md a O1 k\r\nms a 1 E5\r\nx\r\nmd a C4 k\r\nmg a\r\n', 'NF O1 ka\r\nHD\r\nEX ka\r\nHD\r\n'],
    ['md a C0\r\nmd a C5 k O1\r\nmg a\r\n', 'EX\r\nHD ka O1\r\nEN\r\n'],
    [`md a ${O32}\r\n`, TOO_LONG],
  ],
  'md: q silences success, and nothing else': [
    ['md a q\r\nms a 1 E5\r\nx\r\nmd a q C4\r\nmd a q\r\nmn\r\n', 'NF\r\nHD\r\nEX\r\nMN\r\n'],
    ['ms a 1\r\nx\r\nmd a q I k\r\nmn\r\n', 'HD\r\nMN\r\n'],
  ],
  'md: I makes the item stale, and the next client gets W; T sets its expiry': [
    ['ms a 1 T90 E5\r\nx\r\nmd a I\r\nmg a v t\r\nmg a v\r\nmg a\r\n',
      'HD\r\nHD\r\nVA 1 t90 X W\r\nx\r\nVA 1 Z X\r\nx\r\nHD Z X\r\n'],
    ['md a I E9 T20\r\nmg a c t\r\n', 'HD\r\nHD c9 t20 X W\r\n'],
    ['ms a 1\r\nx\r\nmg a\r\nmd b I\r\n', 'HD\r\nHD\r\nNF\r\n'],
  ],
  'md: I gives the item another cas': [
    ['ms a 1 E5\r\nx\r\nmd a I C5\r\nmd a I C5\r\n', 'HD\r\nHD\r\nEX\r\n'],
  ],
  'md: x empties the item, which keeps its cas, and gets the flags and the expiry of the line': [
    ['ms a 2 F5 T90 E5\r\nhi\r\nmd a x\r\nmg a v f t c\r\n', 'HD\r\nHD\r\nVA 0 f0 t-1 c5\r\n\r\n'],
    ['md a x T30 F7 E9\r\nmg a v f t c\r\n', 'HD\r\nVA 0 f7 t30 c9\r\n\r\n'],
    ['ms a 2 E5\r\nhi\r\nmd a x I\r\nmg a v C5\r\n', 'HD\r\nHD\r\nVA 0 X W\r\n\r\n'],
    ['md b x\r\nmg b\r\n', 'NF\r\nEN\r\n'],
  ],

  // ma

  'ma: it adds 1, or D, or subtracts with MD or M-; v asks for the number': [
    ['ma n\r\nms n 1\r\n1\r\nma n\r\nma n v\r\n', 'NF\r\nHD\r\nHD\r\nVA 1\r\n3\r\n'],
    ['ma n v D7\r\nma n MI v\r\nma n M+ v\r\n', 'VA 2\r\n10\r\nVA 2\r\n11\r\nVA 2\r\n12\r\n'],
    ['ma n MD v D3\r\nmg n v\r\nma n M- v\r\n', 'VA 1\r\n9\r\nVA 2\r\n9 \r\nVA 1\r\n8\r\n'],
    ['ma n Mi\r\nma n M\r\n', 'CLIENT_ERROR invalid mode for ma M token\r\n'.repeat(2)],
  ],
  'ma: numbers have 64 bits: it wraps to 0, and does not go below': [
    [`ms n 20\r\n${MAX}\r\nma n v\r\nma n D${MAX} v\r\n`, `HD\r\nVA 1\r\n0\r\nVA 20\r\n${MAX}\r\n`],
    ['ma n MD v\r\nms n 1\r\n5\r\nma n MD D9 v\r\n', 'VA 20\r\n18446744073709551614\r\nHD\r\nVA 1\r\n0\r\n'],
    ['ma n D18446744073709551616\r\nma n D-1\r\nma n D\r\n', BAD_MA.repeat(3)],
    ['ms a 1\r\nx\r\nma a\r\nms a 0\r\n\r\nma a\r\n',
      'HD\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n'.repeat(2)],
  ],
  'ma: the reply has what the flags ask for, in their order; T sets the expiry, E the cas': [
    ['ms n 1 T90\r\n1\r\nma n k E9 c T30 t O1 v\r\nma n O1 t T0 c E8 k\r\nmg n t c\r\n',
      'HD\r\nVA 1 kn c9 t30 O1\r\n2\r\nHD O1 t30 c8 kn\r\nHD t-1 c8\r\n'],
    ['ma a k O1 c t\r\n', 'NF ka O1\r\n'],
    [`ma a ${O32}\r\nma n ${O32}\r\n`, TOO_LONG + TOO_LONG],
  ],
  // 1.6.45 sets them in the item that was replaced.
  'ma: T and E also work for a number that gets longer': [
    ['ms n 1\r\n9\r\nma n v T30 E7 c\r\nmg n t v c\r\n', 'HD\r\nVA 2 c7\r\n10\r\nVA 2 t30 c7\r\n10\r\n'],
  ],
  'ma: with C, an item with another cas gives EX, but C0 matches any': [
    ['ms n 1 E5\r\n1\r\nma n C4 k\r\nma n C5 E6 v c\r\nma n C0 v\r\n', 'HD\r\nEX kn\r\nVA 1 c6\r\n2\r\nVA 1\r\n3\r\n'],
  ],
  'ma: with N, a missing number is stored as J, or as 0, with the expiry of N': [
    ['ma n N30 J13 v\r\nmg n t v\r\nma n N60 J50 v\r\n', 'VA 2\r\n13\r\nVA 2 t30\r\n13\r\nVA 2\r\n14\r\n'],
    ['ma a N0 v E5 c k\r\nma b J5\r\n', 'VA 1 c5 ka\r\n0\r\nNF\r\n'],
    [`ma b N0 J${MAX} v\r\nma b Jx N0\r\n`, `VA 20\r\n${MAX}\r\n${BAD_MA}`],
  ],
  'ma: q silences success, and nothing else': [
    ['ma n q\r\nma n q N0 J5 v\r\nma n q v\r\nma n q C1\r\nma n v\r\n', 'NF\r\nEX\r\nVA 1\r\n7\r\n'],
    ['ms a 1\r\nx\r\nma a q\r\n', 'HD\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n'],
  ],

  // Keys, and lines.

  'b: a key of any bytes is sent and returned in base64': [
    ['ms AAEC 2 b k\r\nhi\r\nmg AAEC b k v\r\nmg AAEC v\r\n', 'HD kAAEC b\r\nVA 2 kAAEC b\r\nhi\r\nEN\r\n'],
    ['md AAEC b k\r\nmg AAEC b k\r\nma AAEC b k\r\n', 'HD kAAEC b\r\nEN kAAEC b\r\nNF kAAEC b\r\n'],
    ['ms a 1\r\nx\r\nmg YQ== k b v\r\nma YQ== b k N0\r\n', 'HD\r\nVA 1 ka\r\nx\r\n' +
      'CLIENT_ERROR cannot increment or decrement non-numeric value\r\n'],
    ['mg Y!Q== b k\r\nmg YQ==YQ== k b\r\n', 'HD ka\r\nHD ka\r\n'],
    ['mg !!! b\r\nmg YQ b\r\nmg ==== b\r\nmd !!! b\r\n', 'CLIENT_ERROR error decoding key\r\n'.repeat(4)],
    ['ma !!! b\r\n', BAD_MA],
  ],
  // 1.6.45 says such a key as it is, whatever bytes it has.
  'b: an item that is made by N, x, append or ma keeps its binary key': [
    ['mg AAEC b N30\r\nmg AAEC b k\r\nms AAEC 1 b MA\r\n9\r\nmg AAEC b k v\r\n', 'HD W\r\nHD kAAEC b Z\r\nHD\r\nVA 1 kAAEC b\r\n9\r\n'],
    ['ma AAEC b v\r\nmg AAEC b k\r\nmd AAEC b x\r\nmg AAEC b k v\r\n', 'VA 2\r\n10\r\nHD kAAEC b\r\nHD\r\nVA 0 kAAEC b\r\n\r\n'],
    ['md AAEC b\r\nma AAEC b N0\r\nmg AAEC b k v\r\n', 'HD\r\nHD\r\nVA 1 kAAEC b\r\n0\r\n'],
  ],
  'a line must have a key of at most 250 bytes, and at most 20 words': [
    ['mg\r\nms\r\nmd\r\nma\r\nme\r\nmx a\r\n', `${BAD_LINE.repeat(5)}ERROR\r\n`],
    [`mg ${LONGEST}k\r\nmd ${LONGEST}k\r\nme ${LONGEST}k\r\nma ${LONGEST}k\r\n`, BAD_LINE.repeat(3) + BAD_MA],
    ['mg a v k s t c f h l O q u x I P L b M T1\r\n', 'CLIENT_ERROR error decoding key\r\n'],
    ['mg a v k s t c f h l O q u x I P L b M T1 N1\r\n', 'CLIENT_ERROR options flags are too long\r\n'],
  ],
  'a flag is a known letter, comes only once, and has the number that it needs': [
    ['mg a v v\r\nmg a O1 k O2\r\nmd a q q\r\n', DUPLICATE.repeat(3)],
    ['mg a z\r\nmg a A\r\nmg a 1\r\nmg a _\r\n', INVALID_FLAG.repeat(4)],
    ['mg a !\r\nmd a ~\r\nma a \x80\r\nmg a v :\r\n', BAD_LINE.repeat(4)],
    ['mg a T\r\nmg a Tx\r\nmg a T1x\r\nmg a N\r\nmg a R2147483648\r\nmg a Cx\r\nmd a E-1\r\n', BAD_TOKEN.repeat(7)],
    ['mg a J\r\nmg a Dx\r\nmg a F-1\r\n',
      `CLIENT_ERROR invalid numeric initial value\r\nCLIENT_ERROR invalid numeric delta value\r\n${BAD_LINE}`],
    ['ma a v v\r\nma a z\r\nma a Tx\r\n', BAD_MA.repeat(3)],
  ],
  'me: a missing item gives EN': [['me a\r\nme !!! b\r\n', `EN\r\n${BAD_LINE}`]],
};

for (const backend of backendsToTry) {
  test(`${backend}: every conversation gets its replies`, async (t) => {
    const server = await startServer({ backend, today: true });
    t.teardown(() => server.stop());
    const client = await Client.connect(server.port);
    for (const [name, conversation] of Object.entries(conversations)) {
      for (const key of ['a', 'b', 'n', 'AAEC b']) await client.ask(`md ${key}\r\n`);
      for (const [sends, receives] of conversation) {
        client.send(sends);
        t.is(await client.take(receives.length), receives, name);
      }
      t.is(await client.ask('mn\r\n'), 'MN\r\n', name);
    }
    client.destroy();
    t.is(await server.stop(), 0);
  });
}

for (const [name, conversation] of Object.entries(conversations)) {
  test.serial(`sim: ${name}`, async (t) => {
    for (let seed = 1; seed <= upTo(1, 2); seed++) {
      const random = new Random(seed);
      const server = await startPiecemeal(random, seed, [], { memory: SMALL_MEMORY });
      const peer = await server.connect();
      await sendPiecemeal(server, peer, conversation.map(([text]) => text).join(''), random);
      t.is(await peer.take(peer.waiting), conversation.map(([, text]) => text).join(''), `seed ${seed}`);
      await server.stop();
    }
  });
}

/** What `run` gets is a server of its own, and a client of it. */
async function withServer(
  args: readonly string[], run: (peer: SimPeer, server: SimServer) => Promise<void>,
): Promise<void> {
  const server = await SimServer.start(['-m', '8', ...args], { today: true, maxTurns: Infinity });
  await run(await server.connect(), server);
  await server.stop();
}

test.serial('sim: t counts down and l up as time passes; l shows the time before the command', async (t) => {
  await withServer(['-o', 'no_modern'], async (peer, server) => {
    t.is(await peer.ask('ms a 1 T100\r\nx\r\n'), 'HD\r\n');
    t.is(await peer.ask('mg a t l u\r\n'), 'HD t100 l0\r\n');
    await server.sim.advance(80);
    t.is(await peer.ask('mg a t l u\r\n'), 'HD t20 l80\r\n');
    t.is(await peer.ask('mg a l\r\n'), 'HD l80\r\n');
    t.is(await peer.ask('mg a l\r\n'), 'HD l0\r\n');
    t.is(await peer.ask('mg a R15\r\n'), 'HD\r\n');
    await server.sim.advance(10);
    t.is(await peer.ask('mg a R15\r\n'), 'HD W\r\n');
    await server.sim.advance(10);
    t.is(await peer.ask('mg a\r\n'), 'EN\r\n');
  });
});

test.serial('sim: me shows all of an item, its key in base64 if it was stored so', async (t) => {
  await withServer([], async (peer, server) => {
    t.is(await peer.ask('ms a 2 E9 F1\r\nhi\r\n'), 'HD\r\n');
    t.is(await peer.ask('me a\r\n'), 'ME a exp=-1 la=0 cas=9 fetch=no cls=1 size=50\r\n');
    t.is(await peer.ask('mg a T90\r\n'), 'HD\r\n');
    await server.sim.advance(5);
    t.is(await peer.ask('me a b\r\n'), BAD_LINE);
    t.is(await peer.ask('me YQ== b\r\n'), 'ME a exp=85 la=5 cas=9 fetch=yes cls=1 size=50\r\n');
    t.is(await peer.ask('ms AAEC 2 b E9\r\nhi\r\n'), 'HD\r\n');
    t.is(await peer.ask('me AAEC b\r\n'), 'ME AAEC exp=-1 la=0 cas=9 fetch=no cls=1 size=48\r\n');
    t.is(await peer.ask('me AAEC\r\n'), 'EN\r\n');
  });
});

test.serial('sim: with -C, c is 0, and a store or delete that asks for a cas number fails', async (t) => {
  await withServer(['-C'], async (peer) => {
    t.is(await peer.ask('ms a 1 E5 c\r\nx\r\n'), 'HD c0\r\n');
    t.is(await peer.ask('mg a c\r\n'), 'HD c0\r\n');
    t.is(await peer.ask('ms a 1 C5\r\nx\r\n'), 'EX\r\n');
    t.is(await peer.ask('md a C5\r\n'), 'EX\r\n');
  });
});

test.serial('sim: each item gets a higher cas number than all before it, unless E gives one', async (t) => {
  await withServer([], async (peer) => {
    const cas = async (line: string): Promise<number> => Number(/ c(\d+)/.exec(await peer.ask(line))?.[1]);
    const lines = [
      'ms a 1 c\r\n1\r\n', 'ms b 1 c\r\n1\r\n', 'ma a c\r\n', 'mg n N0 c\r\n', 'ms a 1 MA c\r\n2\r\n', 'ma c N0 c\r\n',
    ];
    let last = 0;
    for (const line of lines) {
      const next = await cas(line);
      t.true(next > last, line);
      last = next;
    }
    t.is(await peer.ask('md a I\r\n'), 'HD\r\n');
    t.true(await cas('mg a c\r\n') > last);
  });
});

test.serial('sim: a value being sent stays as it was when its item is deleted and another one is stored', async (t) => {
  await withServer([], async (peer, server) => {
    const size = 500_000;
    t.is(await peer.ask(`ms a ${size}\r\n${'1'.repeat(size)}\r\n`), 'HD\r\n');
    peer.client.pauseReading();
    peer.send('mg a v\r\n');
    await server.sim.idle();
    const other = await server.connect();
    t.is(await other.ask('md a\r\n'), 'HD\r\n');
    t.is(await other.ask(`ms b ${size}\r\n${'2'.repeat(size)}\r\n`), 'HD\r\n');
    peer.client.resumeReading();
    t.is(await peer.ask('mn\r\n', 'MN\r\n'), `VA ${size}\r\n${'1'.repeat(size)}\r\nMN\r\n`);
  });
});

test.serial('sim: mg counts as a get, with T as a touch; ms, ma and md as what they do; me as a meta command', async (t) => {
  await withServer([], async (peer) => {
    const sum = (numbers: Float64Array): number => numbers.reduce((a, b) => a + b, 0);
    const counts = (): number[] => [
      threadStats.getCmds, threadStats.getMisses, sum(lruHits), threadStats.touchCmds, sum(slabStats.touchHits),
      sum(slabStats.setCmds), sum(slabStats.deleteHits), threadStats.deleteMisses, sum(slabStats.incrHits),
      threadStats.incrMisses, sum(slabStats.casBadval), threadStats.metaCmds,
    ];
    const counted = async (line: string, reply: string): Promise<number[]> => {
      const before = counts();
      t.is(await peer.ask(line), reply);
      return counts().map((n, i) => n - before[i]);
    };
    t.deepEqual(await counted('mg a\r\n', 'EN\r\n'), [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    t.deepEqual(await counted('ms a 1 E5\r\n1\r\n', 'HD\r\n'), [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    t.deepEqual(await counted('mg a\r\n', 'HD\r\n'), [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    t.deepEqual(await counted('mg a T9\r\n', 'HD\r\n'), [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
    t.deepEqual(await counted('mg b T9\r\n', 'EN\r\n'), [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    t.deepEqual(await counted('ms a 1 C4\r\n1\r\n', 'EX\r\n'), [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]);
    t.deepEqual(await counted('ma a\r\n', 'HD\r\n'), [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    t.deepEqual(await counted('ma b\r\n', 'NF\r\n'), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
    t.deepEqual(await counted('md a C4\r\n', 'EX\r\n'), [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    t.deepEqual(await counted('md a I\r\n', 'HD\r\n'), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    t.deepEqual(await counted('md a\r\n', 'HD\r\n'), [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    t.deepEqual(await counted('md a\r\n', 'NF\r\n'), [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    t.deepEqual(await counted('me a\r\n', 'EN\r\n'), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  });
});
