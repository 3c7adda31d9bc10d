// jsforce, the client most integrations are built on, drives localorg through
// OAuth, query, records, collections and describe. It is used as its
// documentation says; nothing here knows that the org is not Salesforce.
'use strict';
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const jsforce = require('jsforce');
const {signIn} = require('./support/browser.js');

const org = JSON.parse(process.env.LOCALORG);
const VERSION = '64.0';
const BASE = `/services/data/v${VERSION}`;
const CALLBACK = 'http://127.0.0.1:17171/callback';
const checks = [];
const check = (name, run) => checks.push([name, run]);
const refusedWith = code => e => { assert.equal(e.errorCode, code); return true; };

// Where the browser ends: the callback with a code or an error in it.
const authorize = async oauth2 => new URL((await signIn(oauth2.getAuthorizationUrl({scope: 'api id refresh_token',
  state: 'xyz'}), org, {stopAt: CALLBACK})).url);

const app = () => new jsforce.OAuth2({loginUrl: org.url, clientId: org.client_id,
  clientSecret: org.client_secret, redirectUri: CALLBACK, useVerifier: true});
const code = async oauth2 => (await authorize(oauth2)).searchParams.get('code');
const connection = more => new jsforce.Connection({version: VERSION, ...more});

let conn;

check('logs in by the OAuth web-server flow with PKCE', async () => {
  const oauth2 = app();
  const back = await authorize(oauth2);
  assert.equal(back.searchParams.get('state'), 'xyz');
  conn = connection({oauth2});
  const who = await conn.authorize(back.searchParams.get('code'));
  assert.equal(who.organizationId, org.organization_id);
  assert.match(who.id, /^005\w{15}$/);
  assert.ok(conn.refreshToken);
});

check('a code works once', async () => {
  const oauth2 = app();
  const once = await code(oauth2);
  await connection({oauth2}).authorize(once);
  await assert.rejects(connection({oauth2}).authorize(once), /authorization code|invalid_grant/);
});

check('another PKCE verifier is refused', async () => {
  const oauth2 = app();
  const given = await code(oauth2);
  oauth2.codeVerifier = crypto.randomBytes(64).toString('base64url');
  await assert.rejects(connection({oauth2}).authorize(given), /verifier|invalid/);
});

check('the token answer is signed with the secret', async () => {
  const oauth2 = app();
  const token = await oauth2.requestToken(await code(oauth2));
  const wanted = crypto.createHmac('sha256', org.client_secret).update(token.id + token.issued_at).digest('base64');
  assert.equal(token.signature, wanted);
  assert.match(token.access_token, /^00D\w{12}!/);
});

check('identity', async () => {
  const me = await conn.identity();
  assert.equal(me.username, org.username);
  assert.equal(me.organization_id, org.organization_id);
});

check('an ended session is refreshed and the request repeated', async () => {
  let refreshed = 0;
  const again = connection({oauth2: conn.oauth2, instanceUrl: conn.instanceUrl,
    accessToken: conn.accessToken.slice(0, -4) + 'xxxx', refreshToken: conn.refreshToken});
  again.on('refresh', () => refreshed++);
  assert.equal((await again.query('SELECT Id FROM Account LIMIT 1')).totalSize, 1);
  assert.equal(refreshed, 1);
});

check('versions and resources', async () => {
  const versions = await conn.request('/services/data');
  assert.ok(versions.some(v => v.version === VERSION && v.url === BASE));
  assert.equal((await conn.request(BASE)).sobjects, `${BASE}/sobjects`);
});

check('query with parents, order and limit', async () => {
  const {records, done, totalSize} = await conn.query('SELECT Id, LastName, Account.Name, Account.Owner.Username ' +
    'FROM Contact WHERE AccountId != null ORDER BY LastName LIMIT 5');
  assert.equal(records.length, 5);
  assert.equal(totalSize, 5);
  assert.ok(done);
  assert.match(records[0].attributes.url, new RegExp(`^${BASE}/sobjects/Contact/003`));
  assert.ok(records[0].Account.Name && records[0].Account.Owner.Username);
});

check('autofetch reads every page, each record once', async () => {
  const count = await conn.sobject('Contact').count();
  assert.ok(count > 500, `${count} contacts`);
  const ids = [];
  await new Promise((resolve, reject) => conn.query('SELECT Id, Name FROM Contact')
    .on('record', r => ids.push(r.Id)).on('end', resolve).on('error', reject)
    .run({autoFetch: true, maxFetch: 1000000, headers: {'Sforce-Query-Options': 'batchSize=200'}}));
  assert.equal(ids.length, count);
  assert.equal(new Set(ids).size, count);
});

check('queryMore by locator', async () => {
  const first = await conn.request({url: `${BASE}/query?q=${encodeURIComponent('SELECT Id FROM Contact')}`,
    method: 'GET', headers: {'Sforce-Query-Options': 'batchSize=250'}});
  assert.equal(first.done, false);
  assert.equal(first.records.length, 250);
  assert.match(first.nextRecordsUrl, /\/query\/\w{18}-250$/);
  const second = await conn.queryMore(first.nextRecordsUrl);
  assert.equal(second.totalSize, first.totalSize);
  assert.notEqual(second.records[0].Id, first.records[0].Id);
});

check('conditions as jsforce writes them', async () => {
  const found = await conn.sobject('Account').find(
    {Name: {$like: 'A%'}, CreatedDate: {$gt: jsforce.SfDate.toDateTimeLiteral(new Date(0))}}, 'Id, Name')
    .sort({Name: 1}).limit(10).execute();
  assert.ok(found.length);
  for (const r of found) assert.match(r.Name, /^a/i);
  assert.equal((await conn.sobject('Account').findOne({Id: found[0].Id}, 'Id, Name')).Name, found[0].Name);
});

check('SOQL mistakes come back in Salesforce’s words', async () => {
  await assert.rejects(conn.query('SELECT Id, Nope FROM Account'), e => {
    assert.match(e.message, /No such column 'Nope' on entity 'Account'/);
    assert.match(e.message, /ERROR at Row:1:Column:12/);
    return refusedWith('INVALID_FIELD')(e);
  });
  await assert.rejects(conn.query('SELECT Id FROM Nope'), refusedWith('INVALID_TYPE'));
  await assert.rejects(conn.query('SELECT Id FRM Account'), refusedWith('MALFORMED_QUERY'));
});

check('creates, reads, changes and deletes a record', async () => {
  const accounts = conn.sobject('Account');
  const {id, success} = await accounts.create({Name: "O'Dell Zoë & Söhne", NumberOfEmployees: 12, Industry: 'Banking'});
  assert.ok(success);
  assert.match(id, /^001\w{15}$/);
  const read = await accounts.retrieve(id);
  assert.equal(read.Name, "O'Dell Zoë & Söhne");
  assert.equal(read.NumberOfEmployees, 12);
  assert.match(read.CreatedDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000$/);
  assert.ok((await accounts.update({Id: id, Name: 'Renamed', Industry: null})).success);
  const changed = await accounts.findOne({Id: id}, 'Name, Industry');
  assert.equal(changed.Name, 'Renamed');
  assert.equal(changed.Industry, null);
  assert.ok((await accounts.destroy(id)).success);
  await assert.rejects(accounts.retrieve(id), e => ['NOT_FOUND', 'ENTITY_IS_DELETED'].includes(e.errorCode));
});

check('missing fields, long text, bad e-mail, unknown fields are refused by name', async () => {
  const contacts = conn.sobject('Contact');
  await assert.rejects(contacts.create({FirstName: 'x'}), refusedWith('REQUIRED_FIELD_MISSING'));
  await assert.rejects(contacts.create({LastName: 'x'.repeat(81)}), refusedWith('STRING_TOO_LONG'));
  await assert.rejects(contacts.create({LastName: 'x', Email: 'badone'}), refusedWith('INVALID_EMAIL_ADDRESS'));
  await assert.rejects(contacts.create({LastName: 'x', Nope__c: 1}), refusedWith('INVALID_FIELD'));
});

check('upserts by External ID: created, then updated', async () => {
  const leads = conn.sobject('Lead');
  const key = 'key-1.x';
  assert.ok((await leads.upsert({Lead_Key__c: key, LastName: 'Up', Company: 'Sert'}, 'Lead_Key__c')).success);
  assert.ok((await leads.upsert({Lead_Key__c: key, Title: 'CEO'}, 'Lead_Key__c')).success);
  const found = await leads.find({Lead_Key__c: key}, 'Id, LastName, Title');
  assert.equal(found.length, 1);
  assert.equal(found[0].Title, 'CEO');
  assert.equal(found[0].LastName, 'Up');
});

check('a unique field admits one record', async () => {
  const leads = conn.sobject('Lead');
  await leads.create({LastName: 'One', Company: 'C', Lead_Key__c: 'unique-1'});
  await assert.rejects(leads.create({LastName: 'Two', Company: 'C', Lead_Key__c: 'unique-1'}), e => {
    assert.match(e.message, /^duplicate value found: Lead_Key__c duplicates value on record with id: 00Q\w{12}$/);
    return refusedWith('DUPLICATE_VALUE')(e);
  });
});

check('collections of more than 200, with one bad row', async () => {
  const accounts = conn.sobject('Account');
  const rows = Array.from({length: 401}, (_, i) => (i === 300 ? {Phone: '1'} : {Name: `Bulk ${i}`}));
  const made = await accounts.create(rows, {allowRecursive: true});
  assert.equal(made.length, 401);
  assert.equal(made.filter(r => r.success).length, 400);
  assert.equal(made[300].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
  const good = made.filter(r => r.success).map(r => r.id);
  const read = await accounts.retrieve(good.slice(0, 20), {fields: ['Id', 'Name']});
  assert.equal(read[7].Name, 'Bulk 7');
  assert.ok((await accounts.update(good.slice(0, 200).map(Id => ({Id, Phone: '1'})))).every(r => r.success));
  assert.ok((await accounts.destroy(good, {allowRecursive: true})).every(r => r.success));
});

check('all or none undoes the good rows', async () => {
  const accounts = conn.sobject('Account');
  const before = await accounts.count();
  const made = await accounts.create([{Name: 'Good'}, {Phone: 'no name'}], {allOrNone: true});
  assert.equal(made[0].success, false);
  assert.equal(made[0].errors[0].statusCode, 'ALL_OR_NONE_OPERATION_ROLLED_BACK');
  assert.equal(await accounts.count(), before);
});

check('upsert of many: created, then updated', async () => {
  const rows = Array.from({length: 30}, (_, i) => ({Lead_Key__c: `many-${i}`, LastName: `L${i}`, Company: 'Many'}));
  assert.ok((await conn.sobject('Lead').upsert(rows, 'Lead_Key__c')).every(r => r.success && r.created));
  assert.ok((await conn.sobject('Lead').upsert(rows, 'Lead_Key__c')).every(r => r.success && !r.created));
});

check('composite with a reference', async () => {
  const {compositeResponse} = await conn.requestPost(`${BASE}/composite`, {allOrNone: true, compositeRequest: [
    {method: 'POST', url: `${BASE}/sobjects/Account`, referenceId: 'a', body: {Name: 'Composite'}},
    {method: 'POST', url: `${BASE}/sobjects/Contact`, referenceId: 'c', body: {LastName: 'Ref', AccountId: '@{a.id}'}},
    {method: 'GET', url: `${BASE}/sobjects/Contact/@{c.id}?fields=AccountId`, referenceId: 'g'}]});
  assert.deepEqual(compositeResponse.map(r => r.httpStatusCode), [201, 201, 200]);
  assert.equal(compositeResponse[2].body.AccountId, compositeResponse[0].body.id);
});

check('duplicate rules refuse, and the header overrides', async () => {
  const twin = {LastName: 'Twin', Company: 'A', Email: 'twin@duplicate.example'};
  await conn.sobject('Lead').create(twin);
  await assert.rejects(conn.sobject('Lead').create(twin), refusedWith('DUPLICATES_DETECTED'));
  assert.ok((await conn.sobject('Lead').create(twin,
    {headers: {'Sforce-Duplicate-Rule-Header': 'allowSave=true'}})).success);
});

check('describe of the standard objects', async () => {
  const account = await conn.sobject('Account').describe();
  const name = account.fields.find(f => f.name === 'Name');
  assert.equal(name.length, 255);
  assert.equal(name.nillable, false);
  assert.equal(account.keyPrefix, '001');
  assert.ok(account.fields.find(f => f.name === 'Industry').picklistValues.some(v => v.value === 'Banking'));
  assert.ok(account.childRelationships.some(c => c.relationshipName === 'Contacts'));
  for (const object of ['Contact', 'Lead', 'Opportunity', 'Campaign', 'CampaignMember', 'Task', 'User'])
    assert.ok((await conn.sobject(object).describe()).fields.length > 10, object);
});

check('global describe', async () => {
  const {sobjects, maxBatchSize} = await conn.describeGlobal();
  assert.equal(maxBatchSize, 200);
  assert.equal(sobjects.find(o => o.name === 'Account').urls.describe, `${BASE}/sobjects/Account/describe`);
});

check('limits and the usage header', async () => {
  const limits = await conn.limits();
  assert.ok(limits.DailyApiRequests.Max > 0);
  assert.ok(conn.limitInfo.apiUsage.used > 0);
  assert.equal(conn.limitInfo.apiUsage.limit, limits.DailyApiRequests.Max);
});

check('search: SOSL and parameterized', async () => {
  const name = `Quokka ${Date.now()} Trading`;
  const {id} = await conn.sobject('Account').create({Name: name, Phone: '+49 228 5550199'});
  const word = name.split(' ')[1];
  const {searchRecords} = await conn.search(`FIND {${word}} IN NAME FIELDS RETURNING Account(Id, Name), Contact(Id)`);
  assert.deepEqual(searchRecords.map(r => [r.attributes.type, r.Id, r.Name]), [['Account', id, name]]);
  const found = await conn.request(`${BASE}/parameterizedSearch?q=${word}&sobject=Account&Account.fields=Name&in=NAME`);
  assert.deepEqual(found.searchRecords.map(r => r.Name), [name]);
  await assert.rejects(conn.search('FIND {x'), refusedWith('MALFORMED_SEARCH'));
  await conn.sobject('Account').destroy(id);
  assert.deepEqual((await conn.search(`FIND {${word}} RETURNING Account(Id)`)).searchRecords, []);
});

check('recently viewed and record counts', async () => {
  assert.ok(Array.isArray(await conn.recent(5)));
  const counts = await conn.request(`${BASE}/limits/recordCount?sObjects=Account,Contact`);
  assert.ok(counts.sObjects.find(o => o.name === 'Account').count > 0);
});

check('revoke ends the session', async () => {
  const oauth2 = app();
  const other = connection({oauth2});
  await other.authorize(await code(oauth2));
  const {accessToken, instanceUrl} = other;
  await other.identity();
  await other.logout();
  await assert.rejects(connection({instanceUrl, accessToken}).query('SELECT Id FROM Account LIMIT 1'),
    refusedWith('INVALID_SESSION_ID'));
});

(async () => {
  let passed = 0, failed = 0;
  for (const [name, run] of checks) {
    try {
      await run();
      passed++;
      console.log(`ok      ${name}`);
    } catch (e) {
      failed++;
      console.log(`FAILED  ${name}\n        ${String(e.stack || e).split('\n').slice(0, 4).join('\n        ')}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
})();
