import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { ClientProgram } from '../../../scripts/clients.ts';
import type { Ended, Home } from '../clients/home.ts';

/** What somebody sets up at a device's panel, and one job. */
export interface Job {
  readonly port: number;
  readonly security: 'plain' | 'starttls' | 'tls';
  /** File of the root certificate that was installed; undefined: none, and certificates are checked all the same. */
  readonly trust?: string | undefined;
  /** Undefined: the device has no place for a user name and a password. */
  readonly signIn?:
    | { readonly user: string; readonly password: string; readonly mechanism: 'PLAIN' | 'LOGIN' }
    | undefined;
  /** The device's own address. */
  readonly address?: string;
  readonly from: string;
  readonly to: readonly string[];
  /** Files below the home folder, each a message; more than one on one connection. */
  readonly files: readonly string[];
}

/** A program that sends mail as devices do, written by somebody else. */
export interface DeviceProgram {
  readonly needs: readonly ClientProgram[];
  /** Whether it can send several messages on one connection. */
  readonly several: boolean;
  /** What it says of a server whose certificate it does not trust. */
  readonly untrusted: RegExp;
  /** What it says by itself of a refused sign-in, recipient and message, besides the reply. */
  readonly refused: { readonly signIn: RegExp; readonly recipient: RegExp; readonly message: RegExp };
  run(home: Home, job: Job): Promise<Ended>;
}

const HOST = '127.0.0.1';

/** Makes one argument of it for the shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const command = (...words: readonly (string | readonly string[])[]): string => words.flat().map(quoted).join(' ');

const swaks: DeviceProgram = {
  needs: ['swaks'],
  several: false,
  untrusted: /TLS startup failed.*certificate verify failed/,
  refused: {
    signIn: /^\*\*\* No authentication type succeeded/m,
    recipient: /^<~\* 501 /m,
    message: /^<~\* 550 /m,
  },
  run: (home, { port, security, trust, signIn, address, from, to, files }) => {
    const encryption = { plain: [], starttls: ['--tls'], tls: ['--tls-on-connect'] }[security];
    return home.run(
      command(
        ['swaks', '--server', HOST, '--port', String(port), ...encryption],
        security === 'plain' ? [] : ['--tls-verify'],
        trust === undefined ? [] : ['--tls-ca-path', trust],
        signIn ? ['--auth', signIn.mechanism, '--auth-user', signIn.user, '--auth-password', signIn.password] : [],
        address === undefined ? [] : ['--local-interface', address],
        ['--from', from, '--to', to.join(','), '--data', `@${files[0]}`, '--suppress-data'],
      ),
    );
  },
};

const msmtp: DeviceProgram = {
  needs: ['msmtp'],
  several: false,
  untrusted: /TLS certificate verification failed/,
  refused: {
    signIn: /authentication failed/,
    recipient: /recipient address .* not accepted by the server/,
    message: /the server did not accept the mail/,
  },
  async run(home, { port, security, trust, signIn, address, from, to, files }) {
    const settings = {
      host: HOST,
      port,
      from,
      tls: security === 'plain' ? 'off' : 'on',
      tls_starttls: security === 'starttls' ? 'on' : 'off',
      tls_trust_file: trust ?? 'system',
      auth: signIn ? signIn.mechanism.toLowerCase() : 'off',
      // Whether Bcc goes from the header is the gateway's matter here.
      remove_bcc_headers: 'off',
      ...(signIn && { user: signIn.user, password: signIn.password }),
      ...(address === undefined ? {} : { source_ip: address }),
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
    const file = `msmtprc-${files[0]}`;
    await home.write({ [file]: ['account default\n', ...lines].join('') });
    return home.run(`${command(['msmtp', '-C', file, ...to])} < ${quoted(files[0] ?? '')}`);
  },
};

const curl: DeviceProgram = {
  needs: ['curl'],
  several: true,
  untrusted: /^curl: \(60\) SSL certificate problem/m,
  refused: {
    signIn: /^curl: \(67\) /m,
    recipient: /^curl: \(55\) RCPT failed: 501/m,
    message: /^curl: \((8|55|56)\) /m,
  },
  run: (home, { port, security, trust, signIn, address, from, to, files }) => {
    const url = `${security === 'tls' ? 'smtps' : 'smtp'}://${HOST}:${port}`;
    const each = (file: string): readonly string[] => [
      ...['--url', url, '--upload-file', file, '--mail-from', from, ...to.flatMap((one) => ['--mail-rcpt', one])],
      ...(security === 'starttls' ? ['--ssl-reqd'] : []),
      ...(trust === undefined ? [] : ['--cacert', trust]),
      ...(signIn ? ['--user', `${signIn.user}:${signIn.password}`, '--login-options', `AUTH=${signIn.mechanism}`] : []),
      ...(address === undefined ? [] : ['--interface', address]),
    ];
    const all = files.flatMap((file, index) => [...(index === 0 ? [] : ['--next']), ...each(file)]);
    return home.run(command(['curl', '--verbose', '--silent', '--show-error', ...all]));
  },
};

/** Its argument is a job. `login` would choose the mechanism by itself. */
const SCRIPT = `
import json, smtplib, ssl, sys
job = json.loads(sys.argv[1])
trust = ssl.create_default_context(cafile=job.get('trust'))
options = {'source_address': (job['address'], 0) if 'address' in job else None}
if job['security'] == 'tls':
    server = smtplib.SMTP_SSL('${HOST}', job['port'], context=trust, **options)
else:
    server = smtplib.SMTP('${HOST}', job['port'], **options)
with server:
    server.ehlo()
    if job['security'] == 'starttls':
        server.starttls(context=trust)
        server.ehlo()
    if 'signIn' in job:
        server.user, server.password = job['signIn']['user'], job['signIn']['password']
        mechanism = job['signIn']['mechanism']
        server.auth(mechanism, getattr(server, 'auth_' + mechanism.lower()))
    utf8 = ['SMTPUTF8', 'BODY=8BITMIME'] if not ''.join(job['to']).isascii() else []
    for name in job['files']:
        with open(name, 'rb') as file:
            server.sendmail(job['from'], job['to'], file.read(), mail_options=utf8)
`;

const smtplib: DeviceProgram = {
  needs: ['python3'],
  several: true,
  untrusted: /SSLCertVerificationError/,
  refused: { signIn: /SMTPAuthenticationError/, recipient: /SMTPRecipientsRefused/, message: /SMTPDataError/ },
  run: (home, job) => home.run(command(['python3', '-c', SCRIPT, JSON.stringify(job)])),
};

const nodemailer: DeviceProgram = {
  needs: [],
  several: true,
  untrusted: /unable to get local issuer certificate|unable to verify the first certificate/,
  refused: {
    signIn: /^Invalid login: /m,
    recipient: /^Can't send mail - all recipients were rejected: /m,
    message: /^Message failed: /m,
  },
  async run(home, { port, security, trust, signIn, address, from, to, files }) {
    const transport = createTransport({
      ...{ host: HOST, port, pool: true, maxConnections: 1 },
      ...{ secure: security === 'tls', requireTLS: security === 'starttls', ignoreTLS: security === 'plain' },
      ...(trust === undefined ? {} : { tls: { ca: await readFile(trust) } }),
      ...(signIn && { auth: { user: signIn.user, pass: signIn.password }, authMethod: signIn.mechanism }),
      ...(address === undefined ? {} : { localAddress: address }),
    });
    try {
      const sent = await Promise.all(
        files.map(async (file) =>
          transport.sendMail({ envelope: { from, to: [...to] }, raw: await readFile(join(home.path, file)) }),
        ),
      );
      return { code: 0, stdout: sent.map(({ response }) => response).join('\n'), stderr: '' };
    } catch (error) {
      return { code: 1, stdout: '', stderr: error instanceof Error ? error.message : String(error) };
    } finally {
      transport.close();
    }
  },
};

export const DEVICE_PROGRAMS: Readonly<Record<string, DeviceProgram>> = { swaks, msmtp, curl, smtplib, nodemailer };
