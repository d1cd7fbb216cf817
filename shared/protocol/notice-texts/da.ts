import type { NoticeTexts } from './index.ts';

const days = (count: number): string => `${count} ${count === 1 ? 'dag' : 'dage'}`;

export const da: NoticeTexts = {
  product: 'MFP Token Broker',
  headlines: {
    'grant.invalid': (name) => `Logon for ${name} er ophørt. Dens enheder kan ikke længere sende.`,
    'grant.expiring': (name, count) =>
      `Logon for ${name} udløber om ${days(count)}, hvis det ikke bliver brugt inden da.`,
    'submission.failed': (name) => `En meddelelse fra ${name} kunne ikke sendes.`,
    'mailbox.held': (name) => `Posten fra ${name} holdes tilbage: intet sendes, før nogen griber ind.`,
    'client_secret.expiring': (name, count) =>
      count > 0 ? `Client secret for ${name} udløber om ${days(count)}.` : `Client secret for ${name} er udløbet.`,
  },
  partlySent: (name) => `En meddelelse fra ${name} nåede ikke alle sine modtagere. De andre har fået den.`,
  resolved: {
    'grant.invalid': (name) => `Der er logget på ${name} igen.`,
    'grant.expiring': (name) => `Logon for ${name} er i brug igen og udløber ikke.`,
    'submission.failed': (name) => `Meddelelsen fra ${name} kræver ikke mere opmærksomhed.`,
    'mailbox.held': (name) => `Posten fra ${name} sendes igen.`,
    'client_secret.expiring': (name) => `Client secret for ${name} er udskiftet.`,
  },
  remedies: {
    'grant.expiring': 'Vælg “Forny nu” ved postkassen i konsollen; hvis det ikke hjælper, så log på igen.',
    'client_secret.expiring':
      'Lav et nyt client secret hos udbyderen, og indtast det ved siden af det nuværende i udbyderdokumentet.',
  },
  secretOf: (provider, position) => `appregistreringen hos ${provider} (nr. ${position})`,
  subjects: {
    many: (count) => `${count} ting kræver din opmærksomhed`,
    reminder: (headline) => `Påmindelse: ${headline}`,
    resolved: (headline) => `Løst: ${headline}`,
    test: 'Testbesked',
  },
  mail: {
    organization: 'Organisation',
    reminder: (count) => `Stadig tilfældet efter ${days(count)}.`,
    whatToDo: 'Hvad skal gøres',
    since: 'Siden',
    detail: 'Detalje',
    code: 'Kode',
    correlationId: 'Korrelations-id',
    panelCode: 'Kode på panelet',
    submission: 'Forsendelse',
    device: 'Enhed',
    messageId: 'Message-ID',
    recipients: 'Ikke leveret til',
    signIn: 'Åbn dette link for at logge på postkassen igen, eller send det til postkassens ejer:',
    more: (count) => `Og ${count} til.`,
    console: 'Det hele i konsollen:',
    why: 'Denne mail er sendt af MFP Token Broker, fordi din adresse er indtastet der til beskeder.',
    test: 'Dette er en test. Beskeder med mail kommer frem her. Der er intet at gøre.',
  },
};
