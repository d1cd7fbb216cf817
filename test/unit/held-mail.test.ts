import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Stop } from '../../shared/domain/outbox.ts';
import { mailboxReply } from '../../shared/protocol/administration.ts';
import { statusReply } from '../../shared/protocol/status.ts';
import { ERROR_TEXTS, LANGUAGES } from '../../shared/protocol/texts/index.ts';
import { rfc3339 } from '../../shared/protocol/time.ts';
import {
  advanceSeconds,
  failure,
  makeWorld,
  now,
  type Office,
  openOffice,
  type Process,
  signIn,
  startProcess,
  value,
  type World,
} from './support.ts';

const RESPONSE = '535 5.7.139 SmtpClientAuthentication is disabled for the Tenant.';

describe('mail that is not sent for now, while the sign-in is well', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    process = startProcess(world);
    office = await openOffice(process);
    value(await signIn(world, process, office.mailbox));
  });

  const outboxOf = () => process.records.outboxes.get(office.mailbox.id);
  const stopped = async (stop: Stop): Promise<void> => {
    assert.ok(await process.records.outboxes.replace(office.mailbox.id, await outboxOf(), { stop }, stop.until));
  };
  const times = () => ({ since: now(world), until: now(world) + 300, response: RESPONSE });
  const held = () => stopped({ cause: 'hold', reason: 'smtp_switched_off', ...times() });
  const paused = () => stopped({ cause: 'pause', reason: 'mail_server_unavailable', failures: 1, ...times() });
  const reply = async () => mailboxReply(value(await process.administration.mailboxes.get(office.mailbox.id)));
  const slots = async (language: (typeof LANGUAGES)[number] = 'en') =>
    statusReply(value(await process.readDeviceStatus(office.credential)), language, () => undefined).slots;
  const scan = async (language?: (typeof LANGUAGES)[number]) =>
    (await slots(language)).find(({ slot }) => slot === 'scan');

  it('is told to administrators with why, since when, and what to do', async () => {
    assert.equal((await reply()).stop, null);
    await held();
    const { token_status, stop } = await reply();
    const [text, remedy] = ERROR_TEXTS.en.smtp_switched_off;
    assert.equal(token_status, 'acquired');
    assert.deepEqual(stop, {
      cause: 'hold',
      kind: 'smtp_switched_off',
      ...{ text, remedy, message: RESPONSE },
      since: rfc3339(now(world)),
      retry_at: rfc3339(now(world) + 300),
    });
    const [listed] = await process.administration.mailboxes.list(office.organization.id);
    assert.ok(listed);
    assert.equal(mailboxReply(listed).stop?.kind, 'smtp_switched_off');
  });

  it('is told of until a try succeeds where it is held, and for its time where it pauses', async () => {
    await held();
    await advanceSeconds(world, 301);
    assert.equal((await reply()).stop?.cause, 'hold');
    await paused();
    assert.equal((await reply()).stop?.cause, 'pause');
    await advanceSeconds(world, 300);
    assert.equal((await reply()).stop, null);
  });

  it('is told to the device, in its language', async () => {
    const well = await scan();
    assert.deepEqual([well?.mail_held, well?.message, well?.panel_code], [false, null, null]);
    await held();
    for (const language of LANGUAGES) {
      const slot = await scan(language);
      assert.deepEqual(
        [slot?.token_status, slot?.mail_held, slot?.panel_code, slot?.message, slot?.remedy],
        ['acquired', true, 360, ...ERROR_TEXTS[language].smtp_switched_off],
      );
    }
  });

  it('is told to the device of each slot that sends, and not of the one that reads', async () => {
    for (const slot of ['alerts', 'receive']) {
      value(await process.administration.devices.bind(office.device.clientId, slot, office.mailbox.id));
    }
    await held();
    const told = (await slots()).map(({ slot, mail_held, message }) => [slot, mail_held, message !== null]);
    assert.deepEqual(told.sort(), [
      ['alerts', true, true],
      ['receive', false, false],
      ['scan', true, true],
    ]);
  });

  it('is not told to the device where it passes by itself', async () => {
    await paused();
    const slot = await scan();
    assert.deepEqual([slot?.mail_held, slot?.message, slot?.panel_code], [false, null, null]);
  });

  it('leaves the word to what keeps the mailbox from its token', async () => {
    value(await process.administration.mailboxes.signOut(office.mailbox.id));
    await held();
    const slot = await scan();
    assert.deepEqual([slot?.mail_held, slot?.message], [true, ERROR_TEXTS.en.signed_out[0]]);
  });

  it('is tried at once when an administrator asks for it, and that is noted down', async () => {
    await held();
    const tried = value(await process.administration.mailboxes.tryNow(office.mailbox.id));
    assert.equal(tried.way.stop?.until, now(world));
    assert.equal((await outboxOf()).dueAt, now(world));
    const query = { organizationId: office.organization.id, cursor: undefined, limit: 50 };
    const { entries } = await process.administration.history.audit(query);
    assert.deepEqual(
      entries.filter(({ action }) => action === 'mailbox.tried-now').map(({ subject, detail }) => [subject, detail]),
      [[office.mailbox.id, office.mailbox.address]],
    );
    const none = failure(await process.administration.mailboxes.tryNow('mbx_none'));
    assert.equal(none.kind, 'not_found');
  });
});
