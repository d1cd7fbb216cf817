export interface MailSystemPlace {
  readonly folder: string;
  readonly port: number;
  readonly authPort: number;
  readonly tokenInfoPort: number;
  readonly recipients: readonly string[];
  /** Of main.cf, in place of those here or besides. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** No mail protocol: Dovecot is there for SASL alone (doc.dovecot.org, "Postfix and Dovecot SASL"). */
export const dovecotFiles = ({ folder, authPort, tokenInfoPort }: MailSystemPlace) => ({
  'dovecot.conf': `
base_dir = ${folder}/dovecot/
state_dir = ${folder}/dovecot/
log_path = ${folder}/dovecot.log
protocols =
ssl = no
auth_mechanisms = xoauth2
passdb {
  driver = oauth2
  mechanisms = xoauth2
  args = ${folder}/oauth2.conf
}
service auth {
  inet_listener {
    address = 127.0.0.1
    port = ${authPort}
  }
}
`,
  'oauth2.conf': `
tokeninfo_url = http://127.0.0.1:${tokenInfoPort}/tokeninfo?access_token=
username_attribute = email
`,
});

/** Submission (RFC 6409) with everything else switched off; no look-up leaves the machine. */
export const postfixFiles = ({ folder, port, authPort, recipients, settings }: MailSystemPlace) => {
  const domains = new Set(recipients.map((address) => address.slice(address.indexOf('@') + 1)));
  const main = {
    compatibility_level: '3.6',
    queue_directory: `${folder}/queue`,
    data_directory: `${folder}/data`,
    maillog_file: `${folder}/postfix.log`,
    maillog_file_prefixes: folder,
    myhostname: 'mail.contoso.example',
    mydestination: '',
    mynetworks: '',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    disable_dns_lookups: 'yes',
    smtpd_peername_lookup: 'no',
    default_transport: 'error:nothing leaves this machine',
    alias_maps: '',
    local_recipient_maps: '',
    virtual_mailbox_domains: [...domains].join(', '),
    virtual_mailbox_maps: `texthash:${folder}/recipients`,
    virtual_mailbox_base: `${folder}/mail`,
    virtual_uid_maps: 'static:65534',
    virtual_gid_maps: 'static:65534',
    virtual_mailbox_limit: '0',
    message_size_limit: '60000000',
    smtpd_tls_security_level: 'encrypt',
    smtpd_tls_chain_files: `${folder}/server.pem`,
    smtpd_sasl_auth_enable: 'yes',
    smtpd_sasl_type: 'dovecot',
    smtpd_sasl_path: `inet:127.0.0.1:${authPort}`,
    smtpd_client_restrictions: 'permit_sasl_authenticated, reject',
    smtpd_relay_restrictions: 'permit_sasl_authenticated, reject',
    smtpd_recipient_restrictions: 'reject_unlisted_recipient, permit_sasl_authenticated, reject',
    ...settings,
  };
  return {
    // Each setting once: Postfix warns of a second in each of its processes, and a log that is full before its writer runs
    // stops them all.
    'postfix/main.cf': Object.entries(main)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(''),
    // The services that taking and delivering need (postfix.org, master(5)); none in a chroot.
    'postfix/master.cf': `
127.0.0.1:${port} inet n - n - - smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
virtual   unix  -       n       n       -       -       virtual
proxymap  unix  -       -       n       -       -       proxymap
anvil     unix  -       -       n       -       1       anvil
postlog   unix-dgram n  -       n       -       1       postlogd
`,
    recipients: recipients.map((address) => `${address} ${address}/\n`).join(''),
  };
};
