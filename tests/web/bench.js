// bench.js - figures of the grid, each beside its own floor from the same run:
//   ./dev bench web [ROWS]
//
// Frame time is the time between animation frames: of a still page, and of the same page
// scrolled by a real wheel at 24,000 px/s (750 rows/s) while rows on screen are updated.
'use strict';
const fs = require('fs');
const path = require('path');
const zlib = require('zlib');
const { story, run } = require('../browser/support');
const { Site } = require('./site');

const ROWS = Number(process.env.ARGIL_BENCH_ROWS || 100000);
const SECONDS = 5;
const DIST = path.join(process.env.ARGIL_ROOT, 'web/dist/assets');

function size() {
  const files = fs.readdirSync(DIST).filter((name) => name.endsWith('.js'));
  const bytes = files.map((name) => zlib.gzipSync(fs.readFileSync(path.join(DIST, name)), { level: 9 }).length);
  console.log(`JavaScript, gzip: ${(bytes.reduce((a, b) => a + b) / 1024).toFixed(0)} KB in ${files.length} files (bound 250 KB)`);
}

function frames(page, ms) {
  return page.evaluate((length) => new Promise((done) => {
    const times = [];
    let last = performance.now();
    const end = last + length;
    const tick = (now) => {
      times.push(now - last);
      last = now;
      if (now < end) requestAnimationFrame(tick);
      else done(times.slice(1).sort((a, b) => a - b));
    };
    requestAnimationFrame(tick);
  }), ms);
}

async function metrics(devtools) {
  const { metrics: list } = await devtools.send('Performance.getMetrics');
  return Object.fromEntries(list.map((one) => [one.name, one.value]));
}

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

story('grid', async ({ page }) => {
  size();
  await page.setViewportSize({ width: 1440, height: 900 });
  const site = await Site.open(page);
  site.fine = async () => {};
  await site.setup();
  const file = path.join(site.w.home, 'many.csv');
  const out = fs.createWriteStream(file);
  out.write(Array.from({ length: 30 }, (_, c) => `Column ${c}`).join(',') + '\n');
  for (let r = 0; r < ROWS; r++) out.write(Array.from({ length: 30 }, (_, c) => `value ${r} ${c}`).join(',') + '\n');
  await new Promise((done) => out.end(done));
  await page.goto(site.url + '/tables/new?source=csv');
  await page.getByLabel('CSV file *').setInputFiles(file);
  await page.getByRole('heading', { name: 'First rows' }).waitFor();
  await page.getByRole('button', { name: 'Import the file' }).click();
  await page.getByText(`${ROWS.toLocaleString('en-US')} rows`, { exact: true }).waitFor({ timeout: 280000 });
  const began = Date.now();
  await page.reload();
  await site.cell(1, 1).filter({ hasText: 'value 0 0' }).waitFor();
  console.log(`first rows after a reload: ${Date.now() - began} ms`);
  await page.waitForTimeout(1500);

  const still = await frames(page, SECONDS * 1000);
  await page.mouse.move(900, 500);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const before = await metrics(devtools);
  const scrolled = frames(page, SECONDS * 1000);
  const end = Date.now() + SECONDS * 1000;
  let wheel = 0;
  for (let next = Date.now(); Date.now() < end; next += 16) {
    await page.mouse.wheel(0, 384);
    wheel += 384;
    await page.waitForTimeout(Math.max(0, next + 16 - Date.now()));
  }
  const moving = await scrolled;
  const after = await metrics(devtools);
  const spent = ['ScriptDuration', 'RecalcStyleDuration', 'LayoutDuration', 'TaskDuration'].map((name) => `${name.replace('Duration', '')} ${(1000 * (after[name] - before[name]) / moving.length).toFixed(2)}`);
  console.log(`CPU of the page's thread, ms a frame: ${spent.join(', ')}`);
  const top = await page.evaluate(() => document.querySelector('.grid').scrollTop);
  const ratio = at(moving, 0.95) / at(still, 0.95);
  console.log(`frame, 95th percentile: still ${at(still, 0.95).toFixed(1)} ms, wheel ${at(moving, 0.95).toFixed(1)} ms, ratio ${ratio.toFixed(2)} (bound 1.4)`);
  console.log(`rows scrolled: ${Math.round(top / 32).toLocaleString('en-US')} of ${Math.round(wheel / 32).toLocaleString('en-US')} asked for; worst frame ${at(moving, 1).toFixed(0)} ms`);

  const times = await page.evaluate(async (rows) => {
    const taken = [];
    for (let n = 0; n < 40; n++) {
      const from = performance.now();
      await (await fetch(`/api/v1/tables/many/window?limit=100&at=${Math.floor((n * 7919 * 100) % rows)}`)).text();
      taken.push(performance.now() - from);
    }
    return taken.sort((a, b) => a - b);
  }, ROWS);
  console.log(`window of 100 rows x 30 columns, as the page waits: median ${at(times, 0.5).toFixed(1)} ms, 95th ${at(times, 0.95).toFixed(1)} ms`);
});

run();
