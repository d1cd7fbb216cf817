import packageJson from '../../package.json' with { type: 'json' };

/** The broker's own version, as `GET /health` tells it. */
export const VERSION: string = packageJson.version;
