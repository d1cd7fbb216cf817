import type { ConnectionTestTexts } from './index.ts';

export const pl: ConnectionTestTexts = {
  steps: {
    grant: 'Logowanie skrzynki',
    token: 'Token dostępu',
    name: 'Nazwa serwera',
    tcp: 'Połączenie',
    tls: 'Szyfrowanie (TLS)',
    greeting: 'Powitanie',
    auth: 'Logowanie do serwera',
    envelope: 'Nadawca i odbiorca',
    message: 'Wiadomość',
    mailbox: 'Skrzynka pocztowa',
  },
  seen: {
    grant: 'Zalogowano jako {signed_in} od {since}.',
    token: 'Dostawca wydał nowy token dostępu; ważny przez tyle minut: {minutes}.',
    token_at_hand:
      'Dostawca nie wydał teraz nowego tokenu dostępu. Dotychczasowy jest jeszcze ważny; pozostało minut: {minutes}.',
    name: '{host} ma adresy {addresses}.',
    name_is_address: '{host} jest już adresem.',
    tcp: '{address} odpowiada na porcie {port} po {milliseconds} ms.',
    tls: '{version} z {cipher}. Certyfikat dla {certificate}, wydany przez {issuer}, ważny do {expires}.',
    greeting: 'Serwer mówi: {said}',
    greeting_with_size: 'Serwer przyjmuje wiadomości do {megabytes} MB i mówi: {said}',
    auth: 'Serwer przyjmuje token dostępu dla {account}.',
    envelope: 'Serwer przyjmuje pocztę od {sender} do {recipient}.',
    message: 'Serwer przyjął wiadomość do {recipient} i mówi: {said}',
    mailbox: 'Serwer otwiera skrzynkę. Liczba wiadomości: {messages}.',
  },
  verdicts: {
    name_unknown: [
      'Nazwa {host} jest nieznana.',
      'Operator brokera sprawdza nazwę serwera poczty w konfiguracji oraz serwer DNS komputera.',
    ],
    name_lookup_failed: [
      'Nie udało się odszukać adresu {host}.',
      'Operator brokera sprawdza jego sieć i serwer DNS. Potem powtórz test.',
    ],
    tcp_refused: [
      '{host} odrzuca połączenia na porcie {port}.',
      'Operator brokera sprawdza nazwę i port serwera poczty w konfiguracji.',
    ],
    tcp_silent: [
      '{host} nie odpowiada na porcie {port}.',
      'Być może po drodze jest zapora: zezwól na połączenia brokera z tym portem. Port 25 jest zamknięty w wielu sieciach; użyj 587, 465, 993 lub 995.',
    ],
    tcp_unreachable: [
      'Nie ma drogi przez sieć do {host}, port {port}.',
      'Operator brokera sprawdza jego sieć: trasy, zaporę oraz IPv6, jeśli serwer nie ma innego adresu.',
    ],
    tls_not_spoken: [
      'Serwer nie zaczyna od TLS na porcie {port}.',
      'Operator brokera ustawia security na starttls dla tego portu albo wybiera port, który zaczyna od TLS: 465, 993 lub 995.',
    ],
    tls_from_first_byte: [
      'Serwer zaczyna od TLS na porcie {port}, a broker czeka na powitanie.',
      'Operator brokera ustawia security na tls dla tego portu albo wybiera port dla STARTTLS: 587 do wysyłania.',
    ],
    starttls_missing: [
      'Serwer nie oferuje STARTTLS na porcie {port}, a bez szyfrowania żaden token nie jest wysyłany.',
      'Operator brokera sprawdza nazwę i port. Zapora, która bada pocztę, może usuwać STARTTLS: wyłącz w niej badanie ruchu brokera.',
    ],
    starttls_refused: [
      'Serwer oferuje STARTTLS, a potem odmawia.',
      'Powtórz test za kilka minut. Jeśli to się nie zmieni, administrator serwera musi zająć się jego certyfikatem.',
    ],
    tls_too_old: [
      'Serwer zna tylko zbyt stare wersje TLS.',
      'Broker wymaga TLS 1.2 lub nowszego. Musi na to zezwolić administrator serwera albo urządzenia, które po drodze kończy TLS.',
    ],
    tls_failed: [
      'Nie udało się nawiązać szyfrowania.',
      'Odpowiedź podaje przyczynę. Administrator serwera sprawdza jego ustawienia TLS.',
    ],
    certificate_untrusted: [
      'Certyfikat dla {certificate} wydał {issuer}, który nie jest zaufany.',
      'Jeśli serwer jest Twój, operator brokera podaje jego urząd w ca_file lub NODE_EXTRA_CA_CERTS. Jeśli nie, coś po drodze otwiera szyfrowanie: wyłącz tam badanie ruchu brokera.',
    ],
    certificate_not_valid_now: [
      'Certyfikat dla {certificate} nie jest teraz ważny; kończy się {expires}.',
      'Administrator serwera musi go odnowić. Jeśli data jest w przyszłości, sprawdź zegar brokera.',
    ],
    certificate_other_name: [
      'Certyfikat jest dla {certificate}, a nie dla {host}.',
      'Operator brokera podaje nazwę serwera, która jest w certyfikacie.',
    ],
    other_protocol: [
      'To, co odpowiada na porcie {port}, nie mówi {protocol}.',
      'Operator brokera sprawdza nazwę i port serwera poczty w konfiguracji.',
    ],
    server_refuses: [
      'Serwer nie przyjmuje stąd połączeń.',
      'Odpowiedź mówi dlaczego. Administrator serwera musi zezwolić na adres brokera.',
    ],
    sign_in_not_offered: [
      'Serwer nie oferuje logowania tokenem dostępu (XOAUTH2), tylko: {offered}.',
      'Operator brokera sprawdza, czy nazwa i port są dostawcy. Serwera, który zna tylko hasła, nie można używać.',
    ],
    sign_in_not_understood: [
      'Serwer nie rozumie logowania tokenem dostępu.',
      'Operator brokera sprawdza, czy nazwa i port są dostawcy.',
    ],
    sign_in_refused: [
      'Serwer odrzuca token dostępu dla {account}.',
      'Sprawdź, czy {protocol} jest dozwolony dla tej skrzynki i czy zalogowane konto może jej używać. Potem zaloguj skrzynkę ponownie.',
    ],
    smtp_switched_off: [
      'Uwierzytelniony SMTP jest wyłączony dla tej skrzynki lub jej organizacji.',
      'Poproś administratora o włączenie. Centrum administracyjne Microsoft 365: użytkownik, Poczta, Zarządzaj aplikacjami poczty e-mail, Uwierzytelniony SMTP; albo Set-CASMailbox {account} -SmtpClientAuthenticationDisabled $false.',
    ],
    security_defaults: [
      'Domyślne zabezpieczenia organizacji blokują to logowanie.',
      'Poproś administratora, aby znalazł je w dzienniku logowania Microsoft Entra i zastąpił domyślne zabezpieczenia zasadami Conditional Access, które dopuszczają to konto.',
    ],
    policy_blocks: [
      'Zasady organizacji blokują to logowanie.',
      'Poproś administratora, aby znalazł je w dzienniku logowania Microsoft Entra i dopuścił to konto w zasadach Conditional Access lub uwierzytelniania.',
    ],
    receiving_switched_off: [
      '{protocol} jest wyłączony dla tej skrzynki albo token należy do innego konta.',
      'Microsoft 365: użytkownik, Poczta, Zarządzaj aplikacjami poczty e-mail. Outlook.com i Gmail: ustawienia POP i IMAP. W przeciwnym razie zaloguj skrzynkę ponownie jej własnym kontem.',
    ],
    sender_refused: [
      'Zalogowane konto nie może wysyłać jako {sender}.',
      'Zaloguj się kontem tej skrzynki albo poproś administratora o nadanie kontu uprawnienia Send As.',
    ],
    account_unavailable: [
      'Skrzynka jest pełna albo zablokowana jako zły nadawca.',
      'Zrób w niej miejsce, także w elementach wysłanych; albo poproś administratora o odblokowanie, jak mówi odpowiedź.',
    ],
    recipient_refused: ['Serwer odrzuca odbiorcę {recipient}.', 'Sprawdź adres i powtórz test z innym.'],
    limit_reached: ['Skrzynka wyczerpała limit wysyłania u dostawcy.', 'Poczekaj: limit obejmuje ostatnie 24 godziny.'],
    too_large: [
      'Serwer mówi, że wiadomość testowa jest za duża, choć ma tylko kilka wierszy.',
      'Odpowiedź mówi więcej. Administrator serwera sprawdza jego limity.',
    ],
    message_refused: [
      'Serwer odrzuca wiadomość.',
      'Odpowiedź mówi dlaczego; przyczyną może być reguła przepływu poczty lub filtr organizacji.',
    ],
    outcome_unknown: [
      'Serwer ma całą wiadomość i nie powiedział, czy ją zachowa.',
      'Sprawdź, czy dotarła do {recipient}.',
    ],
    mailbox_refused: [
      'Serwer przyjmuje token dostępu, ale nie otwiera skrzynki.',
      'Sprawdź, czy skrzynka istnieje i ma licencję oraz czy zalogowane konto może ją otworzyć.',
    ],
    later: ['Serwer prosi, aby wrócić później.', 'Powtórz test za kilka minut.'],
    dropped: [
      'Serwer przerwał połączenie.',
      'Powtórz test. Jeśli dzieje się tak za każdym razem, poszukaj zapory lub serwera proxy, który je przerywa.',
    ],
    silent: [
      'Serwer nie odpowiada.',
      'Powtórz test za kilka minut. Jeśli to się nie zmieni, poszukaj zapory lub serwera proxy, który zatrzymuje odpowiedź.',
    ],
    out_of_time: [
      'Test trwał za długo i zakończył się tutaj.',
      'Poprzednie kroki pokazują, co zajęło tyle czasu. Powtórz test za kilka minut.',
    ],
  },
  tokenUpdateFailed: [
    'Aktualizacja tokenu nie powiodła się.',
    'Usuń token i uzyskaj go ponownie: wyloguj skrzynkę, a potem zaloguj.',
  ],
  noRecipient: 'Nie wysłano wiadomości, ponieważ nie podano odbiorcy.',
  tooSoon: ['Skrzynki nie można jeszcze ponownie przetestować.', 'Powtórz test za tyle sekund: {seconds}.'],
  goesByApi: 'Poczta tej skrzynki idzie teraz przez API dostawcy. Ten test dotyczy SMTP.',
  message: {
    subject: 'Wiadomość testowa brokera tokenów',
    body: 'Tę wiadomość wysłano, aby przetestować skrzynkę {account}. Jeśli możesz ją przeczytać, wysyłanie działa. Nikt nie musi na nią odpowiadać.',
  },
};
