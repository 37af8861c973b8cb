// The reader's own C source, dropped on the page or picked. It is read here, and never leaves the page.
import { byId } from './dom';
import type { Code } from './code';
import { highlight } from './highlight';
import { readListing } from '../listing';

/** Which C file is ported in which of ours. */
const PORTS: Readonly<Record<string, string>> = {
  'memcached.c': 'lib/memcached.ts', 'items.c': 'lib/items.ts', 'slabs.c': 'lib/slabs.ts', 'event.c': 'reactor/event.ts',
};

export interface Dropped {
  name: string;
  text: () => Promise<string>;
}

export class Folder {
  /** `say` shows the outcome in one line. */
  constructor(
    private readonly code: Code, private readonly files: readonly string[],
    private readonly say: (text: string) => void,
  ) {
    const veil = byId('drop', HTMLElement);
    document.addEventListener('dragover', (event) => {
      event.preventDefault();
      veil.hidden = false;
    });
    document.addEventListener('dragleave', (event) => {
      if (event.relatedTarget === null) veil.hidden = true;
    });
    document.addEventListener('drop', (event) => {
      event.preventDefault();
      veil.hidden = true;
      if (event.dataTransfer !== null) void filesOf(event.dataTransfer).then((found) => this.take(found));
    });
    for (const id of ['c-folder', 'c-files']) {
      const input = byId(id, HTMLInputElement);
      input.addEventListener('change', () => {
        void this.take([...input.files ?? []].map(dropped));
        byId('c-dialog', HTMLDialogElement).close();
      });
    }
    byId('c-source', HTMLButtonElement).addEventListener('click', () => byId('c-dialog', HTMLDialogElement).showModal());
  }

  async take(found: readonly Dropped[]): Promise<void> {
    const taken: string[] = [];
    for (const { name, text } of found) {
      const port = this.files.indexOf(PORTS[name] ?? '');
      if (port === -1) continue;
      try {
        const source = await text();
        this.code.addC(port, { name, text: source, html: highlight(source), language: 'c', listing: readListing('') });
        taken.push(name);
      } catch (error) {
        this.say(`${name}: ${error instanceof Error ? error.message : String(error)}`);
        return;
      }
    }
    if (taken.length === 0) {
      this.say(`None of ${Object.keys(PORTS).join(', ')} was among ${found.length === 1 ? 'it' : `the ${found.length} files`}.`);
      return;
    }
    document.body.classList.add('with-c');
    this.code.revealMarked();
    const share = Math.round(this.code.shareOfRun() * 100);
    this.say(`${taken.join(', ')}: ${share} % of the lines that this scene runs have their line of C.`);
  }
}

function dropped(file: File): Dropped {
  // latin1 takes any byte; old C files with accented names are not UTF-8.
  return { name: file.name, text: async () => new TextDecoder('latin1').decode(await file.arrayBuffer()) };
}

async function filesOf(transfer: DataTransfer): Promise<Dropped[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length === 0) return [...transfer.files].map(dropped);
  return (await Promise.all(entries.map((entry) => below(entry)))).flat();
}

async function below(entry: FileSystemEntry): Promise<Dropped[]> {
  if (entry instanceof FileSystemFileEntry) {
    return [dropped(await new Promise<File>((resolve, reject) => entry.file(resolve, reject)))];
  }
  if (!(entry instanceof FileSystemDirectoryEntry)) return [];
  const reader = entry.createReader();
  const found: Dropped[] = [];
  for (;;) {
    // readEntries gives up to 100 entries at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    found.push(...(await Promise.all(some.map((each) => below(each)))).flat());
  }
}
