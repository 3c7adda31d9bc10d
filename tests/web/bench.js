// bench.js - figures of the grid, each beside its own floor from the same run:
//   ARGIL_BENCH_ROWS=1000000 ./dev bench web
//
// Frame time is the time between animation frames: of a still page, and of the same page
// scrolled by a real wheel at 24,000 px/s (750 rows/s) while 200 cells a second of the rows
// on screen are typed over by somebody else; beside them the floor, a bare page whose
// scrolled box draws as many texts on a canvas and nothing else. The machine's load is
// printed with them: a loaded machine makes every figure but the bytes worse.
'use strict';
const fs = require('fs');
const http = require('http');
const os = require('os');
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

/** Somebody else, who types into cells: 20 cells, ten times a second. */
async function typist(site, column) {
  const { text } = await site.ask('POST', '/tokens', { name: 'bench', scope: 'runner' });
  const headers = { Authorization: 'Bearer ' + text, 'Content-Type': 'application/json' };
  const state = { row: 0, on: true, typed: 0, headers };
  state.done = (async () => {
    for (let next = Date.now(), n = 0; state.on; next += 100, n++) {
      const cells = Array.from({ length: 20 }, (_, at) => ({ row_id: Math.min(ROWS, state.row + at + 1), column_id: column, value: `typed ${n}` }));
      const answer = await fetch(site.url + '/api/v1/tables/many/cells', { method: 'PUT', headers, body: JSON.stringify({ cells }) });
      if (!answer.ok) throw new Error(await answer.text());
      state.typed += 20;
      await new Promise((go) => setTimeout(go, Math.max(0, next + 100 - Date.now())));
    }
  })();
  return state;
}

const rss = (pid) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

/** 500 streams that nothing is told to: 25 people with 20 each. */
async function idleStreams(site) {
  const cookies = [];
  for (let n = 0; n < 25; n++) {
    const made = await site.ask('POST', '/users', { login: `idle${n}`, role: 'viewer' });
    const answer = await fetch(site.url + '/api/v1/link', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code: made.link.split('#')[1], password: 'correct horse battery' }) });
    cookies.push(answer.headers.get('set-cookie').split(';')[0]);
  }
  const before = rss(site.program.process.pid);
  const streams = [];
  for (const cookie of cookies)
    for (let n = 0; n < 20; n++)
      await new Promise((open, fail) => {
        const request = http.get(site.url + '/api/v1/events', { agent: false, headers: { Cookie: cookie } }, (answer) => {
          if (answer.statusCode !== 200) fail(new Error(`a stream was answered ${answer.statusCode}`));
          answer.once('data', open);
        });
        streams.push(request);
      });
  console.log(`${streams.length} idle event streams: ${(rss(site.program.process.pid) - before).toFixed(1)} MB more (bound 50 MB)`);
  for (const stream of streams) stream.destroy();
}

async function metrics(devtools) {
  const { metrics: list } = await devtools.send('Performance.getMetrics');
  return Object.fromEntries(list.map((one) => [one.name, one.value]));
}

/** The least that can move so much text: one canvas, no elements, no server. */
const BARE = `<!doctype html><style>body{margin:0}.grid{height:900px;overflow:auto;contain:strict;background:#fff}.rows{height:15000000px}canvas{position:sticky;top:0;display:block}</style>
<div class=grid><div class=rows><canvas width=1424 height=900></canvas></div></div>`;
function drawBare() {
  const grid = document.querySelector('.grid');
  const pen = document.querySelector('canvas').getContext('2d', { alpha: false });
  let asked = 0;
  const draw = () => {
    asked = 0;
    pen.fillStyle = '#fff';
    pen.fillRect(0, 0, 1424, 900);
    pen.fillStyle = '#222';
    pen.font = '13px sans-serif';
    const first = Math.floor(grid.scrollTop / 32);
    for (let row = first; row < first + 29; row++) for (let column = 0; column < 10; column++) pen.fillText(`value ${row} ${column}`, 10 + column * 151, row * 32 - grid.scrollTop + 21);
  };
  grid.addEventListener('scroll', () => { asked ||= requestAnimationFrame(draw); }, { passive: true });
  draw();
}

/** 24,000 px/s by the clock, whether what is shown keeps up or not; how far it went. */
async function wheelOn(devtools, seconds, moved) {
  let wheel = 0;
  const end = Date.now() + seconds * 1000;
  for (let next = Date.now(); Date.now() < end; next += 16) {
    devtools.send('Input.dispatchMouseEvent', { type: 'mouseWheel', x: 900, y: 500, deltaX: 0, deltaY: 384 }).catch(() => {});
    wheel += 384;
    moved(wheel);
    await new Promise((go) => setTimeout(go, Math.max(0, next + 16 - Date.now())));
  }
  return wheel;
}

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

story('grid', async ({ page }) => {
  console.log(`load of this machine: ${os.loadavg().map((one) => one.toFixed(1)).join(', ')} on ${os.cpus().length} cores; ${ROWS.toLocaleString('en-US')} rows`);
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
  const { recipe } = await site.ask('GET', '/tables/many/recipe');
  await site.ask('POST', '/recipes', { recipe: recipe.replace(/\ncolumns:[^]*$/, '\n') + '\ncolumns:\n  - { name: Note, input: {} }\n' });
  const note = (await site.ask('GET', '/tables/many')).columns.find((one) => one.name === 'Note').id;
  const network = await page.context().newCDPSession(page);
  await network.send('Network.enable');
  await network.send('Network.setCacheDisabled', { cacheDisabled: true });
  await page.goto('about:blank');
  const began = Date.now();
  await page.goto(site.url + '/tables/many', { waitUntil: 'commit' });
  await site.cell(1, 1).filter({ hasText: 'value 0 0' }).waitFor();
  console.log(`first rows, cold cache: ${Date.now() - began} ms (bound 1000 ms)`);
  await page.waitForTimeout(1500);

  const still = await frames(page, SECONDS * 1000);
  await page.mouse.move(900, 500);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const other = await typist(site, note);
  const before = await metrics(devtools);
  const scrolled = frames(page, SECONDS * 1000);
  const wheel = await wheelOn(devtools, SECONDS, (now) => { other.row = Math.floor(now / 32); });
  const moving = await scrolled;
  const after = await metrics(devtools);
  other.on = false;
  await other.done;
  console.log(`cells typed by somebody else meanwhile: ${other.typed}`);
  const spent = ['ScriptDuration', 'RecalcStyleDuration', 'LayoutDuration', 'TaskDuration'].map((name) => `${name.replace('Duration', '')} ${(1000 * (after[name] - before[name]) / moving.length).toFixed(2)}`);
  console.log(`CPU of the page's thread, ms a frame: ${spent.join(', ')}`);
  const top = await page.evaluate(() => document.querySelector('.grid').scrollTop);
  const ratio = at(moving, 0.95) / at(still, 0.95);
  const late = (times) => (100 * times.filter((one) => one > 1.4 * at(still, 0.5)).length / times.length).toFixed(1);
  console.log(`frames that come a tick late: still ${late(still)} %, wheel ${late(moving)} % of ${moving.length}`);
  console.log(`frame, 95th percentile: still ${at(still, 0.95).toFixed(1)} ms, wheel ${at(moving, 0.95).toFixed(1)} ms, ratio ${ratio.toFixed(2)} (bound 1.4)`);
  console.log(`rows scrolled: ${Math.round(top / 32).toLocaleString('en-US')} of ${Math.round(wheel / 32).toLocaleString('en-US')} asked for; worst frame ${at(moving, 1).toFixed(0)} ms`);

  await page.goto('about:blank');
  await page.setContent(BARE);
  await page.evaluate(drawBare);
  const bare = frames(page, SECONDS * 1000);
  await wheelOn(devtools, SECONDS, () => {});
  console.log(`a bare canvas with as many texts, same wheel, nobody typing: ${at(await bare, 0.95).toFixed(1)} ms`);
  const times = [];
  const inside = [];
  for (let n = 0; n < 200; n++) {
    const from = performance.now();
    const answer = await fetch(`${site.url}/api/v1/tables/many/window?limit=100&at=${Math.floor((n * 7919 * 100) % ROWS)}`, { headers: other.headers });
    await answer.arrayBuffer();
    inside.push(Number(/app;dur=(\d+)/.exec(answer.headers.get('server-timing'))[1]));
    times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  inside.sort((a, b) => a - b);
  console.log(`window of 100 rows x 31 columns: at the server median ${at(inside, 0.5)} ms, 99th ${at(inside, 0.99)} ms (bound 10 ms); as a client waits median ${at(times, 0.5).toFixed(1)} ms, 95th ${at(times, 0.95).toFixed(1)} ms`);
  await page.goto(site.url);
  await idleStreams(site);
});

run();
