// Every system call passes this gate on its way in and out. The gate calls the hook, counts, and records.
import { setErrno } from '../errno.h';
import { errnoName } from './calls';
import type { Call, CallHook, CallName, CallRecord, Intervention } from './calls';

/** With more calls than this in one turn of the loop, we assume that the program never comes to rest. */
const MAX_CALLS_PER_TURN = 5_000_000;

export class CallGate {
  recording = true;
  readonly calls: CallRecord[] = [];
  private callsThisTurn = 0;

  constructor(private readonly hook: CallHook) {}

  newTurn(): void {
    this.callsThisTurn = 0;
  }

  /** Asks the hook whether `call` should fail, or move less than it could. */
  enter(call: Call): Intervention | undefined {
    if (++this.callsThisTurn > MAX_CALLS_PER_TURN) throw new Error('too many system calls in one turn of the loop');
    return this.hook(call);
  }

  /** Converts `res`, the kernel's result of a call on `socket`, from -errno to -1 and errno. */
  leave(call: Call, socket: number, res: number): number {
    if (this.recording) {
      const { name, fd, args } = call;
      const result = res < 0 ? errnoName(-res) : res;
      this.calls.push({ name, fd, args, socket, length: hasLength(name) ? call.length : null, result });
    }
    if (res >= 0) return res;
    setErrno(-res);
    return -1;
  }
}

function hasLength(name: CallName): boolean {
  return name === 'read' || name === 'write' || name === 'recvfrom' || name === 'sendto' || name === 'getrandom';
}
