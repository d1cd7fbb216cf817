import type { ErrorTexts } from './index.ts';

/** What happened, then what to do. */
export const lt: ErrorTexts = {
  invalid_request: ['Užklausa sudaryta netinkamai.', 'Pataisykite ją pagal išsamią informaciją ir siųskite dar kartą.'],
  unsupported_grant_type: [
    'Tokia prieigos rakto užklausa nepalaikoma.',
    'Naudokite client_credentials, įrenginio kodą arba refresh_token.',
  ],
  unsupported_media_type: [
    'Šiuo adresu tokio tipo turinys nepriimamas.',
    'Siųskite išsamioje informacijoje nurodyto tipo turinį.',
  ],
  payload_too_large: ['Užklausa per didelė.', 'Neviršykite išsamioje informacijoje nurodytos ribos.'],
  headers_too_large: ['Užklausos antraštės per didelės.', 'Siųskite mažiau nei 16 KB antraščių.'],
  not_found: ['Šiuo adresu nieko nerasta.', 'Patikrinkite adresą ir jame esantį identifikatorių.'],
  method_not_allowed: ['Šiuo adresu toks metodas nepriimamas.', 'Naudokite antraštėje Allow nurodytą metodą.'],
  conflict: ['Užklausa prieštarauja jau įrašytiems duomenims.', 'Peržiūrėkite esamą būseną, tada bandykite dar kartą.'],

  invalid_client: [
    'Įrenginys nežinomas arba išjungtas, arba jo slaptažodis neteisingas.',
    'Patikrinkite įrenginio client id ir client secret. Naują slaptažodį administratorius gali sukurti konsolėje.',
  ],
  invalid_enrolment_token: [
    'Įrenginio registravimo raktas neteisingas, jau panaudotas arba nebegalioja.',
    'Paprašykite administratoriaus naujo registravimo rakto.',
  ],
  invalid_registration_token: [
    'Neteisingas registration_access_token.',
    'Naudokite tą, kurį įrenginys gavo registruojantis, arba užregistruokite įrenginį iš naujo.',
  ],
  invalid_client_metadata: ['Įrenginio aprašas netinkamas.', 'Pataisykite išsamioje informacijoje nurodytą lauką.'],
  invalid_admin_key: [
    'Administratoriaus rakto nėra arba jis neteisingas.',
    'Siųskite administratoriaus raktą antraštėje Authorization: Bearer.',
  ],
  too_many_attempts: [
    'Per daug nesėkmingų bandymų.',
    'Palaukite kelias minutes, patikrinkite slaptažodį ir bandykite dar kartą.',
  ],

  pairing_pending: [
    'Su šiuo kodu dar niekas neprisijungė.',
    'Atverkite įrenginyje rodomą adresą, įveskite kodą ir prisijunkite.',
  ],
  pairing_polled_too_fast: [
    'Įrenginys klausia per dažnai.',
    'Tarp užklausų jis turi laukti penkiomis sekundėmis ilgiau.',
  ],
  pairing_denied: ['Prisijungimas įrenginyje atšauktas.', 'Jei tai netyčia, pradėkite įrenginyje iš naujo.'],
  pairing_expired: [
    'Kodas nebegalioja.',
    'Įrenginyje pradėkite prisijungimą iš naujo ir naują kodą panaudokite per ketvirtį valandos.',
  ],
  pairing_unknown: [
    'Tokio įrenginio kodo nėra arba jis jau panaudotas.',
    'Įrenginyje pradėkite prisijungimą iš naujo.',
  ],
  user_code_unknown: [
    'Tokio kodo nėra arba jis nebegalioja.',
    'Palyginkite jį su įrenginyje rodomu kodu ir įveskite dar kartą arba pradėkite įrenginyje iš naujo.',
  ],
  refresh_token_unknown: [
    'Šis atnaujinimo raktas negalioja: jo terminas baigėsi, jis atšauktas arba panaudotas du kartus.',
    'Įrenginyje prisijunkite iš naujo.',
  ],
  unsupported_token_type: [
    'Brokeris negali atšaukti prieigos rakto: jį išdavė teikėjas, ir jo galiojimas baigsis savaime.',
    'Atšaukite atnaujinimo raktą arba nurodykite funkciją (slot), kurios atsisakoma.',
  ],

  slot_not_bound: [
    'Šiai įrenginio funkcijai nepriskirta pašto dėžutė.',
    'Konsolėje priskirkite įrenginiui pašto dėžutę.',
  ],
  not_signed_in: ['Prie šios pašto dėžutės dar niekas neprisijungė.', 'Prisijunkite prie pašto dėžutės konsolėje.'],
  waiting_for_sign_in: ['Prisijungimas prie šios pašto dėžutės dar nebaigtas.', 'Užbaikite prisijungimą naršyklėje.'],
  signed_out: ['Nuo šios pašto dėžutės atsijungta.', 'Prisijunkite prie pašto dėžutės iš naujo.'],
  sign_in_lapsed: ['Prisijungimas prie šios pašto dėžutės nebegalioja.', 'Prisijunkite prie pašto dėžutės iš naujo.'],
  consent_withdrawn: [
    'Leidimas naudoti šią pašto dėžutę atšauktas.',
    'Prisijunkite prie pašto dėžutės iš naujo ir suteikite prašomus leidimus.',
  ],
  consent_needed: [
    'Organizacija nepatvirtino šios programos.',
    'Paprašykite organizacijos administratoriaus duoti sutikimą, tada prisijunkite prie pašto dėžutės iš naujo.',
  ],
  more_proof_needed: [
    'Pašto paslaugos teikėjas reikalauja papildomai patvirtinti šios pašto dėžutės tapatybę.',
    'Prisijunkite prie pašto dėžutės iš naujo ir atlikite papildomą patvirtinimą.',
  ],
  conditional_access: [
    'Organizacijos sąlyginės prieigos (Conditional Access) strategija blokuoja šį prisijungimą.',
    'Paprašykite administratoriaus prisijungimų žurnale rasti koreliacijos ID ir leisti šią paskyrą, tada prisijunkite iš naujo.',
  ],
  account_unavailable: [
    'Paskyra užrakinta arba išjungta, arba baigėsi jos slaptažodžio galiojimas.',
    'Atkurkite paskyrą pas pašto paslaugos teikėją, tada prisijunkite prie pašto dėžutės iš naujo.',
  ],
  scope_not_offered: [
    'Tokio prieigos rakto ši pašto dėžutė neteikia.',
    'Prašykite vienos iš aprėpčių (scope) smtp, imap, pop ir api.',
  ],
  scope_not_granted: [
    'Prisijungiant prie šios pašto dėžutės tokia prieiga nesuteikta.',
    'Prisijunkite prie pašto dėžutės iš naujo ir suteikite visus prašomus leidimus.',
  ],

  provider_unavailable: [
    'Pašto paslaugos teikėjas šiuo metu neatsako.',
    'Taisyti nieko nereikia. Bandykite dar kartą po kelių minučių.',
  ],
  app_registration_refused: [
    'Pašto paslaugos teikėjas atmeta patį brokerį.',
    'Brokerio operatorius turi patikrinti programos registraciją: client id, client secret ir galiojimo datą.',
  ],
  stored_sign_in_missing: [
    'Šios pašto dėžutės išsaugotas prisijungimas nerastas.',
    'Brokerio operatorius atkuria saugyklą iš atsarginės kopijos arba prie pašto dėžutės prisijungiama iš naujo.',
  ],
  stored_sign_in_unreadable: [
    'Šios pašto dėžutės išsaugoto prisijungimo nepavyksta perskaityti: nėra jo rakto arba jis pakeistas.',
    'Brokerio operatorius atkuria raktų rinkinį iš atsarginės kopijos arba prie pašto dėžutės prisijungiama iš naujo.',
  ],
  vault_unavailable: [
    'Brokerio prisijungimų saugykla šiuo metu nepasiekiama.',
    'Palaukite: brokeris pats bandys dar kartą.',
  ],

  sign_in_not_found: ['Ši prisijungimo nuoroda nežinoma.', 'Paprašykite naujos nuorodos.'],
  sign_in_expired: ['Prisijungimas užtruko per ilgai ir nebegalioja.', 'Pradėkite prisijungimą iš naujo.'],
  sign_in_already_used: [
    'Šis prisijungimas jau panaudotas.',
    'Jei prie pašto dėžutės vis dar neprisijungta, pradėkite prisijungimą iš naujo.',
  ],
  sign_in_other_browser: [
    'Šis prisijungimas iš naujo atvertas kitoje naršyklėje arba kitame lange.',
    'Dar kartą atverkite prisijungimo nuorodą ir užbaikite toje pačioje naršyklėje. Slapukai turi būti leidžiami.',
  ],
  sign_in_cancelled: [
    'Prisijungimas atšauktas. Niekas nepakeista.',
    'Kai būsite pasirengę, pradėkite prisijungimą iš naujo.',
  ],
  sign_in_refused: [
    'Pašto paslaugos teikėjas atmetė prisijungimą.',
    'Perskaitykite išsamią informaciją, tada pradėkite prisijungimą iš naujo.',
  ],
  sign_in_wrong_account: [
    'Prisijungta ne su šios pašto dėžutės paskyra.',
    'Pradėkite iš naujo ir prisijunkite su šios pašto dėžutės paskyra.',
  ],
  sign_in_scope_missing: [
    'Leidimas naudoti paštą nesuteiktas.',
    'Pradėkite iš naujo ir sutikimo puslapyje palikite pažymėtus visus langelius.',
  ],
  sign_in_no_refresh_token: [
    'Pašto paslaugos teikėjas nesuteikė nuolatinio leidimo.',
    'Brokerio operatorius programos registracijoje turi leisti offline_access. Tada pradėkite iš naujo.',
  ],

  not_a_message: ['Tai, kas išsiųsta, nėra el. laiškas.', 'Siųskite laišką, atitinkantį RFC 5322.'],
  invalid_recipient: ['Gavėjo adresas netinkamas.', 'Pataisykite išsamioje informacijoje nurodytą adresą.'],
  sender_not_allowed: [
    'Šis įrenginys negali siųsti laiške nurodyto siuntėjo vardu.',
    'Įrenginyje nustatykite pašto dėžutės adresą kaip siuntėjo adresą arba paprašykite administratoriaus pakeisti šio įrenginio siuntėjo adreso nuostatą.',
  ],
  message_too_large: ['Laiškas per didelis.', 'Nuskaitykite mažesne raiška arba keliomis dalimis.'],
  upload_unknown: [
    'Tokio įkėlimo nėra arba jo galiojimas baigėsi.',
    'Paprašykite naujo įkėlimo ir siųskite laišką iš naujo.',
  ],
  upload_incomplete: [
    'Įkelta ne tai, kas buvo pranešta.',
    'Įkelkite visą laišką iš naujo; dydis ir kontrolinė suma turi sutapti su praneštais.',
  ],
  mail_server_unavailable: [
    'Pašto serveris šiuo metu neatsako.',
    'Taisyti nieko nereikia. Laišką bus bandoma išsiųsti dar kartą.',
  ],
  mail_server_misconfigured: [
    'Pašto serveriu taip, kaip jis nustatytas brokeryje, naudotis negalima.',
    'Brokerio operatorius patikrina pašto serverio host, port, security ir ca_file. Brokeris bando toliau.',
  ],
  mail_server_refused_sign_in: [
    'Pašto serveris atmetė prisijungimą. Šiai pašto dėžutei gali būti išjungtas SMTP.',
    'Paprašykite administratoriaus leisti SMTP („Microsoft 365“: autentifikuotas SMTP vartotojo pašto programose), tada prisijunkite iš naujo.',
  ],
  smtp_switched_off: [
    'Šiai pašto dėžutei arba organizacijai siuntimas per SMTP išjungtas.',
    'Paprašykite administratoriaus įjungti autentifikuotą SMTP šiai dėžutei („Microsoft 365“ administravimo centras: vartotojas, Paštas, Tvarkyti el. pašto programas) arba prisijunkite prie dėžutės iš naujo, kad laiškai eitų per teikėjo API.',
  ],
  sending_limit_reached: [
    'Pašto dėžutė išnaudojo savo siuntimo limitą pas pašto teikėją.',
    'Taisyti nieko nereikia. Brokeris siųs toliau, kai limitas leis.',
  ],
  mail_server_refused_message: [
    'Pašto serveris atmetė laišką.',
    'Perskaitykite serverio atsakymą ir pataisykite laišką.',
  ],
  outcome_unknown: [
    'Pašto serveris du kartus priėmė visą laišką ir nepasakė, ar jį išsaugojo.',
    'Paklauskite gavėjo, ar laiškas atėjo; jei ne, išsiųskite jį iš naujo konsolėje.',
  ],
  held_too_long: [
    'Laiškas per ilgai laukė savo pašto dėžutės ir jo atsisakyta.',
    'Prisijunkite prie pašto dėžutės iš naujo, tada išsiųskite laišką dar kartą.',
  ],

  broker_unreachable: [
    'Tinklų sietuvas nepasiekia brokerio.',
    'Patikrinkite tinklą; priimtas paštas bus išsiųstas savaime.',
  ],
  gateway_full: [
    'Tinklų sietuve nebėra vietos paštui.',
    'Sietuvo prižiūrėtojas atlaisvina vietos jo diske arba padidina ribą.',
  ],
  too_much_mail: ['Įrenginys vienu metu siunčia per daug.', 'Palaukite minutę ir siųskite dar kartą.'],

  store_unavailable: [
    'Brokeris šiuo metu negali pasiekti savo duomenų.',
    'Taisyti nieko nereikia. Bandykite dar kartą po minutės.',
  ],
  internal: [
    'Brokeryje įvyko klaida.',
    'Bandykite dar kartą. Jei klaida kartojasi, praneškite brokerio operatoriui užklausos ID.',
  ],
};
