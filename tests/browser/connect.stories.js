// Connecting as a person does: argil's own pages, localorg's login and consent.
'use strict';
const { story, run, Workspace, assert } = require('./support');

const SALES = 'sales@localorg.example';

// `argil connect`, and the start page it prints.
async function connecting(w, ...words) {
  w.env.ARGIL_CLIENT_SECRET = w.org.ready.client_secret;
  const connect = w.start('connect', 'demo', '--url', w.org.url, '--client-id', w.org.ready.client_id,
                          '--no-browser', ...words);
  return { connect, address: await connect.says(/^\s+(http\S+)$/m) };
}

// The start page stays; Salesforce opens in a window of its own.
async function toSalesforce(page) {
  const opened = page.waitForEvent('popup');
  await page.click('#continue');
  const login = await opened;
  await login.waitForLoadState();
  return login;
}

async function signIn(login, w, username = w.org.ready.username) {
  await login.fill('#username', username);
  await login.fill('#password', w.org.ready.password);
  await login.click('#Login');
}

async function colour(page) {
  return page.locator('#environment').evaluate((e) => getComputedStyle(e).backgroundColor);
}

story('a person connects, and both windows say so', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const w = await Workspace.open();
  const { connect, address } = await connecting(w);
  await page.goto(address);
  const callback = await page.textContent('#callback');
  assert.strictEqual(callback, new URL('/callback', address).href);
  await page.click('#copy');
  await page.getByText('Copied').waitFor();
  assert.strictEqual(await page.evaluate(() => navigator.clipboard.readText()), callback);
  const login = await toSalesforce(page);
  await signIn(login, w);
  await login.click('#oaapprove');
  await login.getByRole('heading', { name: 'Signed in' }).waitFor();
  await page.getByRole('heading', { name: 'Signed in' }).waitFor();
  assert.match(await login.textContent('main'), new RegExp(w.org.ready.organization_id));
  const said = await connect.ends(0);
  assert.match(said, new RegExp(w.org.ready.organization_id));
  assert.match(said, /granted\s+.*refresh_token/);
});

story('a person presses Deny', async ({ page }) => {
  const w = await Workspace.open();
  const { connect, address } = await connecting(w);
  await page.goto(address);
  const login = await toSalesforce(page);
  await signIn(login, w);
  await login.click('#oadeny');
  await login.getByRole('heading', { name: 'Not connected' }).waitFor();
  assert.match(await login.textContent('#error'), /access_denied/);
  assert.match(await login.textContent('#causes'), /Allow/);
  await page.getByRole('heading', { name: 'Not connected' }).waitFor();
  assert.match(await connect.ends(1), /Salesforce refused the sign-in: access_denied/);
  assert.strictEqual((await w.json('connection', 'list')).length, 0);
});

story('a blocked app is explained where the person is', async ({ page }) => {
  const w = await Workspace.open();
  await w.org.app({ blocked: true });
  const { connect, address } = await connecting(w);
  await page.goto(address);
  const login = await toSalesforce(page);
  await signIn(login, w);
  await login.getByRole('heading', { name: 'Not connected' }).waitFor();
  assert.match(await login.textContent('#causes li:first-child'), /Connected Apps OAuth Usage/);
  assert.match(await login.textContent('#causes li:first-child'), /administrator/);
  await connect.ends(1);
});

story('an error page of Salesforce that never comes back is pasted and explained', async ({ page }) => {
  const w = await Workspace.open();
  await w.org.app({ installed: false });
  const { address } = await connecting(w);
  await page.goto(address);
  const login = await toSalesforce(page);
  await signIn(login, w, SALES);
  await login.waitForURL(/RemoteAccessErrorPage/);
  assert.match(await login.textContent('body'), /OAUTH_APPROVAL_ERROR_GENERIC/);
  await page.fill('#seen', login.url());
  await page.click('#explain');
  assert.match(await page.textContent('#causes li:first-child'), /Install/);
  await page.goBack();
  await page.click('#late summary');
  assert.match(await page.textContent('#late li:first-child'), /not installed/);
});

story('the wrong environment is refused, and its grant given back', async ({ page }) => {
  const w = await Workspace.open();
  let { connect, address } = await connecting(w, '--sandbox');
  await page.goto(address);
  assert.strictEqual(await colour(page), 'rgb(173, 104, 0)');
  const login = await toSalesforce(page);
  await signIn(login, w);
  await login.click('#oaapprove');
  await login.getByRole('heading', { name: 'Not connected' }).waitFor();
  assert.match(await login.textContent('#error'), /says it is no sandbox/);
  assert.match(await login.textContent('#hint'), /My Domain/);
  await connect.ends(1);
  assert.strictEqual((await w.json('connection', 'list')).length, 0);
  assert.strictEqual((await w.org.call('GET', '/localorg/stats')).refresh_tokens, 0);

  await w.org.policy({ sandbox: true }); // and the other way round
  ({ connect, address } = await connecting(w));
  await page.goto(address);
  const again = await toSalesforce(page);
  await again.getByRole('heading', { name: 'Not connected' }).waitFor();
  assert.match(await again.textContent('#error'), /is a sandbox, and Test Env was not asked for/);
  await connect.ends(1);
});

story('reconnecting needs no words, and another user is told of', async ({ page, browser }) => {
  const w = await Workspace.open();
  const first = await connecting(w);
  await page.goto(first.address);
  let login = await toSalesforce(page);
  await signIn(login, w);
  await login.click('#oaapprove');
  await first.connect.ends(0);

  const again = w.start('connect', 'demo', '--no-browser');
  await page.goto(await again.says(/^\s+(http\S+)$/m));
  assert.strictEqual(await page.textContent('h1'), 'Reconnect demo');
  login = await toSalesforce(page); // signed in and approved before: straight back
  await login.getByRole('heading', { name: 'Signed in' }).waitFor();
  await again.ends(0);
  assert.strictEqual((await w.org.call('GET', '/localorg/stats')).refresh_tokens, 1, 'the old grant is gone');

  const context = await browser.newContext(); // another person
  const other = await context.newPage();
  const wanting = w.start('connect', 'demo', '--no-browser');
  await other.goto(await wanting.says(/^\s+(http\S+)$/m));
  login = await toSalesforce(other);
  await signIn(login, w, SALES);
  await login.click('#oaapprove');
  await login.getByRole('heading', { name: 'Not connected' }).waitFor();
  assert.match(await login.textContent('#error'), /connected as admin@.*you signed in as sales@/);
  assert.match(await wanting.ends(5), /OAuth user changes from admin@\S+ to sales@/);
  assert.match(JSON.stringify(await w.json('connection', 'show', 'demo', '--offline')), /admin@localorg/);
  await context.close();
});

story('an answer in another browser is not taken', async ({ page, browser }) => {
  const w = await Workspace.open();
  const { connect, address } = await connecting(w);
  await page.goto(address);
  const login = await toSalesforce(page);
  await signIn(login, w);
  const source = await login.inputValue('input[name=source]');
  const consent = await page.context().request.post(login.url(), { form: { source, save: ' Allow ' }, maxRedirects: 0 });
  const callback = consent.headers().location; // caught on its way

  const context = await browser.newContext(); // somebody else's browser is sent the address
  const victim = await context.newPage();
  const answer = await victim.goto(callback);
  assert.strictEqual(answer.status(), 403);
  assert.match(await victim.textContent('#error'), /did not start the sign-in/);
  const forged = await page.goto(callback.replace(/state=[^&]+/, 'state=forged'));
  assert.strictEqual(forged.status(), 400);
  await login.goto(callback); // the right one
  await login.getByRole('heading', { name: 'Signed in' }).waitFor();
  await connect.ends(0);
  await context.close();
});

run();
