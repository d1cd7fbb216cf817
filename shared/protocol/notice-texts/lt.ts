import type { NoticeTexts } from './index.ts';

/** After „po“: the singular with 1, 21, 31 …, the plural with all others. */
const days = (count: number): string => {
  const [ones, tens] = [count % 10, count % 100];
  if (ones === 1 && tens !== 11) return `${count} dienos`;
  return `${count} dienų`;
};

export const lt: NoticeTexts = {
  product: 'MFP Token Broker',
  headlines: {
    'grant.invalid': (name) => `Prisijungimas prie pašto dėžutės ${name} nebegalioja. Jos įrenginiai nebegali siųsti.`,
    'grant.expiring': (name, count) =>
      `Prisijungimo prie pašto dėžutės ${name} galiojimas baigsis po ${days(count)}, jei jis nebus anksčiau panaudotas.`,
    'submission.failed': (name) => `Pranešimo iš ${name} išsiųsti nepavyko.`,
    'mailbox.held': (name) =>
      `Pašto dėžutės ${name} laiškai sulaikyti: niekas nesiunčiama, kol kas nors nesiims veiksmų.`,
    'client_secret.expiring': (name, count) =>
      count > 0
        ? `Client secret (${name}) galiojimas baigsis po ${days(count)}.`
        : `Client secret (${name}) galiojimas baigėsi.`,
  },
  partlySent: (name) => `Pranešimas iš ${name} pasiekė ne visus gavėjus. Kiti jį gavo.`,
  resolved: {
    'grant.invalid': (name) => `Prie pašto dėžutės ${name} vėl prisijungta.`,
    'grant.expiring': (name) => `Prisijungimas prie pašto dėžutės ${name} vėl naudojamas ir galios toliau.`,
    'submission.failed': (name) => `Pranešimas iš ${name} dėmesio nebereikalauja.`,
    'mailbox.held': (name) => `Pašto dėžutės ${name} laiškai vėl siunčiami.`,
    'client_secret.expiring': (name) => `Client secret (${name}) pakeistas.`,
  },
  remedies: {
    'grant.expiring':
      'Konsolėje prie pašto dėžutės pasirinkite „Atnaujinti dabar“; jei tai nepadeda, prisijunkite iš naujo.',
    'client_secret.expiring':
      'Pas teikėją sukurkite naują client secret ir įrašykite jį šalia dabartinio teikėjų dokumente.',
  },
  secretOf: (provider, position) => `programos registracija pas ${provider}, Nr. ${position}`,
  subjects: {
    many: (count) => `Dėmesio reikalaujantys dalykai: ${count}`,
    reminder: (headline) => `Priminimas: ${headline}`,
    resolved: (headline) => `Išspręsta: ${headline}`,
    test: 'Bandomasis pranešimas',
  },
  mail: {
    organization: 'Organizacija',
    reminder: (count) => `Tebėra po ${days(count)}.`,
    whatToDo: 'Ką daryti',
    since: 'Nuo',
    detail: 'Išsamiau',
    code: 'Kodas',
    correlationId: 'Koreliacijos ID',
    panelCode: 'Kodas skydelyje',
    submission: 'Siunta',
    device: 'Įrenginys',
    messageId: 'Message-ID',
    recipients: 'Nepristatyta',
    signIn: 'Norėdami vėl prisijungti prie pašto dėžutės, atverkite šią nuorodą arba nusiųskite ją dėžutės savininkui:',
    more: (count) => `Ir dar ${count}.`,
    console: 'Viskas konsolėje:',
    why: 'Šį laišką išsiuntė MFP Token Broker, nes jūsų adresas ten įrašytas pranešimams.',
    test: 'Tai bandymas. Pranešimai paštu pasiekia šį adresą. Nieko daryti nereikia.',
  },
};
