import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isAddress } from '../../shared/domain/envelope.ts';
import { sameAddress } from '../../shared/domain/provider.ts';
import {
  checkSenders,
  SENDER_POLICIES,
  type SenderPolicy,
  senderAddresses,
  senderOf,
} from '../../shared/domain/sender-policy.ts';
import { parseSenderPolicy, wireSenderPolicy } from '../../shared/protocol/sender-policy.ts';
import { failure, value } from './support.ts';

const MAILBOX = { address: 'scan@contoso.example', aliases: ['office@contoso.example', 'post@contoso.example'] };
const CONFIGURED: SenderPolicy = { name: 'configured', address: 'Office@Contoso.example' };
const SLOTS = ['scan', 'alerts', 'fax', 'receive', 'user:ann'] as const;

const addressArb = fc.constantFrom('scan@contoso.example', 'office@contoso.example', 'boss@contoso.example', 'a@b.c');
const mailboxArb = fc.record({ address: addressArb, aliases: fc.array(addressArb, { maxLength: 3 }) });
const policyArb: fc.Arbitrary<SenderPolicy> = fc.oneof(
  fc.constantFrom<SenderPolicy[]>({ name: 'login_user' }, { name: 'user_may_change' }, { name: 'administrator' }),
  fc.record({ name: fc.constant('configured' as const), address: addressArb }),
);
const slotArb = fc.constantFrom<string[]>(...SLOTS);
/** As devices write them. */
const spelledArb = fc
  .tuple(addressArb, fc.boolean())
  .map(([address, upper]) => (upper ? address.toUpperCase() : address));

describe('a sender that may be rewritten', () => {
  it('is one that is allowed, and rewritten only where the message names another', () => {
    fc.assert(
      fc.property(
        policyArb,
        slotArb,
        mailboxArb,
        fc.array(spelledArb, { maxLength: 3 }),
        (policy, slot, mailbox, senders) => {
          const allowed = senderAddresses(policy, slot, mailbox);
          const checked = checkSenders(policy, slot, mailbox, senders);
          const strict = senderOf({ senderPolicy: policy }, slot, mailbox, senders);
          const lenient = senderOf({ senderPolicy: policy, rewriteSender: true }, slot, mailbox, senders);
          assert.equal(strict.ok, checked.ok);
          assert.equal(lenient.ok, allowed.ok);
          if (checked.ok) {
            assert.deepEqual(lenient, { ok: true, value: { address: checked.value, isRewritten: false } });
            assert.deepEqual(strict, lenient);
          } else if (allowed.ok) {
            assert.deepEqual(lenient, { ok: true, value: { address: allowed.value[0], isRewritten: true } });
          }
        },
      ),
    );
  });
});

describe('a sender policy', () => {
  const allowed = (policy: SenderPolicy, slot = 'scan'): readonly string[] =>
    value(senderAddresses(policy, slot, MAILBOX));
  const all = [MAILBOX.address, ...MAILBOX.aliases];

  it("of the user's choice allows every address of the mailbox, its own first", () => {
    for (const slot of ['scan', 'alerts', 'user:ann'])
      assert.deepEqual(allowed({ name: 'user_may_change' }, slot), all);
  });

  it("of the administrator allows the mailbox's own address alone", () => {
    for (const slot of SLOTS) assert.deepEqual(allowed({ name: 'administrator' }, slot), [MAILBOX.address]);
  });

  it('of one configured address allows it, as the mailbox spells it, and refuses where the mailbox lacks it', () => {
    assert.deepEqual(allowed(CONFIGURED), ['office@contoso.example']);
    const other = failure(senderAddresses(CONFIGURED, 'scan', { ...MAILBOX, aliases: [] }));
    assert.equal(other.kind, 'sender_not_allowed');
    assert.match(other.detail ?? '', /only as Office@Contoso\.example.* scan@contoso\.example does not have: change/);
  });

  it("of login users allows a person's slot every address of their mailbox, and other slots nothing", () => {
    assert.deepEqual(allowed({ name: 'login_user' }, 'user:ann'), all);
    for (const slot of ['scan', 'receive']) {
      const { kind, detail } = failure(senderAddresses({ name: 'login_user' }, slot, MAILBOX));
      assert.equal(kind, 'sender_not_allowed');
      assert.match(detail ?? '', /user:<login>/);
    }
  });

  it('of login users lets notifications go as the mailbox itself: nobody is logged in for them', () => {
    assert.deepEqual(allowed({ name: 'login_user' }, 'alerts'), [MAILBOX.address]);
  });

  it('says of a refused sender what would be allowed on the slot', () => {
    const refused = failure(checkSenders({ name: 'administrator' }, 'scan', MAILBOX, ['office@contoso.example']));
    assert.deepEqual(refused, {
      kind: 'sender_not_allowed',
      detail: 'The message is from office@contoso.example; allowed on slot scan: scan@contoso.example.',
    });
  });

  it('never lets a message out as an address that the mailbox does not have', () => {
    fc.assert(
      fc.property(policyArb, slotArb, mailboxArb, fc.array(spelledArb, { maxLength: 3 }), (policy, slot, box, from) => {
        const own = [box.address, ...box.aliases];
        const checked = checkSenders(policy, slot, box, from);
        if (!checked.ok) return assert.equal(checked.error.kind, 'sender_not_allowed');
        for (const sender of [...from, checked.value]) assert.ok(own.some((address) => sameAddress(address, sender)));
      }),
    );
  });

  it('takes a message exactly where each of its senders is one of the addresses it shows', () => {
    fc.assert(
      fc.property(policyArb, slotArb, mailboxArb, fc.array(spelledArb, { maxLength: 3 }), (policy, slot, box, from) => {
        const shown = senderAddresses(policy, slot, box);
        const checked = checkSenders(policy, slot, box, from);
        const fits = shown.ok && from.every((sender) => shown.value.some((address) => sameAddress(address, sender)));
        assert.equal(checked.ok, fits);
        if (checked.ok) assert.equal(checked.value, shown.ok && shown.value[0]);
      }),
    );
  });

  it("leaves Internet fax the mailbox's own address, whatever it says", () => {
    fc.assert(
      fc.property(policyArb, mailboxArb, (policy, box) =>
        assert.deepEqual(senderAddresses(policy, 'fax', box), { ok: true, value: [box.address] }),
      ),
    );
  });
});

describe('a sender policy on the wire', () => {
  it('comes back as it was given', () => {
    const given = fc.oneof(
      fc.record({ sender_policy: fc.constantFrom('login_user', 'user_may_change', 'administrator') }),
      fc.record({ sender_policy: fc.constant('configured'), sender_address: addressArb }),
    );
    fc.assert(
      fc.property(given, (fields) => {
        const shown = wireSenderPolicy({ senderPolicy: value(parseSenderPolicy(fields)) });
        assert.deepEqual(shown, { sender_address: null, ...fields });
      }),
    );
  });

  it("is the user's choice for a device that has none", () => {
    assert.deepEqual(wireSenderPolicy({}), { sender_policy: 'user_may_change', sender_address: null });
  });

  it('is refused, with the field named, where it is not known, or the address is missing, wrong or too much', () => {
    const cases = [
      [{ sender_policy: 'anybody' }, /^sender_policy is one of user_may_change, /],
      [{ sender_address: 'scan@contoso.example' }, /^sender_policy is one of /],
      [{ sender_policy: 'configured' }, /^sender_address is needed /],
      [{ sender_policy: 'configured', sender_address: 'scan' }, /^sender_address is needed /],
      [{ sender_policy: 'configured', sender_address: 'a@b.c\r\nBcc: x@y.z' }, /^sender_address is needed /],
      [{ sender_policy: 'administrator', sender_address: 'scan@contoso.example' }, /^sender_address goes with /],
    ] as const;
    for (const [fields, detail] of cases) {
      const error = failure(parseSenderPolicy(fields));
      assert.equal(error.kind, 'invalid_request');
      assert.match(error.detail ?? '', detail);
    }
  });

  it('never holds anything but a known name and an address, whatever was sent', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (sender_policy, sender_address) => {
        const parsed = parseSenderPolicy({ sender_policy, sender_address });
        if (!parsed.ok) return;
        assert.ok(SENDER_POLICIES.includes(parsed.value.name));
        assert.ok(parsed.value.name !== 'configured' || isAddress(parsed.value.address));
      }),
    );
  });
});
