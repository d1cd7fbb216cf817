import type { NotificationTexts } from './index.ts';

export const fr: NotificationTexts = {
  reconnect: {
    title: (address) => `Reconnecter ${address}`,
    intro: (address) =>
      `Les appareils qui envoient en tant que ${address} ont besoin que vous vous connectiez de nouveau. Utilisez ce compte.`,
    go: (provider) => `Continuer vers ${provider}`,
    onlyYou: "Rien ne s'est encore passé. La connexion commence quand vous appuyez sur le bouton.",
    notNeeded: (address) => `Une connexion de ${address} n'est plus nécessaire. Il n'y a rien à faire.`,
    over: (address) =>
      `Ce lien n'est plus valable, mais ${address} doit être connectée pour que son courrier soit envoyé.`,
    notNeededTitle: 'Plus nécessaire',
    unknownTitle: 'Ce lien ne fonctionne pas',
    unknown: 'Le lien est incomplet, a expiré, ou la boîte aux lettres a été supprimée.',
    unknownRemedy:
      'Ouvrez le lien de la notification la plus récente, ou connectez la boîte aux lettres depuis la console.',
  },
  settings: {
    title: 'Notifications',
    ofBroker: "Notifications pour l'exploitant",
    intro:
      "Qui est prévenu quand une boîte aux lettres a besoin de quelqu'un, par courrier ou par un programme. Un rappel suit chaque jour jusqu'à ce que ce soit réglé.",
    introOfBroker: 'Qui est prévenu de ce qui concerne le broker lui-même, comme ses client secrets.',
    webhook: 'Adresse du webhook',
    webhookHint:
      'Chaque notification y est envoyée en JSON, signée selon Standard Webhooks. https:// ; peut rester vide.',
    emails: 'Adresses de courrier',
    emailsHint:
      'Une par ligne. Le broker envoie par une boîte aux lettres qui fonctionne, jamais par celle qui est en panne.',
    locale: 'Langue des notifications',
    localeOwn: "Celle de l'organisation",
    kinds: 'Prévenir de',
    kindNames: {
      'grant.invalid': 'Une connexion a pris fin',
      'grant.expiring': "Une connexion est sur le point d'expirer",
      'submission.failed': "Un message n'a pas pu être envoyé",
      'mailbox.held': "Le courrier d'une boîte aux lettres est retenu",
      'client_secret.expiring': 'Un client secret expire',
    },
    kindsMissing: 'Choisissez-en au moins un.',
    change: 'Modifier les notifications',
    urlWrong: "Saisissez une adresse qui commence par https://, sans nom d'utilisateur ni mot de passe.",
    emailsWrong: (address) => `Ce n'est pas une adresse où envoyer des notifications : ${address}`,
    emailsTooMany: (most) => `Saisissez au plus ${most} adresses.`,
    nobody: "Personne n'est prévenu. Saisissez un webhook ou une adresse de courrier.",
    none: 'Aucune',
    gone: "Le destinataire a dit qu'il n'existe plus. Rien n'est envoyé tant que l'adresse n'est pas enregistrée de nouveau.",
    all: 'Tout',
    former: "L'ancien secret signe jusqu'au",
    test: 'Envoyer un test',
    testHint: "Un test part au webhook et aux adresses de courrier en moins d'une minute.",
    lastTest: 'Dernier test',
    byWebhook: 'Par webhook',
    byMail: 'Par courrier',
    newSecret: 'Nouveau secret du webhook',
    newSecretConsequence:
      'Un nouveau secret sera créé. Pendant un jour, les deux secrets signent, pour que le destinataire puisse être adapté.',
    newSecretYes: 'Créer un nouveau secret',
    secretTitle: 'Secret du webhook',
    secret: 'Secret',
    secretHint: 'Le destinataire vérifie les signatures avec lui.',
    conflict: "Quelqu'un d'autre a modifié les notifications entre-temps, ou il n'y a pas de webhook.",
  },
  open: {
    title: 'Notifications en cours',
    what: 'Quoi',
    about: 'Concerne',
    since: 'Depuis',
    told: 'Prévenu',
    none: "Personne n'a besoin d'être prévenu de quoi que ce soit.",
    more: "Il y en a d'autres ; l'API d'administration les liste toutes.",
    reminders: (count) => `Rappels : ${count}`,
  },
  deliveries: {
    pending: 'pas encore',
    retrying: 'sera tenté de nouveau',
    handed_over: (by) => `remis à ${by}`,
    delivered: 'remis',
    given_up: 'abandonné',
    not_wanted: 'à personne',
  },
};
