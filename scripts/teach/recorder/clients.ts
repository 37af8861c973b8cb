// The clients of a scene, what happens from outside, and which calls are made to fail.
import { constants } from 'node:os';
import type { Call, Intervention, SimClient, Simulation } from '../../../reactor/sim';
import type { Act, Fault } from '../trace';
import type { Changes } from './changes';
import { latin1Text } from './text';

const SHOWN_BYTES = 4096;
const RECEIVED_SHOWN_BYTES = 1024;

interface Client {
  client: SimClient;
  /** What it has received. */
  output: string;
}

export class Clients {
  private readonly byName = new Map<string, Client>();
  private readonly faults: Fault[] = [];

  /** `port`: where the server listens. */
  constructor(private readonly sim: Simulation, private readonly port: number) {}

  /** Does what an act says. Resolves when the server rests again. */
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
      this.find(name).send(text.repeat(times));
    } else if ('pause' in act) this.find(act.pause).pauseReading();
    else if ('resume' in act) this.find(act.resume).resumeReading();
    else if ('shutdown' in act) this.find(act.shutdown).end();
    else if ('reset' in act) this.find(act.reset).reset();
    else if ('close' in act) this.find(act.close).close();
    else if ('fault' in act) this.addFault(act.fault);
    else if ('together' in act) act.together.forEach((one) => this.start(one));
    else throw new Error('time cannot pass together with something else');
  }

  /** Makes a call fail, or move less, where a fault of the scene says so. */
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
    const waiting = [...this.byName].filter(([, { client }]) => client.state === 'backlog').map(([name]) => name);
    changes.put('backlog', waiting.join());
    for (const [name, { client, output }] of this.byName) {
      const prefix = `socket.${name}`;
      const { toProgram, toClient } = client;
      changes.put(`${prefix}.state`, client.state);
      changes.put(`${prefix}.fd`, client.fd);
      changes.put(`${prefix}.reading`, Number(client.reading));
      changes.put(`${prefix}.toServerBytes`, toProgram.length);
      changes.put(`${prefix}.toServer`, latin1Text(toProgram.peek(SHOWN_BYTES)));
      changes.put(`${prefix}.toClientBytes`, toClient.length);
      changes.put(`${prefix}.toClient`, latin1Text(toClient.peek(SHOWN_BYTES)));
      changes.put(`${prefix}.space`, client.space);
      changes.put(`${prefix}.receivedBytes`, output.length);
      changes.put(`${prefix}.received`, output.slice(-RECEIVED_SHOWN_BYTES));
    }
  }

  private receive(): void {
    for (const client of this.byName.values()) client.output += latin1Text(client.client.take());
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

function errnoOf(name: string): number {
  const errno = Object.entries(constants.errno).find(([known]) => known === name)?.[1];
  if (errno === undefined) throw new Error(`there is no error ${name}`);
  return errno;
}
