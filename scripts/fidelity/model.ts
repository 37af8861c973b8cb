// The common model of both languages: a function, and the control flow inside it as tokens.

/** One step of control flow: a keyword, or a callee's name. */
export interface Token {
  text: string;
  line: number;
}

export interface FlowFunction {
  /** As written in its own language. */
  name: string;
  line: number;
  tokens: Token[];
}

/** A place where the port says that it differs on purpose. */
export interface Deviation {
  line: number;
  text: string;
  /** The later version, or versions, that do the same; null if none is named. */
  version: string | null;
}

export interface PortFunction extends FlowFunction {
  deviations: Deviation[];
}

export interface PortFile {
  functions: PortFunction[];
  /** Deviations outside of any function. */
  deviations: Deviation[];
}
