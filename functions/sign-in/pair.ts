import { Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { type ConsentModel, consentPage, type PairForm, pairPage } from '../../console/pages/pair.ts';
import { signInResultPage } from '../../console/pages/sign-in-result.ts';
import { problemOf } from '../../console/view.ts';
import type { BrokerContext, BrokerEnv } from '../../shared/adapters/http/app.ts';
import { readForm } from '../../shared/adapters/http/bodies.ts';
import { pageLanguage } from '../../shared/adapters/http/language.ts';
import { pageHeaders } from '../../shared/adapters/http/pages.ts';
import { placeOf } from '../../shared/adapters/http/place.ts';
import { qrCodeGif } from '../../shared/adapters/qr-code/qr-code-gif.ts';
import { type BrokerError, brokerError } from '../../shared/domain/errors.ts';
import { PAIRING_SECONDS, shownUserCode, typedUserCode } from '../../shared/domain/pairing.ts';
import { isProviderName } from '../../shared/domain/provider.ts';
import type { Random } from '../../shared/ports/random.ts';
import { completePairingAddress } from '../../shared/protocol/device-authorization.ts';
import { type Outcome, outcomeOf } from '../../shared/protocol/outcomes.ts';
import type { AnswerPairing } from '../../shared/usecases/pairing/answer-pairing.ts';
import { hashOf, longSecret, matchesAny } from '../../shared/usecases/secrets.ts';

const COOKIE = 'pairing';

/** Of `longSecret`. */
const SECRET_LENGTH = 43;

/** A code and what people type around it; more is not shown again. */
const TYPED_LENGTH = 32;

type Fields = Readonly<Record<string, string>>;

interface Dependencies {
  readonly answerPairing: AnswerPairing;
  readonly publicUrl: string;
  readonly random: Random;
}

/**
 * A person types a device's code, sees which device asks and for what, and agrees (RFC 8628 section 3.3): two plain forms.
 * The second is good only in the browser that was shown it, so that no other site can agree for a person (section 5.4).
 */
export const pairPages = ({ answerPairing, publicUrl, random }: Dependencies): Hono<BrokerEnv> => {
  const app = new Hono<BrokerEnv>();
  const cookie = {
    path: '/pair',
    httpOnly: true,
    sameSite: 'Strict',
    secure: publicUrl.startsWith('https:'),
    maxAge: PAIRING_SECONDS,
  } as const;

  const statusOf = (error: BrokerError): 400 => {
    const { status }: Outcome = outcomeOf(error);
    return status as 400;
  };

  const replyForm = (c: BrokerContext, form: PairForm, error?: BrokerError) => {
    const language = pageLanguage(c);
    const problem = error && { ...problemOf(language, error), field: 'user_code' };
    const userCode = form.userCode?.slice(0, TYPED_LENGTH);
    return c.html(pairPage({ language, userCode, problem }), error ? statusOf(error) : 200);
  };

  /** Shows who asks; the button works only together with the cookie that is set here. */
  const replyConsent = (c: BrokerContext, asked: ConsentModel['asked'], userCode: string, needsCookie: boolean) => {
    const secret = longSecret(random);
    setCookie(c, COOKIE, secret, cookie);
    const confirmation = hashOf(`${secret}.${userCode}`);
    const model = { language: pageLanguage(c), asked, userCode: shownUserCode(userCode), confirmation, needsCookie };
    return c.html(consentPage(model));
  };

  /**
   * Whether the button was pressed on the page that this browser was shown. Another site can send the form, but neither the
   * cookie, which is strictly of this one, nor any browser's word that the form is (W3C Fetch Metadata).
   */
  const isConfirmed = (c: BrokerContext, form: Fields, userCode: string): boolean => {
    const secret = getCookie(c, COOKIE) ?? '';
    const site = c.req.header('sec-fetch-site') ?? 'same-origin';
    return (
      secret.length >= SECRET_LENGTH &&
      site === 'same-origin' &&
      matchesAny(`${secret}.${userCode}`, [form.confirmation ?? ''])
    );
  };

  app.use('/pair', pageHeaders({ leadsAway: true }));

  app.get('/pair', (c) => replyForm(c, { userCode: c.req.query('user_code') }));

  app.post('/pair', async (c) => {
    const read = await readForm(c);
    if (!read.ok) return replyForm(c, {}, read.error);
    const form: Fields = read.value;
    const { user_code: typed = '', action, provider } = form;
    const userCode = typedUserCode(typed);
    const place = placeOf(c);
    const decides = userCode !== undefined && (action === 'continue' || action === 'cancel');
    if (!decides || !isConfirmed(c, form, userCode)) {
      const found = await answerPairing.find(typed, place);
      if (!found.ok || userCode === undefined) {
        return replyForm(c, { userCode: typed }, found.ok ? brokerError('user_code_unknown') : found.error);
      }
      return replyConsent(c, found.value, userCode, decides && getCookie(c, COOKIE) === undefined);
    }
    if (action === 'cancel') {
      const cancelled = await answerPairing.cancel(typed, place);
      if (!cancelled.ok) return replyForm(c, { userCode: typed }, cancelled.error);
      const language = pageLanguage(c);
      return c.html(
        signInResultPage({
          language,
          result: 'failed',
          isPaired: true,
          ...problemOf(language, brokerError('pairing_denied')),
        }),
      );
    }
    const chosen = provider !== undefined && isProviderName(provider) ? provider : undefined;
    const signIn = await answerPairing.agree(typed, place, chosen);
    if (!signIn.ok) return replyForm(c, { userCode: typed }, signIn.error);
    return c.redirect(`/sign-in/${signIn.value.id}`, 303);
  });

  /** Says no more than its own address does, so whether there is such a code is not looked up. */
  app.get('/pair/qr.gif', (c) => {
    const userCode = typedUserCode(c.req.query('user_code') ?? '');
    if (userCode === undefined) return c.notFound();
    return c.body(qrCodeGif(completePairingAddress(publicUrl, userCode)), 200, { 'Content-Type': 'image/gif' });
  });

  return app;
};
