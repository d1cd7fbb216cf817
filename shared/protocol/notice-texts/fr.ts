import type { NoticeTexts } from './index.ts';

const days = (count: number): string => `${count} ${count > 1 ? 'jours' : 'jour'}`;

export const fr: NoticeTexts = {
  product: 'MFP Token Broker',
  headlines: {
    'grant.invalid': (name) => `La connexion de ${name} a pris fin. Ses appareils ne peuvent plus envoyer.`,
    'grant.expiring': (name, count) =>
      `La connexion de ${name} expire dans ${days(count)} si elle n'est pas utilisée d'ici là.`,
    'submission.failed': (name) => `Un message de ${name} n'a pas pu être envoyé.`,
    'mailbox.held': (name) => `Le courrier de ${name} est retenu : rien n'est envoyé tant que personne n'intervient.`,
    'client_secret.expiring': (name, count) =>
      count > 0 ? `Le client secret de ${name} expire dans ${days(count)}.` : `Le client secret de ${name} a expiré.`,
  },
  partlySent: (name) => `Un message de ${name} n'est pas parvenu à tous ses destinataires. Les autres l'ont reçu.`,
  resolved: {
    'grant.invalid': (name) => `${name} est de nouveau connectée.`,
    'grant.expiring': (name) => `La connexion de ${name} est de nouveau utilisée et n'expire pas.`,
    'submission.failed': (name) => `Le message de ${name} ne demande plus d'attention.`,
    'mailbox.held': (name) => `Le courrier de ${name} est de nouveau envoyé.`,
    'client_secret.expiring': (name) => `Le client secret de ${name} a été remplacé.`,
  },
  remedies: {
    'grant.expiring':
      "Choisissez « Renouveler maintenant » sur la page de la boîte aux lettres dans la console ; si cela n'aide pas, reconnectez-la.",
    'client_secret.expiring':
      'Créez un nouveau client secret chez le fournisseur et saisissez-le à côté de celui-ci dans le document des fournisseurs.',
  },
  secretOf: (provider, position) => `l'inscription d'application chez ${provider} (n° ${position})`,
  subjects: {
    many: (count) => `${count} points demandent votre attention`,
    reminder: (headline) => `Rappel : ${headline}`,
    resolved: (headline) => `Résolu : ${headline}`,
    test: 'Notification de test',
  },
  mail: {
    organization: 'Organisation',
    reminder: (count) => `Toujours le cas après ${days(count)}.`,
    whatToDo: 'Que faire',
    since: 'Depuis',
    detail: 'Détail',
    code: 'Code',
    correlationId: 'ID de corrélation',
    panelCode: 'Code sur le panneau',
    submission: 'Envoi',
    device: 'Appareil',
    messageId: 'Message-ID',
    recipients: 'Non remis à',
    signIn: 'Pour connecter de nouveau la boîte aux lettres, ouvrez ce lien, ou envoyez-le à son propriétaire :',
    more: (count) => `Et ${count} de plus.`,
    console: 'Tout cela dans la console :',
    why: 'Ce message a été envoyé par le MFP Token Broker parce que votre adresse y est saisie pour les notifications.',
    test: "Ceci est un test. Les notifications par courrier arrivent ici. Il n'y a rien à faire.",
  },
};
