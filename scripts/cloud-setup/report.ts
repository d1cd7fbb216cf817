import type { RegistrationReport, Verdict } from './registrations.ts';

const secretLine = (verdict: Verdict, name: string): string => {
  switch (verdict.is) {
    case 'right':
      return `  ok       ${name}: the provider accepts it`;
    case 'refused':
      return `  REFUSED  ${name}: ${verdict.why} (${verdict.code})`;
    case 'unknown':
      return `  not checked  ${name}: ${verdict.why.replace(/\.$/, '')}; the first sign-in will show it`;
  }
};

const redirectLine = ({ redirect, redirectUri }: RegistrationReport): string => {
  switch (redirect.is) {
    case 'registered':
      return `  ok       redirect URI: ${redirectUri}`;
    case 'missing':
      return `  MISSING  redirect URI: enter ${redirectUri} in the app registration`;
    case 'unknown':
      return `  not checked  redirect URI: ${redirect.why}; ${redirectUri} must be entered there`;
  }
};

/** What was found out of one registration, without any of its secrets. */
export const reportLines = (report: RegistrationReport): readonly string[] => {
  const { key, secrets } = report;
  const nameOf = (position: number): string =>
    secrets.length === 1 ? 'client id and secret' : `client id and secret ${position + 1}`;
  return [
    `${key}:`,
    ...secrets.map((verdict, position) => secretLine(verdict, nameOf(position))),
    redirectLine(report),
  ];
};
