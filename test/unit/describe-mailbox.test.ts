import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { mailboxPage } from '../../console/pages/mailbox.ts';
import { realProviders, type View } from '../../console/view.ts';
import type { GrantTrouble } from '../../shared/domain/grant.ts';
import { mailboxReply } from '../../shared/protocol/administration.ts';
import { statusReply } from '../../shared/protocol/status.ts';
import { INVALID_GRANT, REGISTRATION_REFUSED, unavailable } from '../fakes/scripted-provider.ts';
import {
  advanceSeconds,
  depart,
  failure,
  makeWorld,
  now,
  type Office,
  openOffice,
  type Process,
  settle,
  signIn,
  startProcess,
  tokenRequest,
  value,
  type World,
} from './support.ts';

const DAY = 86_400;

describe('describeMailbox', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    process = startProcess(world);
    office = await openOffice(process);
  });

  const described = () => process.describeMailbox(office.mailbox);
  const administered = async () => value(await process.administration.mailboxes.get(office.mailbox.id));

  const statusAndReason = async () => {
    const { tokenStatus, statusReason } = await described();
    return [tokenStatus, statusReason];
  };

  /** What the three doors say of the mailbox: admin API, device status, console. */
  const everywhere = async () => {
    const reply = mailboxReply(value(await process.administration.mailboxes.get(office.mailbox.id)));
    const status = statusReply(value(await process.readDeviceStatus(office.credential)), 'en', () => undefined);
    const view: View = {
      language: 'en',
      csrfToken: 'token',
      isForAll: true,
      here: undefined,
      nowSeconds: now(world),
      providers: realProviders,
      notice: undefined,
    };
    const model = { organization: office.organization, described: await administered(), boundDevices: [] };
    const appRegistrations = await process.administration.appRegistrations.list();
    const page = String(await mailboxPage(view, { ...model, appRegistrations }));
    return { reply, slot: status.slots[0], page };
  };

  describe('of a mailbox that waits for authentication', () => {
    it('names the person while a sign-in is open', async () => {
      await depart(process, office.mailbox);
      assert.deepEqual(await statusAndReason(), ['waiting', 'waiting_for_sign_in']);
      assert.match((await everywhere()).page, /Finish the sign-in in the browser/);
    });

    it('says everywhere what is waited for once the person is done, and heals without one', async () => {
      world.microsoft.failAlways(unavailable());
      assert.equal(value(await signIn(world, process, office.mailbox)).tokenStatus, 'waiting');

      const waiting = await everywhere();
      assert.equal(waiting.reply.token_status, 'waiting');
      assert.equal(waiting.reply.status_reason, 'provider_unavailable');
      assert.match(waiting.reply.remedy ?? '', /There is nothing to repair/);
      assert.equal(waiting.reply.last_error?.code, 'http_503');
      assert.equal(waiting.reply.last_refreshed_at, null);
      assert.equal(waiting.slot?.token_status, 'waiting');
      assert.equal(waiting.slot?.label, 'Waiting for authentication');
      assert.equal(waiting.slot?.message, 'The mail provider does not answer at present.');
      assert.equal(waiting.slot?.panel_code, 360);
      assert.match(waiting.page, /Waiting for authentication/);
      assert.match(waiting.page, /The mail provider does not answer at present/);
      assert.match(waiting.page, /button plain">Sign in again/);
      assert.doesNotMatch(waiting.page, /Finish the sign-in/);
      const { kind, retryAfterSeconds = 0 } = failure(await process.fetchToken(tokenRequest(office.credential)));
      assert.equal(kind, 'provider_unavailable');
      assert.ok(retryAfterSeconds > 0);

      for (let hour = 0; hour < 6; hour++) {
        await advanceSeconds(world, 3600);
        await process.sweepGrants();
        await settle(world, process.workGrants());
      }
      assert.deepEqual(await statusAndReason(), ['waiting', 'provider_unavailable']);

      world.microsoft.failAlways(undefined);
      for (let minute = 0; minute < 15; minute++) {
        await advanceSeconds(world, 60);
        await process.sweepGrants();
        await settle(world, process.workGrants());
      }
      const healed = await everywhere();
      assert.deepEqual([healed.reply.token_status, healed.reply.status_reason], ['acquired', null]);
      assert.equal(healed.reply.last_error, null);
      assert.notEqual(healed.reply.last_refreshed_at, null);
      assert.deepEqual([healed.slot?.token_status, healed.slot?.message], ['acquired', null]);
      assert.match(healed.page, /badge-acquired">Acquired/);
      assert.equal(world.microsoft.redeemCalls, 1);
      value(await process.fetchToken(tokenRequest(office.credential)));
    });

    it('names the operator where the registration of the broker is refused', async () => {
      world.microsoft.failNext(REGISTRATION_REFUSED);
      value(await signIn(world, process, office.mailbox));
      assert.deepEqual(await statusAndReason(), ['waiting', 'app_registration_refused']);
    });

    it('names the provider where that is being spared, and was not asked about this mailbox', async () => {
      const { organization } = office;
      const wish = { provider: 'microsoft', address: 'second@contoso.example', aliases: [] } as const;
      const { mailbox } = value(await process.administration.mailboxes.create(organization.id, wish));
      world.microsoft.failNext(unavailable(600));
      value(await signIn(world, process, office.mailbox));
      const calls = world.microsoft.refreshCalls;
      value(await signIn(world, process, mailbox));
      assert.equal(world.microsoft.refreshCalls, calls);
      const { tokenStatus, statusReason, lastError } = await process.describeMailbox(mailbox);
      assert.deepEqual([tokenStatus, statusReason, lastError], ['waiting', 'provider_unavailable', undefined]);
    });
  });

  describe('of a grant', () => {
    beforeEach(async () => {
      value(await signIn(world, process, office.mailbox));
    });

    it('tells when it lapses, and which warning stands', async () => {
      const signedInAt = now(world);
      const days = async () => (await described()).lapseWarningDays;
      assert.equal((await described()).lapsesAt, signedInAt + 90 * DAY);
      const steps: (number | undefined)[] = [await days()];
      for (const [passed, nearer] of [
        [30 * DAY - 1, 1],
        [30 * DAY - 1, 1],
        [23 * DAY - 1, 1],
        [6 * DAY - 1, 1],
        [DAY, DAY],
      ] as const) {
        await advanceSeconds(world, passed);
        steps.push(await days());
        await advanceSeconds(world, nearer);
        steps.push(await days());
      }
      assert.deepEqual(steps, [undefined, undefined, 60, 60, 30, 30, 7, 7, 1, 1, 1]);
      assert.equal(mailboxReply(await administered()).lapse_warning_days, 1);
    });

    it('takes the warning back when it is used', async () => {
      await advanceSeconds(world, 60 * DAY);
      assert.equal((await described()).lapseWarningDays, 30);
      value(await settle(world, process.fetchToken(tokenRequest(office.credential))));
      assert.equal(mailboxReply(await administered()).lapse_warning_days, null);
    });

    it('says when it was last proven alive, also after it has ended, and then of no next try', async () => {
      const provenAt = now(world);
      await advanceSeconds(world, 3601);
      world.microsoft.failNext({ ...INVALID_GRANT, correlationId: 'c-1' });
      failure(await process.fetchToken(tokenRequest(office.credential)));
      const reply = mailboxReply(await administered());
      assert.equal(reply.token_status, 'invalid');
      assert.equal(reply.last_refreshed_at, new Date(provenAt * 1000).toISOString().replace('.000Z', 'Z'));
      assert.deepEqual([reply.lapses_at, reply.lapse_warning_days], [null, null]);
      assert.deepEqual(reply.last_error, {
        kind: 'sign_in_lapsed',
        text: 'The sign-in of this mailbox has expired.',
        remedy: 'Sign the mailbox in again.',
        code: 'invalid_grant',
        message: INVALID_GRANT.message,
        correlation_id: 'c-1',
        at: '2026-12-01T01:00:01Z',
        retry_at: null,
      });
    });

    it('says to administrator and device why there is no token, once the last one has run out', async () => {
      value(await signIn(world, process, office.mailbox));
      await advanceSeconds(world, 3601);
      world.microsoft.failNext({ ...REGISTRATION_REFUSED, affects: 'grant' });
      failure(await settle(world, process.fetchToken(tokenRequest(office.credential))));
      const mailbox = await described();
      assert.equal(mailbox.tokenStatus, 'acquired');
      assert.equal(mailbox.statusReason, 'app_registration_refused');
      const status = value(await process.readDeviceStatus(office.credential));
      const [slot] = statusReply(status, 'en', () => undefined).slots;
      assert.equal(slot?.panel_code, 360);
      assert.ok(slot?.message && slot.remedy);
      await advanceSeconds(world, 301);
      value(await settle(world, process.fetchToken(tokenRequest(office.credential))));
      assert.equal((await described()).statusReason, undefined);
    });

    it('tells of a failed refresh the remedy and the next try, while the token is still good', async () => {
      await advanceSeconds(world, 3000);
      world.microsoft.failNext({ ...unavailable(120), correlationId: 'c-2' });
      await settle(world, process.administration.mailboxes.refresh(office.mailbox.id));
      const { lastError, tokenStatus, accessTokenExpiresAt } = await described();
      assert.deepEqual([tokenStatus, accessTokenExpiresAt], ['acquired', now(world) + 600]);
      const { retryAt } = lastError as GrantTrouble;
      assert.ok(retryAt >= now(world) + 120);
      const { last_error } = mailboxReply(await administered());
      assert.equal(last_error?.retry_at, new Date(retryAt * 1000).toISOString().replace('.000Z', 'Z'));
      assert.deepEqual(
        [last_error?.text, last_error?.remedy, last_error?.correlation_id],
        [
          'The mail provider does not answer at present.',
          'There is nothing to repair. Try again in a few minutes.',
          'c-2',
        ],
      );
    });
  });
});
