import type { ConnectionTestTexts } from './index.ts';

export const fr: ConnectionTestTexts = {
  steps: {
    grant: 'Connexion de la boîte aux lettres',
    token: "Jeton d'accès",
    name: 'Nom du serveur',
    tcp: 'Liaison',
    tls: 'Chiffrement (TLS)',
    greeting: 'Accueil',
    auth: 'Connexion au serveur',
    envelope: 'Expéditeur et destinataire',
    message: 'Message',
    mailbox: 'Boîte aux lettres',
  },
  seen: {
    grant: 'Connectée en tant que {signed_in} depuis le {since}.',
    token: "Le fournisseur a délivré un nouveau jeton d'accès ; minutes de validité : {minutes}.",
    token_at_hand:
      "Le fournisseur n'a pas délivré de nouveau jeton d'accès à l'instant. Celui qui existe est encore valable ; minutes restantes : {minutes}.",
    name: '{host} a les adresses {addresses}.',
    name_is_address: '{host} est déjà une adresse.',
    tcp: '{address} répond sur le port {port} après {milliseconds} ms.',
    tls: "{version} avec {cipher}. Certificat pour {certificate}, émis par {issuer}, valable jusqu'au {expires}.",
    greeting: 'Le serveur dit : {said}',
    greeting_with_size: "Le serveur accepte des messages jusqu'à {megabytes} Mo et dit : {said}",
    auth: "Le serveur accepte le jeton d'accès pour {account}.",
    envelope: 'Le serveur accepte du courrier de {sender} à {recipient}.',
    message: 'Le serveur a pris le message pour {recipient} et dit : {said}',
    mailbox: 'Le serveur ouvre la boîte aux lettres. Messages présents : {messages}.',
  },
  verdicts: {
    name_unknown: [
      "Le nom {host} n'est pas connu.",
      "L'exploitant du broker vérifie le nom du serveur de messagerie dans la configuration, et le serveur DNS de la machine.",
    ],
    name_lookup_failed: [
      "L'adresse de {host} n'a pas pu être recherchée.",
      "L'exploitant du broker vérifie son réseau et son serveur DNS. Refaites ensuite le test.",
    ],
    tcp_refused: [
      '{host} refuse les liaisons sur le port {port}.',
      "L'exploitant du broker vérifie le nom et le port du serveur de messagerie dans la configuration.",
    ],
    tcp_silent: [
      '{host} ne répond pas sur le port {port}.',
      'Un pare-feu se trouve peut-être entre les deux : autorisez les liaisons du broker vers ce port. Le port 25 est fermé dans bien des réseaux ; utilisez 587, 465, 993 ou 995.',
    ],
    tcp_unreachable: [
      'Aucun chemin du réseau ne mène à {host}, port {port}.',
      "L'exploitant du broker vérifie son réseau : routes, pare-feu, et IPv6 si le serveur n'a pas d'autre adresse.",
    ],
    tls_not_spoken: [
      'Le serveur ne commence pas par TLS sur le port {port}.',
      "L'exploitant du broker met security à starttls pour ce port, ou prend le port qui commence par TLS : 465, 993 ou 995.",
    ],
    tls_from_first_byte: [
      "Le serveur commence par TLS sur le port {port}, alors que le broker attend un message d'accueil.",
      "L'exploitant du broker met security à tls pour ce port, ou prend le port pour STARTTLS : 587 pour l'envoi.",
    ],
    starttls_missing: [
      "Le serveur n'offre pas STARTTLS sur le port {port}, et sans chiffrement aucun jeton n'est envoyé.",
      "L'exploitant du broker vérifie le nom et le port. Un pare-feu qui inspecte le courrier peut retirer STARTTLS : exemptez-y le broker.",
    ],
    starttls_refused: [
      'Le serveur offre STARTTLS, puis le refuse.',
      "Refaites le test dans quelques minutes. Si cela persiste, l'administrateur du serveur doit s'occuper de son certificat.",
    ],
    tls_too_old: [
      'Le serveur ne connaît que des versions trop anciennes de TLS.',
      "Le broker exige TLS 1.2 ou plus récent. L'administrateur du serveur, ou de ce qui termine TLS entre les deux, doit l'autoriser.",
    ],
    tls_failed: [
      "Le chiffrement n'a pas pu être établi.",
      "La réponse en donne la cause. L'administrateur du serveur vérifie ses réglages TLS.",
    ],
    certificate_untrusted: [
      "Le certificat pour {certificate} a été émis par {issuer}, qui n'est pas digne de confiance.",
      "Si le serveur est le vôtre, l'exploitant du broker indique son autorité dans ca_file ou NODE_EXTRA_CA_CERTS. Sinon, quelque chose entre les deux ouvre le chiffrement : exemptez-y le broker.",
    ],
    certificate_not_valid_now: [
      "Le certificat pour {certificate} n'est pas valable actuellement ; il se termine le {expires}.",
      "L'administrateur du serveur doit le renouveler. Si la date est à venir, vérifiez l'horloge du broker.",
    ],
    certificate_other_name: [
      'Le certificat est pour {certificate}, pas pour {host}.',
      "L'exploitant du broker indique un nom de serveur qui figure dans le certificat.",
    ],
    other_protocol: [
      'Ce qui répond sur le port {port} ne parle pas {protocol}.',
      "L'exploitant du broker vérifie le nom et le port du serveur de messagerie dans la configuration.",
    ],
    server_refuses: [
      "Le serveur n'accepte aucune liaison d'ici.",
      "La réponse dit pourquoi. L'administrateur du serveur doit autoriser l'adresse du broker.",
    ],
    sign_in_not_offered: [
      "Le serveur n'offre pas la connexion par jeton d'accès (XOAUTH2), seulement : {offered}.",
      "L'exploitant du broker vérifie que le nom et le port sont ceux du fournisseur. Un serveur qui ne connaît que les mots de passe ne peut pas être utilisé.",
    ],
    sign_in_not_understood: [
      "Le serveur ne comprend pas la connexion par jeton d'accès.",
      "L'exploitant du broker vérifie que le nom et le port sont ceux du fournisseur.",
    ],
    sign_in_refused: [
      "Le serveur refuse le jeton d'accès pour {account}.",
      "Vérifiez que {protocol} est autorisé pour cette boîte aux lettres et que le compte connecté peut l'utiliser. Reconnectez ensuite la boîte aux lettres.",
    ],
    smtp_switched_off: [
      'SMTP authentifié est désactivé pour cette boîte aux lettres ou son organisation.',
      "Demandez à un administrateur de l'activer. Centre d'administration Microsoft 365 : l'utilisateur, Courrier, Gérer les applications de messagerie, SMTP authentifié ; ou Set-CASMailbox {account} -SmtpClientAuthenticationDisabled $false.",
    ],
    security_defaults: [
      "Les paramètres de sécurité par défaut de l'organisation bloquent cette connexion.",
      'Demandez à un administrateur de la retrouver dans le journal des connexions de Microsoft Entra et de remplacer les paramètres par défaut par des stratégies Conditional Access qui autorisent ce compte.',
    ],
    policy_blocks: [
      "Une stratégie de l'organisation bloque cette connexion.",
      "Demandez à un administrateur de la retrouver dans le journal des connexions de Microsoft Entra et d'autoriser ce compte dans la stratégie Conditional Access ou d'authentification.",
    ],
    receiving_switched_off: [
      '{protocol} est désactivé pour cette boîte aux lettres, ou le jeton est celui d’un autre compte.',
      "Microsoft 365 : l'utilisateur, Courrier, Gérer les applications de messagerie. Outlook.com et Gmail : les paramètres POP et IMAP. Sinon, reconnectez la boîte aux lettres avec son propre compte.",
    ],
    sender_refused: [
      "Le compte connecté n'a pas le droit d'envoyer en tant que {sender}.",
      "Connectez-vous avec le compte de cette boîte aux lettres, ou demandez à un administrateur de donner au compte l'autorisation Send As.",
    ],
    account_unavailable: [
      'La boîte aux lettres est pleine, ou bloquée comme mauvais expéditeur.',
      'Faites-y de la place, aussi dans les éléments envoyés ; ou demandez à un administrateur de la débloquer, comme le dit la réponse.',
    ],
    recipient_refused: [
      'Le serveur refuse le destinataire {recipient}.',
      "Vérifiez l'adresse, et faites le test avec une autre.",
    ],
    limit_reached: [
      "La boîte aux lettres a épuisé sa limite d'envoi chez le fournisseur.",
      'Attendez : la limite compte les dernières 24 heures.',
    ],
    too_large: [
      "Le serveur dit que le message de test est trop grand, alors qu'il n'a que quelques lignes.",
      "La réponse en dit plus. L'administrateur du serveur vérifie ses limites.",
    ],
    message_refused: [
      'Le serveur refuse le message.',
      "La réponse dit pourquoi ; une règle de flux de messagerie ou un filtre de l'organisation peut en être la cause.",
    ],
    outcome_unknown: [
      "Le serveur a tout le message et n'a pas dit s'il le garde.",
      "Regardez s'il est arrivé chez {recipient}.",
    ],
    mailbox_refused: [
      "Le serveur accepte le jeton d'accès, mais n'ouvre pas la boîte aux lettres.",
      "Vérifiez que la boîte aux lettres existe et a une licence, et que le compte connecté peut l'ouvrir.",
    ],
    later: ['Le serveur demande de revenir plus tard.', 'Refaites le test dans quelques minutes.'],
    dropped: [
      'Le serveur a coupé la liaison.',
      'Refaites le test. Si cela arrive à chaque fois, cherchez un pare-feu ou un proxy qui la coupe.',
    ],
    silent: [
      'Le serveur ne répond pas.',
      'Refaites le test dans quelques minutes. Si cela persiste, cherchez un pare-feu ou un proxy qui retient la réponse.',
    ],
    out_of_time: [
      "Le test a duré trop longtemps et s'est terminé ici.",
      'Les étapes précédentes montrent ce qui a pris du temps. Refaites le test dans quelques minutes.',
    ],
  },
  tokenUpdateFailed: [
    'La mise à jour du jeton a échoué.',
    'Supprimez le jeton et obtenez-le de nouveau : déconnectez la boîte aux lettres, puis reconnectez-la.',
  ],
  noRecipient: "Aucun message n'a été envoyé, car aucun destinataire n'a été indiqué.",
  tooSoon: [
    'La boîte aux lettres ne peut pas encore être testée de nouveau.',
    'Refaites le test dans {seconds} secondes.',
  ],
  goesByApi:
    "Le courrier de cette boîte aux lettres passe actuellement par l'API du fournisseur. Ce test porte sur SMTP.",
  message: {
    subject: 'Message de test du broker de jetons',
    body: "Ce message a été envoyé pour tester la boîte aux lettres {account}. Si vous pouvez le lire, l'envoi fonctionne. Personne n'a besoin d'y répondre.",
  },
};
