import type { ErrorTexts } from './index.ts';

/** What happened, then what to do. */
export const da: ErrorTexts = {
  invalid_request: ['Anmodningen har et forkert format.', 'Ret den som angivet i detaljerne, og send den igen.'],
  unsupported_grant_type: [
    'Denne type tokenanmodning understøttes ikke.',
    'Brug client_credentials, enhedskoden eller refresh_token.',
  ],
  unsupported_media_type: [
    'Adressen accepterer ikke denne indholdstype.',
    'Send den indholdstype, der er angivet i detaljerne.',
  ],
  payload_too_large: ['Anmodningen er for stor.', 'Overskrid ikke den grænse, der er angivet i detaljerne.'],
  headers_too_large: ['Anmodningens headere er for store.', 'Send mindre end 16 KB headere.'],
  not_found: ['Der blev ikke fundet noget på denne adresse.', "Kontrollér adressen og id'et i den."],
  method_not_allowed: ['Adressen accepterer ikke denne metode.', 'Brug en metode, der er angivet i headeren Allow.'],
  conflict: [
    'Anmodningen er i konflikt med det, der allerede er gemt.',
    'Læs den aktuelle tilstand, og prøv derefter igen.',
  ],

  invalid_client: [
    'Enheden er ukendt eller deaktiveret, eller dens adgangskode er forkert.',
    'Kontrollér client id og client secret på enheden. En administrator kan oprette en ny adgangskode i konsollen.',
  ],
  invalid_enrolment_token: [
    'Tilmeldingstokenet er forkert, opbrugt eller udløbet.',
    'Bed en administrator om et nyt tilmeldingstoken.',
  ],
  invalid_registration_token: [
    'registration_access_token er forkert.',
    'Brug det, som enheden fik ved registreringen, eller registrer enheden igen.',
  ],
  invalid_client_metadata: ['Beskrivelsen af enheden er ugyldig.', 'Ret det felt, der er angivet i detaljerne.'],
  invalid_admin_key: [
    'Administratornøglen mangler eller er forkert.',
    'Send administratornøglen i headeren Authorization: Bearer.',
  ],
  too_many_attempts: [
    'Der har været for mange forkerte forsøg.',
    'Vent et par minutter, kontrollér adgangskoden, og prøv igen.',
  ],

  pairing_pending: [
    'Ingen har logget på med koden endnu.',
    'Åbn adressen, som enheden viser, indtast koden, og log på.',
  ],
  pairing_polled_too_fast: ['Enheden spørger for ofte.', 'Den skal vente fem sekunder længere mellem sine spørgsmål.'],
  pairing_denied: ['Pålogningen på enheden blev annulleret.', 'Begynd forfra på enheden, hvis det ikke var meningen.'],
  pairing_expired: [
    'Koden er udløbet.',
    'Begynd pålogningen forfra på enheden, og brug den nye kode inden for et kvarter.',
  ],
  pairing_unknown: ['Denne enhedskode findes ikke eller er allerede brugt.', 'Begynd pålogningen forfra på enheden.'],
  user_code_unknown: [
    'Koden findes ikke eller er udløbet.',
    'Sammenlign den med koden på enheden, og indtast den igen, eller begynd forfra på enheden.',
  ],
  refresh_token_unknown: [
    'Dette opdateringstoken er ikke gyldigt: Det er udløbet, tilbagekaldt eller brugt to gange.',
    'Log på igen på enheden.',
  ],
  unsupported_token_type: [
    'Brokeren kan ikke tilbagekalde et adgangstoken: Udbyderen har udstedt det, og det udløber af sig selv.',
    'Tilbagekald opdateringstokenet, eller angiv den funktion (slot), der opgives.',
  ],

  slot_not_bound: [
    'Der er ikke tildelt en postkasse til denne funktion på enheden.',
    'Tildel enheden en postkasse i konsollen.',
  ],
  not_signed_in: ['Ingen er endnu logget på denne postkasse.', 'Log på postkassen fra konsollen.'],
  waiting_for_sign_in: ['Logon til denne postkasse er ikke afsluttet endnu.', 'Afslut logon i browseren.'],
  signed_out: ['Denne postkasse er blevet logget af.', 'Log på postkassen igen.'],
  sign_in_lapsed: ['Logon til denne postkasse er udløbet.', 'Log på postkassen igen.'],
  consent_withdrawn: [
    'Tilladelsen til at bruge denne postkasse er trukket tilbage.',
    'Log på postkassen igen, og acceptér de tilladelser, der anmodes om.',
  ],
  consent_needed: [
    'Organisationen har ikke godkendt dette program.',
    'Bed en administrator i organisationen om at give samtykke, og log derefter på postkassen igen.',
  ],
  more_proof_needed: [
    'Mailudbyderen kræver yderligere bekræftelse af identiteten for denne postkasse.',
    'Log på postkassen igen, og gennemfør den ekstra bekræftelse.',
  ],
  conditional_access: [
    'En politik for betinget adgang (Conditional Access) i organisationen blokerer dette logon.',
    "Bed administratoren om at finde korrelations-id'et i logonloggen og tillade kontoen, og log derefter på igen.",
  ],
  account_unavailable: [
    'Kontoen er låst eller deaktiveret, eller dens adgangskode er udløbet.',
    'Få kontoen genaktiveret hos mailudbyderen, og log derefter på postkassen igen.',
  ],
  scope_not_offered: [
    'Denne type token tilbydes ikke for denne postkasse.',
    'Anmod om et af disse scopes: smtp, imap, pop, api.',
  ],
  scope_not_granted: [
    'Ved logon til denne postkasse blev denne type adgang ikke givet.',
    'Log på postkassen igen, og tillad alt, hvad der anmodes om.',
  ],

  provider_unavailable: [
    'Mailudbyderen svarer ikke i øjeblikket.',
    'Der er ikke noget at udbedre. Prøv igen om et par minutter.',
  ],
  app_registration_refused: [
    'Mailudbyderen afviser selve brokeren.',
    'Brokerens operatør skal kontrollere appregistreringen: client id, client secret og udløbsdato.',
  ],
  stored_sign_in_missing: [
    'Postkassens gemte logon blev ikke fundet.',
    'Brokerens operatør gendanner boksen fra sikkerhedskopien, eller der logges på postkassen igen.',
  ],
  stored_sign_in_unreadable: [
    'Postkassens gemte logon kan ikke læses: nøglen mangler, eller det er ændret.',
    'Brokerens operatør gendanner nøgleringen fra sikkerhedskopien, eller der logges på postkassen igen.',
  ],
  vault_unavailable: ['Brokerens boks til logon er ikke tilgængelig lige nu.', 'Vent: brokeren prøver selv igen.'],

  sign_in_not_found: ['Dette logonlink er ukendt.', 'Bed om et nyt link.'],
  sign_in_expired: ['Logon tog for lang tid og er udløbet.', 'Start logon forfra.'],
  sign_in_already_used: [
    'Dette logon er allerede brugt.',
    'Start logon forfra, hvis postkassen stadig ikke er logget på.',
  ],
  sign_in_other_browser: [
    'Dette logon blev åbnet igen i en anden browser eller et andet vindue.',
    'Åbn logonlinket igen, og afslut i samme browser. Cookies skal være tilladt.',
  ],
  sign_in_cancelled: ['Logon blev annulleret. Intet er ændret.', 'Start logon forfra, når du er klar.'],
  sign_in_refused: ['Mailudbyderen afviste dette logon.', 'Læs detaljerne, og start derefter logon forfra.'],
  sign_in_wrong_account: [
    'Den konto, der blev logget på, er ikke kontoen for denne postkasse.',
    'Start forfra, og log på med postkassens egen konto.',
  ],
  sign_in_scope_missing: [
    'Tilladelsen til at bruge mailen blev ikke givet.',
    'Start forfra, og lad alle felter på samtykkesiden være markeret.',
  ],
  sign_in_no_refresh_token: [
    'Mailudbyderen gav ingen varig tilladelse.',
    'Brokerens operatør skal tillade offline_access i appregistreringen. Start derefter forfra.',
  ],

  not_a_message: ['Det sendte er ikke en mail.', 'Send en mail, der overholder RFC 5322.'],
  invalid_recipient: ['En modtagers adresse er ugyldig.', 'Ret den adresse, der er angivet i detaljerne.'],
  sender_not_allowed: [
    'Denne enhed må ikke sende som den afsender, der står i mailen.',
    'Indstil afsenderadressen på enheden til postkassens egen adresse, eller bed en administrator om at ændre enhedens indstilling for afsenderadresse.',
  ],
  message_too_large: ['Mailen er for stor.', 'Scan med lavere opløsning eller i flere dele.'],
  upload_unknown: ['Uploaden findes ikke eller er udløbet.', 'Bed om en ny upload, og send meddelelsen igen.'],
  upload_incomplete: [
    'Det uploadede er ikke det, der blev meldt.',
    'Upload hele meddelelsen igen; størrelse og kontrolsum skal være de meldte.',
  ],
  mail_server_unavailable: [
    'Mailserveren svarer ikke i øjeblikket.',
    'Der er ikke noget at udbedre. Mailen forsøges sendt igen.',
  ],
  mail_server_misconfigured: [
    'Mailserveren kan ikke bruges, som den er sat op i brokeren.',
    'Brokerens operatør kontrollerer mailserverens host, port, security og ca_file. Brokeren bliver ved med at prøve.',
  ],
  mail_server_refused_sign_in: [
    'Mailserveren afviste dette logon. SMTP er måske slået fra for denne postkasse.',
    'Bed administratoren om at tillade SMTP (Microsoft 365: godkendt SMTP i brugerens mailapps), og log derefter på igen.',
  ],
  smtp_switched_off: [
    'Afsendelse med SMTP er slået fra for denne postkasse eller organisation.',
    'Få administratoren til at slå godkendt SMTP til for postkassen (Microsoft 365 Administration: bruger, Mail, Administrer mailapps), eller log postkassen ind igen, så mail kan sendes gennem udbyderens API.',
  ],
  sending_limit_reached: [
    'Postkassen har nået sin grænse for afsendelse hos mailudbyderen.',
    'Der er intet at reparere. Brokeren sender videre, når grænsen tillader det.',
  ],
  mail_server_refused_message: ['Mailserveren afviste mailen.', 'Læs serverens svar, og ret mailen.'],
  outcome_unknown: [
    'Mailserveren modtog hele meddelelsen to gange uden at sige, om den beholder den.',
    'Spørg en modtager, om den kom frem; ellers send den igen fra konsollen.',
  ],
  held_too_long: [
    'Meddelelsen ventede for længe på sin postkasse og blev opgivet.',
    'Log postkassen ind igen, og send derefter meddelelsen igen.',
  ],

  broker_unreachable: [
    'Gatewayen kan ikke nå brokeren.',
    'Kontrollér netværket; post, der er modtaget, sendes af sig selv.',
  ],
  gateway_full: [
    'Gatewayen har ikke plads til mere post.',
    'Gatewayens driftsansvarlige skaffer plads på dens disk eller hæver dens grænse.',
  ],
  too_much_mail: ['Enheden sender for meget på én gang.', 'Vent et minut, og send igen.'],

  store_unavailable: [
    'Brokeren kan ikke få adgang til sine egne data i øjeblikket.',
    'Der er ikke noget at udbedre. Prøv igen om et minut.',
  ],
  internal: [
    'Der opstod en fejl i brokeren.',
    'Prøv igen. Hvis fejlen gentager sig, så oplys anmodningens id til brokerens operatør.',
  ],
};
