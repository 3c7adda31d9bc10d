// support.js - what a story in a browser needs: programs, a page, evidence.
//
//   const { story, run, Workspace } = require('./support');
//   story('a person signs in', async ({ page }) => {
//     const w = await Workspace.open();           // localorg and an empty workspace
//     const connect = w.start('connect', 'prod', '--url', w.org.url, ...);
//     await page.goto(await connect.says(/(http:\/\/\S+authorize\S+)/));
//     ...
//   });
//   run();
//
// Each story gets a fresh browser context (no cookies) and one page. Programs
// that it started are stopped when it ends, by their own process. A story that
// fails leaves NAME.png, NAME.html and NAME.log under build/browser-failures.
// Nothing waits by the clock: wait for what must be seen (page.waitForURL,
// locator.waitFor, process.says), each with a deadline that only a failure meets.
'use strict';
const { chromium } = require('playwright-core');
const child = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const assert = require('assert');

const BUILD = process.env.ARGIL_BUILD_DIR;
const ARGIL = path.join(BUILD, 'src/argil/argil');
const LOCALORG = path.join(BUILD, 'src/localorg/rest/localorg');
const FAILURES = path.join(BUILD, 'browser-failures');
const DEADLINE = Number(process.env.ARGIL_BROWSER_DEADLINE || 60000);
const STORY_DEADLINE = 5 * DEADLINE;
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
               '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const closing = []; // of the running story: newest first

// A started program whose output can be waited for.
class Program {
  constructor(command, words, env) {
    this.command = path.basename(command) + ' ' + words.join(' ');
    this.out = '';
    this.waiting = [];
    this.process = child.spawn(command, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.left = new Promise((done) => this.process.on('close', (code, signal) => {
      this.code = code === null ? signal : code;
      this.wake();
      done(this.code);
    }));
    for (const stream of [this.process.stdout, this.process.stderr])
      stream.setEncoding('utf8').on('data', (text) => { this.out += text; this.wake(); });
    closing.unshift(() => this.stop());
  }

  wake() {
    for (const look of [...this.waiting]) look();
  }

  // The first group (or the whole match) of a pattern once the program has printed it.
  says(pattern) {
    return new Promise((done, fail) => {
      const end = (act, value) => {
        clearTimeout(timer);
        this.waiting = this.waiting.filter((l) => l !== look);
        act(value);
      };
      const look = () => {
        const found = pattern.exec(this.out);
        if (found) end(done, found[1] === undefined ? found[0] : found[1]);
        else if (this.code !== undefined)
          end(fail, new Error(`${this.command} left with ${this.code} without saying ${pattern}:\n${this.out}`));
      };
      const timer = setTimeout(() => end(fail, new Error(`${this.command} did not say ${pattern}:\n${this.out}`)),
                               DEADLINE);
      this.waiting.push(look);
      look();
    });
  }

  async ends(code = 0) {
    const left = await Promise.race([this.left, later(DEADLINE, 'still running')]);
    assert.strictEqual(left, code, `${this.command} left with ${left}:\n${this.out}`);
    return this.out;
  }

  async stop() {
    if (this.code !== undefined) return;
    this.process.kill('SIGTERM');
    if (await Promise.race([this.left, later(10000, 'late')]) === 'late') {
      this.process.kill('SIGKILL');
      await this.left;
    }
  }
}

function later(ms, value) {
  return new Promise((done) => setTimeout(done, ms, value).unref());
}

// localorg, and its control API.
class Org {
  static async open({ seed = 'demo', scale = 1, more = [] } = {}) {
    const org = new Org();
    org.program = new Program(LOCALORG, ['serve', '--json', '--listen', '127.0.0.1:0', '--seed', seed,
                                         '--scale', String(scale), ...more], process.env);
    org.ready = JSON.parse(await org.program.says(/(\{.*\})\s/));
    org.url = org.ready.url;
    return org;
  }

  async call(method, where, body) {
    const answer = await fetch(this.url + where, {
      method, body: body === undefined ? undefined : JSON.stringify(body),
      headers: { Authorization: 'Bearer ' + this.ready.access_token, 'Content-Type': 'application/json' },
    });
    const text = await answer.text();
    assert(answer.ok, `${method} ${where}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  control(method, where, body) {
    return this.call(method, '/localorg' + where, body);
  }

  app(settings) {
    return this.control('POST', '/policies', { apps: [{ client_id: this.ready.client_id, ...settings }] });
  }

  user(username, settings) {
    return this.control('POST', '/policies', { users: [{ username, ...settings }] });
  }

  policy(settings) {
    return this.control('POST', '/policies', { org: settings });
  }
}

// An initialised workspace of its own beside an org.
class Workspace {
  static async open({ org, ...options } = {}) {
    const w = new Workspace();
    w.org = org || await Org.open(options);
    w.home = fs.mkdtempSync(path.join(os.tmpdir(), 'argil-browser-'));
    closing.push(() => fs.rmSync(w.home, { recursive: true, force: true })); // after the programs
    w.env = { ...process.env, ARGIL_DATA: path.join(w.home, 'data'), XDG_CONFIG_HOME: path.join(w.home, 'config'),
              ARGIL_ALLOW_PRIVATE_HTTP: '1', ARGIL_INSECURE_HOST: '127.0.0.1',
              ARGIL_SETTLE_MS: '0', NO_COLOR: '1' };
    await w.run('init');
    return w;
  }

  start(...words) {
    return new Program(ARGIL, words, this.env);
  }

  // What a command printed; any other exit code fails the story.
  run(...words) {
    return this.start(...words).ends(0);
  }

  async json(...words) {
    return JSON.parse(await this.run(...words, '--json'));
  }
}

// ---------------------------------------------------------------- stories

const stories = [];

function story(name, tell) {
  stories.push({ name, tell });
}

async function evidence(name, page, console_, error) {
  const base = path.join(FAILURES, name.replace(/\W+/g, '-'));
  fs.mkdirSync(FAILURES, { recursive: true });
  await page.screenshot({ path: base + '.png', fullPage: true }).catch(() => {});
  fs.writeFileSync(base + '.html', await page.content().catch(() => ''));
  fs.writeFileSync(base + '.log', [page.url(), ...console_, ...(page.refusals || []), String(error.stack)].join('\n'));
  return base + '.png';
}

async function tell(browser, { name, tell }) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const console_ = [];
  page.on('console', (m) => console_.push(`console ${m.type()}: ${m.text()}`));
  page.on('pageerror', (e) => console_.push(`page error: ${e.message}`));
  context.setDefaultTimeout(DEADLINE);
  try {
    const late = later(STORY_DEADLINE).then(() => { throw new Error('the story did not come to an end'); });
    await Promise.race([tell({ page, context, browser }), late]);
    console.log(`ok      ${name}`);
    return true;
  } catch (error) {
    const picture = await evidence(name, page, console_, error);
    console.log(`FAILED  ${name}\n        ${String(error.message).slice(0, 1500)}\n        ${picture}`);
    return false;
  } finally {
    await context.close().catch(() => {});
    for (const close of closing.splice(0)) await close();
  }
}

// Tells the stories whose name holds one of the words on the command line (all
// without words), prints a line each and the closing count, and leaves.
async function run() {
  const words = process.argv.slice(2);
  const chosen = stories.filter((s) => !words.length || words.some((w) => s.name.includes(w)));
  let passed = 0;
  if (chosen.length) {
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
    for (const s of chosen) passed += await tell(browser, s);
    await browser.close();
  }
  console.log(`${passed} passed, ${chosen.length - passed} failed`);
  process.exit(passed === chosen.length ? 0 : 1);
}

module.exports = { story, run, Org, Workspace, Program, assert, DEADLINE };
