// The sf command line, as people and their scripts use it: sign in, read, write,
// load and export in bulk. It has a home directory of its own, and runs offline.
'use strict';
const assert = require('node:assert/strict');
const {execFile, execFileSync} = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const org = JSON.parse(process.env.LOCALORG);
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'argil-sf-'));
const program = path.join(process.env.NODE_PATH, '@salesforce/cli/bin/run.js');
const env = {
  PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8', SF_DISABLE_TELEMETRY: 'true', SF_AUTOUPDATE_DISABLE: 'true',
  SF_SKIP_NEW_VERSION_CHECK: 'true', SF_DISABLE_LOG_FILE: 'true', SF_USE_GENERIC_UNIX_KEYCHAIN: 'true',
  SF_ORG_MAX_QUERY_LIMIT: '200000', SF_AUDIENCE_URL: org.url, SF_ACCESS_TOKEN: org.access_token,
};
const checks = [];
const check = (name, run) => checks.push([name, run]);
const file = (name, text) => { const at = path.join(home, name); fs.writeFileSync(at, text); return at; };

const run = args => new Promise(resolve => execFile(process.execPath, [program, ...args],
  {env, cwd: home, maxBuffer: 1 << 28, timeout: 120000},
  (error, stdout, stderr) => resolve({code: error ? error.code ?? 1 : 0, stdout, stderr})));
// The result of a command that has to work.
async function sf(...args) {
  const {code, stdout, stderr} = await run([...args, '--json']);
  let answer;
  try { answer = JSON.parse(stdout); } catch { assert.fail(`sf ${args.join(' ')}: ${code}\n${stdout}\n${stderr}`); }
  assert.equal(answer.status, 0, `sf ${args.join(' ')}: ${answer.message || stdout}`);
  return answer.result;
}
const records = async soql => (await sf('data', 'query', '--query', soql)).records;
const control = async (where, body) => assert.ok((await fetch(`${org.url}/localorg/${where}`,
  {method: 'POST', body: JSON.stringify(body)})).ok);

check('org login access-token', async () => {
  const {username, orgId, instanceUrl} = await sf('org', 'login', 'access-token', '--instance-url', org.url,
    '--alias', 'at', '--no-prompt', '--set-default');
  assert.equal(username, org.username);
  assert.equal(orgId, org.organization_id);
  assert.equal(instanceUrl.replace(/\/$/, ''), org.url);
});

check('org login jwt with a certificate of the connected app', async () => {
  const key = path.join(home, 'key.pem'), certificate = path.join(home, 'cert.pem');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate,
    '-subj', '/CN=argil', '-days', '2'], {stdio: 'ignore'});
  await control('policies', {app: {client_id: 'JWT_APP', certificate: fs.readFileSync(certificate, 'utf8'),
    scopes: ['api', 'refresh_token', 'web', 'id'], permitted_users: 'admin', assigned: [org.username]}});
  const {username} = await sf('org', 'login', 'jwt', '--client-id', 'JWT_APP', '--jwt-key-file', key,
    '--username', org.username, '--instance-url', org.url, '--alias', 'jwt');
  assert.equal(username, org.username);
  const rows = await sf('data', 'query', '--query', 'SELECT Id FROM Account LIMIT 1', '--target-org', 'jwt');
  assert.equal(rows.totalSize, 1);
  await sf('org', 'login', 'access-token', '--instance-url', org.url, '--alias', 'at', '--no-prompt', '--set-default');
});

// sf opens the program that BROWSER names; ours signs in behind its back, so that sf can listen.
const browser = () => {
  const at = file('browser.sh', `#!/bin/sh\n(sleep 1; LOCALORG='${JSON.stringify(org)}' exec '${process.execPath}' ` +
    `'${path.join(__dirname, 'support/browser.js')}' "$1") >'${home}/browser.log' 2>&1 &\n`);
  fs.chmodSync(at, 0o755);
  return at;
};
const freePort = () => new Promise(resolve => {
  const server = require('node:net').createServer().listen(0, '127.0.0.1', () => {
    const {port} = server.address();
    server.close(() => resolve(port));
  });
});

check('org login web, through the real pages', async () => {
  const port = await freePort(); // 1717, the only one its app accepts, may be in use here
  await control('policies', {app: {client_id: 'PlatformCLI', callbacks: [`http://localhost:${port}/OauthRedirect`]}});
  env.BROWSER = browser();
  file('sfdx-project.json', JSON.stringify({packageDirectories: [{path: '.', default: true}], oauthLocalPort: String(port)}));
  const {username, orgId} = await sf('org', 'login', 'web', '--instance-url', org.url, '--alias', 'web')
    .catch(e => assert.fail(`${e.message}\n${fs.readFileSync(path.join(home, 'browser.log'), 'utf8')}`));
  assert.equal(username, org.username);
  assert.equal(orgId, org.organization_id);
  fs.rmSync(path.join(home, 'sfdx-project.json'));
  assert.equal((await sf('data', 'query', '--query', 'SELECT Id FROM Account LIMIT 1', '--target-org', 'web')).totalSize, 1);
  await sf('org', 'login', 'access-token', '--instance-url', org.url, '--alias', 'at', '--no-prompt', '--set-default');
});

check('org display', async () => {
  const {connectedStatus, id} = await sf('org', 'display');
  assert.equal(connectedStatus, 'Connected');
  assert.equal(id, org.organization_id);
});

check('data query: JSON, table and CSV', async () => {
  const rows = await sf('data', 'query', '--query', 'SELECT Id, Name, Owner.Name FROM Account ORDER BY Name LIMIT 3');
  assert.equal(rows.records.length, 3);
  assert.ok(rows.done && rows.records[0].Owner.Name);
  const table = await run(['data', 'query', '--query', 'SELECT Id, Name FROM Account ORDER BY Name LIMIT 3']);
  assert.equal(table.code, 0, table.stderr);
  assert.match(table.stdout, /Total number of records retrieved: 3/);
  const csv = await run(['data', 'query', '--query', 'SELECT Name, Owner.Name FROM Account LIMIT 2', '--result-format', 'csv']);
  assert.equal(csv.stdout.trim().split('\n')[0], 'Name,Owner.Name');
});

check('data query: every page', async () => {
  await control('limits', {page_size: 500});
  const {records: all, totalSize} = await sf('data', 'query', '--query', 'SELECT Id FROM Contact');
  await control('limits', {page_size: 2000});
  assert.ok(totalSize > 500, `${totalSize} contacts`);
  assert.equal(new Set(all.map(r => r.Id)).size, totalSize);
});

check('a mistake in SOQL is told', async () => {
  const {code, stdout} = await run(['data', 'query', '--query', 'SELECT Nope FROM Account', '--json']);
  assert.equal(code, 1);
  assert.equal(JSON.parse(stdout).name, 'INVALID_FIELD');
});

check('data create, get, update, delete record', async () => {
  const {id} = await sf('data', 'create', 'record', '--sobject', 'Account', '--values', "Name='Acme CLI' Phone=1");
  assert.match(id, /^001\w{15}$/);
  assert.equal((await sf('data', 'get', 'record', '--sobject', 'Account', '--record-id', id)).Name, 'Acme CLI');
  await sf('data', 'update', 'record', '--sobject', 'Account', '--where', "Name='Acme CLI'", '--values', 'Phone=42');
  assert.equal((await records(`SELECT Phone FROM Account WHERE Id = '${id}'`))[0].Phone, '42');
  await sf('data', 'delete', 'record', '--sobject', 'Account', '--record-id', id);
  assert.equal((await records(`SELECT Id FROM Account WHERE Id = '${id}'`)).length, 0);
});

check('data upsert bulk', async () => {
  const csv = file('leads.csv', 'Lead_Key__c,LastName,Company\nsf-1,Ann,A\nsf-2,Bob,B\nsf-3,,C\n');
  const {code, stdout} = await run(['data', 'upsert', 'bulk', '--sobject', 'Lead', '--external-id', 'Lead_Key__c',
    '--file', csv, '--wait', '2', '--line-ending', 'LF', '--json']);
  assert.equal(code, 1, 'one row was refused');
  const {name, data} = JSON.parse(stdout);
  assert.equal(name, 'FailedRecordDetailsError');
  assert.equal(data.state, 'JobComplete');
  const results = await sf('data', 'bulk', 'results', '--job-id', data.jobId);
  assert.deepEqual([results.successfulRecords, results.failedRecords], [2, 1]);
  assert.match(fs.readFileSync(path.join(home, results.failedFilePath), 'utf8'), /"REQUIRED_FIELD_MISSING:/);
});

check('data import, update, delete bulk', async () => {
  const many = Array.from({length: 300}, (_, i) => `Import ${i},${i}`);
  const made = await sf('data', 'import', 'bulk', '--sobject', 'Account', '--line-ending', 'LF', '--wait', '2',
    '--file', file('accounts.csv', ['Name,Phone', ...many].join('\n') + '\n'));
  assert.equal(Number(made.processedRecords), 300);
  const rows = await records("SELECT Id FROM Account WHERE Name LIKE 'Import %'");
  assert.equal(rows.length, 300);
  const changed = await sf('data', 'update', 'bulk', '--sobject', 'Account', '--line-ending', 'LF', '--wait', '2',
    '--file', file('update.csv', ['Id,Site', ...rows.map(r => `${r.Id},moved`)].join('\n') + '\n'));
  assert.equal(Number(changed.successfulRecords), 300);
  await sf('data', 'delete', 'bulk', '--sobject', 'Account', '--wait', '2', '--line-ending', 'LF',
    '--file', file('delete.csv', ['Id', ...rows.map(r => r.Id)].join('\n') + '\n'));
  assert.equal((await records("SELECT Id FROM Account WHERE Name LIKE 'Import %'")).length, 0);
});

check('data export bulk', async () => {
  const out = path.join(home, 'contacts.csv');
  const {totalSize} = await sf('data', 'export', 'bulk', '--query', 'SELECT Id, LastName, Account.Name FROM Contact',
    '--output-file', out, '--result-format', 'csv', '--wait', '2'); // its --line-ending asks for CRLF, always
  const lines = fs.readFileSync(out, 'utf8').trimEnd().split('\n');
  assert.equal(lines[0].replaceAll('"', ''), 'Id,LastName,Account.Name');
  assert.equal(lines.length - 1, totalSize);
});

check('data import tree', async () => {
  const tree = file('tree.json', JSON.stringify({records: [{attributes: {type: 'Account', referenceId: 'a1'}, Name: 'Tree',
    Contacts: {records: [{attributes: {type: 'Contact', referenceId: 'c1'}, LastName: 'Leaf'}]}}]}));
  const made = await sf('data', 'import', 'tree', '--files', tree);
  assert.ok(made.length >= 1, JSON.stringify(made));
  assert.equal((await records("SELECT Id, Account.Name FROM Contact WHERE LastName = 'Leaf'"))[0].Account.Name, 'Tree');
});

check('sobject describe and list', async () => {
  const account = await sf('sobject', 'describe', '--sobject', 'Account');
  assert.equal(account.keyPrefix, '001');
  assert.ok((await sf('sobject', 'list', '--sobject', 'all')).includes('Account'));
});

check('limits', async () => {
  const limits = await sf('limits', 'api', 'display');
  assert.ok(limits.find(l => l.name === 'DailyApiRequests').remaining > 0);
  const counts = await sf('org', 'list', 'sobject', 'record-counts', '--sobject', 'Account');
  assert.ok(counts[0].count > 0);
});

// A project as sf has them, beside the argil program of this build.
const argil = (...args) => execFileSync(process.env.ARGIL, [...args, '--data', path.join(home, 'argil')],
  {cwd: home, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']});

check('project deploy start: a permission set that argil permset wrote', async () => {
  file('sfdx-project.json', JSON.stringify({packageDirectories: [{path: 'force-app', default: true}], sourceApiVersion: '64.0'}));
  fs.mkdirSync(path.join(home, 'force-app/main/default'), {recursive: true});
  file('token', org.access_token);
  argil('init');
  argil('connect', 'local', '--url', org.url, '--insecure-host', '127.0.0.1', '--access-token-file', path.join(home, 'token'));
  argil('apply', file('leads.yaml', ['table: leads', 'source:', '  salesforce:', '    connection: local', '    object: Lead',
    '    fields: [Id, LastName, Email, Title, Lead_Key__c]', '  every: manual', 'columns:', '  - name: Retitle', '    salesforce_update:',
    '      connection: local', '      object: Lead', '      id: "{{Id}}"', '      set: { Title: "{{LastName}}" }', ''].join('\n')));
  argil('permset', 'leads', '--output', 'force-app/main/default');
  const deployed = await sf('project', 'deploy', 'start', '--source-dir', 'force-app');
  assert.equal(deployed.status, 'Succeeded');
  const [component] = deployed.files;
  assert.equal(component.type, 'PermissionSet');
  const fields = await records(`SELECT Field, PermissionsEdit FROM FieldPermissions WHERE Parent.Name = '${component.fullName}'`);
  assert.ok(fields.find(f => f.Field === 'Lead.Title').PermissionsEdit, JSON.stringify(fields));
});

check('project deploy start: a field and its permission in one package, and a mistake is told', async () => {
  const objects = path.join(home, 'force-app/main/default/objects/Lead/fields'), sets = path.join(home, 'force-app/main/default/permissionsets');
  const xmlns = 'xmlns="http://soap.sforce.com/2006/04/metadata"';
  fs.mkdirSync(objects, {recursive: true});
  fs.writeFileSync(path.join(objects, 'Deployed__c.field-meta.xml'), `<?xml version="1.0" encoding="UTF-8"?><CustomField ${xmlns}>` +
    '<fullName>Deployed__c</fullName><externalId>true</externalId><label>Deployed</label><length>40</length><type>Text</type><unique>true</unique></CustomField>');
  const set = field => fs.writeFileSync(path.join(sets, 'Extra.permissionset-meta.xml'), `<?xml version="1.0" encoding="UTF-8"?>` +
    `<PermissionSet ${xmlns}><fieldPermissions><editable>true</editable><field>${field}</field><readable>true</readable></fieldPermissions><label>Extra</label></PermissionSet>`);
  set('Lead.Missing__c');
  const {code, stdout} = await run(['project', 'deploy', 'start', '--source-dir', 'force-app', '--json']);
  assert.equal(code, 1);
  assert.match(stdout, /no CustomField named Lead\.Missing__c found/);
  set('Lead.Deployed__c');
  const deployed = await sf('project', 'deploy', 'start', '--source-dir', 'force-app');
  assert.equal(deployed.status, 'Succeeded');
  const {id} = await sf('data', 'create', 'record', '--sobject', 'Lead', '--values', "LastName=D Company=D Deployed__c=k");
  assert.equal((await records(`SELECT Deployed__c FROM Lead WHERE Id = '${id}'`))[0].Deployed__c, 'k');
});

(async () => {
  let passed = 0, failed = 0;
  for (const [name, test] of checks) {
    try {
      await test();
      passed++;
      console.log(`ok      ${name}`);
    } catch (e) {
      failed++;
      console.log(`FAILED  ${name}\n        ${String(e.stack || e).split('\n').slice(0, 5).join('\n        ')}`);
    }
  }
  fs.rmSync(home, {recursive: true, force: true});
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
})();
