// Connecting as a person does: argil's own pages, localorg's login and consent.
'use strict';
const { story, run, Workspace, assert } = require('./support');

// `argil connect`, and the address of the sign-in page it prints.
async function connecting(w, ...words) {
  w.env.ARGIL_CLIENT_SECRET = w.org.ready.client_secret;
  const connect = w.start('connect', 'demo', '--url', w.org.url, '--client-id', w.org.ready.client_id,
                          '--no-browser', ...words);
  return { connect, address: await connect.says(/^\s+(http\S+)$/m) };
}

async function signIn(page, w, username = w.org.ready.username) {
  await page.fill('#username', username);
  await page.fill('#password', w.org.ready.password);
  await page.click('#Login');
}

story('a person connects an org', async ({ page }) => {
  const w = await Workspace.open();
  const { connect, address } = await connecting(w);
  await page.goto(address);
  await signIn(page, w);
  await page.click('#oaapprove');
  await page.getByRole('heading', { name: 'Signed in' }).waitFor();
  const said = await connect.ends(0);
  assert.match(said, new RegExp(w.org.ready.organization_id));
});

run();
