import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { brokerError } from '../../shared/domain/errors.ts';
import { drawUserCode, type Pairing, pollOf, shownUserCode, typedUserCode } from '../../shared/domain/pairing.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import {
  accountOf,
  advanceSeconds,
  callbackOf,
  everythingAtRest,
  failure,
  makeWorld,
  type Office,
  openOffice,
  PLACE,
  type Process,
  settle,
  signIn,
  startProcess,
  tokenRequest,
  value,
  type World,
} from './support.ts';

const JAN = 'jan@contoso.example';

describe('a user code', () => {
  it('is known however it is typed', () => {
    const { bytes } = seededRandom('codes');
    fc.assert(
      fc.property(fc.constantFrom('-', ' ', '', '–', '.'), fc.boolean(), (sign, lower) => {
        const code = drawUserCode(bytes);
        const shown = shownUserCode(code).replace('-', sign);
        assert.equal(typedUserCode(` ${lower ? shown.toLowerCase() : shown} `), code);
      }),
    );
  });

  it('is nothing else', () => {
    for (const text of ['', 'WDJB', 'WDJB-MJH', 'WDJB-MJHTX', 'WDJB-MJHA', '12345678', 'ẞDJBMJHT', 'WDJB_MJHT']) {
      assert.equal(typedUserCode(text), undefined, text);
    }
  });

  it('has every letter of its alphabet equally often', () => {
    const { bytes } = seededRandom('evenly');
    const counts = new Map<string, number>();
    for (let draw = 0; draw < 4000; draw++) {
      for (const letter of drawUserCode(bytes)) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
    assert.equal(counts.size, 20);
    for (const count of counts.values()) assert.ok(count > 1400 && count < 1800, String(count));
  });
});

describe('pollOf', () => {
  const pairing = (changes: Partial<Pairing>): Pairing =>
    ({ state: 'pending', intervalSeconds: 5, polledAt: 0, expiresAt: 900, ...changes }) as Pairing;

  it('slows a device down for good that asks too often (RFC 8628 section 3.5)', () => {
    assert.deepEqual(pollOf(pairing({ polledAt: 100 }), 104.9), {
      answer: 'pairing_polled_too_fast',
      intervalSeconds: 10,
    });
    assert.deepEqual(pollOf(pairing({ polledAt: 100 }), 105), { answer: 'pairing_pending', intervalSeconds: 5 });
    assert.deepEqual(pollOf(pairing({ polledAt: 100, intervalSeconds: 10 }), 109), {
      answer: 'pairing_polled_too_fast',
      intervalSeconds: 15,
    });
  });

  it('tells an end at once, however often it is asked', () => {
    assert.equal(pollOf(pairing({ polledAt: 899, state: 'denied' }), 899.5).answer, 'pairing_denied');
    assert.equal(pollOf(pairing({ polledAt: 899 }), 900).answer, 'pairing_expired');
    assert.equal(pollOf(pairing({ state: 'redeemed' }), 100).answer, 'pairing_unknown');
  });
});

describe('pairing', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    process = startProcess(world);
    office = await openOffice(process);
  });

  const begin = async (changes: Partial<Parameters<Process['beginPairing']>[0]> = {}) =>
    value(
      await process.beginPairing({
        ...office.credential,
        ...{ slot: 'user:jan', audience: 'smtp', provider: undefined, loginHint: undefined },
        ...changes,
      }),
    );
  const poll = (deviceCode: string, credential = office.credential) =>
    process.redeemDeviceCode({ ...credential, deviceCode, minTtlSeconds: 600 });
  const pollKind = async (deviceCode: string) => {
    await advanceSeconds(world, 5);
    const polled = await poll(deviceCode);
    return polled.ok ? 'token' : polled.error.kind;
  };
  /** From the button to the provider's login page. */
  const agree = async (userCode: string, provider?: 'google') => {
    const agreed = value(await process.answerPairing.agree(userCode, PLACE, provider));
    return value(await process.departForProvider(agreed.id));
  };
  const finish = async (userCode: string, address = JAN, provider?: 'google') => {
    const departed = await agree(userCode, provider);
    const { state, code } = world[departed.provider].login(departed.authorizationUrl, { account: accountOf(address) });
    return settle(world, process.completeSignIn(callbackOf(departed, { state, code })));
  };
  const bindingOf = (slot: string) => process.records.devices.binding(office.device.clientId, slot);

  it('gives the device a token of the account that the person signed in with, and binds its slot', async () => {
    const { deviceCode, userCode } = await begin();
    assert.equal(await pollKind(deviceCode), 'pairing_pending');
    const { mailbox, isPaired } = value(await finish(userCode));
    assert.equal(isPaired, true);
    assert.deepEqual([mailbox.address, mailbox.organizationId], [JAN, office.organization.id]);
    await advanceSeconds(world, 5);
    const token = value(await poll(deviceCode));
    assert.deepEqual([token.account, token.slot], [JAN, 'user:jan']);
    assert.equal((await bindingOf('user:jan'))?.mailboxId, mailbox.id);
    value(await process.fetchToken(tokenRequest(office.credential, { slot: 'user:jan' })));
    assert.equal(await pollKind(deviceCode), 'pairing_unknown', 'a code is good for one token');
  });

  it('takes the mailbox that the organization has already, and shares its token', async () => {
    value(await signIn(world, process, office.mailbox));
    const { userCode } = await begin({ slot: 'alerts' });
    const { mailbox } = value(await finish(userCode, 'Scan@Contoso.example'));
    assert.equal(mailbox.id, office.mailbox.id);
    assert.equal((await process.administration.mailboxes.list(office.organization.id)).length, 1);
  });

  it('signs in the mailbox of a slot that has one, and no other account', async () => {
    const { deviceCode, userCode } = await begin({ slot: 'scan' });
    const { kind, isPaired } = failure(await finish(userCode));
    assert.deepEqual([kind, isPaired], ['sign_in_wrong_account', true]);
    assert.equal(await pollKind(deviceCode), 'pairing_pending', 'the code is good for another try');
    value(await finish(userCode, office.mailbox.address));
    assert.equal(await pollKind(deviceCode), 'token');
  });

  it('lets the person choose the provider where the device did not say', async () => {
    const { deviceCode, userCode } = await begin();
    const { mailbox } = value(await finish(userCode, 'jan@gmail.example', 'google'));
    assert.equal(mailbox.provider, 'google');
    assert.equal(await pollKind(deviceCode), 'token');
  });

  it('keeps to the provider that the device named, and refuses one that does not fit the slot', async () => {
    const { userCode } = await begin({ provider: 'google' });
    assert.equal(value(await process.answerPairing.agree(userCode, PLACE, undefined)).provider, 'google');
    const refused = await process.beginPairing({
      ...office.credential,
      ...{ slot: 'scan', audience: 'smtp', provider: 'google', loginHint: undefined },
    });
    assert.equal(failure(refused).kind, 'conflict');
  });

  it('offers the account that the device hinted at', async () => {
    const { userCode } = await begin({ loginHint: JAN });
    const { authorizationUrl } = await agree(userCode);
    assert.equal(new URL(authorizationUrl).searchParams.get('login_hint'), JAN);
  });

  it('ends with a no of the person, here or at the provider', async () => {
    const first = await begin();
    value(await process.answerPairing.cancel(first.userCode, PLACE));
    assert.equal(await pollKind(first.deviceCode), 'pairing_denied');

    const second = await begin();
    const departed = await agree(second.userCode);
    const state = new URL(departed.authorizationUrl).searchParams.get('state') ?? '';
    failure(await process.completeSignIn(callbackOf(departed, { state, error: 'access_denied' })));
    assert.equal(await pollKind(second.deviceCode), 'pairing_denied');
    assert.equal(await bindingOf('user:jan'), undefined);
  });

  it('ends after a quarter of an hour', async () => {
    const { deviceCode, userCode } = await begin();
    await advanceSeconds(world, 900);
    assert.equal(failure(await poll(deviceCode)).kind, 'pairing_expired');
    assert.equal(failure(await process.answerPairing.find(userCode, PLACE)).kind, 'user_code_unknown');
  });

  it('is no business of another device', async () => {
    const { deviceCode, userCode } = await begin();
    value(await finish(userCode));
    const made = value(await process.administration.devices.create(office.organization.id, { clientName: 'Other' }));
    const other = { clientId: made.device.clientId, clientSecret: made.clientSecret, place: PLACE };
    assert.equal(failure(await poll(deviceCode, other)).kind, 'pairing_unknown');
    assert.equal(failure(await poll('invented', office.credential)).kind, 'pairing_unknown');
    assert.equal(await pollKind(deviceCode), 'token');
  });

  it('slows a device down that polls too often, for good', async () => {
    const { deviceCode } = await begin();
    await advanceSeconds(world, 5);
    assert.equal(failure(await poll(deviceCode)).kind, 'pairing_pending');
    await advanceSeconds(world, 4);
    assert.equal(failure(await poll(deviceCode)).kind, 'pairing_polled_too_fast');
    await advanceSeconds(world, 9);
    assert.equal(failure(await poll(deviceCode)).kind, 'pairing_polled_too_fast');
    await advanceSeconds(world, 15);
    assert.equal(failure(await poll(deviceCode)).kind, 'pairing_pending');
  });

  it('waits on while the provider gives no token yet, and keeps the code', async () => {
    const { deviceCode, userCode } = await begin();
    world.microsoft.failAlways({
      ...{ class: 'retry_later', affects: 'grant', kind: 'provider_unavailable', code: 'http_503', message: 'Busy.' },
    });
    assert.equal(value(await finish(userCode)).tokenStatus, 'waiting');
    await advanceSeconds(world, 5);
    assert.equal(failure(await settle(world, poll(deviceCode))).kind, 'pairing_pending');
    world.microsoft.failAlways(undefined);
    await advanceSeconds(world, 120);
    assert.ok((await settle(world, poll(deviceCode))).ok);
  });

  describe('whose circumstances change while the person is at the provider', () => {
    /** The person agrees, then something happens, then the person comes back. */
    const meanwhile = async (happens: () => Promise<unknown>, slot = 'user:jan', address = JAN) => {
      const begun = await begin({ slot });
      const departed = await agree(begun.userCode);
      await happens();
      const { state, code } = world.microsoft.login(departed.authorizationUrl, { account: accountOf(address) });
      return { ...begun, end: await settle(world, process.completeSignIn(callbackOf(departed, { state, code }))) };
    };
    const admin = () => process.administration;
    const mailboxes = async () => (await admin().mailboxes.list(office.organization.id)).length;

    it('tells the person, keeps no sign-in and makes no mailbox', async () => {
      const id = office.device.clientId;
      for (const [happens, kind] of [
        [() => admin().devices.bind(id, 'user:jan', office.mailbox.id), 'conflict'],
        [() => admin().devices.update(id, { enabled: false }), 'sign_in_refused'],
        [() => admin().organizations.update(office.organization.id, { enabled: false }), 'sign_in_refused'],
        [() => admin().devices.remove(id), 'sign_in_refused'],
      ] as const) {
        world = makeWorld();
        process = startProcess(world);
        office = await openOffice(process);
        const { end } = await meanwhile(() => happens());
        assert.equal(failure(end).kind, kind);
        assert.equal(await mailboxes(), 1);
      }
    });

    it('binds no slot again that an administrator has unbound', async () => {
      const unbind = () => admin().devices.unbind(office.device.clientId, 'scan');
      const { end } = await meanwhile(unbind, 'scan', office.mailbox.address);
      assert.equal(failure(end).kind, 'conflict');
      assert.equal(await bindingOf('scan'), undefined);
    });

    it('stays denied once another person has said no', async () => {
      const begun = await begin();
      const departed = await agree(begun.userCode);
      value(await process.answerPairing.cancel(begun.userCode, PLACE));
      const { state, code } = world.microsoft.login(departed.authorizationUrl, { account: accountOf(JAN) });
      const end = await settle(world, process.completeSignIn(callbackOf(departed, { state, code })));
      assert.equal(failure(end).kind, 'pairing_denied');
      assert.equal(await pollKind(begun.deviceCode), 'pairing_denied');
    });

    it('is for the first of two persons who finish it, and the second is told so', async () => {
      const begun = await begin();
      const [first, second] = [await agree(begun.userCode), await agree(begun.userCode)];
      const come = (departed: typeof first, address: string) => {
        const { state, code } = world.microsoft.login(departed.authorizationUrl, { account: accountOf(address) });
        return settle(world, process.completeSignIn(callbackOf(departed, { state, code })));
      };
      value(await come(first, JAN));
      assert.equal(await pollKind(begun.deviceCode), 'token');
      assert.equal(failure(await come(second, 'eva@contoso.example')).kind, 'pairing_unknown');
      assert.equal(await pollKind(begun.deviceCode), 'pairing_unknown');
      assert.equal(await mailboxes(), 2);
    });
  });

  it('shows a person which device asks, and nothing of a disabled one', async () => {
    const { userCode } = await begin();
    const asked = value(await process.answerPairing.find(shownUserCode(userCode).toLowerCase(), PLACE));
    assert.equal(asked.device.clientId, office.device.clientId);
    assert.equal(asked.organization.name, 'Contoso');
    value(await process.administration.devices.update(office.device.clientId, { enabled: false }));
    assert.equal(failure(await process.answerPairing.find(userCode, PLACE)).kind, 'user_code_unknown');
  });

  it('bounds guesses at codes, where they come from', async () => {
    const { userCode } = await begin();
    const guesses = [];
    for (let guess = 0; guess < 30; guess++) {
      guesses.push(failure(await process.answerPairing.find('BCDFGHJK', PLACE)).kind);
    }
    assert.deepEqual([...new Set(guesses.slice(0, 20))], ['user_code_unknown']);
    assert.deepEqual([...new Set(guesses.slice(20))], ['too_many_attempts']);
    assert.equal(failure(await process.answerPairing.find(userCode, PLACE)).kind, 'too_many_attempts');
    value(await process.answerPairing.find(userCode, '198.51.100.7'));
  });

  it('bounds them also where a code of their own is typed between them, and where the place is locked already', async () => {
    const { userCode } = await begin();
    const guess = async () => failure(await process.answerPairing.find('BCDFGHJK', PLACE)).kind;
    for (let time = 0; time < 15; time++) await guess();
    value(await process.answerPairing.find(userCode, PLACE));
    for (let time = 0; time < 5; time++) await guess();
    assert.equal(failure(await process.answerPairing.find(userCode, PLACE)).kind, 'too_many_attempts');

    const elsewhere = '198.51.100.7';
    for (let device = 0; device < 10; device++) {
      const made = { clientId: `device${device}`, clientSecret: 'wrong', place: elsewhere };
      for (let time = 0; time < 10; time++) await process.authenticateDevice(made);
    }
    for (let time = 0; time < 20; time++) failure(await process.answerPairing.find('BCDFGHJK', elsewhere));
    assert.equal(failure(await process.answerPairing.find(userCode, elsewhere)).kind, 'too_many_attempts');
  });

  it('keeps no code in plain text', async () => {
    const { deviceCode, userCode } = await begin();
    const written = everythingAtRest(world) + JSON.stringify(world.log.lines);
    assert.ok(!written.includes(deviceCode) && !written.includes(userCode));
  });

  it('is refused to a wrong secret', async () => {
    const wrong = { ...office.credential, clientSecret: 'wrong' };
    const request = { slot: 'scan', audience: 'smtp', provider: undefined, loginHint: undefined } as const;
    assert.deepEqual(failure(await process.beginPairing({ ...wrong, ...request })), brokerError('invalid_client'));
    const { deviceCode } = await begin();
    assert.equal(failure(await poll(deviceCode, wrong)).kind, 'invalid_client');
  });
});
