// The browser of a person who signs in at localorg, as helpers of public clients
// drive theirs: by the ids of the fields and buttons. As a program (`node
// browser.js URL`, with LOCALORG in the environment) it signs in and stays until
// the client's own page has answered.
'use strict';
const assert = require('node:assert/strict');

// A person's browser: cookies, redirects, forms found by the ids that helpers use.
class Browser {
  cookies = new Map();
  constructor({stopAt} = {}) { this.stopAt = stopAt; }
  async go(url, body) {
    for (let hops = 0; hops < 12; hops++) {
      const answer = await fetch(url, {
        method: body ? 'POST' : 'GET', body, redirect: 'manual',
        headers: {cookie: [...this.cookies].map(([n, v]) => `${n}=${v}`).join('; '),
          ...(body ? {'content-type': 'application/x-www-form-urlencoded'} : {})},
      });
      for (const line of answer.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
        this.cookies.set(name, value);
      }
      const to = answer.headers.get('location');
      if (!to) return {url, status: answer.status, text: await answer.text()};
      url = new URL(to, url).href;
      body = undefined;
      if (this.stopAt && url.startsWith(this.stopAt)) return {url, status: 302, text: ''};
    }
    throw new Error('redirected in a circle');
  }
  submit(page, id, values) {
    const plain = s => s.replace(/&amp;/g, '&').replace(/&quot;/g, '"').replace(/&#39;/g, "'");
    const form = [...page.text.matchAll(/<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/g)]
      .find(([, , inner]) => inner.includes(`id="${id}"`));
    assert.ok(form, `a form with #${id} on ${page.url}`);
    const fields = new URLSearchParams();
    for (const [tag] of form[2].matchAll(/<(?:input|button)[^>]*>/g)) {
      const of = name => (new RegExp(`\\b${name}="([^"]*)"`).exec(tag) || [])[1];
      const button = of('type') === 'submit' || tag.startsWith('<button');
      if (of('name') && (!button || of('id') === id)) fields.set(of('name'), plain(of('value') || ''));
    }
    for (const [name, value] of Object.entries(values || {})) fields.set(name, value);
    return this.go(new URL(plain(form[1]), page.url).href, fields.toString());
  }
}

// Opens an authorize address and does what the pages ask; returns the last page. It stops
// before an address that begins with stopAt.
async function signIn(url, org, {stopAt} = {}) {
  const browser = new Browser({stopAt});
  let page = await browser.go(url);
  if (page.text.includes('id="username"')) {
    assert.match(page.url, /\/\?ec=302/, 'the login page has the address that helpers look for');
    page = await browser.submit(page, 'username', {username: org.username, un: org.username, pw: org.password});
  }
  if (page.text.includes('id="oaapprove"')) page = await browser.submit(page, 'oaapprove');
  return page;
}

module.exports = {Browser, signIn};

if (require.main === module)
  signIn(process.argv[2], JSON.parse(process.env.LOCALORG)).then(page => process.exit(page.status < 400 ? 0 : 1),
    e => { console.error(e); process.exit(1); });
