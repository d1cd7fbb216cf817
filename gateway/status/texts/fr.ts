import type { StatusTexts } from './index.ts';

export const fr: StatusTexts = {
  product: 'Passerelle MFP',
  skip: 'Aller au contenu',
  title: (name) => `Passerelle ${name}`,
  asOf: 'État au',
  reload: 'Recharger',
  signIn: "S'identifier pour voir les destinataires et agir",
  none: 'Aucun',

  notices: {
    resent: 'Le message sera renvoyé.',
    removed: 'Le message a été supprimé.',
    tried: "L'envoi du courrier de cette boîte aux lettres est réessayé.",
  },
  problem: {
    inTitle: 'Erreur',
    detail: 'Détail',
    code: 'Code',
    passwordTitle: 'Mot de passe requis',
    password: 'Cette page demande le mot de passe de la passerelle.',
    passwordRemedy:
      'Identifiez-vous comme admin. Le mot de passe se trouve dans le fichier status-password du dossier de données de la passerelle.',
    formOutOfDate: "Ce formulaire n'est plus à jour, ou vient d'ailleurs. Rien n'a été modifié.",
    formOutOfDateRemedy: "Revenez à la page d'état, rechargez-la et réessayez.",
  },

  state: {
    title: 'État',
    broker: 'Broker',
    contact: { unknown: 'Pas encore interrogé', reachable: 'Joignable', unreachable: 'Injoignable' },
    since: 'Depuis',
    way: 'Voie du courrier',
    ways: { direct: 'Directement au fournisseur de messagerie', relay: 'Par le broker' },
    startedAt: 'En marche depuis',
    version: 'Version',
    room: 'Espace libre sur le disque',
    spool: "File d'attente",
    notWritable:
      "La file d'attente n'est pas accessible en écriture ; aucun courrier n'est donc accepté. Libérez de la place sur le disque, ou vérifiez-le.",
  },

  queue: {
    title: 'Courrier non envoyé',
    none: "Aucun courrier n'attend.",
    more: (shown, all) => `Les ${shown} plus anciens sur ${all} sont affichés.`,
    accepted: 'Accepté',
    state: 'État',
    device: 'Appareil',
    mailbox: 'Boîte aux lettres',
    recipients: 'Destinataires',
    size: 'Taille',
    action: 'Action',
    nextTry: 'Prochain essai',
    lastResponse: 'Dernière réponse du serveur',
    states: {
      queued: "En file d'attente",
      sending: 'Envoi en cours',
      sent: 'Envoyé',
      deferred: 'Sera réessayé',
      held: 'Retenu',
      failed: 'Échec',
    },
    resend: 'Renvoyer',
    tryNow: 'Essayer maintenant',
    remove: 'Supprimer',
    removeTitle: 'Supprimer le message ?',
    removeConsequence:
      'Le message sera supprimé de la passerelle et ne sera pas envoyé. Cette action est irréversible.',
    removeYes: 'Supprimer le message',
    back: "Retour à la page d'état",
  },

  errors: {
    title: 'Dernières erreurs',
    none: "Rien n'a échoué depuis le démarrage.",
    when: 'Quand',
    subject: 'Où',
    what: "Ce qui s'est passé, et ce qu'il faut faire",
  },

  devices: {
    title: 'Appareils vus récemment',
    none: "Aucun appareil n'a été vu depuis le démarrage.",
    device: 'Appareil',
    address: 'Adresse',
    tls: 'TLS',
    withoutTls: 'Sans TLS',
    signedIn: 'Dernière identification',
    lastMessage: 'Dernier message',
    never: 'Jamais',
  },

  listeners: {
    title: "Ports d'écoute",
    protocol: 'Protocole',
    port: 'Port',
    security: 'Sécurité',
    securities: { starttls: 'STARTTLS', tls: 'TLS dès le début', plain: 'Sans TLS' },
    profile: 'Profil TLS',
    profiles: {
      modern: 'Moderne : TLS 1.2 et 1.3, fort uniquement',
      compatible: 'Compatible : TLS 1.2 et 1.3',
      legacy: 'Ancien : à partir de TLS 1.0',
    },
    state: 'État',
    accepting: 'Accepte les connexions',
    notAccepting: "N'accepte aucune connexion ; consultez le journal",
  },

  certificate: {
    title: 'Certificat',
    expires: 'Expire',
    fingerprint: 'Empreinte (SHA-256)',
    own: "Il a été fourni par l'exploitant de la passerelle.",
    made: 'La passerelle l’a créé elle-même. Un appareil qui vérifie les certificats doit recevoir la racine de la passerelle.',
    rootExpires: 'La racine expire',
    rootFingerprint: 'Empreinte de la racine (SHA-256)',
    download: 'Télécharger la racine',
    forms: { der: 'Pour les appareils (DER)', pem: 'Pour les programmes (PEM)' },
    noRoot:
      "Cette passerelle utilise un certificat fourni par son exploitant ; elle n'a donc pas de racine propre. Donnez à l'appareil la racine de l'autorité qui a émis ce certificat.",
  },
};
