import type { NoticeTexts } from './index.ts';

const days = (count: number): string => `${count} ${count === 1 ? 'dzień' : 'dni'}`;

export const pl: NoticeTexts = {
  product: 'MFP Token Broker',
  headlines: {
    'grant.invalid': (name) => `Logowanie skrzynki ${name} wygasło. Jej urządzenia nie mogą już wysyłać.`,
    'grant.expiring': (name, count) =>
      `Logowanie skrzynki ${name} wygaśnie za ${days(count)}, jeśli nie zostanie wcześniej użyte.`,
    'submission.failed': (name) => `Nie udało się wysłać wiadomości ze skrzynki ${name}.`,
    'mailbox.held': (name) =>
      `Poczta skrzynki ${name} jest wstrzymana: nic nie zostanie wysłane, dopóki ktoś nie zareaguje.`,
    'client_secret.expiring': (name, count) =>
      count > 0 ? `Client secret (${name}) wygaśnie za ${days(count)}.` : `Client secret (${name}) wygasło.`,
  },
  partlySent: (name) => `Wiadomość ze skrzynki ${name} nie dotarła do wszystkich odbiorców. Pozostali ją otrzymali.`,
  resolved: {
    'grant.invalid': (name) => `Skrzynka ${name} jest znowu zalogowana.`,
    'grant.expiring': (name) => `Logowanie skrzynki ${name} jest znowu używane i nie wygaśnie.`,
    'submission.failed': (name) => `Wiadomość ze skrzynki ${name} nie wymaga już uwagi.`,
    'mailbox.held': (name) => `Poczta skrzynki ${name} jest znowu wysyłana.`,
    'client_secret.expiring': (name) => `Client secret (${name}) zostało wymienione.`,
  },
  remedies: {
    'grant.expiring': 'Wybierz „Odśwież teraz” przy skrzynce w konsoli; jeśli to nie pomoże, zaloguj ją ponownie.',
    'client_secret.expiring': 'Utwórz u dostawcy nowe client secret i wpisz je obok obecnego w dokumencie dostawców.',
  },
  secretOf: (provider, position) => `rejestracja aplikacji u dostawcy ${provider}, nr ${position}`,
  subjects: {
    many: (count) => `Sprawy wymagające uwagi: ${count}`,
    reminder: (headline) => `Przypomnienie: ${headline}`,
    resolved: (headline) => `Rozwiązane: ${headline}`,
    test: 'Powiadomienie testowe',
  },
  mail: {
    organization: 'Organizacja',
    reminder: (count) => `Trwa już ${days(count)}.`,
    whatToDo: 'Co zrobić',
    since: 'Od',
    detail: 'Szczegół',
    code: 'Kod',
    correlationId: 'Identyfikator korelacji',
    panelCode: 'Kod na panelu',
    submission: 'Przesyłka',
    device: 'Urządzenie',
    messageId: 'Message-ID',
    recipients: 'Nie dostarczono do',
    signIn: 'Aby ponownie zalogować skrzynkę, otwórz ten link albo wyślij go jej właścicielowi:',
    more: (count) => `I jeszcze ${count}.`,
    console: 'Wszystko w konsoli:',
    why: 'Tę wiadomość wysłał MFP Token Broker, ponieważ ten adres jest tam wpisany do powiadomień.',
    test: 'To jest test. Powiadomienia pocztą docierają tutaj. Nie trzeba nic robić.',
  },
};
