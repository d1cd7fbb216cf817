import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type StandInProviderConfig, startStandIns } from '../../local/stand-ins/start.ts';

/** The stand-ins of both providers, for a broker in the cloud at `brokerUrl`; what they keep is in `folder`. */
export const startBothProviders = async (folder: string, brokerUrl: string) => {
  const standIns = await startStandIns({
    providers: ['microsoft', 'google'],
    host: '127.0.0.1',
    httpPort: 0,
    smtpPort: 0,
    folder,
    redirectUris: {
      microsoft: [`${brokerUrl}/oauth/callback/microsoft`],
      google: [`${brokerUrl}/oauth/callback/google`],
    },
  });
  const { microsoft, google } = standIns.providers;
  if (microsoft === undefined || google === undefined) throw new Error('a stand-in is missing');
  const authorityFile = join(folder, 'authority.pem');
  await writeFile(authorityFile, microsoft.ca);
  return {
    ...standIns,
    /** Of who signed the certificates of their mail servers. */
    authorityFile,
    /** As functions have them in their environment. */
    mailServers: JSON.stringify({ microsoft: serversOf(microsoft), google: serversOf(google) }),
    /** As the secret of the app registrations holds it. */
    document: JSON.stringify({
      providers: { microsoft: withoutAuthority(microsoft), google: withoutAuthority(google) },
    }),
  };
};

const serversOf = ({ smtp, pop, imap }: StandInProviderConfig) => ({ smtp, pop, imap });

const withoutAuthority = ({ ca: _authority, ...config }: StandInProviderConfig) => config;
