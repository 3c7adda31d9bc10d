// jsforce's streaming client (Faye) listens to localorg: change events, replay,
// PushTopics, platform events, generic channels, and a session that ends.
'use strict';
const assert = require('node:assert/strict');
const jsforce = require('jsforce');
const {StreamingExtension} = require('jsforce/lib/api/streaming');

const org = JSON.parse(process.env.LOCALORG);
const VERSION = '64.0';
const checks = [];
const check = (name, run) => checks.push([name, run]);
const conn = new jsforce.Connection({instanceUrl: org.url, accessToken: org.access_token, version: VERSION});

const control = async (path, body) => {
  const answer = await fetch(`${org.url}/localorg/${path}`, {method: 'POST', body: JSON.stringify(body)});
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
};

// Messages of a subscription, in order; next() waits for one.
class Ear {
  heard = [];
  waiting = [];
  hear = message => { this.waiting.length ? this.waiting.shift()(message) : this.heard.push(message); };
  next() {
    if (this.heard.length) return Promise.resolve(this.heard.shift());
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('nothing was heard in 20 s')), 20000);
      this.waiting.push(message => { clearTimeout(late); resolve(message); });
    });
  }
}

const listen = async (client, channel) => {
  const ear = new Ear();
  const subscription = client.subscribe(channel, ear.hear);
  await subscription;
  return {ear, cancel: () => subscription.cancel()};
};
// Faye's own client, as jsforce makes it; closed at the end of each check.
const open = [];
const client = extensions => {
  const made = conn.streaming.createClient(extensions);
  open.push(made);
  return made;
};

check('hears changes of an object as they are made', async () => {
  const {ear} = await listen(client([]), '/data/AccountChangeEvent');
  const made = await conn.sobject('Account').create({Name: 'Streamed', BillingCity: 'Bern'});
  const event = await ear.next();
  assert.equal(event.payload.Name, 'Streamed');
  assert.equal(event.payload.BillingAddress.City, 'Bern');
  assert.deepEqual(event.payload.ChangeEventHeader.recordIds, [made.id]);
  assert.equal(event.payload.ChangeEventHeader.changeType, 'CREATE');
  await conn.sobject('Account').update({Id: made.id, Phone: '1'});
  const changed = await ear.next();
  assert.equal(changed.payload.ChangeEventHeader.changeType, 'UPDATE');
  assert.ok(changed.payload.ChangeEventHeader.changedFields.includes('Phone'));
  assert.ok(changed.event.replayId > event.event.replayId);
  await conn.sobject('Account').destroy(made.id);
  assert.equal((await ear.next()).payload.ChangeEventHeader.changeType, 'DELETE');
});

check('replays from an id, from the beginning, and refuses one that is too old', async () => {
  const all = await listen(client([new StreamingExtension.Replay('/data/AccountChangeEvent', -2)]),
    '/data/AccountChangeEvent');
  const first = await all.ear.next(), second = await all.ear.next();
  assert.equal(first.payload.ChangeEventHeader.changeType, 'CREATE');
  const later = await listen(
    client([new StreamingExtension.Replay('/data/AccountChangeEvent', first.event.replayId)]),
    '/data/AccountChangeEvent');
  assert.equal((await later.ear.next()).event.replayId, second.event.replayId);
  await control('events', {forget: true});
  await assert.rejects(
    listen(client([new StreamingExtension.Replay('/data/AccountChangeEvent', first.event.replayId)]),
      '/data/AccountChangeEvent'),
    e => { assert.match(e.message, /^400::The replayId \{\d+\} you provided was invalid/); return true; });
});

check('refuses a channel that is not there', async () => {
  await assert.rejects(listen(client([]), '/topic/Nothing'),
    e => { assert.match(e.message, /doesn't exist \{\/topic\/Nothing\}/); return true; });
});

check('subscribes to a PushTopic by conn.streaming.topic', async () => {
  await conn.sobject('PushTopic').create({Name: 'HotLeads', ApiVersion: VERSION,
    Query: "SELECT Id, LastName, Rating FROM Lead WHERE Rating = 'Hot'"});
  const ear = new Ear();
  const topic = conn.streaming.topic('HotLeads');
  await topic.subscribe(ear.hear);
  await conn.sobject('Lead').create({LastName: 'Cold', Company: 'C', Rating: 'Cold'});
  const made = await conn.sobject('Lead').create({LastName: 'Warm', Company: 'C', Rating: 'Hot'});
  const message = await ear.next();
  assert.equal(message.event.type, 'created');
  assert.deepEqual(message.sobject, {Id: made.id, LastName: 'Warm', Rating: 'Hot'});
  topic.unsubscribe(ear.hear);
});

check('publishes and hears platform events and generic messages', async () => {
  await control('schema', {name: 'Paid__e', label: 'Paid', fields: [{name: 'Number__c', type: 'string', length: 20}]});
  await conn.sobject('StreamingChannel').create({Name: '/u/notices'});
  const events = await listen(client([]), '/event/Paid__e');
  const sent = await conn.sobject('Paid__e').create({Number__c: 'I-7'});
  assert.equal(sent.success, true);
  assert.equal((await events.ear.next()).payload.Number__c, 'I-7');
  const ear = new Ear();
  await conn.streaming.channel('/u/notices').subscribe(ear.hear);
  const result = await conn.streaming.channel('/u/notices').push({payload: 'hello', userIds: []});
  assert.equal(result.fanoutCount, -1);
  assert.equal((await ear.next()).payload, 'hello');
});

check('learns from AuthFailure that its session is over', async () => {
  const failed = new Ear();
  const own = new jsforce.Connection({instanceUrl: org.url, version: VERSION,
    accessToken: (await control('token', {})).access_token});
  const made = own.streaming.createClient([new StreamingExtension.AuthFailure(failed.hear)]);
  open.push(made);
  await made.subscribe('/data/AccountChangeEvent', () => {});
  await control('events', {timeout_ms: 100});
  await control('expire', {});
  const message = await failed.next();
  assert.equal(message.error, '401::Authentication invalid');
});

(async () => {
  let passed = 0, failed = 0;
  await control('events', {select: ['Account']});
  for (const [name, run] of checks) {
    try {
      await run();
      passed++;
      console.log(`ok   ${name}`);
    } catch (e) {
      failed++;
      console.log(`FAIL ${name}\n${e.stack || e}`);
    }
    for (const one of open.splice(0)) one.disconnect();
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
})();
