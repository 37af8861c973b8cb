// The argument of -l: a list of addresses, each with or without a port and words before it that say how to serve there
// (memcached.c: server_sockets, its loop over the list).
import { safeStrtol } from './arguments';

/** One word of the list. */
export interface Place {
  /** A name or an address; null for all interfaces. */
  host: string | null;
  /** 0 for any free port. */
  port: number;
  /** The protocol that proto[…] asks for: ascii, binary or negotiating; null if there is no such word. */
  protocol: string | null;
}

const PORT_MAX = 65535;
const TAG_MAX_BYTES = 8;
const PROTOCOLS = ['ascii', 'binary', 'negotiating'];

/** The places in `inter` (null: all interfaces), or an error message. `port` is for places without one. */
export function parsePlaces(inter: string | null, port: number): Place[] | string {
  const places: Place[] = [];
  for (const word of (inter ?? '*').split(/[;,]/)) {
    if (word === '') continue;
    const place = parsePlace(word, port);
    if (typeof place === 'string') return place;
    places.push(place);
  }
  return places.length === 0 ? 'There is no address' : places;
}

/** proto[…]:tag[…]:address:port, of which only the address is required. */
function parsePlace(word: string, port: number): Place | string {
  const tls = /^(notls|btls|mtls):/.exec(word);
  if (tls !== null) return `'${tls[1]}' option is valid only when SSL is enabled`;
  let rest = word, protocol: string | null = null;

  if (rest.startsWith('proto[')) {
    const end = rest.indexOf(']');
    protocol = rest.slice('proto['.length, end);
    if (protocol === 'proxy') return `Server not built with proxy: "${word}"`;
    if (end === -1 || !PROTOCOLS.includes(protocol)) return `Invalid protocol spec: "${word}"`;
    rest = afterColon(rest.slice(end + 1));
  }

  // The tag is for a proxy; a server only checks its form.
  if (/^tag[[_]/.test(rest)) {
    const tag = /^tag(?:\[[^\]]*\]|_[^_]*_)/.exec(rest)?.[0];
    if (tag === undefined) return `Invalid tag in socket config: "${rest}"`;
    const name = tag.slice('tag['.length, -1);
    const bytes = Buffer.byteLength(name);
    if (bytes < 1 || bytes > TAG_MAX_BYTES) return `Listener tags must be between 1 and 8 characters: "${name}"`;
    rest = afterColon(rest.slice(tag.length));
  }

  let host = rest, number: string | null = null;
  if (rest.startsWith('[')) {
    const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(rest);
    if (bracketed === null) return `Invalid IPV6 address: "${rest}"`;
    host = bracketed[1];
    number = bracketed.at(2) ?? null;
  } else if (rest.split(':').length === 2) [host, number] = rest.split(':'); // with more colons, all is an address

  const value = number === null ? port : safeStrtol(number);
  if (value === null || value < -1 || value > PORT_MAX) return `Invalid port number: "${number ?? port}"`;
  return { host: host === '*' ? null : host, port: Math.max(value, 0), protocol };
}

function afterColon(rest: string): string {
  return rest.startsWith(':') ? rest.slice(1) : rest;
}
