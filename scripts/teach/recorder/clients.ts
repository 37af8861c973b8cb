// The clients of a scene, its acts, and its failing calls.
import { constants } from 'node:os';
import type { Call, Intervention, SimClient, Simulation, Waiting } from '../../../reactor/sim';
import type { Act, Fault } from '../trace';
import { Paths, Signature } from './changes';
import type { Changes } from './changes';

const SHOWN_BYTES = 4096;
const RECEIVED_SHOWN_BYTES = 1024;

const paths = new Paths([
  'state', 'fd', 'reading', 'space', 'toServerBytes', 'toServer', 'toClientBytes', 'toClient', 'receivedBytes',
  'received',
]);

interface Client {
  client: SimClient;
  /** The bytes that it has received. */
  output: string;
}

export class Clients {
  private readonly byName = new Map<string, Client>();
  private readonly faults: Fault[] = [];
  private readonly signature = new Signature();

  /** `port`: where the server listens. */
  constructor(private readonly sim: Simulation, private readonly port: number) {}

  /** Performs an act. Resolves when the server is idle again. */
  async perform(act: Act, begun: () => void): Promise<void> {
    if ('advance' in act) {
      begun();
      await this.sim.advance(act.advance);
      return;
    }
    this.start(act);
    begun();
    await this.sim.idle();
  }

  private start(act: Act): void {
    if ('connect' in act) {
      if (this.byName.has(act.connect)) throw new Error(`client ${act.connect} is connected already`);
      this.byName.set(act.connect, { client: this.sim.connect(this.port), output: '' });
    } else if ('send' in act) {
      const [name, text, times = 1] = act.send;
      this.find(name).send(repeated(text, times));
    } else if ('pause' in act) this.find(act.pause).pauseReading();
    else if ('resume' in act) this.find(act.resume).resumeReading();
    else if ('shutdown' in act) this.find(act.shutdown).end();
    else if ('reset' in act) this.find(act.reset).reset();
    else if ('close' in act) this.find(act.close).close();
    else if ('fault' in act) this.addFault(act.fault);
    else if ('together' in act) act.together.forEach((one) => this.start(one));
    else throw new Error('time cannot pass together with something else');
  }

  /** Makes a call fail, or move less, if a fault of the scene matches it. */
  intervene(call: Call): Intervention | undefined {
    const fault = this.faults.find(({ call: name, client }) => {
      return name === call.name && (client === undefined || this.find(client).fd === call.fd);
    });
    if (fault === undefined) return undefined;
    const { skip = 0 } = fault;
    if (skip > 0) {
      fault.skip = skip - 1;
      return undefined;
    }
    this.faults.splice(this.faults.indexOf(fault), 1);
    return fault.errno === undefined ? { limit: fault.limit ?? 1 } : { errno: errnoOf(fault.errno) };
  }

  /** The client at the other end of the server's descriptor. */
  nameAt(fd: number): string | undefined {
    if (fd < 0) return undefined;
    for (const [name, { client }] of this.byName) if (client.fd === fd && client.state !== 'closed') return name;
    return undefined;
  }

  /** What each client has received: latin1. */
  outputs(): Record<string, string> {
    this.receive();
    return Object.fromEntries([...this.byName].map(([name, { output }]) => [name, output]));
  }

  observe(changes: Changes): void {
    this.receive();
    for (const { client, output } of this.byName.values()) {
      this.signature.add(client.state);
      this.signature.add(client.fd);
      this.signature.add(client.reading);
      this.signature.add(client.space);
      this.signature.add(client.toProgram.length);
      this.signature.add(client.toClient.length);
      this.signature.add(output.length);
    }
    if (!this.signature.changed()) return;
    const waiting = [...this.byName].filter(([, { client }]) => client.state === 'backlog').map(([name]) => name);
    changes.put('backlog', waiting.join());
    for (const [name, { client, output }] of this.byName) {
      const { state, fd, reading, space, toProgram, toClient } = client;
      const values = [
        state, fd, Number(reading), space, toProgram.length, shown(toProgram), toClient.length, shown(toClient),
        output.length, output.slice(-RECEIVED_SHOWN_BYTES),
      ];
      const names = paths.of(`socket.${name}`);
      for (let i = 0; i < names.length; i++) changes.put(names[i], values[i]);
    }
  }

  private receive(): void {
    for (const client of this.byName.values()) {
      const bytes = client.client.take();
      if (bytes.length > 0) client.output += bytes.toString('latin1');
    }
  }

  private find(name: string): SimClient {
    const found = this.byName.get(name);
    if (found === undefined) throw new Error(`there is no client ${name}`);
    return found.client;
  }

  private addFault(fault: Fault): void {
    if (fault.client !== undefined) this.find(fault.client);
    if (fault.errno !== undefined) errnoOf(fault.errno);
    this.faults.push({ ...fault });
  }
}

/** latin1. The bundle's Buffer is slow at long texts. */
function repeated(text: string, times: number): Uint8Array {
  const once = Uint8Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  const all = new Uint8Array(once.length * times);
  for (let i = 0; i < times; i++) all.set(once, i * once.length);
  return all;
}

function shown(bytes: Waiting): string {
  return bytes.length === 0 ? '' : bytes.peek(SHOWN_BYTES).toString('latin1');
}

function errnoOf(name: string): number {
  const errno = Object.entries(constants.errno).find(([known]) => known === name)?.[1];
  if (errno === undefined) throw new Error(`there is no error ${name}`);
  return errno;
}
