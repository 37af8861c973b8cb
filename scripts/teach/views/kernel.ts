// The kernel's state: each client's socket with the bytes that wait in it, both ways, and clients that wait for accept.
import type { Markup } from './markup';
import { classes, h } from './markup';
import { visible } from './bytes';
import type { Moment } from './moment';
import { clientsOf, hasChanged, number, text } from './moment';

export function kernel(moment: Moment): Markup[] {
  const waiting = text(moment, 'backlog');
  return [
    ...clientsOf(moment.trace).map((client) => socket(moment, client)),
    h('p', { key: 'backlog', class: classes({ backlog: true, changed: hasChanged(moment, 'backlog') }) },
      'waiting for accept: ', h('b', {}, waiting === '' ? 'nobody' : waiting)),
  ];
}

function socket(moment: Moment, client: string): Markup {
  const path = `socket.${client}`;
  const state = text(moment, `${path}.state`);
  const paused = moment.state.values.get(`${path}.reading`) === 0;
  const fd = text(moment, `${path}.fd`);
  return h('div', { key: client, class: classes({ socket: true, absent: state === '' }) },
    h('div', { class: 'client' }, h('b', {}, client),
      h('small', {}, state === '' ? 'not yet' : paused ? 'paused' : state)),
    h('div', { class: 'pipes' },
      pipe(moment, `${path}.toServer`, '→', `from ${client} to the server`),
      pipe(moment, `${path}.toClient`, '←', `from the server to ${client}`)),
    h('div', { class: 'end' }, h('small', {}, fd === '' || fd === '-1' ? 'no fd' : `fd ${fd}`)),
    received(moment, client, path));
}

/** The last bytes that the client has read. */
function received(moment: Moment, client: string, path: string): Markup {
  const bytes = number(moment, `${path}.receivedBytes`);
  const end = text(moment, `${path}.received`).slice(-64);
  return h('p', { class: classes({ received: true, changed: hasChanged(moment, `${path}.receivedBytes`) }) },
    bytes === 0 ? `${client} has received nothing` : `${client} has received `,
    bytes > 0 && h('code', {}, `${bytes > end.length ? '…' : ''}${visible(end, 64)}`), bytes > 64 && ` (${bytes} bytes)`);
}

function pipe(moment: Moment, path: string, arrow: string, name: string): Markup {
  const bytes = number(moment, `${path}Bytes`);
  const changed = hasChanged(moment, `${path}Bytes`) || hasChanged(moment, path);
  const label = `${name}: ${bytes === 0 ? 'nothing waits' : `${bytes} bytes wait`}`;
  return h('div', { class: classes({ pipe: true, full: bytes > 0, changed }), title: label },
    h('span', { class: 'arrow', 'aria-hidden': 'true' }, arrow),
    h('code', { 'aria-label': label, role: 'img' }, bytes === 0 ? '' : visible(text(moment, path), 44, bytes)));
}
