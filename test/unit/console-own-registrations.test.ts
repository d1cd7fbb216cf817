import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { textsIn } from '../../console/texts/index.ts';
import type { Mailbox, Organization } from '../../shared/domain/entities.ts';
import type { Registration } from '../../shared/domain/registration.ts';
import { LANGUAGES } from '../../shared/protocol/texts/index.ts';
import { consoleOverMemory, putAppRegistration, troubled } from '../fakes/console.ts';
import { countOf, unescaped, visitorOf } from '../fakes/console-visitor.ts';
import { value } from './support.ts';

const rowOf = (text: string, part: string): string =>
  unescaped(text.split('<tr role="row">').find((row) => row.includes(part)) ?? '');

describe('the console, of a registration that an organization has brought', () => {
  let broker: ReturnType<typeof consoleOverMemory>;
  let visitor: ReturnType<typeof visitorOf>;
  let fabrikam: Organization;
  let spared: Mailbox;
  let mailbox: Mailbox;
  let own: Registration;

  const newMailbox = async (address: string): Promise<Mailbox> => {
    const wish = { provider: 'google', address, aliases: [] } as const;
    return value(await broker.administration.mailboxes.create(fabrikam.id, wish)).mailbox;
  };

  /** Google does not answer the broker, and refuses the registration that Fabrikam has brought. */
  beforeEach(async () => {
    broker = consoleOverMemory();
    visitor = visitorOf(broker);
    ({ organization: fabrikam, spared } = await troubled(broker));
    own = { provider: 'google', organizationId: fabrikam.id };
    const now = broker.clock.now() / 1000;
    await putAppRegistration(broker.records, { ...own, clientId: 'client-of-fabrikam', clientSecrets: [{}] });
    mailbox = await newMailbox('own@fabrikam.com');
    const told = { kind: 'app_registration_refused', code: 'invalid_client', message: 'It is refused.' } as const;
    const trouble = { ...told, at: now - 60, retryAt: now + 240 };
    await broker.held(mailbox, (grant) => ({ ...grant, registration: 'own', failures: 1, trouble }));
    await broker.records.coolDowns.replace(own, 0, {
      ...{ cause: 'registration', failures: 1, since: now - 60, until: now + 240 },
      ...{ code: 'invalid_client', message: 'It is refused.' },
    });
  });

  it('lists it with the name of the organization, and asks for a date that no stand-in can excuse', async () => {
    const row = rowOf((await visitor.logIn()).text, 'client-of-fabrikam');
    assert.match(row, /Google \(Fabrikam\)/);
    assert.match(row, /Enter it as expires_on/);
  });

  it('tells of its incident by name, beside that of the broker’s', async () => {
    const { text } = await visitor.logIn();
    assert.equal(countOf(text, '<section class="problem incident"'), 2);
    assert.match(text, /Google refuses the app registration of Fabrikam\./);
    assert.match(text, /Google does not answer\./);
  });

  it('says it in every language', async () => {
    await visitor.logIn();
    for (const language of LANGUAGES) {
      const { text } = await visitor.get('/', { 'accept-language': language });
      const sentence = textsIn(language).incident.ownRegistration('Google', 'Fabrikam');
      assert.match(sentence, /Google.*Fabrikam/);
      assert.ok(unescaped(text).includes(sentence), language);
    }
    assert.equal(new Set(LANGUAGES.map((one) => textsIn(one).incident.ownRegistration('', ''))).size, LANGUAGES.length);
  });

  it('lets an incident speak for the mailboxes of its own registration alone', async () => {
    assert.ok(!(await visitor.logIn()).text.includes('own@fabrikam.com'));
    await broker.records.coolDowns.replace(own, 1, undefined);
    assert.match(rowOf((await visitor.get('/')).text, 'own@fabrikam.com'), /must check its app registration/);
    await broker.records.coolDowns.replace({ provider: 'google' }, 1, undefined);
    assert.match(rowOf((await visitor.get('/')).text, 'spared@fabrikam.com'), /does not answer at present/);
  });

  it('shows with a mailbox the incident of the registration that it is refreshed by', async () => {
    await visitor.logIn();
    const page = async ({ id }: Mailbox) => (await visitor.get(`/console/mailboxes/${id}`)).text;
    const [ofOwn, ofBroker] = [await page(mailbox), await page(spared)];
    assert.match(ofOwn, /Google refuses the app registration of Fabrikam/);
    assert.doesNotMatch(ofOwn, /Google does not answer/);
    assert.match(ofBroker, /Google does not answer/);
    assert.doesNotMatch(ofBroker, /refuses the app registration/);
    const fresh = await newMailbox('fresh@fabrikam.com');
    assert.match(await page(fresh), /Google refuses the app registration of Fabrikam/, 'a sign-in would begin with it');
  });

  it('shows an administrator of the organization this one, and not the broker’s', async () => {
    const { adminKey } = value(await broker.administration.adminKeys.create('Anna', fabrikam.id));
    const { text } = await visitor.logIn(adminKey);
    assert.match(text, /client-of-fabrikam/);
    assert.match(text, /Google refuses the app registration of Fabrikam/);
    assert.doesNotMatch(text, /Google does not answer|11111111-2222/);
    const other = await broker.administration.organizations.create('Contoso', 'en');
    const others = value(await broker.administration.adminKeys.create('Bo', other.id));
    const seen = (await visitorOf(broker).logIn(others.adminKey)).text;
    assert.doesNotMatch(seen, /client-of-fabrikam|refuses the app registration|App registrations/);
  });

  it('names it by the id where there is no such organization', async () => {
    const clientSecrets = [{ expiresOn: '2029-12-31' }];
    const lost = {
      provider: 'google',
      organizationId: 'org_lost',
      clientId: 'client-of-nobody',
      clientSecrets,
    } as const;
    await putAppRegistration(broker.records, lost);
    assert.match(rowOf((await visitor.logIn()).text, 'client-of-nobody'), /Google \(org_lost\)/);
  });
});
