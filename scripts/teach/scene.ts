// Checks that JSON from a file or the page is a scene.
import type { Act, Fault, Scene } from './trace';

type Fields = Readonly<Record<string, unknown>>;

/** Returns `value`, a scene. Throws an Error of one line that says what is wrong with it. */
export function checkScene(value: unknown): Scene {
  const scene = fieldsOf(value, 'a scene');
  for (const name of ['name', 'title', 'about']) {
    if (typeof scene[name] !== 'string') throw new Error(`a scene has a text "${name}"`);
  }
  if (!Number.isInteger(scene['seed'])) throw new Error('a scene has a whole number "seed"');
  if (!isArray(scene['args']) || !scene['args'].every((word) => typeof word === 'string')) {
    throw new Error('a scene has a list of words "args"');
  }
  if (!scene['args'].includes('--classic')) throw new Error('a scene has "--classic" among its args');
  if (!isArray(scene['acts'])) throw new Error('a scene has a list "acts"');
  if ('options' in scene) checkOptions(fieldsOf(scene['options'], 'options'));
  scene['acts'].forEach(checkAct);
  return value as Scene;
}

function checkOptions(options: Fields): void {
  for (const [name, value] of Object.entries(options)) {
    const isRight = name === 'shortIo' ? typeof value === 'boolean' : isCount(value);
    if (!['sendBuffer', 'startTime', 'maxFds', 'shortIo'].includes(name) || !isRight) {
      throw new Error(`the option ${JSON.stringify({ [name]: value })} is none that a scene has`);
    }
  }
}

const WITH_CLIENT = ['connect', 'pause', 'resume', 'shutdown', 'reset', 'close'];

function checkAct(value: unknown): void {
  const act = fieldsOf(value, 'an act');
  const [kind, ...more] = Object.keys(act);
  const about = act[kind];
  const isRight = more.length === 0 && (
    WITH_CLIENT.includes(kind) ? typeof about === 'string' && about !== ''
      : kind === 'send' ? isSend(about)
        : kind === 'advance' ? typeof about === 'number' && about >= 0
          : kind === 'fault' ? isFault(about)
            : kind === 'together' && isArray(about)
  );
  if (!isRight) throw new Error(`this is no act: ${JSON.stringify(value).slice(0, 100)}`);
  if (isArray(about) && kind === 'together') about.forEach(checkAct);
}

function isSend(value: unknown): value is Extract<Act, { send: unknown }>['send'] {
  if (!isArray(value)) return false;
  const [client, text, times = 1] = value;
  return typeof client === 'string' && typeof text === 'string' && isCount(times) && value.length <= 3;
}

function isFault(value: unknown): value is Fault {
  if (typeof value !== 'object' || value === null) return false;
  const { call, client = '', skip = 0, limit = 1, errno = '' } = value as Fields;
  const texts = [call, client, errno].every((text) => typeof text === 'string');
  return texts && isCount(skip) && isCount(limit) && ('limit' in value || 'errno' in value);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function isArray(value: unknown): value is unknown[] {
  return Array.isArray(value);
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || isArray(value)) throw new Error(`${what} is an object of JSON`);
  return value as Fields;
}
