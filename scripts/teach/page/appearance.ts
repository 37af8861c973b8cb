// Light or dark, and the size for a projector: kept for the next visit, if the browser allows it.
import { byId } from './dom';

const THEMES = ['system', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];
const SIGNS: Readonly<Record<Theme, string>> = { system: '◐', light: '☀', dark: '☾' };

export function setUpAppearance(): void {
  const root = document.documentElement;
  const theme = byId('theme', HTMLButtonElement);
  const projector = byId('projector', HTMLButtonElement);
  const prefersDark = matchMedia('(prefers-color-scheme: dark)');
  let chosen: Theme = THEMES.find((each) => each === load('theme')) ?? 'system';

  const show = (): void => {
    root.dataset['theme'] = chosen === 'system' ? (prefersDark.matches ? 'dark' : 'light') : chosen;
    theme.textContent = SIGNS[chosen];
    theme.setAttribute('aria-label', `Colours: ${chosen === 'system' ? 'as the system has them' : chosen}`);
    projector.setAttribute('aria-pressed', String(root.dataset['size'] === 'projector'));
  };
  if (load('size') === 'projector') root.dataset['size'] = 'projector';
  show();
  prefersDark.addEventListener('change', show);
  theme.addEventListener('click', () => {
    chosen = THEMES[(THEMES.indexOf(chosen) + 1) % THEMES.length];
    save('theme', chosen);
    show();
  });
  projector.addEventListener('click', () => {
    if (root.dataset['size'] === 'projector') delete root.dataset['size'];
    else root.dataset['size'] = 'projector';
    save('size', root.dataset['size'] ?? '');
    show();
    // As on any resize, scrolls the line that is about to run into sight.
    window.dispatchEvent(new Event('resize'));
  });
}

// A page opened as a file may have no storage.
function load(name: string): string | null {
  try {
    return localStorage.getItem(`teach.${name}`);
  } catch {
    return null;
  }
}

function save(name: string, value: string): void {
  try {
    localStorage.setItem(`teach.${name}`, value);
  } catch {
    // The choice ends with the page.
  }
}
