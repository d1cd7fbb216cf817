import type { ErrorTexts } from './index.ts';

/** What happened, then what to do. */
export const fr: ErrorTexts = {
  invalid_request: ['La requête est mal formée.', "Corrigez-la comme l'indique le détail et renvoyez-la."],
  unsupported_grant_type: [
    "Ce type de demande de jeton n'est pas pris en charge.",
    'Utilisez client_credentials, device_code ou refresh_token.',
  ],
  unsupported_media_type: [
    "Cette adresse n'accepte pas ce type de contenu.",
    'Envoyez le type de contenu indiqué dans le détail.',
  ],
  payload_too_large: ['La requête est trop volumineuse.', 'Ne dépassez pas la limite indiquée dans le détail.'],
  headers_too_large: ['Les en-têtes de la requête sont trop volumineux.', "Envoyez moins de 16 Ko d'en-têtes."],
  not_found: ["Rien n'a été trouvé à cette adresse.", "Vérifiez l'adresse et l'identifiant qu'elle contient."],
  method_not_allowed: [
    "Cette adresse n'accepte pas cette méthode.",
    "Utilisez une méthode indiquée dans l'en-tête Allow.",
  ],
  conflict: [
    'La requête est en conflit avec les données déjà enregistrées.',
    "Consultez l'état actuel, puis réessayez.",
  ],

  invalid_client: [
    "L'appareil est inconnu ou désactivé, ou son mot de passe est incorrect.",
    "Vérifiez client id et client secret sur l'appareil. Un administrateur peut créer un nouveau secret dans la console.",
  ],
  invalid_enrolment_token: [
    "Le jeton d'inscription est incorrect, épuisé ou expiré.",
    "Demandez un nouveau jeton d'inscription à un administrateur.",
  ],
  invalid_registration_token: [
    'Le registration_access_token est incorrect.',
    "Utilisez celui que l'appareil a reçu lors de son enregistrement, ou enregistrez à nouveau l'appareil.",
  ],
  invalid_client_metadata: [
    "La description de l'appareil n'est pas valide.",
    'Corrigez le champ indiqué dans le détail.',
  ],
  invalid_admin_key: [
    "La clé d'administration est absente ou incorrecte.",
    "Envoyez la clé d'administration dans l'en-tête Authorization: Bearer.",
  ],
  too_many_attempts: [
    'Trop de tentatives incorrectes.',
    'Patientez quelques minutes, vérifiez le mot de passe, puis réessayez.',
  ],

  pairing_pending: [
    "Personne ne s'est encore connecté avec le code.",
    "Ouvrez l'adresse affichée sur l'appareil, saisissez le code et connectez-vous.",
  ],
  pairing_polled_too_fast: [
    "L'appareil interroge trop souvent.",
    'Il doit attendre cinq secondes de plus entre ses demandes.',
  ],
  pairing_denied: [
    "La connexion demandée par l'appareil a été annulée.",
    "Recommencez sur l'appareil si ce n'était pas voulu.",
  ],
  pairing_expired: [
    'Le code a expiré.',
    "Recommencez la connexion sur l'appareil et utilisez le nouveau code dans le quart d'heure.",
  ],
  pairing_unknown: [
    "Ce code d'appareil n'existe pas ou a déjà été utilisé.",
    "Recommencez la connexion sur l'appareil.",
  ],
  user_code_unknown: [
    "Ce code n'existe pas ou a expiré.",
    "Comparez-le avec celui que l'appareil affiche et saisissez-le de nouveau, ou recommencez sur l'appareil.",
  ],
  refresh_token_unknown: [
    "Ce jeton d'actualisation n'est pas valide : il a expiré, a été révoqué ou a été utilisé deux fois.",
    "Connectez-vous de nouveau sur l'appareil.",
  ],
  unsupported_token_type: [
    "Le broker ne peut pas révoquer un jeton d'accès : le fournisseur l'a émis et il expire de lui-même.",
    "Révoquez le jeton d'actualisation ou indiquez la fonction (slot) à libérer.",
  ],

  slot_not_bound: [
    "Aucune boîte aux lettres n'est affectée à cette fonction de l'appareil.",
    "Affectez une boîte aux lettres à l'appareil dans la console.",
  ],
  not_signed_in: [
    "Cette boîte aux lettres n'a pas encore été connectée.",
    'Connectez la boîte aux lettres depuis la console.',
  ],
  waiting_for_sign_in: [
    "La connexion de cette boîte aux lettres n'est pas encore terminée.",
    'Terminez la connexion dans le navigateur.',
  ],
  signed_out: ['Cette boîte aux lettres a été déconnectée.', 'Connectez à nouveau la boîte aux lettres.'],
  sign_in_lapsed: ['La connexion de cette boîte aux lettres a expiré.', 'Connectez à nouveau la boîte aux lettres.'],
  consent_withdrawn: [
    "L'autorisation d'utiliser cette boîte aux lettres a été retirée.",
    'Connectez à nouveau la boîte aux lettres et acceptez les autorisations demandées.',
  ],
  consent_needed: [
    "L'organisation n'a pas approuvé cette application.",
    "Faites donner le consentement par un administrateur de l'organisation, puis connectez à nouveau la boîte aux lettres.",
  ],
  more_proof_needed: [
    "Le fournisseur de messagerie demande une preuve d'identité supplémentaire pour cette boîte aux lettres.",
    'Connectez à nouveau la boîte aux lettres et effectuez la vérification supplémentaire.',
  ],
  conditional_access: [
    "Une stratégie d'accès conditionnel (Conditional Access) de l'organisation bloque cette connexion.",
    "Demandez à l'administrateur de rechercher l'ID de corrélation dans le journal des connexions et d'autoriser ce compte, puis reconnectez-vous.",
  ],
  account_unavailable: [
    'Le compte est verrouillé ou désactivé, ou son mot de passe a expiré.',
    'Faites rétablir le compte chez le fournisseur de messagerie, puis connectez à nouveau la boîte aux lettres.',
  ],
  scope_not_offered: [
    "Ce type de jeton n'est pas proposé pour cette boîte aux lettres.",
    "Demandez l'un des scopes smtp, imap, pop et api.",
  ],
  scope_not_granted: [
    "La connexion de cette boîte aux lettres n'a pas accordé ce type d'accès.",
    'Connectez à nouveau la boîte aux lettres et autorisez tout ce qui est demandé.',
  ],

  provider_unavailable: [
    'Le fournisseur de messagerie ne répond pas actuellement.',
    "Aucune intervention n'est nécessaire. Réessayez dans quelques minutes.",
  ],
  app_registration_refused: [
    'Le fournisseur de messagerie refuse le broker lui-même.',
    "L'exploitant du broker doit vérifier l'inscription de l'application (client id, client secret et date d'expiration).",
  ],
  stored_sign_in_missing: [
    'La connexion enregistrée de cette boîte aux lettres est introuvable.',
    "L'exploitant du broker restaure le coffre depuis sa sauvegarde, ou la boîte aux lettres est connectée de nouveau.",
  ],
  stored_sign_in_unreadable: [
    'La connexion enregistrée de cette boîte aux lettres est illisible : sa clé a disparu ou elle a été altérée.',
    "L'exploitant du broker restaure le trousseau de clés depuis sa sauvegarde, ou la boîte aux lettres est connectée de nouveau.",
  ],
  vault_unavailable: [
    "Le coffre du broker pour les connexions n'est pas disponible en ce moment.",
    'Attendez : le broker réessaie de lui-même.',
  ],

  sign_in_not_found: ['Ce lien de connexion est inconnu.', 'Demandez un nouveau lien.'],
  sign_in_expired: ['La connexion a pris trop de temps et a expiré.', 'Recommencez la connexion.'],
  sign_in_already_used: [
    'Cette connexion a déjà été utilisée.',
    "Si la boîte aux lettres n'est toujours pas connectée, recommencez la connexion.",
  ],
  sign_in_other_browser: [
    'Cette connexion a été rouverte dans un autre navigateur ou une autre fenêtre.',
    'Ouvrez à nouveau le lien de connexion et terminez dans le même navigateur. Les cookies doivent être autorisés.',
  ],
  sign_in_cancelled: [
    "La connexion a été annulée. Rien n'a été modifié.",
    'Recommencez la connexion quand vous le souhaitez.',
  ],
  sign_in_refused: [
    'Le fournisseur de messagerie a refusé la connexion.',
    'Lisez le détail, puis recommencez la connexion.',
  ],
  sign_in_wrong_account: [
    "Le compte connecté n'est pas celui de cette boîte aux lettres.",
    'Recommencez et connectez-vous avec le compte de la boîte aux lettres.',
  ],
  sign_in_scope_missing: [
    "L'autorisation d'utiliser la messagerie n'a pas été accordée.",
    'Recommencez et laissez toutes les cases cochées sur la page de consentement.',
  ],
  sign_in_no_refresh_token: [
    "Le fournisseur de messagerie n'a pas accordé d'autorisation durable.",
    "L'exploitant du broker doit autoriser offline_access dans l'inscription de l'application. Recommencez ensuite.",
  ],

  not_a_message: ["Le contenu envoyé n'est pas un message électronique.", 'Envoyez un message conforme à la RFC 5322.'],
  invalid_recipient: ["L'adresse d'un destinataire n'est pas valide.", "Corrigez l'adresse indiquée dans le détail."],
  sender_not_allowed: [
    "Cet appareil n'est pas autorisé à envoyer au nom de l'expéditeur du message.",
    "Réglez l'adresse d'expéditeur de l'appareil sur celle de la boîte aux lettres, ou demandez à un administrateur de modifier le réglage de l'adresse d'expéditeur de l'appareil.",
  ],
  message_too_large: [
    'Le message est trop volumineux.',
    'Numérisez avec une résolution inférieure ou en plusieurs parties.',
  ],
  upload_unknown: [
    "Ce téléversement n'existe pas ou a expiré.",
    'Demandez un nouveau téléversement et envoyez de nouveau le message.',
  ],
  upload_incomplete: [
    'Ce qui a été téléversé ne correspond pas à ce qui était annoncé.',
    'Téléversez de nouveau le message entier ; la taille et la somme de contrôle doivent être celles annoncées.',
  ],
  mail_server_unavailable: [
    'Le serveur de messagerie ne répond pas actuellement.',
    "Aucune intervention n'est nécessaire. Une nouvelle tentative d'envoi aura lieu.",
  ],
  mail_server_misconfigured: [
    "Le serveur de messagerie est inutilisable tel qu'il est configuré dans le broker.",
    "L'exploitant du broker vérifie host, port, security et ca_file du serveur de messagerie. Le broker continue d'essayer.",
  ],
  mail_server_refused_sign_in: [
    'Le serveur de messagerie a refusé la connexion. SMTP est peut-être désactivé pour cette boîte aux lettres.',
    "Demandez à l'administrateur d'y autoriser SMTP (Microsoft 365 : SMTP authentifié, applications de messagerie de l'utilisateur), puis reconnectez-vous.",
  ],
  smtp_switched_off: [
    "L'envoi par SMTP est désactivé pour cette boîte aux lettres ou pour l'organisation.",
    "Demandez à l'administrateur d'activer « SMTP authentifié » pour la boîte (centre d'administration Microsoft 365 : utilisateur, Courrier, Gérer les applications de messagerie), ou reconnectez la boîte pour que le courrier passe par l'API du fournisseur.",
  ],
  sending_limit_reached: [
    "La boîte aux lettres a atteint sa limite d'envoi chez le fournisseur.",
    "Il n'y a rien à réparer. Le broker reprend l'envoi dès que la limite le permet.",
  ],
  mail_server_refused_message: [
    'Le serveur de messagerie a refusé le message.',
    'Lisez la réponse du serveur et corrigez le message.',
  ],
  outcome_unknown: [
    "Le serveur de messagerie a reçu deux fois le message entier sans dire s'il le garde.",
    "Demandez à un destinataire s'il est arrivé ; sinon, renvoyez-le depuis la console.",
  ],
  held_too_long: [
    'Le message a attendu trop longtemps sa boîte aux lettres et a été abandonné.',
    'Reconnectez la boîte aux lettres, puis renvoyez le message.',
  ],

  broker_unreachable: [
    'La passerelle ne peut pas joindre le broker.',
    'Vérifiez le réseau ; le courrier accepté partira de lui-même.',
  ],
  gateway_full: [
    "La passerelle n'a plus de place pour le courrier.",
    "L'exploitant de la passerelle libère de la place sur son disque ou relève sa limite.",
  ],
  too_much_mail: ["L'appareil envoie trop de courrier à la fois.", 'Attendez une minute, puis renvoyez.'],

  store_unavailable: [
    "Le broker n'a pas accès à ses propres données actuellement.",
    "Aucune intervention n'est nécessaire. Réessayez dans une minute.",
  ],
  internal: [
    "Une erreur s'est produite dans le broker.",
    "Réessayez. Si l'erreur se répète, communiquez l'identifiant de la requête à l'exploitant du broker.",
  ],
};
