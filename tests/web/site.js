// site.js - a server with its first person, and what is watched on every page.
//
//   const site = await Site.open(page);       // localorg, workspace, argil serve
//   await site.setup();                       // the first account, by the printed link
//   await site.connect();                     // Settings, Connections, Salesforce Test Env
//   await site.fine('Tables');                // axe-core in both themes, nothing refused by the CSP
//   await site.end();                         // nothing went elsewhere, no error was logged
'use strict';
const fs = require('fs');
const path = require('path');
const { Workspace, assert } = require('../browser/support');

const AXE = fs.readFileSync(path.join(process.env.NODE_PATH, 'axe-core/axe.min.js'), 'utf8');
const LOOKED_AT = path.join(process.env.ARGIL_BUILD_DIR, 'web-screens.txt');
const PERSON = { name: 'Ann Archer', login: 'ann@example.com', password: 'correct horse battery' };
// An answer of 4xx is logged by the browser; whether one was right is for each story to say.
const EXPECTED = /Failed to load resource/;

class Site {
  static async open(page, { orgless = false, ...options } = {}) {
    const site = new Site();
    site.page = page;
    site.w = await Workspace.open(options);
    site.org = site.w.org;
    await site.serve();
    site.watch(page);
    return site;
  }

  async serve(port = 0, ...words) {
    this.program = this.w.start('serve', '--json', '--listen', `127.0.0.1:${port}`, ...words);
    this.ready = JSON.parse(await this.program.says(/(\{.*\})\s/));
    this.url = this.ready.url;
  }

  watch(page) {
    this.strange = [];
    this.refusals = []; // 422 and above; printed when a story fails
    page.refusals = this.refusals;
    this.elsewhere = [];
    page.on('pageerror', (error) => this.strange.push(`page error: ${error.message}`));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !EXPECTED.test(message.text())) this.strange.push(message.text());
    });
    page.on('response', async (answer) => {
      if (answer.status() >= 422 && answer.status() !== 429) this.refusals.push(`${answer.request().method()} ${answer.url()}: ${await answer.text().catch(() => '')}`);
    });
    page.on('request', (request) => {
      const to = new URL(request.url());
      if (!['data:', 'blob:'].includes(to.protocol) && ![this.url, this.org.url].includes(to.origin)) this.elsewhere.push(request.url());
    });
    return this.guard(page);
  }

  // What its CSP refuses is kept for fine().
  guard(page) {
    return page.addInitScript(() => {
      window.refusedByPolicy = [];
      document.addEventListener('securitypolicyviolation', (event) => window.refusedByPolicy.push(`${event.violatedDirective}: ${event.blockedURI}`));
    });
  }

  async setup() {
    const { page } = this;
    await page.goto(this.ready.setup_url);
    await this.fine('setup');
    await page.getByLabel('Your name').fill(PERSON.name);
    await page.getByLabel('E-mail').fill(PERSON.login);
    await page.getByLabel('Password').fill(PERSON.password);
    await page.getByLabel('Time zone').fill('Europe/Berlin');
    await page.getByRole('button', { name: 'Create my account' }).click();
    await page.getByRole('navigation', { name: 'Places' }).waitFor();
  }

  async signIn(login = PERSON.login, password = PERSON.password) {
    const { page } = this;
    await page.getByLabel('E-mail or name').fill(login);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('navigation', { name: 'Places' }).waitFor();
  }

  // Settings, Connections, Salesforce Test Env; the org's own pages; back again.
  async connect({ expect = 'Connected.', known = false } = {}) {
    const { page } = this;
    await page.goto(this.url + '/settings/connections');
    await page.getByRole('button', { name: 'Connect Salesforce Test Env' }).click();
    await page.getByLabel('Kind of org').selectOption('local');
    await page.getByLabel('Address of the localorg').fill(this.org.url);
    await page.getByLabel('Consumer key').fill(this.org.ready.client_id);
    await page.getByLabel('Consumer secret').fill(this.org.ready.client_secret);
    await this.fine('connect');
    await page.getByRole('button', { name: 'Log in to Salesforce' }).click();
    if (!known) { // else the org knows this browser already
      await page.fill('#username', this.org.ready.username);
      await page.fill('#password', this.org.ready.password);
      await page.click('#Login');
    }
    if (expect === 'Connected.') {
      await page.click('#oaapprove');
      await page.getByText(expect).waitFor();
    }
  }

  // A request of the page's own session, for what a story needs and does not tell.
  ask(method, address, body) {
    return this.page.evaluate(async ([how, where, what]) => {
      const session = await (await fetch('/api/v1/session')).json();
      const answer = await fetch('/api/v1' + where, {
        method: how, headers: { 'Content-Type': 'application/json', 'X-Argil-CSRF': session.csrf },
        body: what === undefined ? undefined : JSON.stringify(what),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${how} ${where}: ${answer.status} ${text}`);
      return text ? JSON.parse(text) : null;
    }, [method, address, body]);
  }

  // A table of Contacts with rows, made through the API.
  async table(columns = '', fields = 'Id, LastName, Email, Title', name = 'people') {
    const recipe = `table: ${name}\nsource:\n  salesforce:\n    connection: salesforce-test\n    object: Contact\n` +
                   `    fields: [${fields}]\nauto_update: false\n${columns}`;
    await this.ask('POST', '/recipes', { recipe, connection: 'salesforce-test' });
    await this.settled(await this.ask('POST', `/tables/${name}/syncs`, {}));
  }

  async settled(run) {
    for (let at = run; ; at = await this.ask('GET', `/runs/${run.id}`)) {
      if (at.ended) return at;
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  async look(theme, page, rules) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    const found = await page.evaluate((only) => window.axe.run(document, { resultTypes: ['violations'], ...(only ? { runOnly: only } : {}) }), rules);
    return found.violations.map((rule) => `${theme}: ${rule.id} (${rule.impact}): ${rule.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(' | ')}`);
  }

  // The screen is drawn: it has its heading, and what it asks for is there.
  async drawn(page = this.page) {
    await page.locator('h1').first().waitFor({ state: 'attached' });
    await page.locator('.loading').first().waitFor({ state: 'detached' });
  }

  // The screen as it stands: no violation in either theme, nothing that the CSP had to refuse.
  async fine(screen, page = this.page) {
    await this.drawn(page);
    if (!await page.evaluate(() => !!window.axe)) await page.evaluate(AXE);
    // every rule once; those that a theme changes in both
    const problems = [...await this.look('dark', page, ['color-contrast', 'link-in-text-block']), ...await this.look('light', page)];
    assert.deepStrictEqual(problems, [], screen);
    assert.deepStrictEqual(await page.evaluate(() => window.refusedByPolicy), [], `${screen}: refused by the CSP`);
    fs.appendFileSync(LOOKED_AT, page.url() + '\n'); // screens.py: was every screen looked at?
  }

  async end() {
    assert.deepStrictEqual(this.elsewhere, [], 'requests to elsewhere');
    assert.deepStrictEqual(this.strange, [], 'the console');
  }

  cell(row, column) {
    return this.page.locator(`.g-canvas .g-row[aria-rowindex="${row + 1}"] .g-cell[aria-colindex="${column + 1}"]`);
  }
}

module.exports = { Site, PERSON };
