import type { ErrorTexts } from './index.ts';

/** What happened, then what to do. */
export const pl: ErrorTexts = {
  invalid_request: ['Żądanie ma nieprawidłowy format.', 'Popraw je zgodnie ze szczegółami i wyślij ponownie.'],
  unsupported_grant_type: [
    'Ten rodzaj żądania tokenu nie jest obsługiwany.',
    'Użyj client_credentials, kodu urządzenia albo refresh_token.',
  ],
  unsupported_media_type: ['Ten adres nie przyjmuje danych tego typu.', 'Wyślij dane typu podanego w szczegółach.'],
  payload_too_large: ['Żądanie jest zbyt duże.', 'Nie przekraczaj limitu podanego w szczegółach.'],
  headers_too_large: ['Nagłówki żądania są zbyt duże.', 'Wyślij mniej niż 16 KB nagłówków.'],
  not_found: ['Pod tym adresem niczego nie znaleziono.', 'Sprawdź adres i zawarty w nim identyfikator.'],
  method_not_allowed: ['Ten adres nie przyjmuje tej metody.', 'Użyj metody podanej w nagłówku Allow.'],
  conflict: ['Żądanie jest sprzeczne z zapisanymi już danymi.', 'Odczytaj bieżący stan, a następnie spróbuj ponownie.'],

  invalid_client: [
    'Urządzenie jest nieznane lub wyłączone albo jego hasło jest nieprawidłowe.',
    'Sprawdź client id i client secret w urządzeniu. Administrator może utworzyć nowe hasło w konsoli.',
  ],
  invalid_enrolment_token: [
    'Token rejestracji urządzenia jest nieprawidłowy, wykorzystany lub wygasł.',
    'Poproś administratora o nowy token rejestracji.',
  ],
  invalid_registration_token: [
    'Nieprawidłowy registration_access_token.',
    'Użyj tokenu otrzymanego podczas rejestracji tego urządzenia lub zarejestruj je ponownie.',
  ],
  invalid_client_metadata: ['Opis urządzenia jest nieprawidłowy.', 'Popraw pole podane w szczegółach.'],
  invalid_admin_key: [
    'Brak klucza administratora lub klucz jest nieprawidłowy.',
    'Wyślij klucz administratora w nagłówku Authorization: Bearer.',
  ],
  too_many_attempts: [
    'Zbyt wiele nieudanych prób.',
    'Odczekaj kilka minut, sprawdź hasło, a następnie spróbuj ponownie.',
  ],

  pairing_pending: [
    'Nikt jeszcze nie zalogował się za pomocą kodu.',
    'Otwórz adres pokazany na urządzeniu, wpisz kod i zaloguj się.',
  ],
  pairing_polled_too_fast: ['Urządzenie pyta zbyt często.', 'Musi odczekać o pięć sekund dłużej między pytaniami.'],
  pairing_denied: ['Logowanie na urządzeniu zostało anulowane.', 'Jeśli to pomyłka, zacznij na urządzeniu od nowa.'],
  pairing_expired: ['Kod wygasł.', 'Zacznij logowanie na urządzeniu od nowa i użyj nowego kodu w ciągu kwadransa.'],
  pairing_unknown: [
    'Ten kod urządzenia nie istnieje albo został już użyty.',
    'Zacznij logowanie na urządzeniu od nowa.',
  ],
  user_code_unknown: [
    'Nie ma takiego kodu albo wygasł.',
    'Porównaj go z kodem na urządzeniu i wpisz jeszcze raz albo zacznij na urządzeniu od nowa.',
  ],
  refresh_token_unknown: [
    'Ten token odświeżania jest nieważny: wygasł, został unieważniony albo użyto go dwukrotnie.',
    'Zaloguj się na urządzeniu ponownie.',
  ],
  unsupported_token_type: [
    'Broker nie może unieważnić tokenu dostępu: wydał go dostawca i wygaśnie on sam.',
    'Unieważnij token odświeżania albo podaj funkcję (slot), z której urządzenie rezygnuje.',
  ],

  slot_not_bound: [
    'Do tej funkcji urządzenia nie przypisano skrzynki pocztowej.',
    'Przypisz skrzynkę pocztową do urządzenia w konsoli.',
  ],
  not_signed_in: [
    'Nikt jeszcze nie zalogował się do tej skrzynki pocztowej.',
    'Zaloguj się do skrzynki pocztowej w konsoli.',
  ],
  waiting_for_sign_in: [
    'Logowanie do tej skrzynki pocztowej nie zostało jeszcze ukończone.',
    'Dokończ logowanie w przeglądarce.',
  ],
  signed_out: ['Ta skrzynka pocztowa została wylogowana.', 'Zaloguj się ponownie do skrzynki pocztowej.'],
  sign_in_lapsed: ['Logowanie do tej skrzynki pocztowej wygasło.', 'Zaloguj się ponownie do skrzynki pocztowej.'],
  consent_withdrawn: [
    'Zgoda na korzystanie z tej skrzynki pocztowej została wycofana.',
    'Zaloguj się ponownie do skrzynki pocztowej i zaakceptuj wymagane uprawnienia.',
  ],
  consent_needed: [
    'Organizacja nie zatwierdziła tej aplikacji.',
    'Poproś administratora organizacji o udzielenie zgody, a następnie zaloguj się ponownie do skrzynki pocztowej.',
  ],
  more_proof_needed: [
    'Dostawca poczty wymaga dodatkowego potwierdzenia tożsamości dla tej skrzynki pocztowej.',
    'Zaloguj się ponownie do skrzynki pocztowej i wykonaj dodatkową weryfikację.',
  ],
  conditional_access: [
    'Zasady dostępu warunkowego (Conditional Access) organizacji blokują to logowanie.',
    'Poproś administratora o wyszukanie identyfikatora korelacji w dzienniku logowań i dopuszczenie tego konta, a następnie zaloguj się ponownie.',
  ],
  account_unavailable: [
    'Konto jest zablokowane lub wyłączone albo jego hasło wygasło.',
    'Przywróć konto u dostawcy poczty, a następnie zaloguj się ponownie do skrzynki pocztowej.',
  ],
  scope_not_offered: [
    'Ten rodzaj tokenu nie jest dostępny dla tej skrzynki pocztowej.',
    'Zażądaj jednego z zakresów (scope) smtp, imap, pop i api.',
  ],
  scope_not_granted: [
    'Podczas logowania do tej skrzynki pocztowej nie przyznano tego rodzaju dostępu.',
    'Zaloguj się ponownie do skrzynki pocztowej i zezwól na wszystkie wymagane uprawnienia.',
  ],

  provider_unavailable: [
    'Dostawca poczty obecnie nie odpowiada.',
    'Nie trzeba niczego naprawiać. Spróbuj ponownie za kilka minut.',
  ],
  app_registration_refused: [
    'Dostawca poczty odrzuca samego brokera.',
    'Operator brokera musi sprawdzić rejestrację aplikacji: client id, client secret i datę ważności.',
  ],
  stored_sign_in_missing: [
    'Nie znaleziono zapisanego logowania tej skrzynki pocztowej.',
    'Operator brokera przywraca magazyn z kopii zapasowej albo skrzynka loguje się ponownie.',
  ],
  stored_sign_in_unreadable: [
    'Zapisanego logowania tej skrzynki pocztowej nie można odczytać: brakuje jego klucza albo zostało zmienione.',
    'Operator brokera przywraca zestaw kluczy z kopii zapasowej albo skrzynka loguje się ponownie.',
  ],
  vault_unavailable: [
    'Magazyn logowań brokera jest w tej chwili niedostępny.',
    'Poczekaj: broker sam spróbuje ponownie.',
  ],

  sign_in_not_found: ['Ten link do logowania jest nieznany.', 'Poproś o nowy link.'],
  sign_in_expired: ['Logowanie trwało zbyt długo i wygasło.', 'Rozpocznij logowanie od nowa.'],
  sign_in_already_used: [
    'To logowanie zostało już wykorzystane.',
    'Jeśli skrzynka pocztowa nadal nie jest zalogowana, rozpocznij logowanie od nowa.',
  ],
  sign_in_other_browser: [
    'To logowanie otwarto ponownie w innej przeglądarce lub w innym oknie.',
    'Otwórz ponownie link do logowania i dokończ w tej samej przeglądarce. Pliki cookie muszą być dozwolone.',
  ],
  sign_in_cancelled: [
    'Logowanie zostało anulowane. Niczego nie zmieniono.',
    'W dogodnej chwili rozpocznij logowanie od nowa.',
  ],
  sign_in_refused: [
    'Dostawca poczty odrzucił logowanie.',
    'Zapoznaj się ze szczegółami, a następnie rozpocznij logowanie od nowa.',
  ],
  sign_in_wrong_account: [
    'Zalogowano się na inne konto niż konto tej skrzynki pocztowej.',
    'Zacznij od nowa i zaloguj się na konto tej skrzynki pocztowej.',
  ],
  sign_in_scope_missing: [
    'Nie udzielono zgody na korzystanie z poczty.',
    'Zacznij od nowa i pozostaw zaznaczone wszystkie pola na stronie zgody.',
  ],
  sign_in_no_refresh_token: [
    'Dostawca poczty nie udzielił trwałego uprawnienia.',
    'Operator brokera musi zezwolić na offline_access w rejestracji aplikacji. Następnie zacznij od nowa.',
  ],

  not_a_message: ['Przesłane dane nie są wiadomością e-mail.', 'Wyślij wiadomość zgodną z RFC 5322.'],
  invalid_recipient: ['Adres odbiorcy jest nieprawidłowy.', 'Popraw adres podany w szczegółach.'],
  sender_not_allowed: [
    'To urządzenie nie może wysyłać jako nadawca podany w wiadomości.',
    'Ustaw w urządzeniu adres nadawcy zgodny z adresem skrzynki pocztowej lub poproś administratora o zmianę ustawienia adresu nadawcy tego urządzenia.',
  ],
  message_too_large: ['Wiadomość jest zbyt duża.', 'Skanuj w niższej rozdzielczości lub w kilku częściach.'],
  upload_unknown: [
    'Nie ma takiego przesłania pliku albo wygasło.',
    'Poproś o nowe przesłanie i wyślij wiadomość ponownie.',
  ],
  upload_incomplete: [
    'Przesłane dane różnią się od zapowiedzianych.',
    'Prześlij całą wiadomość ponownie; rozmiar i suma kontrolna muszą być takie, jak zapowiedziano.',
  ],
  mail_server_unavailable: [
    'Serwer poczty obecnie nie odpowiada.',
    'Nie trzeba niczego naprawiać. Próba wysłania wiadomości zostanie ponowiona.',
  ],
  mail_server_misconfigured: [
    'Serwera poczty nie można użyć tak, jak jest skonfigurowany w brokerze.',
    'Operator brokera sprawdza host, port, security i ca_file serwera poczty. Broker nadal próbuje.',
  ],
  mail_server_refused_sign_in: [
    'Serwer poczty odrzucił logowanie. SMTP może być wyłączone dla tej skrzynki pocztowej.',
    'Poproś administratora o zezwolenie na SMTP (Microsoft 365: uwierzytelniane SMTP w aplikacjach pocztowych użytkownika), a następnie zaloguj się ponownie.',
  ],
  smtp_switched_off: [
    'Wysyłanie przez SMTP jest wyłączone dla tej skrzynki lub organizacji.',
    'Poproś administratora o włączenie uwierzytelnionego SMTP dla skrzynki (centrum administracyjne Microsoft 365: użytkownik, Poczta, Zarządzaj aplikacjami poczty e-mail) albo zaloguj skrzynkę ponownie, aby poczta szła przez API dostawcy.',
  ],
  sending_limit_reached: [
    'Skrzynka wyczerpała limit wysyłania u dostawcy poczty.',
    'Nie trzeba nic naprawiać. Broker wznowi wysyłanie, gdy limit na to pozwoli.',
  ],
  mail_server_refused_message: [
    'Serwer poczty odrzucił wiadomość.',
    'Zapoznaj się z odpowiedzią serwera i popraw wiadomość.',
  ],
  outcome_unknown: [
    'Serwer poczty dwukrotnie przyjął całą wiadomość i nie potwierdził jej.',
    'Zapytaj odbiorcę, czy dotarła; jeśli nie, wyślij ją ponownie z konsoli.',
  ],
  held_too_long: [
    'Wiadomość zbyt długo czekała na swoją skrzynkę i została porzucona.',
    'Zaloguj skrzynkę ponownie, a potem wyślij wiadomość jeszcze raz.',
  ],

  broker_unreachable: [
    'Brama nie może połączyć się z brokerem.',
    'Sprawdź sieć; przyjęta poczta zostanie wysłana automatycznie.',
  ],
  gateway_full: [
    'Brama nie ma miejsca na więcej poczty.',
    'Operator bramy zwalnia miejsce na jej dysku albo podnosi jej limit.',
  ],
  too_much_mail: ['Urządzenie wysyła zbyt wiele naraz.', 'Odczekaj minutę i wyślij ponownie.'],

  store_unavailable: [
    'Broker nie ma obecnie dostępu do własnych danych.',
    'Nie trzeba niczego naprawiać. Spróbuj ponownie za minutę.',
  ],
  internal: [
    'Wystąpił błąd brokera.',
    'Spróbuj ponownie. Jeśli błąd się powtórzy, podaj operatorowi brokera identyfikator żądania.',
  ],
};
