// A client that sends datagrams to the program and gets its answers, which a test controls.
import { portOf } from '../sockaddr';
import type { Sockaddr } from '../socket.h';
import type { Network } from './network';

export class SimDatagrams {
  private readonly taken: Buffer[] = [];

  /** Simulation.datagrams makes one. `to`: the program's address. */
  constructor(private readonly network: Network, private readonly to: Sockaddr, private readonly from: Sockaddr) {
    network.receive(from, (bytes) => this.taken.push(bytes));
  }

  /** This end's port. */
  get port(): number {
    return portOf(this.from);
  }

  /** Sends one datagram, of bytes or of latin1 characters. It is lost if no socket of the program has the address. */
  send(data: Uint8Array | string): void {
    this.network.deliver(this.to, typeof data === 'string' ? Buffer.from(data, 'latin1') : Buffer.from(data), this.from);
  }

  /** Returns the datagrams that have come since the last take(). */
  take(): Buffer[] {
    return this.taken.splice(0);
  }
}
