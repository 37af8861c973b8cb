// The system's Chromium, headless, for specs of pages.
import { spawnSync } from 'node:child_process';

import type { Browser } from 'playwright-core';
import { chromium } from 'playwright-core';

const PROGRAM = '/usr/bin/chromium';

/** Whether it is installed. */
export const hasChromium = spawnSync(PROGRAM, ['--version']).status === 0;

export async function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: PROGRAM, args: [
      '--no-sandbox', '--disable-gpu', '--disable-software-rasterizer', '--in-process-gpu', '--num-raster-threads=1',
      '--disable-dev-shm-usage', '--no-first-run',
    ],
  });
}
