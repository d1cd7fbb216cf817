import type { Language } from '../../shared/protocol/texts/index.ts';

/** What the console says of gateways, in every language. */
const en = {
  gateway: 'Gateway',
  gateways: 'Gateways',
  /** That of a broker on one machine, which is in the broker itself. */
  ofBroker: 'Gateway of this broker',
  lastSeen: 'Last heard of',
  way: 'Mail goes',
  ways: { direct: 'straight to the provider', relay: 'through the relay' },
  version: 'Version',
  queued: 'Waiting',
  oldest: 'Oldest',
  silent: 'Silent',
  silentTitle: 'Gateways that are silent',
  silentWhat: (count: string) => `It has not been heard of, and ${count} of its messages may wait there.`,
  silentRemedy: 'See that the gateway runs and reaches the broker. Its mail waits there and is not lost.',
};

export type GatewayTexts = typeof en;

const GATEWAY_TEXTS: Readonly<Record<Language, GatewayTexts>> = {
  en,
  fr: {
    gateway: 'Passerelle',
    gateways: 'Passerelles',
    ofBroker: 'Passerelle de ce broker',
    lastSeen: 'Dernières nouvelles',
    way: 'Le courrier part',
    ways: { direct: 'directement chez le fournisseur', relay: 'par le relais' },
    version: 'Version',
    queued: 'En attente',
    oldest: 'Le plus ancien',
    silent: 'Muette',
    silentTitle: 'Passerelles muettes',
    silentWhat: (count) => `Elle ne donne plus de nouvelles ; messages qui y attendent peut-être : ${count}.`,
    silentRemedy:
      'Vérifiez que la passerelle fonctionne et atteint le broker. Son courrier y attend et n’est pas perdu.',
  },
  pl: {
    gateway: 'Brama',
    gateways: 'Bramy',
    ofBroker: 'Brama tego brokera',
    lastSeen: 'Ostatni kontakt',
    way: 'Poczta idzie',
    ways: { direct: 'prosto do dostawcy', relay: 'przez przekaźnik' },
    version: 'Wersja',
    queued: 'Oczekuje',
    oldest: 'Najstarsza',
    silent: 'Milczy',
    silentTitle: 'Bramy, które milczą',
    silentWhat: (count) => `Nie daje znaku życia; liczba wiadomości, które mogą tam czekać: ${count}.`,
    silentRemedy: 'Sprawdź, czy brama działa i łączy się z brokerem. Jej poczta tam czeka i nie przepadła.',
  },
  lt: {
    gateway: 'Šliuzas',
    gateways: 'Šliuzai',
    ofBroker: 'Šio brokerio šliuzas',
    lastSeen: 'Paskutinė žinia',
    way: 'Paštas siunčiamas',
    ways: { direct: 'tiesiai teikėjui', relay: 'per retransliatorių' },
    version: 'Versija',
    queued: 'Laukia',
    oldest: 'Seniausias',
    silent: 'Tyli',
    silentTitle: 'Šliuzai, kurie tyli',
    silentWhat: (count) => `Apie jį nėra žinių; laiškų, kurie gali ten laukti: ${count}.`,
    silentRemedy: 'Patikrinkite, ar šliuzas veikia ir pasiekia brokerį. Jo paštas ten laukia ir nėra prarastas.',
  },
  da: {
    gateway: 'Gateway',
    gateways: 'Gateways',
    ofBroker: 'Denne brokers gateway',
    lastSeen: 'Sidst hørt fra',
    way: 'Mail går',
    ways: { direct: 'direkte til udbyderen', relay: 'gennem relæet' },
    version: 'Version',
    queued: 'Venter',
    oldest: 'Ældste',
    silent: 'Tavs',
    silentTitle: 'Gateways, der er tavse',
    silentWhat: (count) => `Der er ikke hørt fra den; meddelelser, der måske venter dér: ${count}.`,
    silentRemedy: 'Se efter, at gatewayen kører og kan nå brokeren. Dens mail venter dér og er ikke tabt.',
  },
};

export const gatewayTextsIn = (language: Language): GatewayTexts => GATEWAY_TEXTS[language];
