// Settings, Connections: the web app, localorg's login and consent, and back.
'use strict';
const { story, run, Workspace, assert } = require('./support');

const SALES = 'sales@localorg.example';
const TABLE = 'table: leads\nsource:\n  salesforce: { object: Lead, fields: [Id, Phone] }\n';

// A server with its first account, whose session the page has.
async function serving(w, page) {
  const server = w.start('serve', '--json', '--listen', '127.0.0.1:0', '--insecure-host', '127.0.0.1');
  const ready = JSON.parse(await server.says(/(\{.*\})\s/));
  const api = async (method, path, body, csrf) => {
    const answer = await page.context().request.fetch(`${ready.url}/api/v1${path}`, {
      method, data: body, headers: csrf ? { 'X-Argil-CSRF': csrf } : {} });
    assert(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`);
    return answer.status() === 204 ? null : answer.json();
  };
  const { csrf } = await api('POST', '/setup', { code: ready.setup_url.split('#')[1], login: 'ann@acme.example',
                                                 name: 'Ann', password: 'correct horse battery' });
  return { url: ready.url, call: (method, path, body) => api(method, path, body, csrf) };
}

async function signIn(page, w, username = w.org.ready.username) {
  await page.fill('#username', username);
  await page.fill('#password', w.org.ready.password);
  await page.click('#Login');
  await page.click('#oaapprove');
}

// Somebody else sits down: the org's session goes, argil's stays.
async function leaveTheOrg(page) {
  const all = await page.context().cookies();
  await page.context().clearCookies();
  await page.context().addCookies(all.filter((c) => /argil/i.test(c.name)));
}

story('an org is connected under Settings, and another user is told of before they take over', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const w = await Workspace.open();
  const server = await serving(w, page);
  await page.goto(server.url + '/settings/connections');
  await page.getByRole('button', { name: 'Connect Salesforce Test Env' }).click();
  await page.getByLabel('Kind of org').selectOption('local');
  await page.getByLabel('Address of the localorg').fill(w.org.url);
  await page.getByText(server.url + '/oauth/callback').waitFor();
  await page.getByLabel(/Consumer key/).fill(w.org.ready.client_id);
  await page.getByLabel(/Consumer secret/).fill(w.org.ready.client_secret);
  await page.getByLabel('Name here').fill('trial');
  await page.getByRole('button', { name: 'Log in to Salesforce' }).click();
  await signIn(page, w);
  await page.waitForURL(/settings\/connections\/trial\?signin=connected/);
  await page.getByText(w.org.ready.organization_id).waitFor();
  await page.getByText(/System Administrator/).waitFor();

  await server.call('POST', '/recipes', { recipe: TABLE });
  await w.org.control('POST', '/users', { username: SALES, deny: [{ object: 'Lead', field: 'Phone', access: ['read'] }] });
  await leaveTheOrg(page);
  await page.getByRole('button', { name: 'Reconnect' }).click();
  await signIn(page, w, SALES);
  await page.waitForURL(/signin=failed/);
  await page.getByText(/is connected as admin@\S+; you signed in as sales@/).waitFor();
  await page.getByText(/Lead\.Phone/).first().waitFor();
  assert.strictEqual((await server.call('GET', '/connections/trial')).username, w.org.ready.username);
  await page.getByRole('button', { name: 'Let the new user take over' }).click();
  await page.waitForURL(/signin=connected/);
  assert.strictEqual((await server.call('GET', '/connections/trial')).username, SALES);

  await page.getByRole('button', { name: 'Make it the default' }).click();
  await page.getByRole('button', { name: 'No longer the default' }).waitFor();
  assert.strictEqual((await server.call('GET', '/connections/trial')).is_default, true);
});

story('a refusal of the org is explained under Settings', async ({ page }) => {
  const w = await Workspace.open();
  const server = await serving(w, page);
  await w.org.app({ blocked: true });
  const begun = await server.call('POST', '/connections/trial/signin', {
    environment: 'local', login_url: w.org.url, client_id: w.org.ready.client_id, client_secret: w.org.ready.client_secret });
  await page.goto(begun.url);
  await page.fill('#username', w.org.ready.username);
  await page.fill('#password', w.org.ready.password);
  await page.click('#Login');
  await page.waitForURL(/settings\/connections\/trial\?signin=failed/);
  await page.getByRole('alert').getByText(/Connected Apps OAuth Usage/).first().waitFor();
  await page.getByText(server.url + '/oauth/callback').waitFor();
  assert.deepStrictEqual((await server.call('GET', '/connections')).connections, []);
});

run();
