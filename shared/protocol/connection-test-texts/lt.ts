import type { ConnectionTestTexts } from './index.ts';

export const lt: ConnectionTestTexts = {
  steps: {
    grant: 'Pašto dėžutės prisijungimas',
    token: 'Prieigos raktas',
    name: 'Serverio vardas',
    tcp: 'Ryšys',
    tls: 'Šifravimas (TLS)',
    greeting: 'Pasisveikinimas',
    auth: 'Prisijungimas prie serverio',
    envelope: 'Siuntėjas ir gavėjas',
    message: 'Laiškas',
    mailbox: 'Pašto dėžutė',
  },
  seen: {
    grant: 'Prisijungta kaip {signed_in} nuo {since}.',
    token: 'Teikėjas davė naują prieigos raktą; galioja minučių: {minutes}.',
    token_at_hand: 'Teikėjas dabar nedavė naujo prieigos rakto. Turimas dar galioja; liko minučių: {minutes}.',
    name: '{host} adresai: {addresses}.',
    name_is_address: '{host} jau yra adresas.',
    tcp: '{address} atsako per {port} prievadą po {milliseconds} ms.',
    tls: '{version} su {cipher}. Sertifikatas skirtas {certificate}, išdavė {issuer}, galioja iki {expires}.',
    greeting: 'Serveris sako: {said}',
    greeting_with_size: 'Serveris priima iki {megabytes} MB dydžio laiškus ir sako: {said}',
    auth: 'Serveris priima {account} prieigos raktą.',
    envelope: 'Serveris priima paštą iš {sender} gavėjui {recipient}.',
    message: 'Serveris priėmė laišką gavėjui {recipient} ir sako: {said}',
    mailbox: 'Serveris atveria pašto dėžutę. Laiškų joje: {messages}.',
  },
  verdicts: {
    name_unknown: [
      'Vardas {host} nežinomas.',
      'Brokerio operatorius patikrina pašto serverio vardą konfigūracijoje ir kompiuterio DNS serverį.',
    ],
    name_lookup_failed: [
      'Nepavyko rasti {host} adreso.',
      'Brokerio operatorius patikrina jo tinklą ir DNS serverį. Tada bandykite dar kartą.',
    ],
    tcp_refused: [
      '{host} atmeta ryšius per {port} prievadą.',
      'Brokerio operatorius patikrina pašto serverio vardą ir prievadą konfigūracijoje.',
    ],
    tcp_silent: [
      '{host} neatsako per {port} prievadą.',
      'Galbūt kelyje yra užkarda: leiskite brokerio ryšius su šiuo prievadu. 25 prievadas daugelyje tinklų uždarytas; naudokite 587, 465, 993 arba 995.',
    ],
    tcp_unreachable: [
      'Tinkle nėra kelio iki {host}, prievadas {port}.',
      'Brokerio operatorius patikrina jo tinklą: maršrutus, užkardą ir IPv6, jei serveris neturi kito adreso.',
    ],
    tls_not_spoken: [
      'Serveris per {port} prievadą nepradeda nuo TLS.',
      'Brokerio operatorius šiam prievadui nustato security reikšmę starttls arba pasirenka prievadą, kuris pradeda nuo TLS: 465, 993 arba 995.',
    ],
    tls_from_first_byte: [
      'Serveris per {port} prievadą pradeda nuo TLS, o brokeris laukia pasisveikinimo.',
      'Brokerio operatorius šiam prievadui nustato security reikšmę tls arba pasirenka STARTTLS prievadą: siuntimui 587.',
    ],
    starttls_missing: [
      'Serveris per {port} prievadą nesiūlo STARTTLS, o be šifravimo joks raktas nesiunčiamas.',
      'Brokerio operatorius patikrina vardą ir prievadą. Paštą tikrinanti užkarda gali pašalinti STARTTLS: padarykite joje išimtį brokeriui.',
    ],
    starttls_refused: [
      'Serveris siūlo STARTTLS, bet paskui atsisako.',
      'Po kelių minučių bandykite dar kartą. Jei niekas nepasikeičia, serverio administratorius turi pasirūpinti jo sertifikatu.',
    ],
    tls_too_old: [
      'Serveris moka tik per senas TLS versijas.',
      'Brokeriui reikia TLS 1.2 arba naujesnės versijos. Ją turi leisti serverio arba kelyje TLS užbaigiančio įrenginio administratorius.',
    ],
    tls_failed: [
      'Nepavyko sudaryti šifruoto ryšio.',
      'Atsakymas nurodo priežastį. Serverio administratorius patikrina jo TLS nustatymus.',
    ],
    certificate_untrusted: [
      'Sertifikatą, skirtą {certificate}, išdavė {issuer}, kuriuo nepasitikima.',
      'Jei serveris jūsų, brokerio operatorius nurodo jo sertifikavimo įstaigą ca_file arba NODE_EXTRA_CA_CERTS. Jei ne, kažkas kelyje atveria šifravimą: padarykite ten išimtį brokeriui.',
    ],
    certificate_not_valid_now: [
      'Sertifikatas, skirtas {certificate}, dabar negalioja; jo pabaiga {expires}.',
      'Serverio administratorius turi jį atnaujinti. Jei data ateityje, patikrinkite brokerio laikrodį.',
    ],
    certificate_other_name: [
      'Sertifikatas skirtas {certificate}, o ne {host}.',
      'Brokerio operatorius nurodo serverio vardą, kuris yra sertifikate.',
    ],
    other_protocol: [
      'Tai, kas atsako per {port} prievadą, nekalba {protocol}.',
      'Brokerio operatorius patikrina pašto serverio vardą ir prievadą konfigūracijoje.',
    ],
    server_refuses: [
      'Serveris iš čia ryšių nepriima.',
      'Atsakymas sako kodėl. Serverio administratorius turi leisti brokerio adresą.',
    ],
    sign_in_not_offered: [
      'Serveris nesiūlo prisijungti prieigos raktu (XOAUTH2), tik: {offered}.',
      'Brokerio operatorius patikrina, ar vardas ir prievadas yra teikėjo. Serverio, kuris žino tik slaptažodžius, naudoti negalima.',
    ],
    sign_in_not_understood: [
      'Serveris nesupranta prisijungimo prieigos raktu.',
      'Brokerio operatorius patikrina, ar vardas ir prievadas yra teikėjo.',
    ],
    sign_in_refused: [
      'Serveris atmeta {account} prieigos raktą.',
      'Patikrinkite, ar šiai pašto dėžutei leistas {protocol} ir ar prisijungusi paskyra gali ja naudotis. Tada prijunkite pašto dėžutę iš naujo.',
    ],
    smtp_switched_off: [
      'Autentifikuotas SMTP šiai pašto dėžutei arba jos organizacijai išjungtas.',
      'Paprašykite administratoriaus jį įjungti. Microsoft 365 administravimo centras: vartotojas, Paštas, Tvarkyti el. pašto programėles, Autentifikuotas SMTP; arba Set-CASMailbox {account} -SmtpClientAuthenticationDisabled $false.',
    ],
    security_defaults: [
      'Organizacijos numatytieji saugos parametrai blokuoja šį prisijungimą.',
      'Paprašykite administratoriaus rasti jį Microsoft Entra prisijungimų žurnale ir numatytuosius saugos parametrus pakeisti Conditional Access strategijomis, kurios leidžia šią paskyrą.',
    ],
    policy_blocks: [
      'Organizacijos strategija blokuoja šį prisijungimą.',
      'Paprašykite administratoriaus rasti jį Microsoft Entra prisijungimų žurnale ir leisti šią paskyrą Conditional Access arba autentifikavimo strategijoje.',
    ],
    receiving_switched_off: [
      '{protocol} šiai pašto dėžutei išjungtas arba raktas priklauso kitai paskyrai.',
      'Microsoft 365: vartotojas, Paštas, Tvarkyti el. pašto programėles. Outlook.com ir Gmail: POP ir IMAP nustatymai. Kitaip prijunkite pašto dėžutę iš naujo jos pačios paskyra.',
    ],
    sender_refused: [
      'Prisijungusi paskyra negali siųsti kaip {sender}.',
      'Prisijunkite šios pašto dėžutės paskyra arba paprašykite administratoriaus suteikti paskyrai leidimą Send As.',
    ],
    account_unavailable: [
      'Pašto dėžutė pilna arba užblokuota kaip blogas siuntėjas.',
      'Atlaisvinkite joje vietos, taip pat tarp išsiųstų laiškų; arba paprašykite administratoriaus ją atblokuoti, kaip sako atsakymas.',
    ],
    recipient_refused: ['Serveris atmeta gavėją {recipient}.', 'Patikrinkite adresą ir bandykite su kitu.'],
    limit_reached: [
      'Pašto dėžutė išnaudojo teikėjo siuntimo limitą.',
      'Palaukite: limitas skaičiuojamas už paskutines 24 valandas.',
    ],
    too_large: [
      'Serveris sako, kad bandomasis laiškas per didelis, nors jame tik kelios eilutės.',
      'Atsakymas sako daugiau. Serverio administratorius patikrina jo ribas.',
    ],
    message_refused: [
      'Serveris atmeta laišką.',
      'Atsakymas sako kodėl; priežastis gali būti organizacijos pašto srauto taisyklė arba filtras.',
    ],
    outcome_unknown: [
      'Serveris turi visą laišką ir nepasakė, ar jį pasilieka.',
      'Pažiūrėkite, ar jis pasiekė {recipient}.',
    ],
    mailbox_refused: [
      'Serveris priima prieigos raktą, bet pašto dėžutės neatveria.',
      'Patikrinkite, ar pašto dėžutė yra ir turi licenciją ir ar prisijungusi paskyra gali ją atverti.',
    ],
    later: ['Serveris prašo sugrįžti vėliau.', 'Po kelių minučių bandykite dar kartą.'],
    dropped: [
      'Serveris nutraukė ryšį.',
      'Bandykite dar kartą. Jei taip nutinka kaskart, ieškokite užkardos arba tarpinio serverio, kuris jį nutraukia.',
    ],
    silent: [
      'Serveris neatsako.',
      'Po kelių minučių bandykite dar kartą. Jei niekas nepasikeičia, ieškokite užkardos arba tarpinio serverio, kuris sulaiko atsakymą.',
    ],
    out_of_time: [
      'Bandymas truko per ilgai ir čia baigėsi.',
      'Ankstesni žingsniai rodo, kas tiek užtruko. Po kelių minučių bandykite dar kartą.',
    ],
  },
  tokenUpdateFailed: [
    'Rakto atnaujinti nepavyko.',
    'Ištrinkite raktą ir gaukite jį iš naujo: atjunkite pašto dėžutę ir vėl prijunkite.',
  ],
  noRecipient: 'Laiškas neišsiųstas, nes nenurodytas gavėjas.',
  tooSoon: ['Pašto dėžutės dar negalima bandyti iš naujo.', 'Bandykite dar kartą po tiek sekundžių: {seconds}.'],
  goesByApi: 'Šios pašto dėžutės paštas dabar eina per teikėjo API. Šis bandymas skirtas SMTP.',
  message: {
    subject: 'Prieigos raktų brokerio bandomasis laiškas',
    body: 'Šis laiškas išsiųstas pašto dėžutei {account} išbandyti. Jei jį skaitote, siuntimas veikia. Atsakyti nereikia.',
  },
};
