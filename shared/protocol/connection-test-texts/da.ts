import type { ConnectionTestTexts } from './index.ts';

export const da: ConnectionTestTexts = {
  steps: {
    grant: 'Postkassens logon',
    token: 'Adgangstoken',
    name: 'Serverens navn',
    tcp: 'Forbindelse',
    tls: 'Kryptering (TLS)',
    greeting: 'Hilsen',
    auth: 'Logon på serveren',
    envelope: 'Afsender og modtager',
    message: 'Meddelelse',
    mailbox: 'Postkasse',
  },
  seen: {
    grant: 'Logget på som {signed_in} siden {since}.',
    token: 'Udbyderen gav et nyt adgangstoken; gyldigt i så mange minutter: {minutes}.',
    token_at_hand:
      'Udbyderen gav ikke noget nyt adgangstoken lige nu. Det, der haves, er stadig gyldigt; minutter tilbage: {minutes}.',
    name: '{host} har adresserne {addresses}.',
    name_is_address: '{host} er allerede en adresse.',
    tcp: '{address} svarer på port {port} efter {milliseconds} ms.',
    tls: '{version} med {cipher}. Certifikat til {certificate}, udstedt af {issuer}, gyldigt til {expires}.',
    greeting: 'Serveren siger: {said}',
    greeting_with_size: 'Serveren tager imod meddelelser på op til {megabytes} MB og siger: {said}',
    auth: 'Serveren godtager adgangstokenet til {account}.',
    envelope: 'Serveren tager imod post fra {sender} til {recipient}.',
    message: 'Serveren tog imod meddelelsen til {recipient} og siger: {said}',
    mailbox: 'Serveren åbner postkassen. Meddelelser i den: {messages}.',
  },
  verdicts: {
    name_unknown: [
      'Navnet {host} er ukendt.',
      'Brokerens operatør kontrollerer mailserverens navn i konfigurationen og maskinens DNS-server.',
    ],
    name_lookup_failed: [
      'Adressen på {host} kunne ikke slås op.',
      'Brokerens operatør kontrollerer dens netværk og DNS-server. Test derefter igen.',
    ],
    tcp_refused: [
      '{host} afviser forbindelser på port {port}.',
      'Brokerens operatør kontrollerer mailserverens navn og port i konfigurationen.',
    ],
    tcp_silent: [
      '{host} svarer ikke på port {port}.',
      'Der er måske en firewall imellem: tillad forbindelser fra brokeren til denne port. Port 25 er lukket i mange netværk; brug 587, 465, 993 eller 995.',
    ],
    tcp_unreachable: [
      'Der er ingen vej gennem netværket til {host}, port {port}.',
      'Brokerens operatør kontrollerer dens netværk: ruter, firewall, og IPv6 hvis serveren ikke har en anden adresse.',
    ],
    tls_not_spoken: [
      'Serveren begynder ikke med TLS på port {port}.',
      'Brokerens operatør sætter security til starttls for denne port eller tager den port, der begynder med TLS: 465, 993 eller 995.',
    ],
    tls_from_first_byte: [
      'Serveren begynder med TLS på port {port}, mens brokeren venter på en hilsen.',
      'Brokerens operatør sætter security til tls for denne port eller tager porten til STARTTLS: 587 til afsendelse.',
    ],
    starttls_missing: [
      'Serveren tilbyder ikke STARTTLS på port {port}, og uden kryptering sendes intet token.',
      'Brokerens operatør kontrollerer navn og port. En firewall, der undersøger post, kan fjerne STARTTLS: undtag brokeren dér.',
    ],
    starttls_refused: [
      'Serveren tilbyder STARTTLS og afviser det så.',
      'Test igen om et par minutter. Hvis det bliver ved, må serverens administrator se på dens certifikat.',
    ],
    tls_too_old: [
      'Serveren kender kun versioner af TLS, der er for gamle.',
      'Brokeren kræver TLS 1.2 eller nyere. Administratoren af serveren, eller af det, der afslutter TLS undervejs, må tillade det.',
    ],
    tls_failed: [
      'Krypteringen kunne ikke oprettes.',
      'Svaret nævner årsagen. Serverens administrator kontrollerer dens TLS-indstillinger.',
    ],
    certificate_untrusted: [
      'Certifikatet til {certificate} er udstedt af {issuer}, som der ikke er tillid til.',
      'Er serveren jeres egen, angiver brokerens operatør dens udsteder i ca_file eller NODE_EXTRA_CA_CERTS. Ellers er der noget undervejs, der åbner krypteringen: undtag brokeren dér.',
    ],
    certificate_not_valid_now: [
      'Certifikatet til {certificate} er ikke gyldigt nu; det slutter {expires}.',
      'Serverens administrator må forny det. Ligger datoen i fremtiden, så kontrollér brokerens ur.',
    ],
    certificate_other_name: [
      'Certifikatet er til {certificate}, ikke til {host}.',
      'Brokerens operatør angiver et servernavn, der står i certifikatet.',
    ],
    other_protocol: [
      'Det, der svarer på port {port}, taler ikke {protocol}.',
      'Brokerens operatør kontrollerer mailserverens navn og port i konfigurationen.',
    ],
    server_refuses: [
      'Serveren tager ikke imod forbindelser herfra.',
      'Svaret siger hvorfor. Serverens administrator må tillade brokerens adresse.',
    ],
    sign_in_not_offered: [
      'Serveren tilbyder ikke logon med adgangstoken (XOAUTH2), kun: {offered}.',
      'Brokerens operatør kontrollerer, at navn og port er udbyderens. En server, der kun kender adgangskoder, kan ikke bruges.',
    ],
    sign_in_not_understood: [
      'Serveren forstår ikke logon med adgangstoken.',
      'Brokerens operatør kontrollerer, at navn og port er udbyderens.',
    ],
    sign_in_refused: [
      'Serveren afviser adgangstokenet til {account}.',
      'Kontrollér, at {protocol} er tilladt for postkassen, og at den konto, der er logget på, må bruge den. Log derefter postkassen på igen.',
    ],
    smtp_switched_off: [
      'Godkendt SMTP er slået fra for denne postkasse eller dens organisation.',
      'Få en administrator til at slå det til. Microsoft 365 Administration: brugeren, Mail, Administrer mailapps, Godkendt SMTP; eller Set-CASMailbox {account} -SmtpClientAuthenticationDisabled $false.',
    ],
    security_defaults: [
      'Organisationens sikkerhedsstandarder blokerer dette logon.',
      'Få en administrator til at finde det i logonloggen i Microsoft Entra og erstatte sikkerhedsstandarderne med Conditional Access-politikker, der tillader kontoen.',
    ],
    policy_blocks: [
      'En politik i organisationen blokerer dette logon.',
      'Få en administrator til at finde det i logonloggen i Microsoft Entra og tillade kontoen i politikken for Conditional Access eller godkendelse.',
    ],
    receiving_switched_off: [
      '{protocol} er slået fra for denne postkasse, eller tokenet er til en anden konto.',
      'Microsoft 365: brugeren, Mail, Administrer mailapps. Outlook.com og Gmail: indstillingerne for POP og IMAP. Ellers log postkassen på igen med dens egen konto.',
    ],
    sender_refused: [
      'Den konto, der er logget på, må ikke sende som {sender}.',
      'Log på med postkassens egen konto, eller få en administrator til at give kontoen tilladelsen Send As.',
    ],
    account_unavailable: [
      'Postkassen er fuld eller blokeret som dårlig afsender.',
      'Gør plads i den, også blandt sendte elementer; eller få en administrator til at frigive den, som svaret siger.',
    ],
    recipient_refused: ['Serveren afviser modtageren {recipient}.', 'Kontrollér adressen, og test med en anden.'],
    limit_reached: [
      'Postkassen har brugt sin grænse for afsendelse hos udbyderen.',
      'Vent: grænsen gælder de sidste 24 timer.',
    ],
    too_large: [
      'Serveren siger, at testmeddelelsen er for stor, skønt den kun har få linjer.',
      'Svaret siger mere. Serverens administrator kontrollerer dens grænser.',
    ],
    message_refused: [
      'Serveren afviser meddelelsen.',
      'Svaret siger hvorfor; en regel for mailflow eller et filter i organisationen kan være årsagen.',
    ],
    outcome_unknown: [
      'Serveren har hele meddelelsen og sagde ikke, om den beholder den.',
      'Se efter, om den er kommet til {recipient}.',
    ],
    mailbox_refused: [
      'Serveren godtager adgangstokenet, men åbner ikke postkassen.',
      'Kontrollér, at postkassen findes og har en licens, og at den konto, der er logget på, må åbne den.',
    ],
    later: ['Serveren beder om, at man kommer igen senere.', 'Test igen om et par minutter.'],
    dropped: [
      'Serveren afbrød forbindelsen.',
      'Test igen. Sker det hver gang, så se efter en firewall eller en proxy, der afbryder den.',
    ],
    silent: [
      'Serveren svarer ikke.',
      'Test igen om et par minutter. Hvis det bliver ved, så se efter en firewall eller en proxy, der holder svaret tilbage.',
    ],
    out_of_time: [
      'Testen tog for lang tid og sluttede her.',
      'De foregående trin viser, hvad der tog så lang tid. Test igen om et par minutter.',
    ],
  },
  tokenUpdateFailed: [
    'Opdatering af token mislykkedes.',
    'Slet tokenet, og hent det igen: log postkassen af og derefter på.',
  ],
  noRecipient: 'Der blev ikke sendt nogen meddelelse, da der ikke var angivet en modtager.',
  tooSoon: ['Postkassen kan ikke testes igen lige nu.', 'Test den igen om {seconds} sekunder.'],
  goesByApi: 'Postkassens post går lige nu gennem udbyderens API. Denne test gælder SMTP.',
  message: {
    subject: 'Testmeddelelse fra tokenbrokeren',
    body: 'Denne meddelelse blev sendt for at teste postkassen {account}. Hvis du kan læse den, virker afsendelsen. Ingen behøver at svare på den.',
  },
};
