// The page's script.
import type { PageData } from '../page-data';
import { setUpAppearance } from './appearance';
import { App } from './app';

setUpAppearance();
new App(JSON.parse(document.getElementById('data')?.textContent ?? '') as PageData);
